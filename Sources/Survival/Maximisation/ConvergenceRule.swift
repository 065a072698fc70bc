/// When an iteration on sums may stop.
///
/// R stops on the relative change of the log-likelihood alone (1e-9), which leaves half of the digits in the coefficients.
/// Here the Newton decrement λ² = UᵀI⁻¹U, the squared distance from the maximum in standard errors, must vanish to the level
/// of rounding as well.
enum ConvergenceRule {
    /// λ² below this is convergence: 1e-11 standard errors.
    static let decrementMax = 1e-22
    /// λ² below this, by the exact information, ends an iteration that used an approximate one: 1e-10 standard errors.
    static let finalDecrementMax = 1e-20
    /// λ² below this is close enough to look for rounding that stops all progress.
    static let nearDecrementMax = 1e-10
    /// λ² below this, if it fell too little for a maximum, is where separation is looked for.
    static let fadingDecrementMax = 0.05
    /// λ² below this ends the way to a profile likelihood, whose value it changes by half as much at most.
    static let profileDecrementMax = 1e-10
    /// The same where the curvature is known, so that what is left to gain is known but for the third order.
    static let exactProfileDecrementMax = 1e-7
    /// λ² above this after some evaluations tells that an estimated curvature leads nowhere soon.
    static let slowDecrementMin = 1e-6
    /// R's `eps` of `coxph.control`.
    static let likelihoodTolerance = 1e-9

    /// |Δℓ| ≤ 1e-9 (|ℓ| + 0.1); the constant lets likelihoods that run to 0 converge.
    static func isFlat(from previous: Double, to logLikelihood: Double) -> Bool {
        abs(logLikelihood - previous) <= likelihoodTolerance * (abs(logLikelihood) + 0.1)
    }
}
