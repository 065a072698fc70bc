/// Cox's log partial likelihood of one site's rows, with a baseline of its own in each stratum.
///
/// Efron's, Breslow's or exact ties, right-censored rows or (entry, exit], weights (not for exact ties), strata, offset. Rows are
/// sorted and laid out once, when the value is made; an evaluation gives the log-likelihood, its gradient and the information
/// together. The sums of several sites add up to those of the model stratified by site: `coxph(… + strata(site))`.
package struct PartialLikelihood: Sendable {
    private enum Form: Sendable {
        /// A sum over rows.
        case sum(LikelihoodKernel)
        /// A sum over sets of rows in each stratum.
        case discrete([DiscreteLikelihood])
    }

    private let form: Form
    private let data: SurvivalData
    private let ties: Ties
    /// How far apart the rows' covariates are, then their offsets; empty without late entry.
    private let spreads: [Double]
    /// Beyond this range of linear predictors sums with late entry are formed as a `WideLikelihood`.
    private static let spreadMax = 14.0

    /// The number of threads changes no bit of the results; the instructions change the last ones.
    package init(
        _ data: SurvivalData, ties: Ties, threads: Int = 2, instructions: InstructionSet = .best
    ) {
        form =
            ties == .exact
            ? .discrete(RiskSets.strata(of: data).map { DiscreteLikelihood(data, riskSets: $0) })
            : .sum(LikelihoodKernel(data, ties: ties, threads: threads, instructions: instructions))
        (self.data, self.ties) = (data, ties)
        let width = { (values: [Double]) in (values.max() ?? 0) - (values.min() ?? 0) }
        spreads = data.entry == nil ? [] : (data.columns + [data.offset ?? []]).map(width)
    }

    private func isTooWide(at beta: [Double]) -> Bool {
        guard !spreads.isEmpty else { return false }
        let atMost = zip(beta + [1], spreads).reduce(0) { $0 + abs($1.0) * $1.1 }
        guard atMost > Self.spreadMax else { return false }
        var predictors = data.offset ?? Array(repeating: 0, count: data.rowCount)
        for (index, column) in data.columns.enumerated() {
            for row in column.indices { predictors[row] += beta[index] * column[row] }
        }
        return !((predictors.max() ?? 0) - (predictors.min() ?? 0) <= Self.spreadMax)
    }

    /// Bytes that the value takes beyond the data that it was made from, working memory included; 0 for exact ties.
    package var byteCount: Int {
        if case .sum(let kernel) = form { kernel.byteCount } else { 0 }
    }

    /// Log-likelihood, score and information at `beta`; all 0 for a site without rows.
    ///
    /// Throws `riskOutOfRange` where exp(xβ + offset) spans more than the range of the numbers within a stratum.
    package func evaluate(at beta: [Double]) throws(SurvivalDataError) -> LikelihoodSums {
        switch form {
        case .sum(let kernel):
            guard isTooWide(at: beta) else { return try kernel.evaluate(at: beta) }
            return try wide(at: beta) { _ in 1 }
        case .discrete(let strata):
            var parts: [LikelihoodSums] = []
            for stratum in strata { parts.append(try stratum.evaluate(at: beta)) }
            return total(of: parts)
        }
    }

    /// The sums with each event time counted `importance(time)` times.
    private func evaluate(
        _ kernel: LikelihoodKernel, at beta: [Double], importance: @escaping (_ time: Double) -> Double
    ) throws(SurvivalDataError) -> LikelihoodSums {
        guard isTooWide(at: beta) else { return try kernel.evaluate(at: beta, importance: importance) }
        return try wide(at: beta, importance: importance)
    }

    private func wide(
        at beta: [Double], importance: (_ time: Double) -> Double
    ) throws(SurvivalDataError) -> LikelihoodSums {
        var parts: [LikelihoodSums] = []
        for riskSets in RiskSets.strata(of: data) {
            let stratum = WideLikelihood(data, riskSets: riskSets, ties: ties)
            parts.append(try stratum.evaluate(at: beta, importance: importance))
        }
        return total(of: parts)
    }

    /// The sums over strata.
    private func total(of strata: [LikelihoodSums]) -> LikelihoodSums {
        var sums = LikelihoodSums.zero(parameterCount: data.columnCount)
        var logLikelihood = CompensatedSum()
        for part in strata {
            logLikelihood += part.logLikelihood
            sums = sums + part
        }
        sums.logLikelihood = logLikelihood.value
        return sums
    }

    /// The same with ∂I/∂β, which Firth's penalty needs; not for exact ties.
    package func evaluateWithThirdDerivatives(at beta: [Double]) throws(SurvivalDataError) -> LikelihoodSums {
        precondition(ties != .exact, "ties without third derivatives")
        var sums = try evaluate(at: beta)
        sums.thirdDerivatives = try ThirdDerivatives(data, ties: ties, at: beta)
        return sums
    }

    /// What the proportional-hazards test needs of a site: sums over its event times, weighted with g and with g²; not for exact
    /// ties.
    package func timeTrend(at beta: [Double], along g: TimeFunction) throws(SurvivalDataError)
        -> TimeTrendSums
    {
        guard case .sum(let kernel) = form else { preconditionFailure("ties without a test of the hazards") }
        let first = try evaluate(kernel, at: beta) { g($0) }
        let second = try evaluate(kernel, at: beta) { g($0) * g($0) }
        return TimeTrendSums(score: first.score, information: first.information, square: second.information)
    }
}
