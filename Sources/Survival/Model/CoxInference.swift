import Foundation

/// Standard errors, tests and intervals of a fitted Cox model; the only place where they are made.
package enum CoxInference {
    /// A fit's table in the study's own units, its covariance, and the three tests of the whole model.
    ///
    /// `scale` undoes the standardisation x → (x − center)/scale: coefficients and standard errors are divided by it (0 counts
    /// as 1). `level` is the confidence level. Covariance is row-major; aliased coefficients are NA and do not count as
    /// degrees of freedom. With a `robust` covariance, z, p, the intervals, `covariance` and the Wald test use it, and `se` stays
    /// the model's; the likelihood-ratio and score tests do not use it (as R).
    package static func summarize(
        _ fit: CoxFit, names: [String], scale: [Double], level: Double, robust: SymmetricMatrix? = nil
    ) -> (
        terms: [CoxResult.Term], covariance: [Reported], likelihoodRatio: TestResult, wald: TestResult,
        score: TestResult
    ) {
        precondition(
            names.count == fit.beta.count && scale.count == names.count, "a name and a scale per coefficient")
        let divisor = scale.map { $0 == 0 ? 1 : $0 }
        let quantile = Normal.quantile(0.5 + level / 2)
        let terms = names.indices.map { index in
            fit.isAliased[index]
                ? unavailable(names[index])
                : term(
                    names[index], coef: fit.beta[index] / divisor[index],
                    se: fit.covariance[index, index].squareRoot() / divisor[index],
                    robustSE: robust.map { max(0, $0[index, index]).squareRoot() / divisor[index] },
                    quantile: quantile)
        }
        return (
            terms, covariance(robust ?? fit.covariance, of: fit, divisor: divisor),
            test(2 * (fit.logLikelihood - fit.logLikelihoodNull), df: fit.rank),
            test(robust.map { waldStatistic(fit, robust: $0) } ?? waldStatistic(fit), df: fit.rank),
            test(fit.scoreStatistic, df: fit.rank)
        )
    }

    /// A chi-squared test.
    static func test(_ statistic: Double, df: Int) -> TestResult {
        let tail = ChiSquared.upperTail(statistic, df: df)
        return TestResult(
            statistic: Reported(statistic), degreesOfFreedom: df, p: Reported(tail.p),
            logP: Reported(tail.logP))
    }

    private static func term(
        _ name: String, coef: Double, se: Double, robustSE: Double?, quantile: Double
    ) -> CoxResult.Term {
        let used = robustSE ?? se
        let z = coef / used
        let (p, logP) = Normal.twoSidedP(z)
        return CoxResult.Term(
            name: name, coef: Reported(coef), se: Reported(se), z: Reported(z), p: Reported(p),
            logP: Reported(logP),
            hr: Reported(exp(coef)), lower: Reported(exp(coef - quantile * used)),
            upper: Reported(exp(coef + quantile * used)), robustSE: robustSE.map { Reported($0) })
    }

    private static func unavailable(_ name: String) -> CoxResult.Term {
        CoxResult.Term(
            name: name, coef: .notAvailable, se: .notAvailable, z: .notAvailable, p: .notAvailable,
            logP: .notAvailable, hr: .notAvailable, lower: .notAvailable, upper: .notAvailable)
    }

    /// A covariance matrix of the coefficients in the study's units, row by row.
    package static func covariance(_ covariance: SymmetricMatrix, of fit: CoxFit, scale: [Double])
        -> [Reported]
    {
        Self.covariance(covariance, of: fit, divisor: scale.map { $0 == 0 ? 1 : $0 })
    }

    private static func covariance(
        _ covariance: SymmetricMatrix, of fit: CoxFit, divisor: [Double]
    ) -> [Reported] {
        divisor.indices.flatMap { row in
            divisor.indices.map { column in
                fit.isAliased[row] || fit.isAliased[column]
                    ? .notAvailable : Reported(covariance[row, column] / divisor[row] / divisor[column])
            }
        }
    }

    /// βᵀIβ; aliased coefficients are 0 and do not count.
    private static func waldStatistic(_ fit: CoxFit) -> Double { fit.information.quadraticForm(fit.beta) }

    /// βᵀV⁻¹β with the robust V, of which directions without variance (fewer clusters than coefficients) do not count.
    private static func waldStatistic(_ fit: CoxFit, robust: SymmetricMatrix) -> Double {
        let factored = RankRevealingCholesky(robust, leavingOut: fit.isAliased)
        return dot(fit.beta, factored.solve(fit.beta))
    }
}
