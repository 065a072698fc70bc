@testable import Survival

/// Counts of rows that are all at hand, and their sums over sites, as studies form them of the hospitals' answers.
extension ExitCounts {
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
