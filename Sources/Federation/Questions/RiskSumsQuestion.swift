package import Survival

/// S₀ at the points of a common grid.
package struct RiskSumsQuestion: Question {
    package static let name = "risk-sums"

    package let point: ModelPoint
    package var grid: EventGrid

    package init(_ coordinates: Coordinates, beta: [Double], _ grid: EventGrid) {
        (point, self.grid) = (ModelPoint(coordinates, beta), grid)
    }

    package static func summation(in plan: AnalysisPlan) -> Summation {
        Summation(people: .riskSets, functions: [.risks, .weights], isIndexedByTime: true)
    }

    package static func words(in plan: AnalysisPlan) -> String {
        "sums of e^(x*beta) at event times, before each evaluation of the model"
    }

    package var coordinates: Coordinates? { point.coordinates }
    package var beta: [Double]? { point.beta }

    package func numberCount(in plan: AnalysisPlan) -> Int { grid.riskSetCount(plan.ties) }

    package func labels(in plan: AnalysisPlan) -> [String] {
        NumberLabels.riskSets(of: grid, plan.ties, axis: plan.axis).map { "risks \($0)" }
    }

    package func write(to bytes: inout QuestionBytes) { bytes.append(grid) }

    package func answer(from site: SiteAnalysis) throws -> [Double] {
        point.coordinates.scaled(
            try site.baseline(point.coordinates, grid).riskSums(at: point.beta), width: 1)
    }
}
