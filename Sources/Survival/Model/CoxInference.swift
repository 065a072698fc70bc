/// Standard errors, tests and intervals of a fitted Cox model; the only place where they are made.
package enum CoxInference {
    /// A fit's table in the study's own units, its covariance, and the three tests of the whole model.
    ///
    /// `scale` undoes the standardisation x → (x − center)/scale: coefficients and standard errors are divided by it (0 counts
    /// as 1). `level` is the confidence level. Covariance is row-major; aliased coefficients are NA and do not count as
    /// degrees of freedom. With a `robust` covariance, z, p, the intervals, `covariance` and the Wald test use it, and `se` stays
    /// the model's; the likelihood-ratio and score tests do not use it (as R). Limits and p are those of the fit's profile
    /// likelihoods where it has any. An infinite coefficient has them alone, and leaves no Wald test of the model. Under a ridge
    /// penalty the tests are R's: the likelihoods without the penalty, on its degrees of freedom, and no score test; under
    /// Firth's the likelihood ratio is the penalised one.
    package static func summarize(
        _ fit: CoxFit, names: [String], scale: [Double], level: Double, robust: CoefficientCovariance? = nil
    ) -> (
        terms: [CoxResult.Term], covariance: [Reported], likelihoodRatio: TestResult, wald: TestResult,
        score: TestResult
    ) {
        precondition(
            names.count == fit.beta.count && scale.count == names.count, "a name and a scale per coefficient")
        let divisor = scale.map { $0 == 0 ? 1 : $0 }
        let quantile = Normal.quantile(0.5 + level / 2)
        let terms = names.indices.map { index in
            guard !fit.isAliased[index] else { return unavailable(names[index]) }
            let profile = fit.profiles.indices.contains(index) ? fit.profiles[index] : CoxProfile()
            if fit.infinite.contains(index) {
                return infinite(
                    names[index], isPositive: fit.risesToInfinity(index), hasSign: fit.hasSign(index),
                    profile,
                    divisor[index])
            }
            let term = term(
                names[index], coef: fit.beta[index] / divisor[index],
                se: fit.covariance[index, index].squareRoot() / divisor[index],
                robustSE: robust.map {
                    $0.hasVariance(index) ? $0.matrix[index, index].squareRoot() / divisor[index] : .nan
                },
                quantile: quantile)
            return profiled(term, profile, fit.profileWishes, divisor[index])
        }
        let wald = robust.map { $0.waldStatistic(Array(fit.beta.indices)) ?? .nan } ?? waldStatistic(fit)
        return (
            terms, covariance(robust?.matrix ?? fit.covariance, of: fit, divisor: divisor),
            test(likelihoodRatio(fit), df: fit.degreesOfFreedom),
            test(fit.infinite.isEmpty ? wald : .nan, df: fit.degreesOfFreedom),
            test(fit.scoreStatistic, df: fit.degreesOfFreedom)
        )
    }

    /// A chi-squared test; NA if the statistic is no number, or if there is nothing to test.
    static func test(_ statistic: Double, df: Int) -> TestResult { test(statistic, df: Double(df)) }

    static func test(_ statistic: Double, df: Double) -> TestResult {
        let statistic = df > 0 ? statistic : .nan
        let tail = ChiSquared.upperTail(statistic, degreesOfFreedom: df)
        return TestResult(
            statistic: Reported(statistic), degreesOfFreedom: df, p: Reported(tail.p),
            logP: Reported(tail.logP))
    }

    private static func likelihoodRatio(_ fit: CoxFit) -> Double {
        if let penalised = fit.penalised, penalised.penalty == .firth {
            return 2 * (penalised.logLikelihood - penalised.logLikelihoodNull)
        }
        return 2 * (fit.logLikelihood - fit.logLikelihoodNull)
    }

    /// The term with limits and p of its profile likelihood, where they were wished for; NA where they were not found.
    private static func profiled(
        _ term: CoxResult.Term, _ profile: CoxProfile, _ wishes: ProfileSurvey.Wishes, _ divisor: Double
    ) -> CoxResult.Term {
        guard wishes.limits || wishes.tests else { return term }
        var result = term
        result.wald = CoxResult.Wald(lower: term.lower, upper: term.upper, p: term.p, logP: term.logP)
        if wishes.limits { addLimits(profile, divisor, to: &result) }
        if wishes.tests { addTest(profile, to: &result) }
        return result
    }

    /// The term of a coefficient without a finite estimate: its limit on the finite side, and the likelihood-ratio test.
    ///
    /// Where the profile likelihood falls on neither side, not even the sign is known.
    private static func infinite(
        _ name: String, isPositive: Bool, hasSign: Bool, _ profile: CoxProfile, _ divisor: Double
    ) -> CoxResult.Term {
        var term = unavailable(name)
        if hasSign {
            (term.coef, term.hr) = (
                .value(isPositive ? .infinity : -.infinity), .value(isPositive ? .infinity : 0)
            )
        }
        addLimits(profile, divisor, to: &term)
        addTest(profile, to: &term)
        return term
    }

    private static func addLimits(_ profile: CoxProfile, _ divisor: Double, to term: inout CoxResult.Term) {
        term.lower = Reported(profile.lower.map { Elementary.exponential($0 / divisor) })
        term.upper = Reported(profile.upper.map { Elementary.exponential($0 / divisor) })
    }

    private static func addTest(_ profile: CoxProfile, to term: inout CoxResult.Term) {
        let tail = profile.statistic.map { ChiSquared.upperTail($0, df: 1) }
        term.likelihoodRatio = Reported(profile.statistic)
        (term.p, term.logP) = (Reported(tail?.p), Reported(tail?.logP))
    }

    static func term(
        _ name: String, coef: Double, se: Double, robustSE: Double?, quantile: Double
    ) -> CoxResult.Term {
        let used = robustSE ?? se
        let z = coef / used
        let (p, logP) = Normal.twoSidedP(z)
        return CoxResult.Term(
            name: name, coef: Reported(coef), se: Reported(se), z: Reported(z), p: Reported(p),
            logP: Reported(logP),
            hr: Reported(Elementary.exponential(coef)),
            lower: Reported(Elementary.exponential(coef - quantile * used)),
            upper: Reported(Elementary.exponential(coef + quantile * used)),
            robustSE: robustSE.map { Reported($0) })
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
                fit.isAliased[row] || fit.isAliased[column] || fit.infinite.contains(row)
                    || fit.infinite.contains(column)
                    ? .notAvailable : Reported(covariance[row, column] / divisor[row] / divisor[column])
            }
        }
    }

    /// βᵀIβ; aliased coefficients are 0 and do not count.
    private static func waldStatistic(_ fit: CoxFit) -> Double { fit.information.quadraticForm(fit.beta) }
}
