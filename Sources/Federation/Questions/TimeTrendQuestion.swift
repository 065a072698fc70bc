package import Survival

/// Sums over events of g(x − x̄), gV, g²V under the site's own baseline hazard.
package struct TimeTrendQuestion: Question {
    package static let name = "time-trend"

    package let point: ModelPoint
    package var function: TimeFunction

    package init(_ coordinates: Coordinates, beta: [Double], _ function: TimeFunction) {
        (point, self.function) = (ModelPoint(coordinates, beta), function)
    }

    package static func summation(in plan: AnalysisPlan) -> Summation {
        Summation(people: .events, functions: [.covariates, .times, .risks, .weights], isEvaluation: true)
    }

    package static func words(in plan: AnalysisPlan) -> String {
        "score and information weighted with a function of time, once each"
    }

    package var coordinates: Coordinates? { point.coordinates }
    package var beta: [Double]? { point.beta }

    package func numberCount(in plan: AnalysisPlan) -> Int {
        TimeTrendSums.vectorCount(parameterCount: plan.columnCount)
    }

    package func labels(in plan: AnalysisPlan) -> [String] {
        plan.columnNames.map { "weighted score \($0)" }
            + NumberLabels.pairs("weighted information", plan.columnNames)
            + NumberLabels.pairs("information with the squared weight", plan.columnNames)
    }

    package func write(to bytes: inout QuestionBytes) { bytes.append(function) }

    package func answer(from site: SiteAnalysis) throws -> [Double] {
        try site.likelihood(point.coordinates).timeTrend(at: point.beta, along: function).vector
    }
}
