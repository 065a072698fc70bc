import Survival

/// Turns one analysis of a study file into its plan.
package struct AnalysisCompiler {
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
        if analysis.kind.isOfAnyCause {
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
        analysis.kind.countsCauses ? try allCauses() : []
    }

    /// A number, as case weights are.
    func caseWeights(_ text: String?) throws -> Expression? {
        guard let text else { return nil }
        let weight = try Expression(parsing: text)
        try requireType(.number, of: weight, called: "the weights")
        try scope.requireTerm(weight)
        return weight
    }

    /// A sum of weights at a time at which one person leaves is this person's weight: only a site that allows exact times
    /// may be asked for it.
    func requireExactTimes(_ analysis: StudyFile.Analysis, _ weights: Expression?) throws {
        guard weights == nil || analysis.times == .exact else {
            throw Fault(reason: "the weights of a curve need times: exact; leave them out, or ask for it")
        }
    }

    /// The hospital among the strata of a test, where nothing else has this name.
    package static let siteStratum = "site"

    /// Whether a stratum of a test is the hospital, and no variable or definition.
    func namesHospitals(_ text: String) -> Bool {
        text == Self.siteStratum && scope.dictionary[text] == nil
            && !scope.definitions.contains { $0.name == text }
    }

    /// Says what to write instead where the hospitals are no strata.
    func refuseHospitals(among strata: [String], _ advice: String) throws {
        if strata.contains(where: namesHospitals) { throw fault(advice) }
    }

    /// The strata of a test of groups.
    func strata(_ texts: [String]) throws -> [AnalysisPlan.Stratum] {
        let strata = try texts.map { try leveled($0, for: "strata") }
        guard Set(strata.map(\.expression)).count == strata.count, strata.combinations <= 1000 else {
            throw Fault(reason: "the strata name a variable twice, or make more than 1000 combinations")
        }
        return strata
    }

    /// A category or a condition, with its levels.
    func leveled(
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

    /// What is used as if known from the start of follow-up, and is measured later.
    func lateVariables(
        of kind: any PlannedAnalysis, endpoint: EndpointSpecification
    ) -> [String] {
        guard !endpoint.hasEntry else { return [] }
        let landmark = endpoint.landmark.map { $0 * study.endpoint.unit.days }
        return Array(Set(kind.compared.flatMap { scope.variables(of: $0) })).sorted().filter {
            guard let variable = scope.dictionary[$0], variable.isMeasuredAfterTimeZero else { return false }
            guard let landmark, let days = variable.daysToMeasurement else { return true }
            return days > landmark * (1 + 1e-12)
        }
    }

    /// The time axis of an analysis, or the range in which exact times are searched for; neither where no time leaves a hospital.
    func axis(
        of analysis: StudyFile.Analysis, _ kind: any PlannedAnalysis, endpoint: EndpointSpecification
    ) throws -> (TimeAxis?, search: ClosedRange<Double>?) {
        guard kind.usesTimes else { return (nil, nil) }
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
                let name = Self.siteStratum
                let isMistaken = analysis.kind.groupings.contains(name) && !namesHospitals(name)
                throw Fault(
                    reason: "sums over time need a grid; set privacy: {time-grid: ...} or times: exact"
                        + (isMistaken ? " (\(name) is a variable here, and not the hospital)" : ""))
            }
            if endpoint.hasEntry {
                // Of a Cox model under its other baseline no time leaves a hospital.
                let remedy =
                    if kind is CoxPlan { "times: exact or baseline: site" } else { "times: exact" }
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

    func requireType(_ type: ExpressionType, of expression: Expression, called what: String) throws {
        guard try scope.type(of: expression) == type else {
            let wanted =
                type == .boolean ? "a condition (true or false), such as age > 60 or status == 2" : "a number"
            throw Fault(reason: "\(what), \"\(expression.text)\", must be \(wanted)")
        }
    }

    /// A fault of the text, to be thrown.
    func fault(_ reason: String) -> Fault { Fault(reason: reason) }

    struct Fault: Error, CustomStringConvertible {
        var reason: String
        var description: String { reason }
    }
}
