/// What is taken off a log-likelihood before it is maximised.
package enum Penalty: Sendable, Hashable {
    case none
    /// ½ Σ ωⱼβⱼ² with these ω ≥ 0, on the coefficients of the covariates as they are fitted.
    case ridge([Double])
    /// −½ log |I(β)|: Jeffreys' prior, under which coefficients stay finite (Firth, Biometrika 1993; Heinze and Schemper,
    /// Biometrics 2001).
    case firth

    /// ½ Σ ωⱼβⱼ²; 0 without a ridge.
    package func amount(at beta: [Double]) -> Double {
        guard case .ridge(let weights) = self else { return 0 }
        return zip(weights, beta).reduce(0) { $0 + $1.0 * $1.1 * $1.1 } / 2
    }
}

extension LikelihoodSums {
    /// The sums of the penalised likelihood: its value, gradient and curvature.
    ///
    /// Of Firth's penalty the curvature is left out, which needs fourth derivatives: `CurvatureEstimate` makes up for it. Its
    /// determinant is that of the covariates which are not `isAliased`; where it is 0, the value is −∞.
    func penalised(by penalty: Penalty, at beta: [Double], isAliased: [Bool]) -> LikelihoodSums {
        var sums = self
        switch penalty {
        case .none: break
        case .ridge(let weights):
            sums.logLikelihood -= penalty.amount(at: beta)
            for (index, weight) in weights.enumerated() {
                sums.score[index] -= weight * beta[index]
                sums.information[index, index] += weight
            }
        case .firth:
            let factored = RankRevealingCholesky(information, leavingOut: isAliased)
            sums.logLikelihood =
                factored.isAliased == isAliased
                ? logLikelihood + factored.logDeterminant / 2 : -.infinity
            let pull = thirdDerivatives.contracted(with: factored.inverse())
            sums.score = zip(score, pull).map { $0 + $1 / 2 }
        }
        return sums
    }
}
