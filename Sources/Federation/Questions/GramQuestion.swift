package import Survival

/// Xᵀg and XᵀGX under hazard increments formed from the summed S₀.
package struct GramQuestion: Question {
    package static let name = "gram"

    package let point: ModelPoint
    package var grid: EventGrid
    package var hazard: HazardIncrements

    package init(_ coordinates: Coordinates, beta: [Double], _ grid: EventGrid, _ hazard: HazardIncrements) {
        (point, self.grid, self.hazard) = (ModelPoint(coordinates, beta), grid, hazard)
    }

    package static func summation(in plan: AnalysisPlan) -> Summation {
        Summation(
            people: .analysis, functions: [.covariates, .times, .risks, .weights], isIndexedByTime: true,
            isEvaluation: true)
    }

    package static func words(in plan: AnalysisPlan) -> String {
        let numbers = plan.columnCount + SymmetricMatrix.packedCount(order: plan.columnCount)
        return "score and Gram matrix of the covariates (\(counted(numbers, "number")))"
    }

    package var coordinates: Coordinates? { point.coordinates }
    package var beta: [Double]? { point.beta }

    package func numberCount(in plan: AnalysisPlan) -> Int {
        plan.columnCount + SymmetricMatrix.packedCount(order: plan.columnCount)
    }

    package func labels(in plan: AnalysisPlan) -> [String] {
        plan.columnNames.map { "score \($0)" } + NumberLabels.pairs("Gram matrix", plan.columnNames)
    }

    package func write(to bytes: inout QuestionBytes) {
        bytes.append(grid)
        bytes.append(hazard.survivor)
        bytes.append(hazard.leaver)
    }

    package func answer(from site: SiteAnalysis) throws -> [Double] {
        try site.baseline(point.coordinates, grid).gram(at: point.beta, hazard: hazard)
    }
}
