/// The common baseline's hazard increments, from the sums of S₀ over all sites.
///
/// `survivor[k]` is the increment at point k for those who stay, `leaver[k]` for those who leave (see `TiedDeaths`).
package struct HazardIncrements: Sendable, Hashable {
    package let survivor: [Double]
    package let leaver: [Double]
    /// Variances of the increments for those who stay, at known coefficients.
    let survivorVariance: [Double]
    /// Σ c Σ_l log s(k, l): what the log-likelihood subtracts.
    package let logTerm: Double

    /// At each point: S₀ with and without those who leave, deaths and their weight, where the mean covariates lie.
    private let sumsWith: [Double]
    /// 0 where the points are not tied.
    private let sumsWithout: [Double]
    /// Place of a point's sums without those who leave, among all risk sets; 0 where there are none.
    private let places: [Int]
    private let riskSetCount: Int
    private let deaths: [Double]
    private let deathWeights: [Double]
    private let meanShifts: [Double]
    private let shiftSquares: [Double]
    private let survivorShifts: [Double]
    private let leaverShifts: [Double]

    /// `riskSums` are the sum over sites of `CommonBaseline.riskSums`: K numbers, and one for each tied point.
    ///
    /// A point without deaths has no increment. Throws if someone dies where nobody is at risk, or a sum is not a number.
    package init(grid: EventGrid, riskSums: [Double], ties: Ties) throws(FitError) {
        let count = grid.pointCount
        riskSetCount = grid.riskSetCount(ties)
        guard riskSums.count == riskSetCount else {
            throw .wrongShape(expected: riskSetCount, got: riskSums.count)
        }
        guard riskSums.allSatisfy(\.isFinite) else { throw .notFinite(covariates: []) }
        deaths = grid.strata.flatMap(\.deaths)
        deathWeights = grid.strata.flatMap(\.deathWeights)
        var (places, sumsWithout) = ([Int](repeating: 0, count: count), [Double](repeating: 0, count: count))
        for (place, point) in grid.tiedPoints(ties).enumerated() {
            (places[point], sumsWithout[point]) = (count + place, riskSums[count + place])
        }
        (sumsWith, self.sumsWithout, self.places) = (Array(riskSums[..<count]), sumsWithout, places)
        var tied: [TiedDeaths] = []
        for point in 0..<count {
            if deaths[point] > 0, sumsWith[point] <= 0 { throw .nobodyAtRisk }
            tied.append(
                deaths[point] > 0
                    ? TiedDeaths(
                        deaths: Int(deaths[point].rounded()), weight: deathWeights[point],
                        withDeaths: sumsWith[point], withoutDeaths: max(0, sumsWithout[point]), ties: ties)
                    : .none)
        }
        (survivor, leaver) = (tied.map(\.survivor), tied.map(\.leaver))
        survivorVariance = tied.map(\.survivorVariance)
        (meanShifts, shiftSquares) = (tied.map(\.meanShift), tied.map(\.shiftSquares))
        (survivorShifts, leaverShifts) = (tied.map(\.survivorShift), tied.map(\.leaverShift))
        var logTerm = CompensatedSum()
        for point in tied { logTerm += point.logTerm }
        self.logTerm = logTerm.value
    }

    private init(_ other: HazardIncrements, factors: [Double]) {
        survivor = zip(other.survivor, factors).map { $0 * $1 }
        leaver = zip(other.leaver, factors).map { $0 * $1 }
        survivorVariance = zip(other.survivorVariance, factors).map { $0 * $1 * $1 }
        deathWeights = zip(other.deathWeights, factors).map { $0 * $1 }
        logTerm = other.logTerm
        (sumsWith, sumsWithout, deaths) = (other.sumsWith, other.sumsWithout, other.deaths)
        (places, riskSetCount) = (other.places, other.riskSetCount)
        (meanShifts, shiftSquares) = (other.meanShifts, other.shiftSquares)
        survivorShifts = zip(other.survivorShifts, factors).map { $0 * $1 }
        leaverShifts = zip(other.leaverShifts, factors).map { $0 * $1 }
    }

    /// The powers of two that bring the sums over each risk set to about 2²⁰ in their turn: in fixed point they may then grow by
    /// e¹⁹ and shrink by e²⁷ without leaving it or losing a digit.
    package var exponents: [Int] {
        var sums = sumsWith + Array(repeating: 0, count: riskSetCount - sumsWith.count)
        for (point, place) in places.enumerated() where place > 0 {
            sums[place] = sumsWithout[point] > 0 ? sumsWithout[point] : sumsWith[point]
        }
        return sums.map { $0 > 0 ? 20 - Int($0.exponent) : 0 }
    }

    /// The same with each point counted `factors[k]` times: what gives the sums of g·V and g²·V over the points.
    ///
    /// Its `logTerm` is that of the points as they were.
    package func weighted(by factors: [Double]) -> HazardIncrements {
        precondition(factors.count == survivor.count, "a factor for each point")
        return HazardIncrements(self, factors: factors)
    }

    /// Log-likelihood, score and XᵀGX at β, from the sums over sites of `eventSums` and `gram`.
    package func evaluation(
        at beta: [Double], eventSums: [Double], gram: [Double]
    ) -> (logLikelihood: Double, score: [Double], gram: SymmetricMatrix) {
        let count = beta.count
        precondition(eventSums.count == count + 1, "event sums of another model")
        let triangle = packedTriangle(of: gram, parameterCount: count)
        var logLikelihood = CompensatedSum()
        for (coefficient, sum) in zip(beta, eventSums) { logLikelihood += coefficient * sum }
        logLikelihood += eventSums[count]
        logLikelihood -= logTerm
        return (logLikelihood.value, (0..<count).map { eventSums[$0] - gram[$0] }, triangle)
    }

    /// The exact information, from the sums over sites of `gram` and `covariateRiskSums`.
    ///
    /// XᵀGX − Σ_k c Σ_l aaᵀ, where the a(k, l) of one k lie on a line: see `TiedDeaths`.
    package func information(
        gram: [Double], covariateRiskSums: [Double], parameterCount count: Int
    ) -> SymmetricMatrix {
        var information = packedTriangle(of: gram, parameterCount: count)
        let points = deaths.count
        precondition(covariateRiskSums.count == riskSetCount * count, "covariate sums of another grid")
        for point in 0..<points where deaths[point] > 0 {
            var mean = covariateRiskSums[point * count..<(point + 1) * count].map { $0 / sumsWith[point] }
            if meanShifts[point] > 0 {
                let without = covariateRiskSums[places[point] * count..<(places[point] + 1) * count]
                let line = zip(without, mean).map { $0 / sumsWithout[point] - $1 }
                for index in mean.indices { mean[index] += meanShifts[point] * line[index] }
                information.add(-deathWeights[point] / deaths[point] * shiftSquares[point], outer: line)
            }
            information.add(-deathWeights[point], outer: mean)
        }
        return information
    }

    /// The increments of S₁-like sums, from the sums over sites of `covariateRiskSums`: what score residuals need.
    package func meanIncrements(covariateRiskSums: [Double], parameterCount count: Int) -> MeanIncrements {
        let points = deaths.count
        precondition(covariateRiskSums.count == riskSetCount * count, "covariate sums of another grid")
        let none = Array(repeating: 0.0, count: points * count)
        var means = MeanIncrements(survivor: none, leaver: none, death: none)
        for point in 0..<points where deaths[point] > 0 {
            for index in 0..<count {
                let cell = point * count + index
                let mean = covariateRiskSums[cell] / sumsWith[point]
                let hasTies = meanShifts[point] > 0
                let without = hasTies ? covariateRiskSums[places[point] * count + index] : 0
                let line = hasTies ? without / sumsWithout[point] - mean : 0
                means.survivor[cell] = survivor[point] * mean + survivorShifts[point] * line
                means.leaver[cell] = leaver[point] * mean + leaverShifts[point] * line
                means.death[cell] = mean + meanShifts[point] * line
            }
        }
        return means
    }

    private func packedTriangle(of gram: [Double], parameterCount: Int) -> SymmetricMatrix {
        SymmetricMatrix(order: parameterCount, packedUpper: Array(gram[parameterCount...]))
    }
}

/// The hazard increments times the mean covariates at each point of a grid: K·p numbers each, point by point.
///
/// `survivor` is c Σ a/s for those who stay, `leaver` is c Σ (1 − f)a/s for those who leave, `death` the mean covariates with
/// which a death is compared. From sums over all sites, hence the same everywhere.
package struct MeanIncrements: Sendable, Hashable {
    package var survivor: [Double]
    package var leaver: [Double]
    package var death: [Double]
}
