import Survival

/// The event times (or merged intervals) of a common baseline, from verified counts of exits.
///
/// Every node derives the same grid from the same sum. Times are positions on the analysis's `TimeAxis`.
struct CommonGrid: Sendable {
    let grid: EventGrid
    /// Exits in the thinnest interval that has an event; nil with exact times, or without any event.
    let thinnestInterval: Int?
    /// By stratum: the last position at which someone leaves, until which curves are known; -1 without rows.
    let followUpEnds: [Int]

    init(_ plan: AnalysisPlan, exits: [Double], smallestInterval: Int) throws(StudyError) {
        let layout = ExitsLayout(plan)
        var strata: [EventGrid.Stratum] = []
        var (thinnest, ends) = (Int?.none, [Int]())
        for stratum in 0..<layout.groups {
            guard let events = layout.lanes(layout.ownEvents[0], group: stratum, of: exits),
                let others = layout.lanes(.otherExits, group: stratum, of: exits)
            else { throw .sums("the exits have no events") }
            let leaving = (layout.eventFields + [.otherExits]).compactMap {
                layout.lanes($0, group: stratum, of: exits)?.lastIndex { $0 > 0 }
            }
            ends.append(leaving.max() ?? -1)
            let weights = layout.lanes(.eventWeights, group: stratum, of: exits) ?? events
            switch plan.times {
            case .exact: strata.append(Self.eventTimes(events, weights))
            case .grid:
                var exits = zip(events, others).map { Int($0 + $1) }
                // Nobody is followed beyond the last cell in which someone leaves.
                if let end = ends.last, end >= 0 { exits.removeLast(exits.count - 1 - end) }
                // Intervals without an event add nothing to the likelihood: they are left out, and no sum is taken at them.
                let ranges = MergedIntervals(exits: exits, smallest: smallestInterval).known.filter {
                    range in
                    events[range].contains { $0 > 0 }
                }
                thinnest = ranges.reduce(thinnest) { min($0 ?? .max, exits[$1].reduce(0, +)) }
                strata.append(Self.intervals(ranges, events, weights))
            }
        }
        grid = EventGrid(strata: strata, censoring: try Self.censoring(plan, layout, exits))
        (thinnestInterval, followUpEnds) = (thinnest, ends)
    }

    /// With competing causes: when how many were censored, over all strata.
    private static func censoring(
        _ plan: AnalysisPlan, _ layout: ExitsLayout, _ exits: [Double]
    ) throws(StudyError) -> CensoringCurve? {
        guard plan.causeOfInterest != nil else { return nil }
        func total(_ fields: [ExitsLayout.Field]) -> [Double] {
            let lanes = fields.flatMap { field in
                (0..<layout.groups).compactMap { layout.lanes(field, group: $0, of: exits) }
            }
            return (0..<layout.positions).map { position in lanes.reduce(0) { $0 + $1[position] } }
        }
        return CensoringCurve(
            ExitCounts(
                times: (0..<layout.positions).map { Double($0) }, events: total(layout.eventFields),
                censored: total([.otherExits])))
    }

    private static func eventTimes(_ events: [Double], _ weights: [Double]) -> EventGrid.Stratum {
        let positions = events.indices.filter { events[$0] > 0 }
        return .init(
            times: positions.map { Double($0) }, deaths: positions.map { events[$0] },
            deathWeights: positions.map { weights[$0] }, starts: nil)
    }

    private static func intervals(
        _ ranges: [Range<Int>], _ events: [Double], _ weights: [Double]
    ) -> EventGrid.Stratum {
        .init(
            times: ranges.map { Double($0.upperBound - 1) }, deaths: ranges.map { events[$0].reduce(0, +) },
            deathWeights: ranges.map { weights[$0].reduce(0, +) },
            starts: ranges.map { Double($0.lowerBound - 1) })
    }
}

/// Neighbouring cells of a public time grid, merged from the left until each holds enough exits.
///
/// What remains at the right end joins the last full interval. With fewer exits in all than the smallest, one interval
/// holds everything.
package struct MergedIntervals: Hashable, Sendable {
    /// Ranges of cells; together all cells.
    package let ranges: [Range<Int>]
    /// Exits in the thinnest interval; nil without cells.
    package let thinnest: Int?
    /// The cells of each interval in which someone may leave: all, or where one exit is enough the last, which has ended it.
    package let known: [Range<Int>]

    package init(exits: [Int], smallest: Int) {
        var ranges: [Range<Int>] = []
        var counts: [Int] = []
        var start = 0
        var count = 0
        for (cell, exits) in exits.enumerated() {
            count += exits
            guard count >= smallest else { continue }
            ranges.append(start..<(cell + 1))
            counts.append(count)
            (start, count) = (cell + 1, 0)
        }
        if start < exits.count {
            if let last = ranges.popLast() {
                ranges.append(last.lowerBound..<exits.count)
                counts[counts.count - 1] += count
            } else {
                ranges.append(0..<exits.count)
                counts.append(count)
            }
        }
        self.ranges = ranges
        thinnest = counts.min()
        known = smallest > 1 ? ranges : ranges.map { $0.upperBound - 1..<$0.upperBound }
    }
}
