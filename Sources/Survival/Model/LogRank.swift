/// The log-rank test and its weighted relatives for any number of groups, stratified if need be.
///
/// Fleming and Harrington's G-rho family: weight S(t−)^rho with S the Kaplan-Meier curve of the stratum; rho 0 is the log-rank
/// test, rho 1 Peto and Peto's. Variances are hypergeometric. As R's `survdiff`.
package enum LogRank {
    /// `strata[s][g]` are the counts of group g in stratum s, on times that are common within a stratum.
    ///
    /// A group with no expected event leaves the test and its degrees of freedom; with fewer than two groups left, or none ever at
    /// risk together, the statistic is not available. With `hasTrend` there
    /// is also a test against a trend over the groups in their order, scored 1, 2, 3, … (Tarone, Biometrika 1975).
    package static func test(
        groups: [String], strata: [[ExitCounts]], rho: Double = 0, hasTrend: Bool = false
    ) -> SurvivalResult.LogRank {
        precondition(strata.allSatisfy { $0.count == groups.count }, "counts for each group in each stratum")
        var sums = Sums(groupCount: groups.count)
        for stratum in strata { sums.add(stratum, rho: rho) }
        return SurvivalResult.LogRank(
            groups: groups, observed: sums.observed.map { Reported($0) },
            expected: sums.expected.map { Reported($0) }, test: sums.test, rho: rho,
            trend: hasTrend ? sums.trend : nil)
    }

    /// Observed and expected events by group, and the covariance of their differences.
    private struct Sums {
        var observed: [Double]
        var expected: [Double]
        var variance: SymmetricMatrix

        init(groupCount: Int) {
            observed = Array(repeating: 0, count: groupCount)
            expected = observed
            variance = SymmetricMatrix(order: groupCount)
        }

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

        /// (Σ g(O − E))²/Σ gVg.
        var trend: TestResult {
            let scores = expected.indices.map { Double($0 + 1) }
            let spread = variance.quadraticForm(scores)
            guard spread > 1e-12 * variance.diagonal.reduce(0, +) else { return unavailable }
            let difference = dot(scores, zip(observed, expected).map { $0 - $1 })
            return CoxInference.test(difference * difference / spread, df: 1)
        }

        private var unavailable: TestResult {
            TestResult(statistic: .notAvailable, degreesOfFreedom: 0, p: .notAvailable, logP: .notAvailable)
        }

        /// (O − E)ᵀV⁻¹(O − E) over all groups but one.
        var test: TestResult {
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
            return CoxInference.test(dot(difference, factored.solve(difference)), df: factored.rank)
        }
    }
}
