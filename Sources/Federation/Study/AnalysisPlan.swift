package import Survival

/// One analysis of a study, compiled.
package struct AnalysisPlan: Sendable {
    package var id: String
    package var cohort: [Expression]
    package var endpoint: EndpointSpecification
    package var times: TimeAxisKind
    package var level: Double
    package var kind: Kind
    /// Dictionary variables that the analysis reads, and of those the ones whose absence drops a row; both sorted.
    package var variables: [String]
    package var neededVariables: [String]
    /// Covariates' variables that the dictionary marks as measured after time zero, where follow-up starts at time zero or at
    /// a landmark before they are known, or not known to be.
    package var lateVariables: [String]
    /// What the dictionary allows the end of follow-up to be.
    package var timeBounds: ClosedRange<Double>
    /// Of what the recorded times are multiples, by the dictionary; nil if of nothing.
    package var timeResolution: Double?
    /// Positions on the time axis; nil where no time leaves a hospital.
    ///
    /// Also nil before they are found, where the times have a `searchRange`.
    package var axis: TimeAxis?
    /// The bounds of exact times whose positions the dictionary does not fix: they are searched for.
    package var searchRange: ClosedRange<Double>?
    /// Competing causes whose exits are counted apart: the endpoint's, or none.
    package var causes: [Cause]
    /// Which of several causes is the event; nil if each of them is.
    package var causeOfInterest: Int?
    /// The event that an analysis has in place of the endpoint's: a condition, or the name of a cause.
    package var ownEvent: String?
    /// What becomes of rows of one person that overlap in time; nil refuses the analysis where there are any.
    package var people: OverlappingRows?

    /// A cause of the event and the condition that says so; of one row at most one cause is true.
    package struct Cause: Hashable, Sendable {
        package var name: String
        package var condition: Expression
    }

    package enum Kind: Sendable {
        case survival(SurvivalPlan)
        case incidence(IncidencePlan)
        case concordance(ConcordancePlan)
        case cox(CoxPlan)
        case table(TablePlan)
    }

    package struct SurvivalPlan: Sendable {
        package var by: Expression?
        /// The groups' names; one empty name without groups.
        package var groups: [String]
        package var at: [Double]
        package var limits: ConfidenceLimits
        package var logRank: Bool
        package var options: StudyFile.SurvivalOptions
        /// Whether the test compares groups within hospitals, each of which then forms its own sums of it at its exact times.
        package var isWithinSites: Bool
        /// Categories and conditions whose levels make the strata of the test, and those levels.
        package var strata: [Stratum]
        package var weights: Expression?
        /// Whose rows belong together in robust standard errors; nil without them.
        package var cluster: String?

        /// Strata in which exits are counted apart.
        package var stratumCount: Int { isWithinSites ? 1 : strata.combinations }
        /// Whether exits are counted at times: for curves, and for a test over all hospitals.
        package var usesExits: Bool { options.hasCurves || !isWithinSites }
        package var stratumNames: [String] {
            (isWithinSites ? [StudyFile.SurvivalOptions.siteStratum] : []) + strata.map(\.expression.text)
        }
    }

    /// A category or a condition within whose levels groups are compared.
    package typealias Stratum = (expression: Expression, levels: [String])

    package struct Prediction: Hashable, Sendable {
        package var profiles: [CovariateProfile]
        package var at: [Double]
        package var limits: ConfidenceLimits
        package var hasBaselineHazard: Bool
        /// The names of the strata; one empty name without strata.
        package var strata: [String] = []
    }

    package struct IncidencePlan: Sendable {
        package var by: Expression?
        /// The groups' names; one empty name without groups.
        package var groups: [String]
        package var at: [Double]
        package var limits: ConfidenceLimits
        package var weights: Expression?
        /// Gray's test between the groups, and the levels within which it compares them; nil without.
        package var test: StudyFile.IncidenceTest?
        package var strata: [Stratum]

        package var stratumCount: Int { strata.combinations }
    }

    package struct ConcordancePlan: Sendable {
        /// A number or a condition; a higher one lets expect an earlier event.
        package var marker: Expression
        /// The marker as the one column of a model, whose strata are those of the pairs: its rows are judged as a model's are.
        package var model: ModelSpecification
        package var options: ConcordanceOptions
        package var weights: Expression?
        /// Whose rows belong together in the standard error; nil if each row stands for itself.
        package var cluster: String?

        var neededExpressions: [Expression] { model.expressions + [weights].compactMap(\.self) }
    }

    package struct CoxPlan: Sendable {
        package var model: ModelSpecification
        package var baseline: CoxResult.Baseline
        package var ties: Ties
        package var weights: Expression?
        /// The function of time along which proportional hazards are tested; nil if they are not.
        package var check: TimeTransform?
        /// Rows that belong together in the robust variance; nil with the model's variance.
        package var cluster: Cluster?
        /// The concordance of the linear predictor; nil if it is not asked for.
        package var concordance: ConcordanceOptions?
        package var hazard: CoxResult.Hazard
        /// Curves to be made of the baseline hazard; nil for none.
        package var prediction: Prediction?
        /// Whether it is tested that the coefficients are the same at all hospitals.
        package var testsHeterogeneity: Bool
        /// Residuals that are added up over bins.
        package var diagnostics: Diagnostics?
        package var penalty: CoxPenaltyPlan?
        package var limits: CoxResult.Limits
        /// The most evaluations as the study states them; nil if it does not.
        package var statedEvaluations: Int?

        package var evaluationsMax: Int { statedEvaluations ?? StudyFile.CoxOptions.evaluationsUsual }

        /// Expressions besides the endpoint that must not be missing.
        var neededExpressions: [Expression] {
            model.expressions + (weights.map { [$0] } ?? [])
                + (diagnostics?.covariates.map(\.expression) ?? [])
        }

        package struct Cluster: Hashable, Sendable {
            package var name: String
            /// The levels of a category, which all sites share; nil if each person is a cluster, hence at one site.
            package var levels: [String]?
        }
    }

    init(
        _ analysis: StudyFile.Analysis, in study: StudyFile, scope: VariableScope
    ) throws(StudyError) {
        do {
            let compiler = AnalysisCompiler(study: study, scope: scope)
            id = analysis.id
            times = analysis.times
            level = analysis.level
            cohort = try compiler.cohort(of: analysis)
            endpoint = try compiler.endpoint(of: analysis)
            causes = try compiler.causes(of: analysis)
            causeOfInterest = causes.firstIndex { $0.name == analysis.cause }
            ownEvent = analysis.cause ?? analysis.event
            if case .describe = analysis.kind {
                people = nil
            } else {
                people = analysis.people ?? study.people
            }
            kind = try compiler.kind(of: analysis)
            if case .survival(let survival) = kind, !survival.usesExits { times = .exact }
            let needed = endpoint.expressions + Self.needed(by: kind) + causes.map(\.condition)
            neededVariables = Array(Set(needed.flatMap { scope.variables(of: $0) })).sorted()
            let read = cohort + kind.described
            variables = Array(Set(neededVariables + read.flatMap { scope.variables(of: $0) })).sorted()
            lateVariables = compiler.lateVariables(of: kind, endpoint: endpoint)
            timeBounds = try compiler.followUpBounds(of: endpoint)
            timeResolution = scope.resolution(of: endpoint.time)
            (axis, searchRange) = try compiler.axis(of: analysis, kind, endpoint: endpoint)
        } catch {
            throw .analysis(id: analysis.id, line: analysis.line, reason: "\(error)")
        }
    }

    private static func needed(by kind: Kind) -> [Expression] {
        switch kind {
        case .survival(let survival):
            [survival.by, survival.weights].compactMap { $0 } + survival.strata.map(\.expression)
        case .incidence(let incidence):
            [incidence.by, incidence.weights].compactMap { $0 } + incidence.strata.map(\.expression)
        case .concordance(let concordance): concordance.neededExpressions
        case .cox(let cox): cox.neededExpressions
        case .table(let table): table.by.map { [$0] } ?? []
        }
    }

    /// Expressions besides the endpoint that must not be missing.
    package var neededExpressions: [Expression] { Self.needed(by: kind) + causes.map(\.condition) }

    /// Whether sums indexed by time leave a hospital.
    package var usesTimes: Bool { axis != nil || searchRange != nil }

    /// The same with the positions that a search has found; unchanged without.
    func located(on axis: TimeAxis?) -> AnalysisPlan {
        guard let axis else { return self }
        var located = self
        located.axis = axis
        return located
    }

    /// The interval of the grid that some cells of its axis make up.
    func interval(_ cells: Range<Int>) -> GridInterval {
        GridInterval(
            start: axis?.time(at: cells.lowerBound - 1) ?? 0, end: axis?.time(at: cells.upperBound - 1) ?? 0,
            isClosed: cells.lowerBound == 0, resolution: timeResolution, origin: endpoint.landmark ?? 0)
    }

    /// The width of the study's grid where times are on it.
    package var gridWidth: Double? { times == .grid ? axis?.step : nil }

    /// The times at which values of curves are asked for.
    package var pointTimes: [Double] {
        switch kind {
        case .survival(let survival): survival.at
        case .incidence(let incidence): incidence.at
        case .cox(let cox): cox.prediction?.at ?? []
        case .concordance, .table: []
        }
    }

    /// Every formula of the analysis with the key that it stands under, the study's cohort and endpoint included.
    ///
    /// Whatever is evaluated for a patient is here: the rules for formulas look nowhere else.
    package var formulas: [(key: String, expression: Expression)] {
        cohort.map { ("cohort", $0) } + [("endpoint", endpoint.time)]
            + [endpoint.start].compactMap(\.self).map { ("endpoint", $0) } + [("event", endpoint.event)]
            + causes.map { ("causes", $0.condition) } + kind.formulas
    }

    /// Whether rows are counted, not people: a table of the patients takes each person once.
    package var countsRows: Bool {
        if case .table = kind { false } else { true }
    }

    /// Case weights.
    package var weights: Expression? {
        switch kind {
        case .survival(let survival): survival.weights
        case .incidence(let incidence): incidence.weights
        case .concordance(let concordance): concordance.weights
        case .cox(let cox): cox.weights
        case .table: nil
        }
    }

    /// The design matrix of the analysis; nil if it has none.
    package var model: ModelSpecification? {
        switch kind {
        case .concordance(let concordance): concordance.model
        case .cox(let cox): cox.model
        case .survival, .incidence, .table: nil
        }
    }

    /// Whether rows are compared by time at a hospital, and not on a common axis: in models, and in tests within hospitals.
    package var comparesTimes: Bool { model != nil || isTestedWithinSites }

    /// Whether a test between groups is made of each hospital's own sums.
    package var isTestedWithinSites: Bool {
        if case .survival(let survival) = kind { survival.isWithinSites } else { false }
    }

    /// Numbers that a hospital's own comparison of its rows is made for: covariate columns, or all groups but one of a test
    /// within hospitals.
    package var parameterCount: Int { isTestedWithinSites ? groupCount - 1 : columnCount }

    /// The levels whose smallest counts the disclosure rules protect.
    package var levels: [ModelSpecification.Level] {
        switch kind {
        case .concordance(let concordance): concordance.model.levels
        case .cox(let cox):
            cox.model.levels
                + (cox.cluster.flatMap { cluster in
                    cluster.levels?.map { .init(variable: cluster.name, level: $0) }
                } ?? [])
        case .survival(let survival):
            Self.levels(survival.by, survival.groups, survival.strata)
        case .table(let table): table.levels
        case .incidence(let incidence):
            Self.levels(incidence.by, incidence.groups, incidence.strata)
                + causes.map { .init(variable: "cause", level: $0.name) }
        }
    }

    /// The levels of groups, then those of strata.
    private static func levels(
        _ by: Expression?, _ groups: [String], _ strata: [Stratum]
    ) -> [ModelSpecification.Level] {
        (by.map { by in groups.map { .init(variable: by.text, level: $0) } } ?? [])
            + strata.flatMap { stratum in
                stratum.levels.map { .init(variable: stratum.expression.text, level: $0) }
            }
    }

    /// What a reader must know of covariates that are only known later than time zero: whoever lives longer has more time
    /// to attain them, which makes them look protective (guarantee-time bias; Anderson et al., J Clin Oncol 1983).
    package var guaranteeTimeWarnings: [String] {
        lateVariables.map {
            endpoint.landmark == nil
                ? "\($0) is measured after time zero and is used as if known from the start; the comparison favours those who live longer (guarantee-time bias)"
                : "\($0) is used as if known at the landmark, and the dictionary does not say that it is; what is measured later favours those who live longer (guarantee-time bias)"
        }
    }

    package var name: String {
        switch kind {
        case .survival: "survival"
        case .incidence: "incidence"
        case .concordance: "concordance"
        case .cox: "cox"
        case .table: "describe"
        }
    }
}

extension [AnalysisPlan.Stratum] {
    /// Combinations of the levels; 1 without strata.
    package var combinations: Int { reduce(1) { $0 * $1.levels.count } }
}

extension AnalysisPlan.Kind {
    fileprivate var formulas: [(key: String, expression: Expression)] {
        func named(_ key: String, _ expressions: [Expression?]) -> [(key: String, expression: Expression)] {
            expressions.compactMap(\.self).map { (key, $0) }
        }
        return switch self {
        case .survival(let survival):
            named("by", [survival.by]) + named("strata", survival.strata.map(\.expression))
                + named("weights", [survival.weights])
        case .incidence(let incidence):
            named("by", [incidence.by]) + named("strata", incidence.strata.map(\.expression))
                + named("weights", [incidence.weights])
        case .concordance(let concordance):
            named("of", [concordance.marker]) + named("strata", concordance.model.strata)
                + named("weights", [concordance.weights])
        case .cox(let cox):
            named("terms", cox.model.expressions) + named("weights", [cox.weights])
                + named("functional-form", cox.diagnostics?.covariates.map(\.expression) ?? [])
        case .table(let table):
            named("by", [table.by]) + named("variables", table.variables.map(\.expression))
        }
    }

    /// Variables of a table, which may be missing: they are read, and drop no row.
    fileprivate var described: [Expression] {
        if case .table(let table) = self { table.variables.map(\.expression) } else { [] }
    }
}
