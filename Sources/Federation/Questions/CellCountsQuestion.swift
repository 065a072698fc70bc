import Survival

/// People in each cell of the covariates by which residuals are added up.
package struct CellCountsQuestion: Question {
    package static let name = "cell-counts"

    package init() {}

    package static func summation(in plan: AnalysisPlan) -> Summation {
        Summation(people: .bins, functions: .one)
    }

    package static func words(in plan: AnalysisPlan) -> String {
        let cells = (plan.diagnostics?.covariates ?? []).map {
            "\(counted($0.cells.count, "cell")) of \(StudyWords.inline($0.expression.text))"
        }
        return "people in \(cells.joined(separator: " and ")), once"
    }

    package var coordinates: Coordinates? { nil }
    package var beta: [Double]? { nil }

    package func numberCount(in plan: AnalysisPlan) -> Int { plan.diagnostics?.cellCount ?? 0 }

    package func labels(in plan: AnalysisPlan) -> [String] {
        (plan.diagnostics?.covariates ?? []).flatMap { covariate in
            (0..<covariate.cells.count).map { "people, \(covariate.label(of: $0..<($0 + 1)))" }
        }
    }

    package func write(to bytes: inout QuestionBytes) {}

    package func answer(from site: SiteAnalysis) -> [Double] {
        site.rows.cells.flatMap { $0.people.map { Double($0) } }
    }
}
