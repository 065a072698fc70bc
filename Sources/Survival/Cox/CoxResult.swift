/// A fitted Cox model, in the study's own units.
package struct CoxResult: Hashable, Sendable, Codable {
    package var id: String
    package var counts: CohortCounts
    package var baseline: Baseline
    package var ties: Ties
    package var times: TimeAxisKind
    /// Confidence level of `lower` and `upper`: 0.95, say.
    package var level: Double
    package var terms: [Term]
    /// Covariance of the coefficients: row-major, `terms.count` squared, with NA rows for aliased terms.
    package var covariance: [Reported]
    package var logLikelihoodNull: Double
    package var logLikelihood: Double
    package var likelihoodRatio: TestResult
    package var wald: TestResult
    package var score: TestResult
    /// Newton (or quasi-Newton) evaluations of the likelihood.
    package var iterations: Int
    package var warnings: [String]
    /// The test of proportional hazards, if the study asks for it and it can be made.
    package var proportionalHazards: ProportionalHazards?
    /// What the variance is robust against: rows of one of these belong together; nil if it is the model's.
    package var cluster: String?
    /// The model's covariance where `covariance` is the robust one.
    package var naiveCovariance: [Reported]?
    /// Of pairs within sites, if the study asks for it.
    package var concordance: ConcordanceEstimate?
    /// Wald tests of terms with more than one column, and of what is not linear in a spline; nil if there is no such term.
    package var termTests: [WaldTest]?
    /// Where coefficients of a category run to infinity together: the differences between its levels that stay finite.
    package var differences: [Term]?
    /// The event that the analysis has in place of the endpoint's: a condition, or the name of a cause.
    package var event: String?
    package var hazard = Hazard.causeSpecific
    /// The cumulative baseline hazard by stratum, at covariates and offset 0, if the study asks for it.
    package var baselineHazard: [BaselineCurve]?
    /// Survival at stated covariates, if the study asks for it, and the scale of its limits.
    package var predictions: [Prediction]?
    package var curveLimits: ConfidenceLimits?
    /// The width of the study's grid, if `times` are on it; what is read off curves between its points is interpolated.
    package var gridWidth: Double?
    /// Tests that the coefficients are the same at all sites, if the study asks for them and they can be made.
    package var heterogeneity: Heterogeneity?
    /// Binned residuals, if the study asks for them.
    package var diagnostics: Diagnostics?
    /// Where the terms' limits come from.
    package var limits: Limits
    /// The penalty that the fit was made under; nil without one.
    package var penalty: Penalised?

    /// Score tests for a coefficient that changes along a function of time; R's `cox.zph`.
    package struct ProportionalHazards: Hashable, Sendable, Codable {
        package var transform: TimeTransform
        /// Where the transform was made from counts at times: which times; nil where no time left a site.
        package var times: TimeAxisKind?
        /// One for each term; a category is one term with a degree of freedom for each level but the reference.
        package var terms: [TermTest]
        /// All terms together.
        package var global: TestResult

        package init(
            transform: TimeTransform, times: TimeAxisKind?, terms: [TermTest], global: TestResult
        ) {
            (self.transform, self.times, self.terms, self.global) = (transform, times, terms, global)
        }
    }

    package struct TermTest: Hashable, Sendable, Codable {
        package var name: String
        package var test: TestResult

        package init(name: String, test: TestResult) {
            (self.name, self.test) = (name, test)
        }
    }

    /// A test that all columns of a term have no effect, or (nonlinear) the curved ones of a spline.
    package struct WaldTest: Hashable, Sendable, Codable {
        package var term: String
        package var isNonlinear: Bool
        package var test: TestResult

        package init(term: String, isNonlinear: Bool, test: TestResult) {
            (self.term, self.isNonlinear, self.test) = (term, isNonlinear, test)
        }
    }

    /// Tests that coefficients do not differ between sites; no number of one site is in them.
    package struct Heterogeneity: Hashable, Sendable, Codable {
        /// Sites that are compared.
        package var sites: Int
        /// All coefficients together: the score test of all interactions with the site.
        package var global: TestResult
        /// Cochran's Q of each coefficient that enough sites tell of.
        package var coefficients: [TermTest]

        package init(sites: Int, global: TestResult, coefficients: [TermTest]) {
            (self.sites, self.global, self.coefficients) = (sites, global, coefficients)
        }
    }

    package enum Baseline: String, Hashable, Sendable, Codable, CaseIterable { case site, common }

    package struct Term: Hashable, Sendable, Codable {
        package var name: String
        package var coef: Reported
        package var se: Reported
        package var z: Reported
        package var p: Reported
        package var logP: Reported
        package var hr: Reported
        package var lower: Reported
        package var upper: Reported
        /// The robust standard error, if there is one; then z, p and the limits use it, and `se` is the model's.
        package var robustSE: Reported?
        /// Likelihood-ratio statistic of this coefficient, if p is made from it.
        package var likelihoodRatio: Reported?
        /// What the normal approximation gives, where limits or p are those of a likelihood.
        package var wald: Wald?

        package init(
            name: String, coef: Reported, se: Reported, z: Reported, p: Reported, logP: Reported,
            hr: Reported, lower: Reported, upper: Reported, robustSE: Reported? = nil,
            likelihoodRatio: Reported? = nil, wald: Wald? = nil
        ) {
            (self.name, self.coef, self.se, self.z, self.p, self.logP) = (name, coef, se, z, p, logP)
            (self.hr, self.lower, self.upper, self.robustSE) = (hr, lower, upper, robustSE)
            (self.likelihoodRatio, self.wald) = (likelihoodRatio, wald)
        }
    }

    package init(
        id: String, counts: CohortCounts, baseline: Baseline, ties: Ties, times: TimeAxisKind, level: Double,
        terms: [Term], covariance: [Reported], logLikelihoodNull: Double, logLikelihood: Double,
        likelihoodRatio: TestResult, wald: TestResult, score: TestResult, iterations: Int, warnings: [String],
        proportionalHazards: ProportionalHazards? = nil, cluster: String? = nil,
        naiveCovariance: [Reported]? = nil, termTests: [WaldTest]? = nil,
        heterogeneity: Heterogeneity? = nil, diagnostics: Diagnostics? = nil,
        limits: Limits = .wald, penalty: Penalised? = nil
    ) {
        (self.id, self.counts, self.baseline, self.ties, self.times) = (id, counts, baseline, ties, times)
        (self.level, self.terms, self.covariance) = (level, terms, covariance)
        (self.logLikelihoodNull, self.logLikelihood) = (logLikelihoodNull, logLikelihood)
        (self.likelihoodRatio, self.wald, self.score) = (likelihoodRatio, wald, score)
        (self.iterations, self.warnings) = (iterations, warnings)
        (self.cluster, self.naiveCovariance) = (cluster, naiveCovariance)
        (self.proportionalHazards, self.termTests) = (proportionalHazards, termTests)
        (self.heterogeneity, self.diagnostics) = (heterogeneity, diagnostics)
        (self.limits, self.penalty) = (limits, penalty)
    }
}

/// The function of time along which a test lets coefficients change; R's `cox.zph(transform =)`.
package enum TimeTransform: String, Hashable, Sendable, Codable, CaseIterable {
    /// 1 − S(t−), S being the Kaplan-Meier curve of all rows.
    case km
    case identity
    case log
}

/// How tied event times are handled.
package enum Ties: String, Hashable, Sendable, Codable, CaseIterable {
    case efron
    case breslow
    /// The discrete partial likelihood, for a baseline hazard of each site's own.
    case exact
}
