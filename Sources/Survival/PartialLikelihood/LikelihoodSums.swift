/// What a site sends of a Cox model with its own baseline: log-likelihood, its gradient, and minus its Hessian.
///
/// Adds up over sites and strata: the sum is that of the model stratified by site.
package struct LikelihoodSums: Sendable, Hashable {
    package var logLikelihood: Double
    /// ∂ℓ/∂β.
    package var score: [Double]
    /// −∂²ℓ/∂β∂βᵀ.
    package var information: SymmetricMatrix
    /// ∂I/∂β, which Firth's penalty needs; empty unless asked for.
    package var thirdDerivatives: ThirdDerivatives

    package init(
        logLikelihood: Double, score: [Double], information: SymmetricMatrix,
        thirdDerivatives: ThirdDerivatives? = nil
    ) {
        precondition(information.order == score.count, "score and information of different order")
        (self.logLikelihood, self.score, self.information) = (logLikelihood, score, information)
        self.thirdDerivatives = thirdDerivatives ?? ThirdDerivatives(order: score.count)
    }

    /// Sums of nobody.
    package static func zero(parameterCount: Int) -> LikelihoodSums {
        LikelihoodSums(
            logLikelihood: 0, score: Array(repeating: 0, count: parameterCount),
            information: SymmetricMatrix(order: parameterCount))
    }

    package static func + (left: LikelihoodSums, right: LikelihoodSums) -> LikelihoodSums {
        LikelihoodSums(
            logLikelihood: left.logLikelihood + right.logLikelihood,
            score: zip(left.score, right.score).map { $0 + $1 },
            information: left.information + right.information,
            thirdDerivatives: left.thirdDerivatives + right.thirdDerivatives)
    }

    var isFinite: Bool {
        logLikelihood.isFinite && score.allSatisfy(\.isFinite)
            && information.packedUpper.allSatisfy(\.isFinite)
            && thirdDerivatives.packed.allSatisfy(\.isFinite)
    }

    /// The covariates whose score is not a number.
    func notFinite(among names: [String]) -> [String] {
        names.indices.filter { !score[$0].isFinite }.map { names[$0] }
    }
}
