import Survival

/// Log-likelihood, score and information with the derivatives of the information, for Firth's penalty.
package struct LikelihoodWithThirdDerivativesQuestion: Question {
    package static let name = "likelihood-with-third-derivatives"

    package let point: ModelPoint

    package init(_ coordinates: Coordinates, beta: [Double]) { point = ModelPoint(coordinates, beta) }

    package static func summation(in plan: AnalysisPlan) -> Summation {
        Summation(people: .analysis, functions: [.covariates, .risks, .weights], isEvaluation: true)
    }

    package static func words(in plan: AnalysisPlan) -> String {
        "log-likelihood, score, information and its derivatives (\(counted(numberCount(columns: plan.columnCount), "number")))"
    }

    package var coordinates: Coordinates? { point.coordinates }
    package var beta: [Double]? { point.beta }

    private static func numberCount(columns: Int) -> Int {
        LikelihoodQuestion.numberCount(columns: columns) + ThirdDerivatives.packedCount(order: columns)
    }

    package func numberCount(in plan: AnalysisPlan) -> Int { Self.numberCount(columns: plan.columnCount) }

    package func labels(in plan: AnalysisPlan) -> [String] {
        let names = plan.columnNames
        let derivatives = names.indices.flatMap { a in
            NumberLabels.pairs("derivative of the information \(names[a]),", Array(names[a...]))
        }
        return NumberLabels.likelihood(names) + derivatives
    }

    package func write(to bytes: inout QuestionBytes) {}

    package func answer(from site: SiteAnalysis) throws -> [Double] {
        let sums = try site.likelihood(point.coordinates).evaluateWithThirdDerivatives(at: point.beta)
        return [sums.logLikelihood] + sums.score + sums.information.packedUpper
            + sums.thirdDerivatives.packed
    }
}
