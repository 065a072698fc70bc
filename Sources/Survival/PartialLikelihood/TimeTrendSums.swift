/// What a proportional-hazards test needs besides the fit, at the estimate: sums over event times of g(x − x̄), gV and g²V.
///
/// V is the covariance of the covariates among those at risk, so that ΣV is the information. Adds up over sites and strata.
package struct TimeTrendSums: Sendable, Hashable {
    /// Σ g(x − x̄) over the events.
    package var score: [Double]
    /// Σ gV.
    package var information: SymmetricMatrix
    /// Σ g²V.
    package var square: SymmetricMatrix

    package init(score: [Double], information: SymmetricMatrix, square: SymmetricMatrix) {
        precondition(information.order == score.count && square.order == score.count, "sums of one order")
        (self.score, self.information, self.square) = (score, information, square)
    }

    package var vector: [Double] { score + information.packedUpper + square.packedUpper }

    package static func vectorCount(parameterCount p: Int) -> Int { p * (p + 2) }

    /// Of a sum of `vector`s.
    package init(vector: [Double], parameterCount p: Int) {
        precondition(vector.count == Self.vectorCount(parameterCount: p), "sums of another model")
        let packed = SymmetricMatrix.packedCount(order: p)
        self.init(
            score: Array(vector[..<p]),
            information: SymmetricMatrix(order: p, packedUpper: Array(vector[p..<(p + packed)])),
            square: SymmetricMatrix(order: p, packedUpper: Array(vector[(p + packed)...])))
    }
}
