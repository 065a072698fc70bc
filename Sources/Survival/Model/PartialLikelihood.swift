/// Cox's log partial likelihood of one site's rows, with a baseline of its own in each stratum.
///
/// Efron's, Breslow's or exact ties, right-censored rows or (entry, exit], weights, strata, offset. Rows are sorted and laid out once,
/// when the value is made; an evaluation gives the log-likelihood, its gradient and the information together. The sums of
/// several sites add up to those of the model stratified by site: `coxph(… + strata(site))`.
package struct PartialLikelihood: Sendable {
    /// Exact ties take in one row after the other at each event time; the kernel has the other two.
    private enum Method: Sendable {
        case kernel(LikelihoodKernel)
        case walk([StratumLikelihood])
    }

    private let method: Method
    private let data: SurvivalData
    private let ties: Ties

    package init(_ data: SurvivalData, ties: Ties) {
        self.init(data, ties: ties, threads: 2)
    }

    /// As above, on a given number of threads (which changes no bit of the results) and with given instructions.
    package init(_ data: SurvivalData, ties: Ties, threads: Int, instructions: InstructionSet = .best) {
        (self.data, self.ties) = (data, ties)
        method =
            ties == .exact
            ? .walk(Self.strata(of: data, ties: ties))
            : .kernel(LikelihoodKernel(data, ties: ties, threads: threads, instructions: instructions))
    }

    /// Bytes that the value takes beyond the data that it was made from, working memory included.
    package var byteCount: Int {
        switch method {
        case .kernel(let kernel): kernel.byteCount
        case .walk(let strata): strata.reduce(0) { $0 + $1.byteCount }
        }
    }

    /// Log-likelihood, score and information at `beta`; all 0 for a site without rows.
    ///
    /// Throws `riskOutOfRange` where exp(xβ + offset) spans more than the range of the numbers within a stratum.
    package func evaluate(at beta: [Double]) throws(SurvivalDataError) -> LikelihoodSums {
        switch method {
        case .kernel(let kernel): return try kernel.evaluate(at: beta)
        case .walk(let strata):
            precondition(beta.count == data.columnCount, "one coefficient per covariate")
            return try Self.sum(over: strata, at: beta) { _ in 1 }
        }
    }

    /// What the proportional-hazards test needs of a site: sums over its event times, weighted with g and with g².
    ///
    /// Asked once or twice in a study, so it walks the rows one by one: the kernel counts each event time once.
    package func timeTrend(at beta: [Double], along g: TimeFunction) throws(SurvivalDataError)
        -> TimeTrendSums
    {
        let strata = Self.strata(of: data, ties: ties)
        let first = try Self.sum(over: strata, at: beta) { g($0) }
        let second = try Self.sum(over: strata, at: beta) { g($0) * g($0) }
        return TimeTrendSums(score: first.score, information: first.information, square: second.information)
    }

    private static func strata(of data: SurvivalData, ties: Ties) -> [StratumLikelihood] {
        RiskSets.strata(of: data).map { StratumLikelihood(data, riskSets: $0, ties: ties) }
    }

    private static func sum(
        over strata: [StratumLikelihood], at beta: [Double], importance: (_ time: Double) -> Double
    ) throws(SurvivalDataError) -> LikelihoodSums {
        var sums = LikelihoodSums.zero(parameterCount: beta.count)
        var logLikelihood = CompensatedSum()
        for stratum in strata {
            let part = try stratum.evaluate(at: beta, importance: importance)
            logLikelihood += part.logLikelihood
            sums = sums + part
        }
        sums.logLikelihood = logLikelihood.value
        return sums
    }
}
