import Survival

/// Rows, Σx, Σx² of each column under a scaled ridge, over the cohort's rows that have it (before rows incomplete in other
/// columns are dropped).
package struct SpreadQuestion: Question {
    package static let name = "spread"

    let working: Coordinates

    package init(_ coordinates: Coordinates) { working = coordinates }

    package static func summation(in plan: AnalysisPlan) -> Summation {
        Summation(people: .cohort, functions: [.one, .covariates])
    }

    package static func words(in plan: AnalysisPlan) -> String {
        "how many have each of \(counted(plan.spreadColumns.count, "penalised covariate")), its sum and sum of squares, once"
    }

    package var coordinates: Coordinates? { working }
    package var beta: [Double]? { nil }

    package func numberCount(in plan: AnalysisPlan) -> Int { 3 * plan.spreadColumns.count }

    package func labels(in plan: AnalysisPlan) -> [String] {
        plan.spreadColumns.map { plan.columnNames[$0] }.flatMap {
            ["rows with \($0)", "sum of \($0)", "squares of \($0)"]
        }
    }

    package func write(to bytes: inout QuestionBytes) {}

    /// For each column under a scaled ridge its rows, Σz and Σz² in working coordinates.
    package func answer(from site: SiteAnalysis) -> [Double] {
        zip(site.plan.spreadColumns, site.rows.spread).flatMap { column, values in
            let scaled = values.map { ($0 - working.center[column]) / working.scale[column] }
            return [
                Double(scaled.count), scaled.reduce(0, +), scaled.reduce(0) { $0 + $1 * $1 },
            ]
        }
    }
}
