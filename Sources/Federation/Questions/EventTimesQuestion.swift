package import Survival

/// Σ over events of 1, f(t), f(t)².
package struct EventTimesQuestion: Question {
    package static let name = "event-times"

    package var function: TimeFunction

    package init(_ function: TimeFunction) { self.function = function }

    package static func summation(in plan: AnalysisPlan) -> Summation {
        Summation(people: .events, functions: [.one, .times])
    }

    package static func words(in plan: AnalysisPlan) -> String {
        "how many events there are, the sum of their times (or of their logarithms) and of its squares, once"
    }

    package var coordinates: Coordinates? { nil }
    package var beta: [Double]? { nil }

    package func numberCount(in plan: AnalysisPlan) -> Int { TimeMoments.vectorCount }

    package func labels(in plan: AnalysisPlan) -> [String] {
        ["events", "sum of times", "squares of times", "events at which the function is not defined"]
    }

    package func write(to bytes: inout QuestionBytes) { bytes.append(function) }

    package func answer(from site: SiteAnalysis) -> [Double] {
        var moments = TimeMoments()
        for (time, event) in zip(site.cases.exit, site.cases.event) where event {
            moments.add(function(time))
        }
        return moments.vector
    }
}
