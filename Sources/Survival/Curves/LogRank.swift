/// The log-rank test and its weighted relatives for any number of groups, stratified if need be.
///
/// Fleming and Harrington's G-rho family: weight S(t−)^rho with S the Kaplan-Meier curve of the stratum; rho 0 is the log-rank
/// test, rho 1 Peto and Peto's. Variances are hypergeometric. As R's `survdiff`.
package enum LogRank {
    /// `strata[s][g]` are the counts of group g in stratum s, on times that are common within a stratum.
    package static func test(
        groups: [String], strata: [[ExitCounts]], rho: Double = 0, hasTrend: Bool = false
    ) -> SurvivalResult.LogRank {
        precondition(strata.allSatisfy { $0.count == groups.count }, "counts for each group in each stratum")
        var sums = LogRankSums(groupCount: groups.count)
        for stratum in strata { sums.add(stratum, rho: rho) }
        return sums.result(groups: groups, rho: rho, hasTrend: hasTrend)
    }
}

/// Observed and expected events by group, and the covariance of their differences: all that a log-rank test needs of a stratum.
///
/// Those of several strata add up, and so do those of several sites where no stratum has rows at two of them.
package struct LogRankSums: Hashable, Sendable {
    /// Sums of the weights of times.
    package private(set) var observed: [Double]
    package private(set) var expected: [Double]
    private var variance: SymmetricMatrix

    package init(groupCount: Int) {
        observed = Array(repeating: 0, count: groupCount)
        expected = observed
        variance = SymmetricMatrix(order: groupCount)
    }

    /// Those of rows that are all at one place, within the strata of `data`, at the times at which they leave.
    ///
    /// `group[row]` is the group of a row.
    package init(
        _ data: SurvivalData, group: [Int32], groupCount: Int, rho: Double
    ) throws(SurvivalDataError) {
        precondition(group.count == data.rowCount, "a group for each row")
        self.init(groupCount: groupCount)
        let strata = Dictionary(grouping: data.exit.indices) { data.stratum?[$0] ?? 0 }
        for (_, rows) in strata.sorted(by: { $0.key < $1.key }) {
            let times = Set(rows.map { data.exit[$0] }).sorted()
            let byGroup = Dictionary(grouping: rows) { Int(group[$0]) }
            var counts: [ExitCounts] = []
            for group in 0..<groupCount {
                counts.append(try ExitCounts(data, rows: byGroup[group] ?? [], times: times))
            }
            add(counts, rho: rho)
        }
    }

    /// Observed, expected, and the variance's upper triangle by rows: the vector that a site sends.
    package var vector: [Double] { observed + expected + variance.packedUpper }

    package static func vectorCount(groupCount: Int) -> Int {
        2 * groupCount + SymmetricMatrix.packedCount(order: groupCount)
    }

    /// From a sum of `vector`s.
    package init(vector: [Double], groupCount: Int) {
        precondition(vector.count == Self.vectorCount(groupCount: groupCount), "the numbers of each group")
        observed = Array(vector[..<groupCount])
        expected = Array(vector[groupCount..<2 * groupCount])
        variance = SymmetricMatrix(order: groupCount, packedUpper: Array(vector[(2 * groupCount)...]))
    }

    /// Whether the numbers can be those of so many events: a site may send any.
    package func fit(events: Int, rho: Double) -> Bool {
        let (all, sum) = (Double(events), observed.reduce(0, +))
        let slack = 1e-9 * (all + 1)
        return (observed + expected + variance.diagonal).allSatisfy { $0 >= 0 && $0.isFinite }
            && variance.packedUpper.allSatisfy(\.isFinite)
            && sum <= all + slack && abs(sum - expected.reduce(0, +)) <= slack
            && (rho != 0 || sum == all && observed.allSatisfy { $0 == $0.rounded() })
    }

    /// Adds a stratum: the counts of its groups, on times that are common to them.
    mutating func add(_ groups: [ExitCounts], rho: Double) {
        guard let times = groups.first?.times else { return }
        precondition(groups.allSatisfy { $0.times == times }, "groups of a stratum on the same times")
        let atRisk = groups.map(\.atRisk)
        var survival = 1.0
        for index in times.indices {
            let present = atRisk.map { $0[index] }
            let dead = groups.map { $0.events[index] }
            let (total, deaths) = (present.reduce(0, +), dead.reduce(0, +))
            if deaths == 0 { continue }
            add(dead: dead, present: present, weight: rho == 0 ? 1 : Elementary.power(survival, rho))
            survival *= max(0, total - deaths) / total
        }
    }

    /// One time: E = d·n_g/n, V = d(n − d)/(n − 1) · (δ n_g/n − n_g n_h/n²).
    private mutating func add(dead: [Double], present: [Double], weight: Double) {
        let (total, deaths) = (present.reduce(0, +), dead.reduce(0, +))
        let spread = total > 1 ? weight * weight * deaths * (total - deaths) / (total - 1) : 0
        for group in dead.indices {
            let share = present[group] / total
            observed[group] += weight * dead[group]
            expected[group] += weight * deaths * share
            for other in group..<dead.count {
                let both = group == other ? share : 0
                variance[group, other] += spread * (both - share * present[other] / total)
            }
        }
    }

    /// The test between the groups, in their order.
    ///
    /// A group with no expected event leaves the test and its degrees of freedom; with fewer than two groups left, or none ever at
    /// risk together, the statistic is not available. With `hasTrend` there
    /// is also a test against a trend over the groups in their order, scored 1, 2, 3, … (Tarone, Biometrika 1975).
    package func result(groups: [String], rho: Double, hasTrend: Bool) -> SurvivalResult.LogRank {
        SurvivalResult.LogRank(
            groups: groups, observed: observed.map { Reported($0) }, expected: expected.map { Reported($0) },
            test: test, rho: rho, trend: hasTrend ? trend : nil)
    }

    /// (Σ g(O − E))²/Σ gVg.
    private var trend: TestResult {
        let scores = expected.indices.map { Double($0 + 1) }
        let spread = variance.quadraticForm(scores)
        guard spread > 1e-12 * variance.diagonal.reduce(0, +) else { return unavailable }
        let difference = dot(scores, zip(observed, expected).map { $0 - $1 })
        return TestResult(chiSquared: difference * difference / spread, df: 1)
    }

    private var unavailable: TestResult {
        TestResult(statistic: .notAvailable, degreesOfFreedom: 0, p: .notAvailable, logP: .notAvailable)
    }

    /// (O − E)ᵀV⁻¹(O − E) over all groups but one.
    private var test: TestResult {
        let kept = expected.indices.filter { expected[$0] > 0 }.dropFirst()
        var reduced = SymmetricMatrix(order: kept.count)
        for (row, group) in kept.enumerated() {
            for (column, other) in kept.enumerated() where column >= row {
                reduced[row, column] = variance[group, other]
            }
        }
        let factored = RankRevealingCholesky(reduced)
        guard factored.rank > 0 else { return unavailable }
        let difference = kept.map { observed[$0] - expected[$0] }
        return TestResult(chiSquared: dot(difference, factored.solve(difference)), df: factored.rank)
    }
}
