@testable import Survival

/// Counts of rows that are all at hand, and their sums over sites, as studies form them of the hospitals' answers.
extension ExitCounts {
    /// The counts of a site's rows (or of some of them: a group) on the times that all sites share.
    ///
    /// A row leaves at the first of `times` at or after its exit: on a grid coarser than the rows', at the end of its interval.
    /// Throws `notOnGrid` if a row leaves after the last of them.
    init(_ data: SurvivalData, rows: [Int]? = nil, times: [Double]) throws(SurvivalDataError) {
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

    /// The distinct exit times of some rows, ascending: the times for counts of rows that are all in one place.
    static func times(of data: SurvivalData) -> [Double] { Set(data.exit).sorted() }

    static func + (left: ExitCounts, right: ExitCounts) -> ExitCounts {
        precondition(
            left.times == right.times && left.intervals == right.intervals, "counts on the same times")
        return ExitCounts(
            times: left.times, events: sum(left.events, right.events),
            censored: sum(left.censored, right.censored),
            entered: left.entered.flatMap { own in right.entered.map { sum(own, $0) } },
            intervals: left.intervals)
    }
}

extension TransitionCounts {
    static func + (left: TransitionCounts, right: TransitionCounts) -> TransitionCounts {
        precondition(
            left.times == right.times && left.intervals == right.intervals, "counts on the same times")
        return TransitionCounts(
            times: left.times, events: zip(left.events, right.events).map(sum),
            censored: sum(left.censored, right.censored),
            entered: left.entered.flatMap { own in right.entered.map { sum(own, $0) } },
            intervals: left.intervals)
    }
}

private func sum(_ left: [Double], _ right: [Double]) -> [Double] { zip(left, right).map { $0 + $1 } }
