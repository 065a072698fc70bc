/// When an iteration on sums may stop, and which coefficients run to infinity.
///
/// R stops on the relative change of the log-likelihood alone (1e-9), which leaves half of the digits in the coefficients.
/// Here the Newton decrement λ² = UᵀI⁻¹U, the squared distance from the maximum in standard errors, must vanish to the level
/// of rounding as well.
enum ConvergenceRule {
    /// λ² below this is convergence: 1e-11 standard errors.
    static let decrementMax = 1e-22
    /// λ² below this, by the exact information, ends an iteration that used an approximate one: 1e-10 standard errors.
    static let finalDecrementMax = 1e-20
    /// λ² below this is close enough to look for infinite coefficients, or for rounding that stops all progress.
    static let nearDecrementMax = 1e-10
    /// R's `eps` of `coxph.control`, and its square root `toler.inf`.
    static let likelihoodTolerance = 1e-9
    static let infinityTolerance = 3.162277660168379e-5

    /// |Δℓ| ≤ 1e-9 (|ℓ| + 0.1); the constant lets likelihoods that run to 0 converge.
    static func isFlat(from previous: Double, to logLikelihood: Double) -> Bool {
        abs(logLikelihood - previous) <= likelihoodTolerance * (abs(logLikelihood) + 0.1)
    }

    /// Coefficients whose next step is still large though the likelihood is flat: R's rule for infinite coefficients.
    ///
    /// The step of a finite one shrinks quadratically by then; that of an infinite one stays about 1 unit per iteration.
    static func infinite(beta: [Double], step: [Double], previousStep: [Double]) -> [Int] {
        beta.indices.filter {
            abs(step[$0]) > infinityTolerance * (1 + abs(beta[$0]))
                && abs(step[$0]) > 0.1 * abs(previousStep[$0])
        }
    }

    /// Coefficients that run to infinity, told before the likelihood is flat to the last digit: a hospital's disclosure policy
    /// answers no question at a coefficient that lifts one row far above the others.
    ///
    /// Near a maximum the decrement falls quadratically. Far out on a likelihood without one it falls by a factor of e an
    /// iteration, while the steps stay the same; by then the coefficient makes hazard ratios beyond e¹⁴ between
    /// rows, and what is left of the step moves the other coefficients by less than 1e-6 of theirs.
    /// `reach` is the largest distance of each covariate from its mean; nothing is told if it is empty.
    static func running(
        beta: [Double], step: [Double], previousStep: [Double], reach: [Double], decrement: Double,
        previousDecrement: Double
    ) -> [Int] {
        guard decrement <= 0.01, decrement > 0.1 * previousDecrement else { return [] }
        return reach.indices.filter {
            abs(beta[$0]) * reach[$0] > 14 && abs(step[$0]) * reach[$0] > 0.3 && beta[$0] * step[$0] > 0
                && abs(step[$0]) > 0.5 * abs(previousStep[$0])
        }
    }
}
