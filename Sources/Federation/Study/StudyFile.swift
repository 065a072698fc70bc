package import Survival

/// What a study lead writes: the cohort, the endpoint, and the analyses to be run, as parsed from YAML.
///
/// Parsing checks form; `StudyPlan` checks meaning against the data dictionary.
package struct StudyFile: Hashable, Sendable {
    /// Short name: `hcc-extrahepatic`, say.
    package var name: String
    package var title: String
    /// Free text for the people who decide about the study.
    package var purpose: String?
    package var lead: String?
    /// `name@version` of the data dictionary.
    package var dictionary: String
    /// The hospitals asked to take part, by the names in their certificates.
    package var sites: [String]
    /// A condition on the rows; nil takes all of them.
    package var cohort: String?
    package var endpoint: Endpoint
    package var definitions: [Definition]
    package var analyses: [Analysis]
    package var privacy: Privacy
    package var missingSite: MissingSite
    package var patienceSeconds: Int
    /// Lines of the file on which `cohort`, `endpoint` and each definition (`define NAME`) stand, for messages.
    package var lines: [String: Int] = [:]
    /// What becomes of rows of one person that overlap in time, in analyses that do not say it themselves.
    package var people: OverlappingRows?
    /// Whether the file says which dictionary it is for; a draft need not.
    package var namesDictionary = true

    /// The time variable, the event (a condition), an optional entry time, and the unit of all three.
    package struct Endpoint: Hashable, Sendable {
        package var time: String
        package var start: String?
        /// A condition; with causes and no event of its own, any of the causes.
        package var event: String
        /// Conditions of which at most one is true: why the event happened.
        package var causes: [Definition] = []
        package var unit: TimeUnit
        /// When everybody's follow-up ends, unless an analysis says another time.
        package var censorAt: TimeSpan? = nil
    }

    /// A named expression.
    package struct Definition: Hashable, Sendable {
        package var name: String
        package var text: String
    }

    /// How coarse a time axis the study asks for, where an analysis does not use exact times.
    package struct Privacy: Hashable, Sendable {
        /// Width of the public time grid, in the endpoint's unit.
        package var timeGrid: Double?
        /// Fewest exits, over the federation, in an interval of the merged grid.
        package var smallestInterval: Int
        /// Fewest people, over the federation, in a cell of a table; smaller ones are withheld.
        package var smallestCell = 10
    }

    /// What happens when a site stays silent for longer than the study's patience.
    package enum MissingSite: String, Hashable, Sendable, CaseIterable {
        case fail
        case `continue`
    }

    package struct Analysis: Hashable, Sendable {
        package var id: String
        /// A further condition on the rows of this analysis.
        package var cohort: String?
        /// A condition in place of the endpoint's event.
        package var event: String?
        /// The name of a cause that is the event; other causes are censored.
        package var cause: String?
        package var times: TimeAxisKind
        package var level: Double
        /// Only those still at risk then are in, and time counts from it.
        package var landmark: TimeSpan?
        /// When everybody's follow-up ends, counted from time zero; the endpoint's unless given.
        package var censorAt: TimeSpan? = nil
        /// What becomes of rows of one person that overlap in time.
        package var people: OverlappingRows? = nil
        package var kind: Kind
        /// Line of the study file, for messages.
        package var line: Int
        /// Whether the file itself says `times: grid`.
        package var statesGrid = false
    }

    package enum Kind: Hashable, Sendable {
        case survival(
            by: String?, at: [Double], limits: ConfidenceLimits, logRank: Bool,
            options: SurvivalOptions = SurvivalOptions())
        case incidence(
            by: String?, at: [Double], limits: ConfidenceLimits, weights: String?,
            test: IncidenceTest? = nil)
        case cox(
            terms: [String], baseline: CoxResult.Baseline, ties: Ties, weights: String?,
            options: CoxOptions = CoxOptions())
        /// Of a marker, a higher value of which lets expect an earlier event.
        case concordance(
            of: String, strata: [String], weights: String?, isRobust: Bool, options: ConcordanceOptions)
        case describe(variables: [String], by: String?, bins: TableBins)
    }

    /// How finely a table counts people by the value of a number, for quartiles and rank tests.
    package enum TableBins: Hashable, Sendable {
        /// Each number that has a resolution, by value.
        case exact
        /// The numbers that are named, by value (nil) or in bins of a width; no others.
        case named([Named])

        package struct Named: Hashable, Sendable {
            package var variable: String
            package var width: Double?
        }
    }

    /// What a survival analysis may have besides curves, medians and a log-rank test.
    package struct SurvivalOptions: Hashable, Sendable {
        /// Whether curves are wanted, or the test alone.
        package var hasCurves = true
        /// Shares of which the time is asked, ascending.
        package var quantiles: [Double] = []
        /// Times to which the restricted mean is asked, ascending.
        package var restrictedMeans: [Double] = []
        /// The median of the time to censoring.
        package var hasFollowUp = false
        /// The test's weight S(t−)^rho.
        package var rho = 0.0
        package var hasTrend = false
        /// Categories and conditions within whose levels the test compares groups; `siteStratum` for hospitals.
        package var strata: [String] = []
        /// A formula: case weights.
        package var weights: String?
        package var estimate = CurveEstimate.kaplanMeier
        /// Standard errors by the infinitesimal jackknife over people.
        package var isRobust = false

        /// The hospital among the strata of a test, where nothing else has this name.
        package static let siteStratum = "site"
    }

    /// Gray's tests between the groups of an incidence, compared within the levels of the strata.
    package struct IncidenceTest: Hashable, Sendable {
        package var strata: [String]
        /// The tests' weight (1 − F(t−))^rho.
        package var rho = 0.0
    }

    /// Residuals of a Cox model, added up over bins.
    package struct Diagnostics: Hashable, Sendable {
        /// Numbers over whose bins martingale residuals are added up.
        package var functionalForm: [String]
        /// Whether Schoenfeld residuals are added up over bins of time.
        package var hasSchoenfeld: Bool
        /// Most bins.
        package var bins: Int
        /// Fewest people, or events, over all hospitals, in a bin.
        package var smallestBin: Int
    }

    /// What a Cox model may have besides its table.
    package struct CoxOptions: Hashable, Sendable {
        /// `check: proportional-hazards`, along this function of time.
        package var check: TimeTransform?
        /// Robust variance by person, without a `cluster(x)` among the terms.
        package var isRobust: Bool
        /// `concordance:`, of the linear predictor.
        package var concordance: ConcordanceOptions?
        /// Whether those who had another cause leave the risk set, or stay in it with weights (Fine and Gray).
        package var hazard = CoxResult.Hazard.causeSpecific
        /// Rows of covariates whose curves are wanted.
        package var profiles: [[Definition]] = []
        /// Times at which they are wanted, ascending.
        package var at: [Double] = []
        package var curveLimits = ConfidenceLimits.log
        package var hasBaselineHazard = false
        /// A test that the coefficients are the same at all hospitals.
        package var testsHeterogeneity = false
        package var diagnostics: Diagnostics?
        package var penalty: CoxPenalty?
        /// Where the limits of the coefficients come from.
        package var limits: CoxResult.Limits?
        /// Most evaluations that the analysis may take; nil leaves it at `evaluationsUsual`.
        package var evaluations: Int?

        /// What a hospital's policy allows unless its admin changed it.
        package static let evaluationsUsual = 40

        package init(
            check: TimeTransform? = nil, isRobust: Bool = false, concordance: ConcordanceOptions? = nil
        ) {
            (self.check, self.isRobust, self.concordance) = (check, isRobust, concordance)
        }
    }

    /// A penalty on the likelihood of a Cox model.
    package enum CoxPenalty: Hashable, Sendable {
        /// θ/2 Σ b², or θ/2 Σ b² var(x) if it is scaled, on these terms; nil on all.
        case ridge(theta: Double, isScaled: Bool, terms: [String]?)
        case firth
    }
}

/// Units of follow-up time, a closed list, with their length in days for policy rules.
package enum TimeUnit: String, Hashable, Sendable, CaseIterable {
    case day, week, month, year

    /// The unit that a dictionary's text names, in singular or plural; nil for any other text.
    package init?(named text: String) {
        self.init(rawValue: text.hasSuffix("s") ? String(text.dropLast()) : text)
    }

    /// The list as people read it.
    package static var names: String { allCases.map(\.rawValue).joined(separator: ", ") }

    package var days: Double {
        switch self {
        case .day: 1
        case .week: 7
        case .month: 365.25 / 12
        case .year: 365.25
        }
    }
}
