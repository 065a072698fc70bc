package import Survival

/// Σ over events of w·g·x, g being a number for each point of a common grid.
package struct EventTrendQuestion: Question {
    package static let name = "event-trend"

    let working: Coordinates
    package var grid: EventGrid
    package var factors: [Double]

    package init(_ coordinates: Coordinates, _ grid: EventGrid, factors: [Double]) {
        (working, self.grid, self.factors) = (coordinates, grid, factors)
    }

    package static func summation(in plan: AnalysisPlan) -> Summation {
        Summation(people: .events, functions: [.covariates, .times, .weights], isIndexedByTime: true)
    }

    package static func words(in plan: AnalysisPlan) -> String {
        "sums of \(counted(plan.columnCount, "covariate")) weighted with a function of time, once; with them score and Gram matrix so weighted, once each"
    }

    package var coordinates: Coordinates? { working }
    package var beta: [Double]? { nil }

    package func numberCount(in plan: AnalysisPlan) -> Int { plan.columnCount }

    package func labels(in plan: AnalysisPlan) -> [String] {
        plan.columnNames.map { "weighted sum of \($0)" }
    }

    package func write(to bytes: inout QuestionBytes) {
        bytes.append(grid)
        bytes.append(factors)
    }

    package func answer(from site: SiteAnalysis) throws -> [Double] {
        try site.baseline(working, grid).eventSums(weightedBy: factors)
    }
}
