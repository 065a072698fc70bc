import Survival

/// What a test of equal coefficients at all hospitals takes from a hospital's own score and information.
package struct SiteHeterogeneityQuestion: Question {
    package static let name = "site-heterogeneity"

    package let point: ModelPoint
    package var coefficients: [Int]
    /// As in `SiteRanksQuestion`.
    package var held: [Int]

    package init(_ coordinates: Coordinates, beta: [Double], coefficients: [Int], holding held: [Int] = []) {
        (point, self.coefficients, self.held) = (ModelPoint(coordinates, beta), coefficients, held)
    }

    package static func summation(in plan: AnalysisPlan) -> Summation {
        Summation(people: .analysis, functions: [.covariates, .risks, .weights], isEvaluation: true)
    }

    package static func words(in plan: AnalysisPlan) -> String {
        "to compare coefficients between hospitals: this one's score statistic, and three numbers for each covariate, once"
    }

    package var coordinates: Coordinates? { point.coordinates }
    package var beta: [Double]? { point.beta }

    package func numberCount(in plan: AnalysisPlan) -> Int {
        SiteHeterogeneity.partsCount(coefficientCount: coefficients.count)
    }

    package func labels(in plan: AnalysisPlan) -> [String] {
        ["score statistic"]
            + coefficients.map { plan.columnNames[$0] }.flatMap {
                ["information \($0)", "score \($0)", "statistic \($0)"]
            }
    }

    package func write(to bytes: inout QuestionBytes) {
        bytes.append([Double(coefficients.count)] + (coefficients + held).map { Double($0) })
    }

    package func answer(from site: SiteAnalysis) throws -> [Double] {
        SiteHeterogeneity(try site.likelihood(point.coordinates).evaluate(at: point.beta), holding: held)
            .parts(of: coefficients)
    }
}
