/// The log partial likelihood of one stratum where its risk scores span many orders of magnitude: row by row, with compensated sums.
///
/// With late entry sums over risk sets are differences, of which the kernel loses as many digits as risk scores span; here they keep
/// them, for several times the work. Efron's or Breslow's ties.
///
/// With r = w·exp(xβ + offset), hazard increments h(t) = c Σ_l 1/s(t,l) and h_D(t) = c Σ_l (1 − l/d)/s(t,l) (see `TiedDeaths`),
/// and Λᵢ = Σ h(t) over entryᵢ < t ≤ exitᵢ, where h_D(t) replaces h(t) if i dies at t:
///
///     information = Σᵢ rᵢΛᵢ xᵢxᵢᵀ − Σ_t c Σ_l a(t,l) a(t,l)ᵀ,
///
/// a(t,l) being the mean covariates at s(t,l). All a(t,l) of one t lie on a line, so the inner sum has rank two.
/// Covariates are centred in the stratum, which changes none of the results and keeps digits. The linear predictor is shifted
/// by its largest value, so that nothing overflows; that changes nothing either.
struct WideLikelihood: Sendable {
    private let riskSets: RiskSets
    private let ties: Ties
    private let parameterCount: Int
    private let centred: CentredRows
    private let weights: [Double]

    private var covariates: [Double] { centred.covariates }

    init(_ data: SurvivalData, riskSets: RiskSets, ties: Ties) {
        weights = riskSets.rows.map { data.weight?[$0] ?? 1 }
        (self.riskSets, self.ties, parameterCount) = (riskSets, ties, data.columnCount)
        centred = CentredRows(data, riskSets: riskSets)
    }

    /// Each event time counts `importance(time)` times, in every sum; the partial likelihood itself has 1 throughout.
    ///
    /// Throws `riskOutOfRange` if some row's xβ + offset is not finite, or a risk set's sum underflows.
    func evaluate(
        at beta: [Double], importance: (_ time: Double) -> Double = { _ in 1 }
    ) throws(SurvivalDataError) -> LikelihoodSums {
        guard !riskSets.points.isEmpty else { return .zero(parameterCount: parameterCount) }
        let predictors = try centred.shiftedPredictors(at: beta)
        let risks = zip(weights, predictors).map { $0 * Elementary.exponential($1) }
        var triangle = SymmetricMatrix(order: parameterCount)
        var score = Array(repeating: 0.0, count: parameterCount)
        var logLikelihood = CompensatedSum()
        var increments: [TiedDeaths] = []
        var walk = RiskSetWalk(covariates: covariates, risks: risks, parameterCount: parameterCount)
        for point in riskSets.points {
            walk.advance(to: point, byEntry: riskSets.byEntry)
            guard walk.withDeaths.sum > 0, walk.withDeaths.sum.isFinite else { throw .riskOutOfRange }
            let factor = importance(point.time)
            let tied = TiedDeaths(
                deaths: point.deathCount, weight: factor * point.deathWeight, withDeaths: walk.withDeaths.sum,
                withoutDeaths: walk.withoutDeaths.sum, ties: ties)
            increments.append(tied)
            addDeaths(of: point, factor, predictors: predictors, to: &logLikelihood, and: &score)
            logLikelihood -= tied.logTerm
            subtractMeans(of: tied, at: point, factor, walk: walk, from: &score, and: &triangle)
        }
        addGram(risks: risks, increments: increments, to: &triangle)
        return LikelihoodSums(logLikelihood: logLikelihood.value, score: score, information: triangle)
    }

    /// Σ w(xβ + offset) and Σ wx over the deaths.
    private func addDeaths(
        of point: RiskSets.EventPoint, _ factor: Double, predictors: [Double],
        to logLikelihood: inout CompensatedSum, and score: inout [Double]
    ) {
        for row in point.deathStart..<point.rowEnd {
            let weight = factor * weights[row]
            logLikelihood += weight * predictors[row]
            for index in score.indices {
                score[index] += weight * covariates[row * parameterCount + index]
            }
        }
    }

    /// Takes c Σ a off the score and c Σ aaᵀ off the information, with a(l) = x̄⁺ + θ_l(x̄⁻ − x̄⁺):
    /// c Σ aaᵀ = ω āāᵀ + c Σ(θ − θ̄)² ΔΔᵀ, ā = x̄⁺ + θ̄Δ, Δ = x̄⁻ − x̄⁺.
    private func subtractMeans(
        of tied: TiedDeaths, at point: RiskSets.EventPoint, _ factor: Double, walk: RiskSetWalk,
        from score: inout [Double], and triangle: inout SymmetricMatrix
    ) {
        let weight = factor * point.deathWeight
        var mean = walk.withDeaths.means
        if tied.meanShift > 0 {
            let line = zip(walk.withoutDeaths.means, mean).map { $0 - $1 }
            for index in mean.indices { mean[index] += tied.meanShift * line[index] }
            triangle.add(-weight / Double(point.deathCount) * tied.shiftSquares, outer: line)
        }
        for index in score.indices { score[index] -= weight * mean[index] }
        triangle.add(-weight, outer: mean)
    }

    /// Σ rΛ xxᵀ.
    private func addGram(risks: [Double], increments: [TiedDeaths], to triangle: inout SymmetricMatrix) {
        let factors = gramWeights(risks: risks, increments: increments)
        triangle.packedUpper.withUnsafeMutableBufferPointer { sums in
            covariates.withUnsafeBufferPointer { x in
                for (row, factor) in factors.enumerated() where factor != 0 {
                    let first = row * parameterCount
                    addOuterProduct(factor, of: .init(rebasing: x[first..<first + parameterCount]), to: sums)
                }
            }
        }
    }

    /// rᵢΛᵢ for every row.
    private func gramWeights(risks: [Double], increments: [TiedDeaths]) -> [Double] {
        // cumulative[k]: the hazard up to and including event point k, which is the k-th from the end of time.
        // Compensated: of a late entry it is the difference of two hazards that may both be much larger.
        var cumulative = Array(repeating: CompensatedSum(), count: increments.count + 1)
        for index in increments.indices.reversed() {
            cumulative[index] = cumulative[index + 1]
            cumulative[index] += increments[index].survivor
        }
        var hazards = riskSets.exitPoint.map { cumulative[$0].value }
        for (row, point) in riskSets.entryPoint.enumerated() {
            hazards[row] = cumulative[riskSets.exitPoint[row]] - cumulative[point]
        }
        for (index, point) in riskSets.points.enumerated() where point.deathCount > 1 {
            let saved = increments[index].survivor - increments[index].leaver
            for row in point.deathStart..<point.rowEnd { hazards[row] -= saved }
        }
        return zip(risks, hazards).map { $0 * $1 }
    }
}
