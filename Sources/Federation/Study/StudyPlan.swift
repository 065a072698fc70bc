package import Cryptography
package import Survival

/// A study checked against its data dictionary: everything the questions to the hospitals follow from.
///
/// Equal study and dictionary texts give equal plans, at the coordinator and at every node.
package struct StudyPlan: Sendable {
    package var study: StudyFile
    package var dictionary: DataDictionary
    /// The study's identity; see `StudySubmission`.
    package var hash: SHA256Digest
    package var scope: VariableScope
    package var analyses: [AnalysisPlan]

    /// Checks every expression, term and name; throws the first fault with the analysis it is in.
    package init(study: StudyFile, dictionary: DataDictionary, hash: SHA256Digest) throws(StudyError) {
        guard study.dictionary == dictionary.identifier else {
            throw .wrongDictionary(asked: study.dictionary, given: dictionary.identifier)
        }
        self.study = study
        self.dictionary = dictionary
        self.hash = hash
        do {
            scope = try VariableScope(
                dictionary: dictionary, definitions: study.definitions.map { ($0.name, $0.text) })
        } catch {
            throw .definitions("\(error)")
        }
        analyses = []
        for analysis in study.analyses {
            analyses.append(try AnalysisPlan(analysis, in: study, scope: scope))
        }
    }

    package func analysis(_ id: String) -> AnalysisPlan? { analyses.first { $0.id == id } }

    /// Dictionary variables that any analysis reads: what a node loads, and nothing else.
    package var variables: [String] {
        Array(Set(analyses.flatMap(\.variables))).sorted()
    }
}

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
    /// Covariates' variables that the dictionary marks as measured after time zero, where follow-up starts at time zero.
    package var lateVariables: [String]
    /// Positions on the time axis; nil where no time leaves a hospital.
    package var axis: TimeAxis?

    package enum Kind: Sendable {
        case survival(SurvivalPlan)
        case cox(CoxPlan)
    }

    package struct SurvivalPlan: Sendable {
        package var by: Expression?
        /// The groups' names; one empty name without groups.
        package var groups: [String]
        package var at: [Double]
        package var limits: ConfidenceLimits
        package var logRank: Bool
        package var options: StudyFile.SurvivalOptions
        /// Categories and conditions whose levels make the strata of the test, and those levels.
        package var strata: [(expression: Expression, levels: [String])]

        package var stratumCount: Int { strata.reduce(1) { $0 * $1.levels.count } }
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
        package var penalty: CoxPenaltyPlan?
        package var limits: CoxResult.Limits
        /// The most evaluations as the study states them; nil if it does not.
        package var statedEvaluations: Int?

        package var evaluationsMax: Int { statedEvaluations ?? StudyFile.CoxOptions.evaluationsUsual }

        package struct Cluster: Hashable, Sendable {
            package var name: String
            /// The levels of a category, which all sites share; nil if each person is a cluster, hence at one site.
            package var levels: [String]?
        }
    }

    fileprivate init(
        _ analysis: StudyFile.Analysis, in study: StudyFile, scope: VariableScope
    ) throws(StudyError) {
        do {
            let compiler = AnalysisCompiler(study: study, scope: scope)
            id = analysis.id
            times = analysis.times
            level = analysis.level
            cohort = try compiler.cohort(of: analysis)
            endpoint = try compiler.endpoint()
            kind = try compiler.kind(of: analysis)
            let needed = Self.needed(by: kind, endpoint: endpoint)
            neededVariables = Array(Set(needed.flatMap { scope.variables(of: $0) })).sorted()
            variables = Array(Set(neededVariables + cohort.flatMap { scope.variables(of: $0) })).sorted()
            lateVariables = compiler.lateVariables(of: kind, endpoint: endpoint)
            axis = try compiler.axis(of: analysis, endpoint: endpoint)
        } catch {
            throw .analysis(id: analysis.id, line: analysis.line, reason: "\(error)")
        }
    }

    private static func needed(by kind: Kind, endpoint: EndpointSpecification) -> [Expression] {
        let outcome = [endpoint.time, endpoint.event] + (endpoint.start.map { [$0] } ?? [])
        switch kind {
        case .survival(let survival):
            return outcome + (survival.by.map { [$0] } ?? []) + survival.strata.map(\.expression)
        case .cox(let cox): return outcome + cox.model.expressions + (cox.weights.map { [$0] } ?? [])
        }
    }

    /// Expressions besides the endpoint that must not be missing.
    package var neededExpressions: [Expression] {
        switch kind {
        case .survival(let survival): (survival.by.map { [$0] } ?? []) + survival.strata.map(\.expression)
        case .cox(let cox): cox.model.expressions + (cox.weights.map { [$0] } ?? [])
        }
    }

    /// The levels whose smallest counts the disclosure rules protect.
    package var levels: [ModelSpecification.Level] {
        switch kind {
        case .cox(let cox):
            cox.model.levels
                + (cox.cluster.flatMap { cluster in
                    cluster.levels?.map { .init(variable: cluster.name, level: $0) }
                } ?? [])
        case .survival(let survival):
            (survival.by.map { by in survival.groups.map { .init(variable: by.text, level: $0) } } ?? [])
                + survival.strata.flatMap { stratum in
                    stratum.levels.map { .init(variable: stratum.expression.text, level: $0) }
                }
        }
    }

    /// What a reader must know of covariates that are only known later than time zero: whoever lives longer has more time
    /// to attain them, which makes them look protective (guarantee-time bias; Anderson et al., J Clin Oncol 1983).
    package var guaranteeTimeWarnings: [String] {
        lateVariables.map {
            "\($0) is measured after time zero and is used as if known from the start; the comparison favours those who live longer (guarantee-time bias)"
        }
    }

    package var name: String {
        switch kind {
        case .survival: "survival"
        case .cox: "cox"
        }
    }
}

/// Turns one analysis of a study file into its plan.
private struct AnalysisCompiler {
    var study: StudyFile
    var scope: VariableScope

    func cohort(of analysis: StudyFile.Analysis) throws -> [Expression] {
        try [study.cohort, analysis.cohort].compactMap { $0 }.map { text in
            let condition = try Expression(parsing: text)
            try requireType(.boolean, of: condition, called: "the cohort")
            try scope.requireFilter(condition)
            return condition
        }
    }

    func endpoint() throws -> EndpointSpecification {
        let time = try Expression(parsing: study.endpoint.time)
        let event = try Expression(parsing: study.endpoint.event)
        try requireType(.number, of: time, called: "the endpoint's time")
        try requireType(.boolean, of: event, called: "the endpoint's event")
        var start: Expression?
        if let text = study.endpoint.start {
            let entry = try Expression(parsing: text)
            try requireType(.number, of: entry, called: "the endpoint's start")
            start = entry
        }
        return EndpointSpecification(time: time, start: start, event: event)
    }

    func kind(of analysis: StudyFile.Analysis) throws -> AnalysisPlan.Kind {
        switch analysis.kind {
        case .survival(let by, let at, let limits, let logRank, let options):
            let groups = try by.map { try leveled($0, for: "groups") }
            let strata = try options.strata.map { try leveled($0, for: "strata") }
            let plan = AnalysisPlan.SurvivalPlan(
                by: groups?.expression, groups: groups?.levels ?? [""], at: at, limits: limits,
                logRank: logRank, options: options, strata: strata)
            guard Set(strata.map(\.expression)).count == strata.count, plan.stratumCount <= 1000 else {
                throw Fault(reason: "the strata name a variable twice, or make more than 1000 combinations")
            }
            return .survival(plan)
        case .cox(let terms, let baseline, let ties, let weights, let options):
            let model = try ModelSpecification(terms: terms, scope: scope)
            guard !model.columns.isEmpty else {
                throw Fault(reason: "the model has no covariate; name one in terms:")
            }
            let weight = try weights.map { try Expression(parsing: $0) }
            if let weight {
                try requireType(.number, of: weight, called: "the weights")
                try scope.requireTerm(weight)
            }
            if ties == .exact { try requireDiscrete(baseline, weight, options, model) }
            let cluster = try cluster(of: model, options)
            let penalty = try options.penalty.map {
                try CoxPenaltyPlan($0, model: model, baseline: baseline, ties: ties)
            }
            try CoxPenaltyPlan.requireOneVariance(options, penalty, isRobust: cluster != nil)
            return .cox(
                .init(
                    model: model, baseline: baseline, ties: ties, weights: weight, check: options.check,
                    cluster: cluster, penalty: penalty,
                    limits: options.limits ?? (penalty == .firth ? .profile : .wald),
                    statedEvaluations: options.evaluations))
        }
    }

    /// What the discrete likelihood does not have, here as in R.
    private func requireDiscrete(
        _ baseline: CoxResult.Baseline, _ weights: Expression?, _ options: StudyFile.CoxOptions,
        _ model: ModelSpecification
    ) throws {
        guard baseline == .site else { throw Fault(reason: "ties: exact needs baseline: site") }
        guard weights == nil, !options.isRobust, model.cluster == nil, options.check == nil else {
            throw Fault(reason: "ties: exact goes with none of weights:, robust:, cluster() and check:")
        }
    }

    /// That of a `cluster()` term, which may be the person; the person for `robust: true` alone.
    private func cluster(
        of model: ModelSpecification, _ options: StudyFile.CoxOptions
    ) throws -> AnalysisPlan.CoxPlan.Cluster? {
        let person = scope.dictionary.person
        guard let term = model.cluster else { return options.isRobust ? .init(name: person) : nil }
        if term.termName == person { return .init(name: person) }
        switch try scope.type(of: term) {
        case .category(let levels, _): return .init(name: term.termName, levels: levels)
        case .boolean: return .init(name: term.termName, levels: ["no", "yes"])
        case .number: throw Fault(reason: "cluster(\(term.text)) needs a category, or the person")
        }
    }

    /// A category or a condition, with its levels.
    private func leveled(
        _ text: String, for use: String
    ) throws -> (expression: Expression, levels: [String]) {
        let expression = try Expression(parsing: text)
        try scope.requireTerm(expression)
        switch try scope.type(of: expression) {
        case .number:
            throw Fault(
                reason:
                    "\(use) need categories or a condition, and \"\(text)\" is a number; define cut-points")
        case .boolean: return (expression, ["no", "yes"])
        case .category(let levels, _): return (expression, levels)
        }
    }

    func lateVariables(of kind: AnalysisPlan.Kind, endpoint: EndpointSpecification) -> [String] {
        let expressions: [Expression] =
            switch kind {
            case .survival(let survival):
                (survival.by.map { [$0] } ?? []) + survival.strata.map(\.expression)
            case .cox(let cox): cox.model.expressions
            }
        guard endpoint.start == nil else { return [] }
        return Array(Set(expressions.flatMap { scope.variables(of: $0) })).sorted().filter {
            scope.dictionary[$0]?.isMeasuredAfterTimeZero == true
        }
    }

    func axis(of analysis: StudyFile.Analysis, endpoint: EndpointSpecification) throws -> TimeAxis? {
        if case .cox(_, .site, _, _, let options) = analysis.kind, options.check != .km { return nil }
        let upper = try scope.bounds(of: endpoint.time).upperBound
        for time in [endpoint.time, endpoint.start].compactMap({ $0 }) {
            guard try scope.bounds(of: time).lowerBound >= 0 else {
                throw Fault(
                    reason:
                        "the time axis starts at 0, and the dictionary allows \"\(time.text)\" to be negative"
                )
            }
        }
        switch analysis.times {
        case .exact:
            guard let resolution = scope.resolution(of: endpoint.time) else {
                throw Fault(
                    reason:
                        "times: exact needs a time variable with a resolution in the dictionary (e.g. 1 for whole days)"
                )
            }
            return try TimeAxis(step: resolution, upper: upper)
        case .grid:
            guard let step = study.privacy.timeGrid else {
                throw Fault(
                    reason: "sums over time need a grid; set privacy: {time-grid: ...} or times: exact")
            }
            if endpoint.start != nil {
                throw Fault(reason: "delayed entry (start) needs times: exact or baseline: site")
            }
            return try TimeAxis(step: step, upper: upper)
        }
    }

    private func requireType(_ type: ExpressionType, of expression: Expression, called what: String) throws {
        guard try scope.type(of: expression) == type else {
            let wanted = type == .boolean ? "a condition (true or false)" : "a number"
            throw Fault(reason: "\(what), \"\(expression.text)\", must be \(wanted)")
        }
    }

    struct Fault: Error, CustomStringConvertible {
        var reason: String
        var description: String { reason }
    }
}

/// Why a study cannot be run.
package enum StudyError: Error, Hashable, Sendable, CustomStringConvertible {
    case wrongDictionary(asked: String, given: String)
    case definitions(String)
    /// `line` is that of the study file, where the fault is in its text.
    case analysis(id: String, line: Int? = nil, reason: String)
    case sums(String)

    package var description: String {
        switch self {
        case .wrongDictionary(let asked, let given):
            "the study asks for dictionary \(asked) and was given \(given)"
        case .definitions(let reason): "define: \(reason)"
        case .analysis(let id, let line?, let reason): "analysis \"\(id)\" (line \(line)): \(reason)"
        case .analysis(let id, nil, let reason): "analysis \"\(id)\": \(reason)"
        case .sums(let reason): reason
        }
    }
}
