/// Gray's test that the cumulative incidence of a cause is the same in all groups (Annals of Statistics 1988; 16: 1141-1154).
///
/// As R's `cmprsk::cuminc`, strata included: the groups' rows at risk are weighed by (1 − F₁(t−))/S(t−), S being the
/// group's probability of no event and F₁ its incidence of the cause, so that those who had another cause stay in the
/// comparison. Times are weighed by (1 − F(t−))^rho, F being the incidence over all groups of the stratum under the hypothesis. The
/// variance has cmprsk's correction for ties.
package enum GrayTest {
    /// `strata[s][g]` are the counts of group g in stratum s, on times that are common within a stratum.
    ///
    /// Groups without rows leave the test and its degrees of freedom. Not available with fewer than two groups, where those
    /// at risk never overlap, or where F exceeds 1 (few are left of one group only) and rho is no whole number.
    package static func test(strata: [[TransitionCounts]], cause: Int, rho: Double = 0) -> TestResult {
        let sizes = (strata.first ?? []).indices.map { group in
            strata.reduce(0) { $0 + ($1[group].atRisk.first ?? 0) }
        }
        let kept = sizes.indices.filter { sizes[$0] > 0 }
        let order = max(kept.count - 1, 0)
        var (score, variance, size) = (
            [Double](repeating: 0, count: order), SymmetricMatrix(order: order), 0.0
        )
        for stratum in strata where kept.count > 1 {
            let sums = Sums(kept.map { stratum[$0] }, cause: cause, rho: rho)
            for row in 0..<order {
                score[row] += sums.score[row]
                for column in row..<order { variance[row, column] += sums.variance(row, column) }
            }
            size += sums.size
        }
        let factored = RankRevealingCholesky(variance)
        // Of rounding alone is a variance where one group's rows are gone before the other's events.
        let isSpread = variance.diagonal.reduce(0, +) > 1e-12 * size
        guard order > 0, factored.rank == order, isSpread else {
            return TestResult(
                statistic: .notAvailable, degreesOfFreedom: Double(order), p: .notAvailable,
                logP: .notAvailable)
        }
        return TestResult(chiSquared: dot(score, factored.solve(score)), df: order)
    }

    /// One stratum's score of all groups but the last, and what its variance is made of.
    private struct Sums {
        private(set) var score: [Double]
        /// Events, each times the square of its time's weight.
        private(set) var size = 0.0
        private let groups: Int
        private let rho: Double
        /// At the present time: the event-free probability and the incidence of the cause just before and after it, by group.
        private var freeBefore: [Double]
        private var free: [Double]
        private var incidenceBefore: [Double]
        private var incidence: [Double]
        /// The incidence of the cause over all groups under the hypothesis.
        private var commonBefore = 0.0
        private var common = 0.0
        /// Σ of weights times the common hazard; rows of all groups.
        private var accumulated: [[Double]]
        /// The variance is Σ over groups k of ∫(a − c)(a − c)ᵀ, c being `accumulated` at the end less its value at the time: sums
        /// of the constant, the linear and the quadratic part.
        private var constant: [Double]
        private var linear: [[Double]]
        private var quadratic: [[Double]]

        init(_ counts: [TransitionCounts], cause: Int, rho: Double) {
            (groups, self.rho) = (counts.count, rho)
            let zeros = [Double](repeating: 0, count: groups)
            let square = [[Double]](repeating: zeros, count: groups)
            (score, constant, accumulated, linear, quadratic) = (zeros, zeros, square, square, square)
            (freeBefore, free) = (zeros.map { $0 + 1 }, zeros.map { $0 + 1 })
            (incidenceBefore, incidence) = (zeros, zeros)
            let atRisk = counts.map(\.atRisk)
            for index in (counts.first?.times ?? []).indices {
                let own = counts.map { $0.events[cause][index] }
                let all = counts.map { counts in counts.events.reduce(0) { $0 + $1[index] } }
                guard all.contains(where: { $0 > 0 }) else { continue }
                add(atRisk: atRisk.map { $0[index] }, own: own, others: zip(all, own).map { $0 - $1 })
                (freeBefore, incidenceBefore, commonBefore) = (free, incidence, common)
            }
        }

        /// Of two groups but the last.
        func variance(_ row: Int, _ column: Int) -> Double {
            (0..<groups).reduce(quadratic[row][column]) { sum, group in
                let (first, second) = (accumulated[row][group], accumulated[column][group])
                return sum + first * second * constant[group] + first * linear[column][group]
                    + second * linear[row][group]
            }
        }

        private mutating func add(atRisk: [Double], own: [Double], others: [Double]) {
            let present = atRisk.indices.filter { atRisk[$0] > 0 }
            for group in present {
                free[group] =
                    freeBefore[group] * (atRisk[group] - own[group] - others[group]) / atRisk[group]
                incidence[group] = incidenceBefore[group] + freeBefore[group] * own[group] / atRisk[group]
            }
            // Rows at risk as many as they would be without events.
            let sizes = atRisk.indices.map { atRisk[$0] > 0 ? atRisk[$0] / freeBefore[$0] : 0 }
            let weighted = zip(sizes, incidenceBefore).map { $0 * (1 - $1) }
            let (size, weight, events) = (sizes.reduce(0, +), weighted.reduce(0, +), own.reduce(0, +))
            common = commonBefore + events / size
            let factor = rho == 0 ? 1 : Elementary.power(1 - commonBefore, rho)
            self.size += factor * factor * events
            let weights = atRisk.indices.map { row in
                atRisk.indices.map { factor * sizes[row] * (($0 == row ? 1 : 0) - sizes[$0] / size) }
            }
            for row in atRisk.indices {
                score[row] += factor * (own[row] - events * weighted[row] / weight)
                for column in atRisk.indices {
                    accumulated[row][column] += weights[row][column] * events / (size * (1 - commonBefore))
                }
            }
            for group in present where events > 0 {
                addEvents(events, of: group, atRisk: atRisk[group], size: size, weights: weights)
            }
            for group in present where others[group] > 0 && free[group] > 0 {
                addOthers(others[group], of: group, atRisk: atRisk[group])
            }
        }

        /// The part of the cause's own events, which come to a group in its share of the common incidence.
        private mutating func addEvents(
            _ events: Double, of group: Int, atRisk: Double, size: Double, weights: [[Double]]
        ) {
            let share = free[group] > 0 ? 1 - (1 - common) / free[group] : 1
            let ties = events > 1 ? 1 - (events - 1) / (size * freeBefore[group] - 1) : 1
            add(share, ties * freeBefore[group] * events / (size * atRisk), to: group) {
                weights[$0][group] - share * $1
            }
        }

        /// The part of the other causes' events.
        private mutating func addOthers(_ events: Double, of group: Int, atRisk: Double) {
            let share = -(1 - common) / free[group]
            let ties = events > 1 ? 1 - (events - 1) / (atRisk - 1) : 1
            let spread = ties * freeBefore[group] * freeBefore[group] * events / (atRisk * atRisk)
            add(share, spread, to: group) { _, accumulated in -share * accumulated }
        }

        private mutating func add(
            _ share: Double, _ spread: Double, to group: Int,
            part: (_ row: Int, _ accumulated: Double) -> Double
        ) {
            let parts = (0..<groups).map { part($0, accumulated[$0][group]) }
            constant[group] += share * share * spread
            for row in 0..<groups {
                linear[row][group] += parts[row] * share * spread
                for column in 0..<groups { quadratic[row][column] += parts[row] * parts[column] * spread }
            }
        }
    }
}
