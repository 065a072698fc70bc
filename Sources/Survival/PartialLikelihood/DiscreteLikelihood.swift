/// The discrete log partial likelihood of one stratum, its gradient and the information: tied deaths taken exactly.
///
/// A time with several deaths gives what `ExactTies` says. One death is compared with everyone at risk, as ever: with
/// r = exp(xβ + offset), S₀(t) the sum of r over those at risk and a(t) their mean covariates, such times t together give
///
///     information = Σᵢ rᵢΛᵢ xᵢxᵢᵀ − Σ_t a(t) a(t)ᵀ,    Λᵢ = Σ 1/S₀(t) over entryᵢ < t ≤ exitᵢ.
///
/// Covariates are centred in the stratum, which changes none of the results and keeps digits. The linear predictor is shifted
/// by its largest value, so that nothing overflows; that changes nothing either.
struct DiscreteLikelihood: Sendable {
    private let riskSets: RiskSets
    private let parameterCount: Int
    private let centred: CentredRows

    private var covariates: [Double] { centred.covariates }

    init(_ data: SurvivalData, riskSets: RiskSets) {
        precondition(data.weight == nil, "sets of rows have no weights")
        (self.riskSets, parameterCount) = (riskSets, data.columnCount)
        centred = CentredRows(data, riskSets: riskSets)
    }

    /// Throws `riskOutOfRange` if some row's xβ + offset is not finite, or a risk set's sum underflows.
    func evaluate(at beta: [Double]) throws(SurvivalDataError) -> LikelihoodSums {
        guard !riskSets.points.isEmpty else { return .zero(parameterCount: parameterCount) }
        let predictors = try centred.shiftedPredictors(at: beta)
        let risks = predictors.map { Elementary.exponential($0) }
        var triangle = SymmetricMatrix(order: parameterCount)
        var score = Array(repeating: 0.0, count: parameterCount)
        var logLikelihood = CompensatedSum()
        var increments: [Double] = []
        var atRisk = RiskSetSums(covariates: covariates, risks: risks, parameterCount: parameterCount)
        for point in riskSets.points {
            atRisk.advance(to: point, byEntry: riskSets.byEntry)
            guard atRisk.total > 0, atRisk.total.isFinite else { throw .riskOutOfRange }
            let (logTerm, mean): (Double, [Double])
            if point.deathCount > 1 {
                let exact = try exactTies(at: point, risks: risks)
                (logTerm, mean) = (exact.logTerm, exact.mean)
                triangle = triangle + exact.covariance
                increments.append(0)
            } else {
                (logTerm, mean) = (Elementary.logarithm(atRisk.total), atRisk.means)
                triangle.add(-1, outer: mean)
                increments.append(1 / atRisk.total)
            }
            for row in point.deathStart..<point.rowEnd {
                logLikelihood += predictors[row]
                for index in score.indices { score[index] += covariates[row * parameterCount + index] }
            }
            logLikelihood -= logTerm
            for index in score.indices { score[index] -= mean[index] }
        }
        addGram(risks: risks, increments: increments, to: &triangle)
        return LikelihoodSums(logLikelihood: logLikelihood.value, score: score, information: triangle)
    }

    private func exactTies(
        at point: RiskSets.EventPoint, risks: [Double]
    ) throws(SurvivalDataError) -> ExactTies {
        let exact = ExactTies(
            rows: rows(at: point), deaths: point.deathCount, risks: risks, covariates: covariates,
            parameterCount: parameterCount)
        guard exact.logTerm.isFinite else { throw .riskOutOfRange }
        return exact
    }

    /// Everyone at risk at a time: those who leave at it or later, less those who enter at it or later.
    private func rows(at point: RiskSets.EventPoint) -> [Int] {
        if riskSets.byEntry.isEmpty { return Array(0..<point.rowEnd) }
        let notEntered = Set(riskSets.byEntry[..<point.notEntered])
        return (0..<point.rowEnd).filter { !notEntered.contains($0) }
    }

    /// Σ rΛ xxᵀ.
    private func addGram(risks: [Double], increments: [Double], to triangle: inout SymmetricMatrix) {
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
    private func gramWeights(risks: [Double], increments: [Double]) -> [Double] {
        // cumulative[k]: the hazard up to and including event point k, which is the k-th from the end of time.
        var cumulative = Array(repeating: 0.0, count: increments.count + 1)
        for index in increments.indices.reversed() {
            cumulative[index] = cumulative[index + 1] + increments[index]
        }
        var hazards = riskSets.exitPoint.map { cumulative[$0] }
        for (row, point) in riskSets.entryPoint.enumerated() { hazards[row] -= cumulative[point] }
        return zip(risks, hazards).map { $0 * $1 }
    }
}

/// Walks back in time and keeps S₀ = Σr and S₁ = Σrx of the risk set.
///
/// Sums are compensated: with (entry, exit] rows they are differences of two sums that may both be much larger.
private struct RiskSetSums {
    private let covariates: [Double]
    private let risks: [Double]
    private var sum = CompensatedSum()
    private var products: [CompensatedSum]
    /// Rows added, and rows (by entry) taken away again.
    private var (added, removed) = (0, 0)

    init(covariates: [Double], risks: [Double], parameterCount: Int) {
        (self.covariates, self.risks) = (covariates, risks)
        products = Array(repeating: CompensatedSum(), count: parameterCount)
    }

    /// S₀.
    var total: Double { sum.value }
    /// S₁/S₀.
    var means: [Double] { products.map { $0.value / total } }

    /// Event points must come in their order, latest first.
    mutating func advance(to point: RiskSets.EventPoint, byEntry: [Int]) {
        while added < point.deathStart { addNext() }
        while removed < point.notEntered {
            add(row: byEntry[removed], times: -1)
            removed += 1
        }
        while added < point.rowEnd { addNext() }
    }

    private mutating func addNext() {
        add(row: added, times: 1)
        added += 1
    }

    private mutating func add(row: Int, times sign: Double) {
        let risk = sign * risks[row]
        sum += risk
        for index in products.indices { products[index] += risk * covariates[row * products.count + index] }
    }
}
