package import Survival

/// Cumulative incidence of competing causes, compiled.
package struct IncidencePlan: PlannedAnalysis {
    package static let name = "incidence"

    package var by: Expression?
    /// The groups' names; one empty name without groups.
    package var groups: [String]
    package var at: [Double]
    package var limits: ConfidenceLimits
    package var weights: Expression?
    /// Gray's test between the groups, and the levels within which it compares them; nil without.
    package var test: IncidenceRequest.Test?
    package var strata: [AnalysisPlan.Stratum]

    package var stratumCount: Int { strata.combinations }

    package var formulas: [(key: String, expression: Expression)] {
        .named("by", [by]) + .named("strata", strata.map(\.expression)) + .named("weights", [weights])
    }
    package var needed: [Expression] { [by, weights].compactMap(\.self) + strata.map(\.expression) }
    package var described: [Expression] { [] }
    package var compared: [Expression] { [by].compactMap(\.self) + strata.map(\.expression) }
    package func levels(causes: [AnalysisPlan.Cause]) -> [ModelSpecification.Level] {
        AnalysisPlan.levels(by, groups, strata) + causes.map { .init(variable: "cause", level: $0.name) }
    }
    package var design: ModelSpecification? { nil }
    package var groupCount: Int { groups.count }
    package var groupNames: [String] { groups }
    package var exitGroupCount: Int { groupCount * stratumCount }
    package var exitWeights: ExitWeights { .all }
    package var usesTimes: Bool { true }
    package var comparesRows: Bool { false }
    package var parameterCount: Int { 0 }
    package var pointTimes: [Double] { at }
    package var areaTimes: [Double] { [] }
    package var pairs: ConcordanceOptions? { nil }
    package var countsRows: Bool { true }

    package func questions(in plan: AnalysisPlan) -> [any Question.Type] {
        [ExitsQuestion.self, InfluenceQuestion.self]
    }

    package func prepare(
        _ plan: AnalysisPlan, _ cases: CompleteCases, causes: [Int]?, in table: PatientTable
    ) throws -> PreparedRows {
        var rows = try PreparedRows(curvesBy: by, groups, strata, weights: weights, cases)
        rows.levelCounts += plan.causes.indices.map { cause in
            Set(zip(cases.person, causes ?? []).filter { $1 == cause }.map(\.0)).count
        }
        return rows
    }

    package func line(in plan: AnalysisPlan) -> String {
        "incidence of \(plan.causes.map(\.name).joined(separator: ", "))"
            + (by.map { " by \($0.text)" } ?? "")
            + (test == nil ? "" : ", Gray's test") + ", times: \(plan.times.rawValue)"
    }

    package func summary(in plan: AnalysisPlan) -> String {
        let causes = plan.causes.map {
            "\(StudyWords.inline($0.name)) (\(StudyWords.inline($0.condition.text)))"
        }.joined(separator: ", ")
        let strata = StudyWords.list(strata.map(\.expression.text))
        let test = test == nil ? "" : ", Gray's test\(strata.isEmpty ? "" : " within \(strata)")"
        return
            "cumulative incidence of \(causes)\(StudyWords.by(by))\(StudyWords.weighted(by: weights))\(test), \(plan.timesInWords)"
    }

    package func choices(in plan: AnalysisPlan) -> [String] {
        var lines = ["limits: \(limits.rawValue)"]
        if !at.isEmpty { lines.append("incidence at \(StudyWords.list(at))") }
        if let weights { lines.append("case weights: \(StudyWords.inline(weights.text))") }
        if let test, test.rho != 0 { lines.append("test weighted with (1 - F(t))^\(test.rho)") }
        return lines + ["confidence level \(plan.level)"]
    }
}
