import Survival

/// Turns one analysis of a study file into its plan.
struct AnalysisCompiler {
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
        let landmark = analysis.landmark?.length(in: study.endpoint.unit)
        let censorAt = (analysis.censorAt ?? study.endpoint.censorAt)?.length(in: study.endpoint.unit)
        if let landmark, let censorAt, landmark >= censorAt {
            throw Fault(reason: "its landmark is not before the end of follow-up (censor-at:)")
        }
        return EndpointSpecification(
            time: time, start: start, event: event, landmark: landmark, censorAt: censorAt)
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
        case .cox, .survival, .concordance, .describe: []
        }
    }

    func kind(of analysis: StudyFile.Analysis) throws -> AnalysisPlan.Kind {
        switch analysis.kind {
        case .survival(let by, let at, let limits, let logRank, let options):
            let groups = try by.map { try leveled($0, for: "groups") }
            let strata = try strata(options.strata)
            let plan = AnalysisPlan.SurvivalPlan(
                by: groups?.expression, groups: groups?.levels ?? [""], at: at, limits: limits,
                logRank: logRank, options: options, strata: strata,
                weights: try caseWeights(options.weights),
                cluster: options.isRobust ? scope.dictionary.person : nil)
            try requireExactTimes(analysis, plan.weights)
            guard plan.weights == nil || !logRank else {
                throw Fault(reason: "a log-rank test has no weights; make an analysis of its own for it")
            }
            return .survival(plan)
        case .incidence(let by, let at, let limits, let weights, let test):
            let groups = try by.map { try leveled($0, for: "groups") }
            let weight = try caseWeights(weights)
            try requireExactTimes(analysis, weight)
            guard test == nil || weight == nil && study.endpoint.start == nil else {
                throw Fault(reason: "Gray's test goes with neither weights: nor a start of the endpoint")
            }
            return .incidence(
                .init(
                    by: groups?.expression, groups: groups?.levels ?? [""], at: at, limits: limits,
                    weights: weight, test: test, strata: try strata(test?.strata ?? [])))
        case .cox(let terms, let baseline, let ties, let weights, let options):
            let model = try ModelSpecification(terms: terms, scope: scope)
            guard !model.columns.isEmpty else {
                throw Fault(reason: "the model has no covariate; name one in terms:")
            }
            let weight = try caseWeights(weights)
            if ties == .exact { try requireDiscrete(baseline, weight, options, model) }
            try requireCensoringCurve(for: options.concordance)
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
            let cluster = try cluster(of: model, options)
            let penalty = try options.penalty.map {
                try CoxPenaltyPlan($0, model: model, baseline: baseline, ties: ties)
            }
            try CoxPenaltyPlan.requireOneVariance(options, penalty, isRobust: cluster != nil)
            guard penalty == nil || !options.testsHeterogeneity else {
                throw Fault(reason: "heterogeneity: compares unpenalised coefficients; leave out penalty:")
            }
            return .cox(
                .init(
                    model: model, baseline: baseline, ties: ties, weights: weight, check: options.check,
                    cluster: cluster, concordance: options.concordance, hazard: options.hazard,
                    prediction: prediction, testsHeterogeneity: options.testsHeterogeneity,
                    diagnostics: try options.diagnostics.map(diagnostics), penalty: penalty,
                    limits: options.limits ?? (penalty == .firth ? .profile : .wald),
                    statedEvaluations: options.evaluations))
        case .concordance(let marker, let strata, let weights, let isRobust, let options):
            return .concordance(try concordance(marker, strata, weights, isRobust, options))
        case .describe(let variables, let by, let bins):
            let groups = try by.map { try leveled($0, for: "groups") }
            return .table(try TablePlan(variables, by: groups, bins: bins, scope: scope))
        }
    }

    private func concordance(
        _ text: String, _ strata: [String], _ weights: String?, _ isRobust: Bool,
        _ options: ConcordanceOptions
    ) throws -> AnalysisPlan.ConcordancePlan {
        let marker = try Expression(parsing: text)
        if case .category = try scope.type(of: marker) {
            throw Fault(
                reason:
                    "a concordance is of a number or a condition, and \"\(text)\" is a category; define a number of its levels"
            )
        }
        try requireCensoringCurve(for: options)
        // In parentheses: a `*` in the marker multiplies.
        return .init(
            marker: marker,
            model: try ModelSpecification(
                terms: ["(\(text))"] + strata.map { "strata(\($0))" }, scope: scope),
            options: options, weights: try caseWeights(weights),
            cluster: isRobust ? scope.dictionary.person : nil)
    }

    private func requireCensoringCurve(for concordance: ConcordanceOptions?) throws {
        guard concordance?.weight.usesCensoring == true, study.endpoint.start != nil else { return }
        throw Fault(
            reason: "with delayed entry (start) a concordance has no weight S/G or n/G2; use n, S or I")
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
        guard weights == nil, !options.isRobust, model.cluster == nil, options.check == nil,
            options.diagnostics == nil
        else {
            throw Fault(
                reason: "ties: exact goes with none of weights:, robust:, cluster(), check: and diagnostics:")
        }
    }

    /// Numbers with a finite range, which need not be in the model.
    private func diagnostics(_ asked: StudyFile.Diagnostics) throws -> AnalysisPlan.Diagnostics {
        let covariates = try asked.functionalForm.map { text in
            let expression = try Expression(parsing: text)
            try requireType(.number, of: expression, called: "a covariate of functional-form")
            try scope.requireTerm(expression)
            let bounds = try scope.bounds(of: expression)
            guard
                let cells = CovariateCells(bounds: bounds, resolution: scope.resolution(of: expression))
            else {
                throw Fault(reason: "bins of \"\(text)\" need a finite range in the dictionary")
            }
            return AnalysisPlan.Diagnostics.Covariate(expression: expression, cells: cells)
        }
        return .init(
            covariates: covariates, hasSchoenfeld: asked.hasSchoenfeld, bins: asked.bins,
            smallestBin: asked.smallestBin)
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

    /// The strata of a test of groups.
    private func strata(_ texts: [String]) throws -> [AnalysisPlan.Stratum] {
        let strata = try texts.map { try leveled($0, for: "strata") }
        guard Set(strata.map(\.expression)).count == strata.count, strata.combinations <= 1000 else {
            throw Fault(reason: "the strata name a variable twice, or make more than 1000 combinations")
        }
        return strata
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
            case .incidence(let incidence):
                (incidence.by.map { [$0] } ?? []) + incidence.strata.map(\.expression)
            case .concordance(let concordance): concordance.model.expressions
            case .cox(let cox): cox.model.expressions
            // A table compares what was measured, not how long people live.
            case .table: []
            }
        guard !endpoint.hasEntry else { return [] }
        let landmark = endpoint.landmark.map { $0 * study.endpoint.unit.days }
        return Array(Set(expressions.flatMap { scope.variables(of: $0) })).sorted().filter {
            guard let variable = scope.dictionary[$0], variable.isMeasuredAfterTimeZero else { return false }
            guard let landmark, let days = variable.daysToMeasurement else { return true }
            return days > landmark * (1 + 1e-12)
        }
    }

    /// The time axis of an analysis, or the range in which exact times are searched for; neither where no time leaves a hospital.
    func axis(
        of analysis: StudyFile.Analysis, endpoint: EndpointSpecification
    ) throws -> (TimeAxis?, search: ClosedRange<Double>?) {
        if case .cox(_, .site, _, _, let options) = analysis.kind, options.check != .km,
            options.diagnostics?.hasSchoenfeld != true
        {
            return (nil, nil)
        }
        switch analysis.kind {
        case .concordance, .describe: return (nil, nil)
        case .survival, .incidence, .cox: break
        }
        let origin = endpoint.landmark ?? 0
        let whole = try followUpBounds(of: endpoint)
        guard endpoint.landmark == nil || whole.upperBound > origin else {
            throw Fault(reason: "the dictionary allows no \"\(endpoint.time.text)\" beyond the landmark")
        }
        let bounds = endpoint.landmark == nil ? whole : 0...(whole.upperBound - origin)
        let starts =
            try endpoint.hasEntry ? endpoint.start.map { try scope.bounds(of: $0).lowerBound } ?? 0 : 0
        switch analysis.times {
        case .exact:
            if let step = scope.resolution(of: endpoint.time), min(bounds.lowerBound, starts) >= 0,
                bounds.upperBound / step < Double(TimeAxis.countMax), isMultiple(origin, of: step),
                isMultiple(endpoint.censorAt ?? 0, of: step)
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
            if endpoint.hasEntry {
                // Of a Cox model under its other baseline no time leaves a hospital.
                let remedy =
                    if case .cox = analysis.kind { "times: exact or baseline: site" } else { "times: exact" }
                throw Fault(reason: "delayed entry (start) needs \(remedy)")
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

    /// What the end of a row's follow-up may be, by the dictionary and where follow-up is cut.
    func followUpBounds(of endpoint: EndpointSpecification) throws -> ClosedRange<Double> {
        let bounds = try scope.bounds(of: endpoint.time)
        guard let cut = endpoint.censorAt else { return bounds }
        guard bounds.lowerBound < cut else {
            throw Fault(
                reason:
                    "the dictionary allows no \"\(endpoint.time.text)\" before the end of follow-up (censor-at:)"
            )
        }
        return bounds.lowerBound...min(bounds.upperBound, cut)
    }

    private func isMultiple(_ time: Double, of step: Double) -> Bool {
        abs(time / step - (time / step).rounded()) < 1e-6
    }

    private func requireType(_ type: ExpressionType, of expression: Expression, called what: String) throws {
        guard try scope.type(of: expression) == type else {
            let wanted =
                type == .boolean ? "a condition (true or false), such as age > 60 or status == 2" : "a number"
            throw Fault(reason: "\(what), \"\(expression.text)\", must be \(wanted)")
        }
    }

    struct Fault: Error, CustomStringConvertible {
        var reason: String
        var description: String { reason }
    }
}
