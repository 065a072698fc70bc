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

    /// A cause of the event and the condition that says so; of one row at most one cause is true.
    package struct Cause: Hashable, Sendable {
        package var name: String
        package var condition: Expression
    }

    package enum Kind: Sendable {
        case survival(SurvivalPlan)
        case incidence(IncidencePlan)
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
        package var weights: Expression?
        /// Whose rows belong together in robust standard errors; nil without them.
        package var cluster: String?

        package var stratumCount: Int { strata.reduce(1) { $0 * $1.levels.count } }
    }

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
        package var hazard: CoxResult.Hazard
        /// Curves to be made of the baseline hazard; nil for none.
        package var prediction: Prediction?

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
            endpoint = try compiler.endpoint(of: analysis)
            causes = try compiler.causes(of: analysis)
            causeOfInterest = causes.firstIndex { $0.name == analysis.cause }
            ownEvent = analysis.cause ?? analysis.event
            kind = try compiler.kind(of: analysis)
            let needed = endpoint.expressions + Self.needed(by: kind) + causes.map(\.condition)
            neededVariables = Array(Set(needed.flatMap { scope.variables(of: $0) })).sorted()
            variables = Array(Set(neededVariables + cohort.flatMap { scope.variables(of: $0) })).sorted()
            lateVariables = compiler.lateVariables(of: kind, endpoint: endpoint)
            (axis, searchRange) = try compiler.axis(of: analysis, endpoint: endpoint)
        } catch {
            throw .analysis(id: analysis.id, line: analysis.line, reason: "\(error)")
        }
    }

    private static func needed(by kind: Kind) -> [Expression] {
        switch kind {
        case .survival(let survival):
            [survival.by, survival.weights].compactMap { $0 } + survival.strata.map(\.expression)
        case .incidence(let incidence): [incidence.by, incidence.weights].compactMap { $0 }
        case .cox(let cox): cox.model.expressions + (cox.weights.map { [$0] } ?? [])
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

    /// Case weights.
    package var weights: Expression? {
        switch kind {
        case .survival(let survival): survival.weights
        case .incidence(let incidence): incidence.weights
        case .cox(let cox): cox.weights
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
        case .incidence(let incidence):
            (incidence.by.map { by in incidence.groups.map { .init(variable: by.text, level: $0) } } ?? [])
                + causes.map { .init(variable: "cause", level: $0.name) }
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
        case .incidence: "incidence"
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

    func endpoint(of analysis: StudyFile.Analysis) throws -> EndpointSpecification {
        let time = try Expression(parsing: study.endpoint.time)
        let event = try event(of: analysis)
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

    /// The analysis's own event or cause, or the study's event; of cumulative incidence any cause.
    private func event(of analysis: StudyFile.Analysis) throws -> Expression {
        if case .incidence = analysis.kind {
            let causes = try allCauses().map { "(\($0.condition.text))" }
            guard !causes.isEmpty else {
                throw Fault(reason: "incidence needs causes: {NAME: condition, ...} in endpoint:")
            }
            return try Expression(parsing: causes.joined(separator: " or "))
        }
        guard let cause = analysis.cause else {
            return try Expression(parsing: analysis.event ?? study.endpoint.event)
        }
        return try named(cause).condition
    }

    private func named(_ cause: String) throws -> AnalysisPlan.Cause {
        guard let found = try allCauses().first(where: { $0.name == cause }) else {
            let known = study.endpoint.causes.map(\.name).joined(separator: ", ")
            throw Fault(
                reason:
                    "the endpoint has no cause \"\(cause)\"; \(known.isEmpty ? "add causes: to endpoint:" : "it has \(known)")"
            )
        }
        return found
    }

    private func allCauses() throws -> [AnalysisPlan.Cause] {
        let causes = try study.endpoint.causes.map {
            AnalysisPlan.Cause(name: $0.name, condition: try Expression(parsing: $0.text))
        }
        guard Set(causes.map(\.condition)).count == causes.count, causes.count <= 20 else {
            throw Fault(
                reason: "the endpoint's causes are more than 20, or two of them are the same condition")
        }
        for cause in causes {
            try requireType(.boolean, of: cause.condition, called: "the cause \(cause.name)")
        }
        return causes
    }

    /// The causes whose exits are counted apart.
    func causes(of analysis: StudyFile.Analysis) throws -> [AnalysisPlan.Cause] {
        switch analysis.kind {
        case .incidence: try allCauses()
        case .cox(_, _, _, _, let options) where options.hazard == .subdistribution: try allCauses()
        case .cox, .survival: []
        }
    }

    func kind(of analysis: StudyFile.Analysis) throws -> AnalysisPlan.Kind {
        switch analysis.kind {
        case .survival(let by, let at, let limits, let logRank, let options):
            let groups = try by.map { try leveled($0, for: "groups") }
            let strata = try options.strata.map { try leveled($0, for: "strata") }
            let plan = AnalysisPlan.SurvivalPlan(
                by: groups?.expression, groups: groups?.levels ?? [""], at: at, limits: limits,
                logRank: logRank, options: options, strata: strata,
                weights: try caseWeights(options.weights),
                cluster: options.isRobust ? scope.dictionary.person : nil)
            try requireExactTimes(analysis, plan.weights)
            guard plan.weights == nil || !logRank else {
                throw Fault(reason: "a log-rank test has no weights; make an analysis of its own for it")
            }
            guard Set(strata.map(\.expression)).count == strata.count, plan.stratumCount <= 1000 else {
                throw Fault(reason: "the strata name a variable twice, or make more than 1000 combinations")
            }
            return .survival(plan)
        case .incidence(let by, let at, let limits, let weights):
            let groups = try by.map { try leveled($0, for: "groups") }
            let weight = try caseWeights(weights)
            try requireExactTimes(analysis, weight)
            return .incidence(
                .init(
                    by: groups?.expression, groups: groups?.levels ?? [""], at: at, limits: limits,
                    weights: weight))
        case .cox(let terms, let baseline, let ties, let weights, let options):
            let model = try ModelSpecification(terms: terms, scope: scope)
            guard !model.columns.isEmpty else {
                throw Fault(reason: "the model has no covariate; name one in terms:")
            }
            let weight = try caseWeights(weights)
            if ties == .exact { try requireDiscrete(baseline, weight, options, model) }
            if options.hazard == .subdistribution {
                try requireSubdistribution(analysis, baseline, weight, options)
            }
            var prediction = try prediction(terms: terms, options)
            if baseline == .site, prediction != nil {
                throw Fault(
                    reason:
                        "under baseline: site each hospital has its own baseline hazard, and a curve would be one hospital's; predict: and baseline-hazard: need baseline: common"
                )
            }
            prediction?.strata = (0..<model.stratumCount).map(model.stratumLabel)
            return .cox(
                .init(
                    model: model, baseline: baseline, ties: ties, weights: weight, check: options.check,
                    cluster: try cluster(of: model, options), hazard: options.hazard,
                    prediction: prediction))
        }
    }

    /// What a subdistribution hazard (Fine and Gray) needs, and what it does not have.
    private func requireSubdistribution(
        _ analysis: StudyFile.Analysis, _ baseline: CoxResult.Baseline, _ weights: Expression?,
        _ options: StudyFile.CoxOptions
    ) throws {
        guard analysis.cause != nil else {
            throw Fault(reason: "hazard: subdistribution needs cause:, one of the endpoint's causes")
        }
        guard baseline == .common else {
            throw Fault(
                reason:
                    "hazard: subdistribution weighs by the censoring of all hospitals; it needs baseline: common"
            )
        }
        guard weights == nil, options.check == nil, study.endpoint.start == nil else {
            throw Fault(
                reason:
                    "hazard: subdistribution goes with none of weights:, check: and a start of the endpoint")
        }
    }

    /// The curves to be predicted; nil if none are asked for.
    private func prediction(
        terms: [String], _ options: StudyFile.CoxOptions
    ) throws -> AnalysisPlan.Prediction? {
        guard options.hasBaselineHazard || !options.profiles.isEmpty else { return nil }
        let profiles = try options.profiles.map { values in
            try CovariateProfile(values: values.map { ($0.name, $0.text) }, terms: terms, scope: scope)
        }
        return AnalysisPlan.Prediction(
            profiles: profiles, at: options.at, limits: options.curveLimits,
            hasBaselineHazard: options.hasBaselineHazard)
    }

    private func caseWeights(_ text: String?) throws -> Expression? {
        guard let text else { return nil }
        let weight = try Expression(parsing: text)
        try requireType(.number, of: weight, called: "the weights")
        try scope.requireTerm(weight)
        return weight
    }

    /// A sum of weights at a time at which one person leaves is this person's weight: only a site that allows exact times
    /// may be asked for it.
    private func requireExactTimes(_ analysis: StudyFile.Analysis, _ weights: Expression?) throws {
        guard weights == nil || analysis.times == .exact else {
            throw Fault(reason: "the weights of a curve need times: exact; leave them out, or ask for it")
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
        guard let term = model.cluster else {
            // The weights of a subdistribution hazard leave no other variance.
            return options.isRobust || options.hazard == .subdistribution ? .init(name: person) : nil
        }
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
            case .incidence(let incidence): incidence.by.map { [$0] } ?? []
            case .cox(let cox): cox.model.expressions
            }
        guard endpoint.start == nil else { return [] }
        return Array(Set(expressions.flatMap { scope.variables(of: $0) })).sorted().filter {
            scope.dictionary[$0]?.isMeasuredAfterTimeZero == true
        }
    }

    /// The time axis of an analysis, or the range in which exact times are searched for; neither where no time leaves a hospital.
    func axis(
        of analysis: StudyFile.Analysis, endpoint: EndpointSpecification
    ) throws -> (TimeAxis?, search: ClosedRange<Double>?) {
        if case .cox(_, .site, _, _, let options) = analysis.kind, options.check != .km { return (nil, nil) }
        let bounds = try scope.bounds(of: endpoint.time)
        let starts = try endpoint.start.map { try scope.bounds(of: $0).lowerBound } ?? 0
        switch analysis.times {
        case .exact:
            if let step = scope.resolution(of: endpoint.time), min(bounds.lowerBound, starts) >= 0,
                bounds.upperBound / step < Double(TimeAxis.countMax)
            {
                return (try TimeAxis(step: step, upper: bounds.upperBound), nil)
            }
            guard bounds.lowerBound.isFinite, bounds.upperBound.isFinite else {
                throw Fault(
                    reason:
                        "times: exact needs a time with a range in the dictionary, and \"\(endpoint.time.text)\" has none"
                )
            }
            return (nil, bounds)
        case .grid:
            guard let step = study.privacy.timeGrid else {
                throw Fault(
                    reason: "sums over time need a grid; set privacy: {time-grid: ...} or times: exact")
            }
            if endpoint.start != nil {
                throw Fault(reason: "delayed entry (start) needs times: exact or baseline: site")
            }
            guard bounds.lowerBound >= 0 else {
                throw Fault(
                    reason:
                        "the time grid starts at 0, and the dictionary allows \"\(endpoint.time.text)\" to be negative"
                )
            }
            return (try TimeAxis(step: step, upper: bounds.upperBound), nil)
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
