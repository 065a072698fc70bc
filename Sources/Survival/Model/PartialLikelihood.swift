/// Cox's log partial likelihood of one site's rows, with a baseline of its own in each stratum.
///
/// Efron's, Breslow's or exact ties, right-censored rows or (entry, exit], weights, strata, offset. One pass over the rows gives the
/// log-likelihood, its gradient and the information together. The sums of several sites add up to those of the model
/// stratified by site: `coxph(… + strata(site))`.
package struct PartialLikelihood: Sendable {
    private let strata: [StratumLikelihood]
    private let parameterCount: Int

    package init(_ data: SurvivalData, ties: Ties) {
        strata = RiskSets.strata(of: data).map { StratumLikelihood(data, riskSets: $0, ties: ties) }
        parameterCount = data.columnCount
    }

    /// Log-likelihood, score and information at `beta`; all 0 for a site without rows.
    ///
    /// Throws `riskOutOfRange` where exp(xβ + offset) spans more than the range of the numbers within a stratum.
    package func evaluate(at beta: [Double]) throws(SurvivalDataError) -> LikelihoodSums {
        try evaluate(at: beta) { _ in 1 }
    }

    /// What the proportional-hazards test needs of a site: sums over its event times, weighted with g and with g².
    package func timeTrend(at beta: [Double], along g: TimeFunction) throws(SurvivalDataError)
        -> TimeTrendSums
    {
        let first = try evaluate(at: beta) { g($0) }
        let second = try evaluate(at: beta) { g($0) * g($0) }
        return TimeTrendSums(score: first.score, information: first.information, square: second.information)
    }

    private func evaluate(
        at beta: [Double], importance: (_ time: Double) -> Double
    ) throws(SurvivalDataError) -> LikelihoodSums {
        precondition(beta.count == parameterCount, "one coefficient per covariate")
        var sums = LikelihoodSums.zero(parameterCount: parameterCount)
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
