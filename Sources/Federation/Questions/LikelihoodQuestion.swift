import Survival

/// Log-likelihood, score and information under the site's own baseline hazard.
package struct LikelihoodQuestion: Question {
    package static let name = "likelihood"

    package let point: ModelPoint

    package init(_ coordinates: Coordinates, beta: [Double]) { point = ModelPoint(coordinates, beta) }

    package static func summation(in plan: AnalysisPlan) -> Summation {
        Summation(people: .analysis, functions: [.covariates, .risks, .weights], isEvaluation: true)
    }

    package static func words(in plan: AnalysisPlan) -> String {
        "log-likelihood, score and information (\(counted(numberCount(columns: plan.columnCount), "number")))"
    }

    package var coordinates: Coordinates? { point.coordinates }
    package var beta: [Double]? { point.beta }

    static func numberCount(columns: Int) -> Int { 1 + columns + SymmetricMatrix.packedCount(order: columns) }

    package func numberCount(in plan: AnalysisPlan) -> Int { Self.numberCount(columns: plan.columnCount) }

    package func labels(in plan: AnalysisPlan) -> [String] { NumberLabels.likelihood(plan.columnNames) }

    package func write(to bytes: inout QuestionBytes) {}

    package func answer(from site: SiteAnalysis) throws -> [Double] {
        let sums = try site.likelihood(point.coordinates).evaluate(at: point.beta)
        return [sums.logLikelihood] + sums.score + sums.information.packedUpper
    }
}

/// Where a model is asked about: its working coordinates, and coefficients in them.
package struct ModelPoint: Hashable, Sendable {
    package var coordinates: Coordinates
    package var beta: [Double]

    init(_ coordinates: Coordinates, _ beta: [Double]) { (self.coordinates, self.beta) = (coordinates, beta) }
}
