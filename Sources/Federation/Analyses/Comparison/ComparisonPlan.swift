package import Survival

/// Groups compared by survival at times and by restricted means, compiled.
package struct ComparisonPlan: PlannedAnalysis {
    package static let name = "compare"

    package var by: Expression
    package var groups: [String]
    package var reference: String
    package var at: [Double]
    package var restrictedMeans: [Double]

    package var formulas: [(key: String, expression: Expression)] { .named("by", [by]) }
    package var needed: [Expression] { [by] }
    package var described: [Expression] { [] }
    package var compared: [Expression] { [by] }
    package func levels(causes: [AnalysisPlan.Cause]) -> [ModelSpecification.Level] {
        AnalysisPlan.levels(by, groups, [])
    }
    package var weights: Expression? { nil }
    package var design: ModelSpecification? { nil }
    package var groupCount: Int { groups.count }
    package var groupNames: [String] { groups }
    package var exitGroupCount: Int { groups.count }
    package var exitWeights: ExitWeights { .none }
    package var usesTimes: Bool { true }
    package var comparesRows: Bool { false }
    package var parameterCount: Int { 0 }
    package var pointTimes: [Double] { at }
    package var areaTimes: [Double] { restrictedMeans }
    package var pairs: ConcordanceOptions? { nil }
    package var countsRows: Bool { true }

    package func questions(in plan: AnalysisPlan) -> [any Question.Type] { [ExitsQuestion.self] }

    package func prepare(
        _ plan: AnalysisPlan, _ cases: CompleteCases, causes: [Int]?, in table: PatientTable
    ) throws -> PreparedRows {
        try PreparedRows(curvesBy: by, groups, [], weights: nil, cases)
    }

    package func line(in plan: AnalysisPlan) -> String {
        "compare \(by.text) with \(reference), times: \(plan.times.rawValue)"
    }

    package func summary(in plan: AnalysisPlan) -> String {
        let event = plan.ownEvent.map { " to \(StudyWords.inline($0))" } ?? ""
        return
            "survival\(event)\(StudyWords.by(by)), compared with \(StudyWords.inline(reference)), \(plan.timesInWords)"
    }

    package func choices(in plan: AnalysisPlan) -> [String] {
        (at.isEmpty ? [] : ["differences of survival at \(StudyWords.list(at))"])
            + (restrictedMeans.isEmpty
                ? [] : ["differences and ratios of restricted means to \(StudyWords.list(restrictedMeans))"])
            + ["confidence level \(plan.level)"]
    }
}
