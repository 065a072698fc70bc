/// A fitted Cox model on the scale of the covariates it was fitted with (standardised ones, as a rule).
///
/// An aliased covariate (a combination of earlier ones, or constant) has coefficient 0 and zero rows in `covariance`; its
/// coefficient is reported as NA.
package struct CoxFit: Sendable, Hashable {
    package var beta: [Double]
    package var isAliased: [Bool]
    /// Inverse of the information at `beta`.
    package var covariance: SymmetricMatrix
    package var information: SymmetricMatrix
    /// At β = 0 and at `beta`.
    package var logLikelihoodNull: Double
    package var logLikelihood: Double
    /// UᵀI⁻¹U at β = 0.
    package var scoreStatistic: Double
    /// Evaluations of the likelihood, the one at 0 included.
    package var iterations: Int
    /// Covariates whose coefficient runs to infinity (separation): the likelihood has no maximum.
    package var infinite: [Int]
    package var warnings: [String]

    /// The robust covariance I⁻¹BI⁻¹ (Lin and Wei, JASA 1989), B being the sum of squares of score residuals by cluster.
    package func robustCovariance(squares: SymmetricMatrix) -> SymmetricMatrix {
        precondition(squares.order == beta.count, "squares of another model")
        var robust = SymmetricMatrix(order: beta.count)
        for column in beta.indices {
            let middle = squares.times(beta.indices.map { covariance[$0, column] })
            let outer = covariance.times(middle)
            for row in 0...column { robust[row, column] = outer[row] }
        }
        return robust
    }

    /// Coefficients that are not aliased: the degrees of freedom of the tests.
    package var rank: Int { isAliased.count { !$0 } }

    package init(
        beta: [Double], isAliased: [Bool], covariance: SymmetricMatrix, information: SymmetricMatrix,
        logLikelihoodNull: Double, logLikelihood: Double, scoreStatistic: Double, iterations: Int,
        infinite: [Int], warnings: [String]
    ) {
        (self.beta, self.isAliased, self.covariance) = (beta, isAliased, covariance)
        (self.information, self.logLikelihoodNull) = (information, logLikelihoodNull)
        (self.logLikelihood, self.scoreStatistic) = (logLikelihood, scoreStatistic)
        (self.iterations, self.infinite, self.warnings) = (iterations, infinite, warnings)
    }

    /// The sentences a reader must see: aliased covariates, infinite coefficients, no events.
    static func warnings(parameterNames: [String], isAliased: [Bool], infinite: [Int]) -> [String] {
        if !isAliased.isEmpty, !isAliased.contains(false), parameterNames.count > 1 {
            return [
                "no covariate can be estimated: there is no event, or no variation in those at risk at any event"
            ]
        }
        let aliased = isAliased.indices.filter { isAliased[$0] }.map {
            "\(parameterNames[$0]) is constant or a combination of the covariates before it among those at risk; "
                + "its coefficient is not available"
        }
        let separated = infinite.map {
            "the log-likelihood converged before the coefficient of \(parameterNames[$0]), which may be infinite; "
                + "no standard error or Wald test can be given a meaning for it"
        }
        return aliased + separated
    }
}
