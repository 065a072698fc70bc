import Survival

/// Hospitals whose own information is not 0, its rank, and for each coefficient the hospitals that tell of it.
package struct SiteRanksQuestion: Question {
    package static let name = "site-ranks"

    package let point: ModelPoint
    /// Coefficients that are infinite, one for each direction of separation.
    package var held: [Int]

    package init(_ coordinates: Coordinates, beta: [Double], holding held: [Int] = []) {
        (point, self.held) = (ModelPoint(coordinates, beta), held)
    }

    package static func summation(in plan: AnalysisPlan) -> Summation {
        Summation(people: .analysis, functions: [.covariates, .risks, .weights], isEvaluation: true)
    }

    package static func words(in plan: AnalysisPlan) -> String {
        "to compare coefficients between hospitals: the rank of this one's information, and which coefficients it tells of, once"
    }

    package var coordinates: Coordinates? { point.coordinates }
    package var beta: [Double]? { point.beta }

    package func numberCount(in plan: AnalysisPlan) -> Int {
        SiteHeterogeneity.ranksCount(parameterCount: plan.columnCount)
    }

    package func labels(in plan: AnalysisPlan) -> [String] {
        ["whether there is information", "its rank"] + plan.columnNames.map { "whether it tells of \($0)" }
    }

    package func write(to bytes: inout QuestionBytes) { bytes.append(held.map { Double($0) }) }

    package func answer(from site: SiteAnalysis) throws -> [Double] {
        SiteHeterogeneity(
            try site.likelihood(point.coordinates).evaluate(at: point.beta), holding: held
        ).ranks
    }
}
