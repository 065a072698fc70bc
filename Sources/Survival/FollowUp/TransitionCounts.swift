/// How many leave at each time by each cause, and how many for no cause: what Aalen-Johansen curves need.
///
/// Counts (sums of weights, if there are any) on ascending `times`; `events[c][k]` leave by cause c at `times[k]`. `entered` is
/// that of `ExitCounts`.
package struct TransitionCounts: Sendable, Hashable {
    package let times: [Double]
    package var events: [[Double]]
    package var censored: [Double]
    package var entered: [Double]?
    /// That of `ExitCounts`.
    package var intervals: [GridInterval]?

    package init(
        times: [Double], events: [[Double]], censored: [Double], entered: [Double]? = nil,
        intervals: [GridInterval]? = nil
    ) {
        let optional = [entered?.count, intervals?.count].compactMap(\.self)
        let lengths = events.map(\.count) + [censored.count] + optional
        precondition(lengths.allSatisfy { $0 == times.count }, "a count for each time")
        (self.times, self.events, self.censored, self.entered) = (times, events, censored, entered)
        self.intervals = intervals
    }

    /// The counts with all causes taken together.
    package var exits: ExitCounts {
        let all = times.indices.map { index in events.reduce(0) { $0 + $1[index] } }
        return ExitCounts(
            times: times, events: all, censored: censored, entered: entered, intervals: intervals)
    }

    /// At risk just before each time.
    package var atRisk: [Double] { exits.atRisk }

    /// At risk for the events of each time; see `ExitCounts`.
    var exposed: [Double] { exits.exposed }
}
