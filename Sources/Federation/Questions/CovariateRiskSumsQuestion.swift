package import Survival

/// S₁ at the points of a common grid.
package struct CovariateRiskSumsQuestion: Question {
    package static let name = "covariate-risk-sums"

    package let point: ModelPoint
    package var grid: EventGrid

    package init(_ coordinates: Coordinates, beta: [Double], _ grid: EventGrid) {
        (point, self.grid) = (ModelPoint(coordinates, beta), grid)
    }

    package static func summation(in plan: AnalysisPlan) -> Summation {
        Summation(people: .riskSets, functions: [.covariates, .risks, .weights], isIndexedByTime: true)
    }

    package static func words(in plan: AnalysisPlan) -> String {
        "sums of x*e^(x*beta) of \(counted(plan.columnCount, "covariate")) at event times, a few times"
    }

    package var coordinates: Coordinates? { point.coordinates }
    package var beta: [Double]? { point.beta }

    package func numberCount(in plan: AnalysisPlan) -> Int { grid.riskSetCount(plan.ties) * plan.columnCount }

    package func labels(in plan: AnalysisPlan) -> [String] {
        NumberLabels.riskSets(of: grid, plan.ties, axis: plan.axis).flatMap { place in
            plan.columnNames.map { "risks weighted with \($0), \(place)" }
        }
    }

    package func write(to bytes: inout QuestionBytes) { bytes.append(grid) }

    package func answer(from site: SiteAnalysis) throws -> [Double] {
        point.coordinates.scaled(
            try site.baseline(point.coordinates, grid).covariateRiskSums(at: point.beta),
            width: site.plan.columnCount)
    }
}
