import Survival

/// The verified exits of a curve analysis, by group of its curves and stratum of its test.
///
/// Every node makes the same table from the same sum. With exact times each time at which someone leaves stands alone; on a grid
/// its cells are merged until each has enough exits over the hospitals.
struct ExitTable: Sendable {
    /// One group's counts at every position of the axis; sums of weights beside plain counts if the analysis is weighted.
    struct Group: Sendable {
        /// By cause; a survival analysis has one.
        var events: [[Double]]
        var others: [Double]
        var entries: [Double]?
        var weightedEvents: [[Double]]
        var weightedOthers: [Double]
        var weightedEntries: [Double]?

        static func + (left: Group, right: Group) -> Group {
            func sum(_ a: [Double], _ b: [Double]) -> [Double] { zip(a, b).map { $0 + $1 } }
            func sum(_ a: [Double]?, _ b: [Double]?) -> [Double]? { a.flatMap { a in b.map { sum(a, $0) } } }
            return Group(
                events: zip(left.events, right.events).map(sum), others: sum(left.others, right.others),
                entries: sum(left.entries, right.entries),
                weightedEvents: zip(left.weightedEvents, right.weightedEvents).map(sum),
                weightedOthers: sum(left.weightedOthers, right.weightedOthers),
                weightedEntries: sum(left.weightedEntries, right.weightedEntries))
        }

        /// Rows, and events of each cause.
        var rows: Int { Int((events + [others]).reduce(0) { $0 + $1.reduce(0, +) }) }
        var eventCounts: [Int] { events.map { Int($0.reduce(0, +)) } }
    }

    /// Those of a stratum stand together.
    let groups: [Group]
    /// Positions that make up one time each.
    let ranges: [Range<Int>]
    /// Exits in the thinnest merged interval; nil with exact times.
    let thinnest: Int?
    private let times: [Double]
    /// On a grid the interval that each time is the end of; nil with exact times.
    private let intervals: [GridInterval]?
    private let axis: TimeAxis?

    /// Throws unless the numbers are counts of these rows and events.
    init(
        _ plan: AnalysisPlan, _ sum: [Double], counts: CohortCounts, smallestInterval: Int
    ) throws(StudyError) {
        let layout = ExitsLayout(plan)
        try layout.requireFit(sum, counts)
        var groups: [Group] = []
        for group in 0..<layout.groups { groups.append(try Self.group(group, layout, sum)) }
        let exits = (0..<layout.positions).map { position in
            Int(
                groups.reduce(0) { total, group in
                    group.events.reduce(total + group.others[position]) { $0 + $1[position] }
                })
        }
        switch plan.times {
        case .exact:
            ranges = exits.indices.filter { exits[$0] > 0 }.map { $0..<($0 + 1) }
            thinnest = nil
        case .grid:
            // Nobody is followed beyond the last cell in which someone leaves.
            let followed = exits.lastIndex { $0 > 0 }.map { Array(exits[...$0]) } ?? exits
            let merged = MergedIntervals(exits: followed, smallest: smallestInterval)
            (ranges, thinnest) = (merged.known, merged.thinnest)
        }
        times = ranges.map { plan.axis?.time(at: $0.upperBound - 1) ?? Double($0.upperBound - 1) }
        intervals = plan.times == .grid ? ranges.map(plan.interval) : nil
        (self.groups, axis) = (groups, plan.axis)
    }

    private static func group(
        _ group: Int, _ layout: ExitsLayout, _ sum: [Double]
    ) throws(StudyError) -> Group {
        func lanes(_ fields: [ExitsLayout.Field]) -> [[Double]] {
            fields.compactMap { layout.lanes($0, group: group, of: sum) }
        }
        let events = lanes(layout.eventFields)
        guard events.count == layout.eventFields.count,
            let others = layout.lanes(.otherExits, group: group, of: sum)
        else { throw .sums("the exits have no events") }
        let entries = layout.lanes(.entries, group: group, of: sum)
        let weighted = lanes(layout.eventFields.map(\.weighted))
        return Group(
            events: events, others: others, entries: entries,
            weightedEvents: weighted.isEmpty ? events : weighted,
            weightedOthers: layout.lanes(.otherWeights, group: group, of: sum) ?? others,
            weightedEntries: layout.lanes(.entryWeights, group: group, of: sum) ?? entries)
    }

    /// The groups of each of so many strata.
    func strata(_ count: Int) -> [[Group]] {
        let width = groups.count / max(count, 1)
        return (0..<count).map { Array(groups[$0 * width..<($0 + 1) * width]) }
    }

    /// The groups over all of so many strata.
    func groups(over count: Int) -> [Group] {
        let strata = strata(count)
        return strata.dropFirst().reduce(strata[0]) { zip($0, $1).map { $0 + $1 } }
    }

    /// A group's counts (sums of weights, if there are any) at all times of the table.
    func counts(of group: Group) -> TransitionCounts {
        TransitionCounts(
            times: times, events: group.weightedEvents.map(merged), censored: merged(group.weightedOthers),
            entered: group.weightedEntries.map(entered), intervals: intervals)
    }

    /// A group's rows (or their weights) at risk just before some times, from its entries and exits before each; nil if nobody
    /// enters late, so that the counts at the exits tell it.
    func atRisk(of group: Group, at times: [Double]) -> [Double]? {
        guard let entries = group.entries, let weights = group.weightedEntries, let axis else { return nil }
        func present(_ entries: [Double], _ exits: [[Double]], before position: Int) -> Double {
            let left = exits.reduce(0) { $0 + $1[..<position].reduce(0, +) }
            return entries[..<position].reduce(0, +) - left
        }
        return times.map { time in
            let position = axis.positionCount(before: time)
            // Weights of nobody would leave a rounding error.
            return present(entries, group.events + [group.others], before: position) == 0
                ? 0 : present(weights, group.weightedEvents + [group.weightedOthers], before: position)
        }
    }

    /// The same at the times at which someone of the group leaves, with the last position of each.
    ///
    /// Who enters in between is counted at the next time.
    func curve(
        of group: Group, shape: CurveCounts.Shape, areas: [Double] = []
    ) -> CurveCounts {
        let all = counts(of: group)
        let left = (group.events + [group.others]).map(merged)
        let kept = times.indices.filter { index in left.contains { $0[index] > 0 } }
        let entered = all.entered.map { entered in
            zip([-1] + kept, kept).map { entered[($0 + 1)...$1].reduce(0, +) }
        }
        func only(_ values: [Double]) -> [Double] { kept.map { values[$0] } }
        return CurveCounts(
            shape: shape, ends: kept.map { ranges[$0].upperBound - 1 },
            counts: TransitionCounts(
                times: only(times), events: all.events.map(only), censored: only(all.censored),
                entered: entered, intervals: intervals.map { intervals in kept.map { intervals[$0] } }),
            areas: areas)
    }

    private func merged(_ lanes: [Double]) -> [Double] { ranges.map { lanes[$0].reduce(0, +) } }

    /// An entry at a position is at risk from the next one on.
    private func entered(_ lanes: [Double]) -> [Double] {
        let ends = ranges.map { $0.upperBound - 1 }
        return zip([0] + ends, ends).map { lanes[$0..<$1].reduce(0, +) }
    }
}

extension [CurveCounts] {
    /// Restricted means that reach beyond a group's follow-up rest on a curve that nobody's data continue.
    func extrapolations(to longest: Double?, names: [String]) -> [String] {
        guard let longest else { return [] }
        return zip(names, self).compactMap { name, curve in
            let group = name.isEmpty ? "nobody" : "nobody in the group \(name)"
            return curve.counts.times.last ?? 0 < longest
                ? "\(group) is followed to the end of the restricted mean; the curve is continued flat" : nil
        }
    }
}
