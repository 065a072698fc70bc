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

    // MARK: - Curves that a model predicts

    /// Whose hazard is modelled where there are several causes of an event.
    package enum Hazard: String, Hashable, Sendable, Codable, CaseIterable {
        /// Those who had another cause leave the risk set.
        case causeSpecific = "cause-specific"
        /// They stay in it, weighted by the censoring to come (Fine and Gray, JASA 1999).
        case subdistribution
    }

    /// The cumulative baseline hazard of a stratum; arrays of equal length, one element a time with an event.
    package struct BaselineCurve: Hashable, Sendable, Codable {
        /// The stratum's label; empty without strata.
        package var stratum: String
        package var time: [Double]
        package var hazard: [Reported]
        package var se: [Reported]
        /// On a grid: where the interval of each time begins.
        package var gridStart: [Double]?

        package init(
            stratum: String, time: [Double], hazard: [Reported], se: [Reported], gridStart: [Double]? = nil
        ) {
            (self.stratum, self.time, self.hazard, self.se) = (stratum, time, hazard, se)
            self.gridStart = gridStart
        }
    }

    /// Survival at stated covariates in a stratum.
    package struct Prediction: Hashable, Sendable, Codable {
        /// `age=60, sex=f`.
        package var profile: String
        package var stratum: String
        /// One point at each time with an event.
        package var curve: [CurvePoint]
        /// On a grid: where the interval of each point begins.
        package var gridStart: [Double]?
        /// The times the study asks for.
        package var at: [CurvePoint]

        package init(
            profile: String, stratum: String, curve: [CurvePoint], at: [CurvePoint],
            gridStart: [Double]? = nil
        ) {
            (self.profile, self.stratum, self.curve, self.at) = (profile, stratum, curve, at)
            self.gridStart = gridStart
        }
    }

    /// Survival and cumulative hazard just after a time.
    package struct CurvePoint: Hashable, Sendable, Codable {
        package var time: Double
        package var survival: Reported
        package var lower: Reported
        package var upper: Reported
        package var hazard: Reported
        package var hazardSE: Reported
        /// On a grid.
        package var grid: Grid?

        /// The interval of the grid that the time lies in (both ends the time itself where it is a point of the grid), and the curve at
        /// the interval's two ends.
        package struct Grid: Hashable, Sendable, Codable {
            package var from: Double
            package var to: Double
            package var survival: Bounds
            package var hazard: Bounds

            package init(from: Double, to: Double, survival: Bounds, hazard: Bounds) {
                (self.from, self.to, self.survival, self.hazard) = (from, to, survival, hazard)
            }
        }

        package init(
            time: Double, survival: Reported, lower: Reported, upper: Reported, hazard: Reported,
            hazardSE: Reported, grid: Grid? = nil
        ) {
            (self.time, self.survival, self.lower, self.upper) = (time, survival, lower, upper)
            (self.hazard, self.hazardSE, self.grid) = (hazard, hazardSE, grid)
        }
    }

    // MARK: - Binned residuals

    /// Residuals of a model, added up over bins that hold enough people or events; no residual of a row is in it.
    package struct Diagnostics: Hashable, Sendable, Codable {
        package var functionalForm: [FunctionalForm]
        package var effectOverTime: EffectOverTime?

        package init(functionalForm: [FunctionalForm], effectOverTime: EffectOverTime?) {
            (self.functionalForm, self.effectOverTime) = (functionalForm, effectOverTime)
        }

        /// Martingale residuals by bins of a number: where their means bend, so does the number's effect.
        package struct FunctionalForm: Hashable, Sendable, Codable {
            package var covariate: String
            package var bins: [Bin]

            package init(covariate: String, bins: [Bin]) {
                (self.covariate, self.bins) = (covariate, bins)
            }
        }

        /// Values from `lower` to below `upper`.
        package struct Bin: Hashable, Sendable, Codable {
            package var lower: Double
            package var upper: Double
            package var rows: Int
            package var people: Int
            package var events: Int
            /// Events that the model expects.
            package var expected: Reported
            /// Mean martingale residual of the rows: (events - expected)/rows.
            package var residual: Reported

            package init(
                lower: Double, upper: Double, rows: Int, people: Int, events: Int, expected: Reported,
                residual: Reported
            ) {
                (self.lower, self.upper, self.rows, self.people) = (lower, upper, rows, people)
                (self.events, self.expected, self.residual) = (events, expected, residual)
            }
        }

        /// Mean scaled Schoenfeld residuals by bins of time: what each coefficient is about in the bin.
        package struct EffectOverTime: Hashable, Sendable, Codable {
            package var times: TimeAxisKind
            package var terms: [String]
            package var bins: [TimeBin]

            package init(times: TimeAxisKind, terms: [String], bins: [TimeBin]) {
                (self.times, self.terms, self.bins) = (times, terms, bins)
            }
        }

        /// Times after `lower` up to `upper`; `effects` has a number for each coefficient.
        package struct TimeBin: Hashable, Sendable, Codable {
            package var lower: Double
            package var upper: Double
            package var events: Int
            package var effects: [Reported]

            package init(lower: Double, upper: Double, events: Int, effects: [Reported]) {
                (self.lower, self.upper, self.events, self.effects) = (lower, upper, events, effects)
            }
        }
    }

    // MARK: - Penalties and profile likelihoods

    /// Whether some term has a likelihood-ratio test of its own.
    package var hasLikelihoodRatios: Bool { terms.contains { $0.likelihoodRatio != nil } }

    /// Where the limits of a coefficient come from: its standard error, or the profile likelihood.
    package enum Limits: String, Hashable, Sendable, Codable, CaseIterable { case wald, profile }

    /// Limits and p of a coefficient by the normal approximation.
    package struct Wald: Hashable, Sendable, Codable {
        package var lower: Reported
        package var upper: Reported
        package var p: Reported
        package var logP: Reported

        package init(lower: Reported, upper: Reported, p: Reported, logP: Reported) {
            (self.lower, self.upper, self.p, self.logP) = (lower, upper, p, logP)
        }
    }

    /// The penalty that a model was fitted under.
    package struct Penalised: Hashable, Sendable, Codable {
        package var kind: Kind
        /// The penalised log-likelihood, with all coefficients 0 and at the estimate.
        package var logLikelihoodNull: Double
        package var logLikelihood: Double
        /// Only for a ridge.
        package var ridge: Ridge?

        package enum Kind: String, Hashable, Sendable, Codable { case ridge, firth }

        package init(kind: Kind, logLikelihoodNull: Double, logLikelihood: Double, ridge: Ridge? = nil) {
            (self.kind, self.logLikelihoodNull, self.logLikelihood) = (kind, logLikelihoodNull, logLikelihood)
            self.ridge = ridge
        }
    }

    /// θ/2 Σ bⱼ², or θ/2 Σ bⱼ² var(xⱼ); arrays have an element for each coefficient.
    package struct Ridge: Hashable, Sendable, Codable {
        package var theta: Double
        package var isScaled: Bool
        /// Which coefficients are penalised.
        package var isPenalised: [Bool]
        /// var(xⱼ) where it was used, else NA.
        package var variances: [Reported]
        /// Of the penalised coefficients together.
        package var degreesOfFreedom: Double
        /// The penalty at the estimate.
        package var amount: Double

        /// Those of the terms' names that are penalised.
        package func penalised(_ names: [String]) -> [String] {
            zip(names, isPenalised).filter(\.1).map(\.0)
        }

        package init(
            theta: Double, isScaled: Bool, isPenalised: [Bool], variances: [Reported],
            degreesOfFreedom: Double, amount: Double
        ) {
            (self.theta, self.isScaled, self.isPenalised) = (theta, isScaled, isPenalised)
            (self.variances, self.degreesOfFreedom, self.amount) = (variances, degreesOfFreedom, amount)
        }
    }
}

/// The function of time along which a test lets coefficients change; R's `cox.zph(transform =)`.
package enum TimeTransform: String, Hashable, Sendable, Codable, CaseIterable {
    /// 1 − S(t−), S being the Kaplan-Meier curve of all rows.
    case km
    case identity
    case log
}
