/// Cox's log partial likelihood of one site's rows, with a baseline of its own in each stratum.
///
/// Efron's or Breslow's ties, right-censored rows or (entry, exit], weights, strata, offset. Rows are sorted
/// and laid out once, when the value is made; an evaluation gives the log-likelihood, its gradient and the
/// information together. The sums of several sites add up to those of the model stratified by site: `coxph(…
/// + strata(site))`.
package struct PartialLikelihood: Sendable {
    private let kernel: LikelihoodKernel

    package init(_ data: SurvivalData, ties: Ties) {
        self.init(data, ties: ties, threads: 2)
    }

    /// As above, on a given number of threads (which changes no bit of the results) and with given
    /// instructions.
    package init(_ data: SurvivalData, ties: Ties, threads: Int, instructions: InstructionSet = .best) {
        kernel = LikelihoodKernel(data, ties: ties, threads: threads, instructions: instructions)
    }

    /// Bytes that the value takes beyond the data that it was made from, working memory included.
    package var byteCount: Int { kernel.byteCount }

    /// Log-likelihood, score and information at `beta`; all 0 for a site without rows.
    ///
    /// Throws `riskOutOfRange` where exp(xβ + offset) spans more than the range of the numbers within a
    /// stratum.
    package func evaluate(at beta: [Double]) throws(SurvivalDataError) -> LikelihoodSums {
        try kernel.evaluate(at: beta)
    }
}
