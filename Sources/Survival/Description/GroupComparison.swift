/// Tests and standardised differences between groups, from sums over them.
///
/// Groups without anybody are left out; what cannot be made of the rest is not available.
package enum GroupComparison {
    // MARK: - Means

    /// Welch's t-test of two groups, one-way analysis of variance of more; R's `t.test` and `oneway.test(var.equal = TRUE)`.
    package static func means(_ groups: [GroupMoments]) -> DescriptionResult.Comparison {
        let present = groups.filter { $0.count > 0 }
        return groups.count == 2 ? welch(present) : variance(present)
    }

    private static func welch(_ groups: [GroupMoments]) -> DescriptionResult.Comparison {
        guard groups.count == 2 else { return unavailable(.welch, degrees: 1) }
        let errors = groups.map { $0.variance / $0.count }
        let error = errors[0] + errors[1]
        let t = (groups[0].mean - groups[1].mean) / error.squareRoot()
        let degrees =
            error * error / zip(errors, groups).reduce(0) { $0 + $1.0 * $1.0 / ($1.1.count - 1) }
        return comparison(.welch, t, degrees: [degrees], StudentT.twoSidedP(t, df: degrees))
    }

    private static func variance(_ groups: [GroupMoments]) -> DescriptionResult.Comparison {
        let all = GroupMoments.pooled(groups)
        let within = groups.reduce(0) { $0 + $1.squares }
        let between = groups.reduce(0) {
            $0 + $1.count * ($1.mean - all.mean) * ($1.mean - all.mean)
        }
        let degrees = [Double(groups.count - 1), all.count - Double(groups.count)]
        guard groups.count > 1, degrees[1] > 0 else { return unavailable(.anova, degrees: 2) }
        let f = between / degrees[0] / (within / degrees[1])
        return comparison(
            .anova, f, degrees: degrees, FDistribution.upperTail(f, df1: degrees[0], df2: degrees[1]))
    }

    /// |difference of means| over the root of the mean variance.
    ///
    /// The mean over all pairs; nil without two groups.
    package static func difference(ofMeans groups: [GroupMoments]) -> Double? {
        averageOverPairs(groups.filter { $0.count > 0 }) { first, second in
            abs(first.mean - second.mean) / ((first.variance + second.variance) / 2).squareRoot()
        }
    }

    // MARK: - Ranks

    /// Wilcoxon's rank-sum test of two groups, Kruskal and Wallis's of more, from counts by value.
    ///
    /// `counts` has for each group its people at each value, values ascending. Ties are corrected for: R's
    /// `wilcox.test(exact = FALSE, correct = FALSE)` and `kruskal.test`.
    package static func ranks(_ counts: [[Double]]) -> DescriptionResult.Comparison {
        let test: DescriptionResult.Test = counts.count == 2 ? .wilcoxon : .kruskalWallis
        let groups = counts.filter { $0.reduce(0, +) > 0 }
        guard groups.count > 1, test == .kruskalWallis || groups.count == 2 else {
            return unavailable(test, degrees: test == .wilcoxon ? 0 : 1)
        }
        let sizes = groups.map { $0.reduce(0, +) }
        let n = sizes.reduce(0, +)
        // Sums of ranks less their mean (n + 1)/2, so that nothing cancels later.
        var excess = [Double](repeating: 0, count: groups.count)
        var (below, ties) = (0.0, 0.0)
        for value in groups[0].indices {
            let tied = groups.reduce(0) { $0 + $1[value] }
            let rank = below + (tied + 1) / 2 - (n + 1) / 2
            for group in groups.indices { excess[group] += groups[group][value] * rank }
            ties += tied * tied * tied - tied
            below += tied
        }
        let variance = n * (n + 1) / 12 * (1 - ties / (n * n * n - n))
        if test == .wilcoxon {
            let z = excess[0] / (variance * sizes[0] * sizes[1] / n).squareRoot()
            let w = excess[0] + sizes[0] * sizes[1] / 2
            return comparison(.wilcoxon, w, degrees: [], Normal.twoSidedP(z))
        }
        let h = zip(excess, sizes).reduce(0) { $0 + $1.0 * $1.0 / $1.1 } / variance
        return chiSquared(.kruskalWallis, h, df: groups.count - 1)
    }

    // MARK: - Shares

    /// Pearson's chi-squared test of people by level (rows) and group (columns); R's `chisq.test(correct = FALSE)`.
    ///
    /// Levels and groups without anybody do not count.
    package static func shares(_ counts: [[Double]]) -> DescriptionResult.Comparison {
        let table = withoutEmpty(counts)
        let columns = table.first?.count ?? 0
        guard table.count > 1, columns > 1 else { return unavailable(.chiSquared, degrees: 1) }
        let rows = table.map { $0.reduce(0, +) }
        let sums = (0..<columns).map { column in table.reduce(0) { $0 + $1[column] } }
        let n = rows.reduce(0, +)
        var statistic = 0.0
        for row in table.indices {
            for column in sums.indices {
                let expected = rows[row] * sums[column] / n
                let distance = table[row][column] - expected
                statistic += distance * distance / expected
            }
        }
        return chiSquared(.chiSquared, statistic, df: (table.count - 1) * (columns - 1))
    }

    /// Distance between the groups' shares of the levels, in the metric of their mean multinomial covariance.
    ///
    /// Yang and Dalton 2012; of two levels |p₁ − p₂|/√(mean of p(1 − p)). The mean over all pairs; nil without two groups.
    package static func difference(ofShares counts: [[Double]]) -> Double? {
        let table = withoutEmpty(counts)
        let groups = (0..<(table.first?.count ?? 0)).map { column in
            let sum = table.reduce(0) { $0 + $1[column] }
            return table.map { $0[column] / sum }
        }
        return averageOverPairs(groups, distance)
    }

    private static func distance(_ first: [Double], _ second: [Double]) -> Double {
        // The first level follows from the others.
        let order = first.count - 1
        let difference = zip(first, second).dropFirst().map { $0 - $1 }
        if difference.allSatisfy({ $0 == 0 }) { return 0 }
        var covariance = SymmetricMatrix(order: order)
        for row in 0..<order {
            for column in row..<order {
                let (own, other) = (first[row + 1], second[row + 1])
                let products: Double = own * first[column + 1] + other * second[column + 1]
                covariance[row, column] = ((row == column ? own + other : 0) - products) / 2
            }
        }
        let factored = RankRevealingCholesky(covariance)
        guard factored.rank == order else { return .nan }
        return dot(difference, factored.solve(difference)).squareRoot()
    }

    private static func withoutEmpty(_ counts: [[Double]]) -> [[Double]] {
        let table = counts.filter { $0.contains { $0 > 0 } }
        let columns = (table.first ?? []).indices.filter { column in table.contains { $0[column] > 0 } }
        return table.map { row in columns.map { row[$0] } }
    }

    // MARK: - Pieces

    private static func averageOverPairs<Group>(
        _ groups: [Group], _ distance: (Group, Group) -> Double
    ) -> Double? {
        let pairs = groups.indices.flatMap { first in
            groups.indices.filter { $0 > first }.map { distance(groups[first], groups[$0]) }
        }
        return pairs.isEmpty ? nil : pairs.reduce(0, +) / Double(pairs.count)
    }

    private static func chiSquared(
        _ test: DescriptionResult.Test, _ statistic: Double, df: Int
    ) -> DescriptionResult.Comparison {
        comparison(test, statistic, degrees: [Double(df)], ChiSquared.upperTail(statistic, df: df))
    }

    private static func comparison(
        _ test: DescriptionResult.Test, _ statistic: Double, degrees: [Double],
        _ tail: (p: Double, logP: Double)
    ) -> DescriptionResult.Comparison {
        DescriptionResult.Comparison(
            test: test, statistic: Reported(statistic), degreesOfFreedom: degrees.map { Reported($0) },
            p: Reported(tail.p), logP: Reported(tail.logP))
    }

    private static func unavailable(
        _ test: DescriptionResult.Test, degrees: Int
    ) -> DescriptionResult.Comparison {
        DescriptionResult.Comparison(
            test: test, statistic: .notAvailable,
            degreesOfFreedom: Array(repeating: .notAvailable, count: degrees), p: .notAvailable,
            logP: .notAvailable)
    }
}

extension DescriptionResult.Comparison {
    /// The same test with its numbers withheld.
    package func suppressed(by rule: String) -> Self {
        DescriptionResult.Comparison(
            test: test, statistic: .suppressed(rule: rule),
            degreesOfFreedom: degreesOfFreedom.map { _ in .suppressed(rule: rule) },
            p: .suppressed(rule: rule), logP: .suppressed(rule: rule))
    }
}
