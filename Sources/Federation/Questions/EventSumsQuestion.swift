import Survival

/// Σ over events of w·x and of w·offset.
package struct EventSumsQuestion: Question {
    package static let name = "event-sums"

    let working: Coordinates

    package init(_ coordinates: Coordinates) { working = coordinates }

    package static func summation(in plan: AnalysisPlan) -> Summation {
        Summation(people: .events, functions: [.covariates, .weights])
    }

    package static func words(in plan: AnalysisPlan) -> String {
        "sums of \(counted(plan.columnCount, "covariate")) and of the offset, once"
    }

    package var coordinates: Coordinates? { working }
    package var beta: [Double]? { nil }

    package func numberCount(in plan: AnalysisPlan) -> Int { plan.columnCount + 1 }

    package func labels(in plan: AnalysisPlan) -> [String] {
        plan.columnNames.map { "sum of \($0)" } + ["sum of the offset"]
    }

    package func write(to bytes: inout QuestionBytes) {}

    package func answer(from site: SiteAnalysis) throws -> [Double] {
        CommonBaseline.eventSums(of: try site.model(working).0)
    }
}
