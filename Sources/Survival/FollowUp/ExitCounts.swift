/// How many leave at each time, with and without the event: all that Kaplan-Meier curves and log-rank tests need.
///
/// Counts (sums of weights, if there are any) on ascending `times`; those of several sites on the same times add up. With delayed
/// entry, `entered[k]` counts the rows that enter at or after the time before and before `times[k]`, hence are at risk at it
/// (the first of them: all who enter before the first time). Without it, everyone is at risk from the beginning.
package struct ExitCounts: Sendable, Hashable {
    package let times: [Double]
    package var events: [Double]
    package var censored: [Double]
    package var entered: [Double]?
    /// On a public grid the interval that each time is the end of; nil for exact times.
    package var intervals: [GridInterval]?

    package init(
        times: [Double], events: [Double], censored: [Double], entered: [Double]? = nil,
        intervals: [GridInterval]? = nil
    ) {
        let lengths = [
            events.count, censored.count, entered?.count ?? times.count, intervals?.count ?? times.count,
        ]
        precondition(lengths.allSatisfy { $0 == times.count }, "a count for each time")
        (self.times, self.events, self.censored, self.entered) = (times, events, censored, entered)
        self.intervals = intervals
    }

    /// The counts of a site's rows (or of some of them: a group) on the times that all sites share.
    ///
    /// A row leaves at the first of `times` at or after its exit: on a grid coarser than the rows', at the end of its interval.
    /// Throws `notOnGrid` if a row leaves after the last of them.
    package init(_ data: SurvivalData, rows: [Int]? = nil, times: [Double]) throws(SurvivalDataError) {
        let grid = TimeGrid(times)
        let none = Array(repeating: 0.0, count: times.count)
        self.init(times: times, events: none, censored: none, entered: data.entry.map { _ in none })
        for row in rows ?? Array(0..<data.rowCount) {
            let weight = data.weight?[row] ?? 1
            let exit = grid.index(atOrAfter: data.exit[row])
            guard exit < times.count else { throw .notOnGrid }
            if data.event[row] { events[exit] += weight } else { censored[exit] += weight }
            if let entry = data.entry { entered?[min(exit, grid.index(after: entry[row]))] += weight }
        }
    }

    /// At risk just before each time.
    package var atRisk: [Double] {
        var (atRisk, present) = (events, 0.0)
        for index in times.indices.reversed() {
            present += events[index] + censored[index]
            atRisk[index] = present
            present -= entered?[index] ?? 0
        }
        return atRisk
    }

    /// At risk for the events of each time: those at risk before it, but on a grid only a part of those who leave without an event.
    var exposed: [Double] {
        guard let intervals else { return atRisk }
        return zip(zip(atRisk, censored), intervals).map { $0.0 - $1.absence * $0.1 }
    }

    /// The same counts for the time to censoring, of which an event is the end: reverse Kaplan-Meier (Schemper and Smith,
    /// Control Clin Trials 1996), whose median is the median follow-up.
    package var reversed: ExitCounts {
        ExitCounts(times: times, events: censored, censored: events, entered: entered, intervals: intervals)
    }
}
