/// A number of a report that may be missing for a reason a reader must see.
///
/// In JSON a value is a number, `notAvailable` is `null`, and `suppressed` is the object `{"suppressed": "<rule>"}`, so that
/// a suppressed number is never mistaken for a zero.
package enum Reported: Hashable, Sendable {
    case value(Double)
    /// R's `NA`: an aliased coefficient, a median that is not reached.
    case notAvailable
    /// Withheld by the named disclosure rule.
    case suppressed(rule: String)

    /// NaN counts as not available; infinities are kept.
    package init(_ value: Double?) {
        if let value, !value.isNaN { self = .value(value) } else { self = .notAvailable }
    }

    package var value: Double? {
        if case .value(let value) = self { value } else { nil }
    }
}

/// What a finished study says: one result for each analysis, and under which rules it was made.
package struct StudyResult: Hashable, Sendable, Codable {
    /// The study's short name, title, and identity (SHA-256, hex, of the submitted study).
    package var study: String
    package var title: String
    package var studyHash: String
    package var dictionary: String
    package var endpoint: Endpoint
    package var sites: [Site]
    /// Rounds of sums that led to this result.
    package var rounds: Int
    package var analyses: [AnalysisResult]
    package var warnings: [String]

    package struct Endpoint: Hashable, Sendable, Codable {
        package var time: String
        package var event: String
        package var unit: String

        package init(time: String, event: String, unit: String) {
            (self.time, self.event, self.unit) = (time, event, unit)
        }
    }

    package struct Site: Hashable, Sendable, Codable {
        package var name: String
        /// SHA-256, hex, of the disclosure policy the site answered under; nil for a fit on local files.
        package var policyHash: String?

        package init(name: String, policyHash: String?) {
            (self.name, self.policyHash) = (name, policyHash)
        }
    }

    package init(
        study: String, title: String, studyHash: String, dictionary: String, endpoint: Endpoint,
        sites: [Site],
        rounds: Int, analyses: [AnalysisResult], warnings: [String]
    ) {
        (self.study, self.title, self.studyHash, self.dictionary) = (study, title, studyHash, dictionary)
        (self.endpoint, self.sites, self.rounds) = (endpoint, sites, rounds)
        (self.analyses, self.warnings) = (analyses, warnings)
    }
}

/// The result of one analysis of a study file; an analysis that cannot be answered fails alone and says why.
package enum AnalysisResult: Hashable, Sendable {
    case cox(CoxResult)
    case survival(SurvivalResult)
    case describe(DescriptionResult)
    case incidence(IncidenceResult)
    case concordance(ConcordanceResult)
    case failed(id: String, kind: String, reason: String)

    package var id: String {
        switch self {
        case .cox(let result): result.id
        case .survival(let result): result.id
        case .describe(let result): result.id
        case .incidence(let result): result.id
        case .concordance(let result): result.id
        case .failed(let id, _, _): id
        }
    }
}

/// Numbers of rows behind an analysis, over all sites.
package struct CohortCounts: Hashable, Sendable, Codable {
    /// Rows in the analysis, people they belong to, events.
    package var rows: Int
    package var people: Int
    package var events: Int
    /// Rows of the cohort left out because something is missing, in all and by variable (a row may count for several).
    package var dropped: Int
    package var droppedByVariable: [String: Int]
    /// The landmark from which time counts; nil without one.
    package var landmark: Landmark?

    /// A time at which everyone in the analysis is at risk, in the endpoint's unit, and the people who were not.
    package struct Landmark: Hashable, Sendable, Codable {
        package var time: Double
        package var excluded: Int

        package init(time: Double, excluded: Int) {
            (self.time, self.excluded) = (time, excluded)
        }
    }

    package init(
        rows: Int, people: Int, events: Int, dropped: Int, droppedByVariable: [String: Int],
        landmark: Landmark? = nil
    ) {
        (self.rows, self.people, self.events) = (rows, people, events)
        (self.dropped, self.droppedByVariable) = (dropped, droppedByVariable)
        self.landmark = landmark
    }
}

/// A test statistic with its degrees of freedom and upper-tail p-value.
package struct TestResult: Hashable, Sendable, Codable {
    package var statistic: Reported
    /// A whole number, but under a ridge penalty.
    package var degreesOfFreedom: Double
    package var p: Reported
    /// Natural logarithm of p, which stays meaningful where p underflows to 0.
    package var logP: Reported

    package init(statistic: Reported, degreesOfFreedom: Double, p: Reported, logP: Reported) {
        (self.statistic, self.degreesOfFreedom, self.p, self.logP) = (statistic, degreesOfFreedom, p, logP)
    }
}

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
    /// The event that the analysis has in place of the endpoint's: a condition, or the name of a cause.
    package var event: String?
    package var hazard = Hazard.causeSpecific
    /// The cumulative baseline hazard by stratum, at covariates and offset 0, if the study asks for it.
    package var baselineHazard: [BaselineCurve]?
    /// Survival at stated covariates, if the study asks for it, and the scale of its limits.
    package var predictions: [Prediction]?
    package var curveLimits: ConfidenceLimits?
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

/// Whether sums indexed by time used the recorded times or the study's coarser grid.
package enum TimeAxisKind: String, Hashable, Sendable, Codable, CaseIterable { case exact, grid }

/// Kaplan-Meier curves by group, and the log-rank test between the groups if it was asked for.
package struct SurvivalResult: Hashable, Sendable, Codable {
    package var id: String
    package var counts: CohortCounts
    package var times: TimeAxisKind
    /// The variable or definition that makes the groups; nil for one curve.
    package var by: String?
    package var limits: ConfidenceLimits
    package var level: Double
    package var groups: [Group]
    package var test: LogRank?
    package var warnings: [String]
    package var estimate = CurveEstimate.kaplanMeier
    /// What standard errors and limits are robust against: rows of one of these belong together; nil for Greenwood's.
    package var cluster: String?
    /// The event that the analysis has in place of the endpoint's.
    package var event: String?
    /// The formula of the case weights; counts are then sums of weights.
    package var weights: String?

    package struct Group: Hashable, Sendable, Codable {
        /// The level's label; empty without groups.
        package var name: String
        package var rows: Int
        package var events: Int
        package var median: Quantile
        /// One point at each time with an exit (event or censoring), in time order; arrays of equal length.
        package var curve: Curve
        /// Survival at the times the study asks for.
        package var at: [Point]
        /// Times by which the shares that the study asks for have had the event.
        package var quantiles: [ShareQuantile]
        /// Areas under the curve to the times that the study asks for.
        package var restrictedMeans: [RestrictedMean]
        /// Median of the time to censoring (reverse Kaplan-Meier), if the study asks for it.
        package var followUp: Quantile?

        package init(
            name: String, rows: Int, events: Int, median: Quantile, curve: Curve, at: [Point],
            quantiles: [ShareQuantile] = [], restrictedMeans: [RestrictedMean] = [], followUp: Quantile? = nil
        ) {
            (self.name, self.rows, self.events, self.median) = (name, rows, events, median)
            (self.curve, self.at) = (curve, at)
            (self.quantiles, self.restrictedMeans, self.followUp) = (quantiles, restrictedMeans, followUp)
        }
    }

    package struct ShareQuantile: Hashable, Sendable, Codable {
        /// 0.25: by when a quarter has had the event.
        package var share: Double
        package var time: Quantile

        package init(share: Double, time: Quantile) {
            (self.share, self.time) = (share, time)
        }
    }

    package struct RestrictedMean: Hashable, Sendable, Codable {
        package var time: Double
        package var mean: Reported
        package var se: Reported
        package var lower: Reported
        package var upper: Reported

        package init(time: Double, mean: Reported, se: Reported, lower: Reported, upper: Reported) {
            (self.time, self.mean, self.se, self.lower, self.upper) = (time, mean, se, lower, upper)
        }
    }

    package struct Curve: Hashable, Sendable, Codable {
        package var time: [Double]
        package var atRisk: [Double]
        package var events: [Double]
        package var censored: [Double]
        package var survival: [Reported]
        /// Standard error of the survival (Greenwood's, or a robust one).
        package var se: [Reported]
        package var lower: [Reported]
        package var upper: [Reported]
        /// Cumulative hazard (Nelson-Aalen's, or Fleming and Harrington's) and its standard error.
        package var hazard: [Reported]
        package var hazardSE: [Reported]

        package init(
            time: [Double], atRisk: [Double], events: [Double], censored: [Double], survival: [Reported],
            se: [Reported], lower: [Reported], upper: [Reported], hazard: [Reported], hazardSE: [Reported]
        ) {
            (self.time, self.atRisk, self.events, self.censored) = (time, atRisk, events, censored)
            (self.survival, self.se, self.lower, self.upper) = (survival, se, lower, upper)
            (self.hazard, self.hazardSE) = (hazard, hazardSE)
        }
    }

    package struct Quantile: Hashable, Sendable, Codable {
        package var estimate: Reported
        package var lower: Reported
        package var upper: Reported

        package init(estimate: Reported, lower: Reported, upper: Reported) {
            (self.estimate, self.lower, self.upper) = (estimate, lower, upper)
        }
    }

    package struct Point: Hashable, Sendable, Codable {
        package var time: Double
        package var atRisk: Reported
        package var survival: Reported
        package var se: Reported
        package var lower: Reported
        package var upper: Reported
        /// Cumulative hazard and its standard error.
        package var hazard: Reported
        package var hazardSE: Reported

        package init(
            time: Double, atRisk: Reported, survival: Reported, se: Reported, lower: Reported,
            upper: Reported, hazard: Reported, hazardSE: Reported
        ) {
            (self.time, self.atRisk, self.survival, self.se) = (time, atRisk, survival, se)
            (self.lower, self.upper, self.hazard, self.hazardSE) = (lower, upper, hazard, hazardSE)
        }
    }

    package struct LogRank: Hashable, Sendable, Codable {
        package var groups: [String]
        package var observed: [Reported]
        package var expected: [Reported]
        package var test: TestResult
        /// Weight S(t−)^rho: 0 is the log-rank test, 1 is Peto and Peto's.
        package var rho: Double
        /// Against a trend over the groups in their order, if the study asks for it.
        package var trend: TestResult?
        /// Variables whose levels make strata; groups are compared within them.
        package var strata: [String]

        package init(
            groups: [String], observed: [Reported], expected: [Reported], test: TestResult, rho: Double = 0,
            trend: TestResult? = nil, strata: [String] = []
        ) {
            (self.groups, self.observed, self.expected, self.test) = (groups, observed, expected, test)
            (self.rho, self.trend, self.strata) = (rho, trend, strata)
        }
    }

    package init(
        id: String, counts: CohortCounts, times: TimeAxisKind, by: String?, limits: ConfidenceLimits,
        level: Double,
        groups: [Group], test: LogRank?, warnings: [String]
    ) {
        (self.id, self.counts, self.times, self.by, self.limits) = (id, counts, times, by, limits)
        (self.level, self.groups, self.test, self.warnings) = (level, groups, test, warnings)
    }
}

/// The transform on which a survival curve's confidence limits are symmetric; R's `conf.type`.
package enum ConfidenceLimits: String, Hashable, Sendable, Codable, CaseIterable {
    case log
    case logLog = "log-log"
    case plain
}
