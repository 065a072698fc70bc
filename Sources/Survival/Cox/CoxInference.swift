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
            TestResult(chiSquared: likelihoodRatio(fit), df: fit.degreesOfFreedom),
            TestResult(chiSquared: fit.infinite.isEmpty ? wald : .nan, df: fit.degreesOfFreedom),
            TestResult(chiSquared: fit.scoreStatistic, df: fit.degreesOfFreedom)
        )
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

    private static func term(
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

    /// Wald tests of the terms with more than one column, and of the curved columns of splines.
    ///
    /// βⱼᵀ(Vⱼⱼ)⁻¹βⱼ over a term's columns J, V being the robust covariance if there is one; aliased columns do not take part. A
    /// test is not available where a column's coefficient is infinite, or Vⱼⱼ is singular (fewer clusters than coefficients).
    package static func termTests(
        of fit: CoxFit, terms: [ModelSpecification.Term], robust: CoefficientCovariance?
    ) -> [CoxResult.WaldTest] {
        let covariance = robust ?? CoefficientCovariance(fit)
        func test(_ term: ModelSpecification.Term, _ columns: [Int], isNonlinear: Bool) -> CoxResult.WaldTest?
        {
            let kept = columns.filter { !fit.isAliased[$0] }
            guard !kept.isEmpty else { return nil }
            guard kept.allSatisfy({ !fit.infinite.contains($0) }) else {
                return .init(
                    term: term.name, isNonlinear: isNonlinear,
                    test: .unavailable(degreesOfFreedom: kept.count))
            }
            return .init(
                term: term.name, isNonlinear: isNonlinear,
                test: covariance.waldStatistic(kept).map { TestResult(chiSquared: $0, df: kept.count) }
                    ?? .unavailable(degreesOfFreedom: kept.count))
        }
        return terms.flatMap { term in
            [
                term.columns.count > 1 ? test(term, Array(term.columns), isNonlinear: false) : nil,
                test(term, term.nonlinear, isNonlinear: true),
            ].compactMap(\.self)
        }
    }

    /// The finite differences between coefficients of one term that run to infinity together, each against the first such level
    /// that it keeps step with: the rows of a level without events tell nothing of how the others differ.
    package static func differences(
        of fit: CoxFit, terms: [ModelSpecification.Term], names: [String], scale: [Double], level: Double,
        robust: CoefficientCovariance?
    ) -> [CoxResult.Term] {
        guard let separation = fit.separation else { return [] }
        let covariance = CoefficientCovariance(fit)
        let quantile = Normal.quantile(0.5 + level / 2)
        func difference(_ index: Int, _ other: Int) -> CoxResult.Term? {
            var weights = fit.beta.map { _ in 0.0 }
            weights[index] = 1 / (scale[index] == 0 ? 1 : scale[index])
            weights[other] = -1 / (scale[other] == 0 ? 1 : scale[other])
            guard separation.keeps(weights) else { return nil }
            return term(
                "\(names[index]) against \(names[other])", coef: dot(weights, fit.beta),
                se: covariance.variance(of: weights).squareRoot(),
                robustSE: robust.map { $0.variance(of: weights).squareRoot() }, quantile: quantile)
        }
        return terms.flatMap { term in
            let infinite = term.columns.filter { fit.infinite.contains($0) }
            return infinite.enumerated().compactMap { place, index in
                infinite[..<place].lazy.compactMap { difference(index, $0) }.first
            }
        }
    }

    /// β̂ + share·V·r in the study's units: what scaled Schoenfeld residuals with the sum r show of the coefficients that are finite.
    package static func effects(
        of fit: CoxFit, residuals: [Double], share: Double, scale: [Double]
    ) -> [Reported] {
        let moved =
            fit.separation == nil
            ? RankRevealingCholesky(fit.information, leavingOut: fit.isAliased).solve(residuals)
            : InformationFrame(fit.information, holding: fit.held).solve(residuals)
        let infinite = fit.infinite
        return fit.beta.indices.map { index in
            let divisor = scale[index] == 0 ? 1 : scale[index]
            return fit.isAliased[index] || infinite.contains(index)
                ? .notAvailable : Reported((fit.beta[index] + share * moved[index]) / divisor)
        }
    }
}
