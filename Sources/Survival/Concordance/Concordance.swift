/// How much a pair counts by the time of its earlier event; R's `timewt` in `concordance`.
package enum ConcordanceWeight: String, Hashable, Sendable, Codable, CaseIterable {
    /// Every pair alike: Harrell's C.
    case pairs = "n"
    /// S(t−) over the share at risk, S being the Kaplan-Meier curve (Peto and Wilcoxon's).
    case survival = "S"
    /// The same over G(t−), the curve of the time to censoring (Schemper).
    case survivalOverCensoring = "S/G"
    /// 1/G(t−)², Uno's C.
    case uno = "n/G2"
    /// One over the number at risk.
    case inverse = "I"

    /// Whether it needs the curve of the time to censoring, which rows with an entry time do not have.
    package var usesCensoring: Bool { self == .survivalOverCensoring || self == .uno }
}

/// Which concordance is asked for.
package struct ConcordanceOptions: Hashable, Sendable, Codable {
    package var weight: ConcordanceWeight
    /// Earlier events count as tied at this time.
    package var timeMin: Double?
    /// Later events count in no pair as the earlier one.
    package var timeMax: Double?

    package init(weight: ConcordanceWeight = .pairs, timeMin: Double? = nil, timeMax: Double? = nil) {
        (self.weight, self.timeMin, self.timeMax) = (weight, timeMin, timeMax)
    }
}

/// Pairs of rows of one site whose order in time is known, and what each row adds to their counts.
///
/// A pair is of two rows of a stratum: one has an event at t, the other is at risk at t and stays longer, or is censored at t. It is
/// concordant if the event has the higher marker. It counts w·w′ (the case weights) times the weight at t. Two events at one time
/// are no such pair; they are counted apart. Deliberately not `Codable`: influences are numbers of single rows.
package struct ConcordancePairs: Sendable {
    package private(set) var concordant = 0.0
    package private(set) var discordant = 0.0
    /// Pairs with equal markers.
    package private(set) var tiedMarker = 0.0
    /// Two events at one time, with different and with equal markers.
    package private(set) var tiedTime = 0.0
    package private(set) var tiedBoth = 0.0
    /// For each row, of the pairs that it is in: those concordant less those discordant, and all.
    private(set) var difference: [Double]
    private(set) var total: [Double]

    /// A marker for each row; a higher one lets expect an earlier event.
    package init(_ data: SurvivalData, marker: [Double], options: ConcordanceOptions) {
        precondition(marker.count == data.rowCount, "a marker for each row")
        difference = Array(repeating: 0, count: data.rowCount)
        total = difference
        var rows: [Int32: [Int]] = [:]
        for row in 0..<data.rowCount { rows[data.stratum?[row] ?? 0, default: []].append(row) }
        for stratum in rows.keys.sorted() {
            var sweep = ConcordanceSweep(data, rows: rows[stratum] ?? [], marker: marker, options: options)
            sweep.run(into: &self)
        }
    }

    /// concordant, discordant, tied by marker, by time, by both.
    package var counts: [Double] { [concordant, discordant, tiedMarker, tiedTime, tiedBoth] }

    /// Σ over clusters of u², uv, v²: u and v are the cluster's sums of `difference` and `total`.
    package func squares(by cluster: [Int32]) -> [Double] {
        Self.squares(ofSums: sums(by: cluster, levelCount: Int(cluster.max() ?? -1) + 1))
    }

    /// Σ of `difference` and `total` in each of the levels; two numbers a level.
    package func sums(by level: [Int32], levelCount: Int) -> [Double] {
        var sums = [Double](repeating: 0, count: 2 * levelCount)
        for (row, level) in level.enumerated() {
            sums[2 * Int(level)] += difference[row]
            sums[2 * Int(level) + 1] += total[row]
        }
        return sums
    }

    /// What `squares` would be of clusters with these sums.
    package static func squares(ofSums sums: [Double]) -> [Double] {
        stride(from: 0, to: sums.count, by: 2).reduce(into: [0, 0, 0]) { squares, at in
            squares[0] += sums[at] * sums[at]
            squares[1] += sums[at] * sums[at + 1]
            squares[2] += sums[at + 1] * sums[at + 1]
        }
    }

    fileprivate mutating func add(_ sides: Sides, to row: Int, weight: Double) {
        difference[row] += weight * (sides.below - sides.above)
        total[row] += weight * (sides.below + sides.above + sides.equal)
    }

    /// The pairs of an event with those at risk, each side's weights together.
    fileprivate mutating func count(_ sides: Sides, weight: Double) {
        concordant += weight * sides.below
        discordant += weight * sides.above
        tiedMarker += weight * sides.equal
    }

    fileprivate mutating func countTiedEvents(_ pairs: Double, withEqualMarkers both: Double) {
        tiedTime += pairs - both
        tiedBoth += both
    }
}

/// Weights of rows with a lower, the same, and a higher marker than a row's.
private struct Sides {
    var below = 0.0
    var equal = 0.0
    var above = 0.0

    static func - (left: Sides, right: Sides) -> Sides {
        Sides(
            below: left.below - right.below, equal: left.equal - right.equal, above: left.above - right.above)
    }

    /// Seen from the other row of the pair.
    var reversed: Sides { Sides(below: above, equal: equal, above: below) }
}

/// Sums of weights over ranks (a Fenwick tree): adding and asking take log n steps.
private struct RankSums {
    private var tree: [Double]
    private var own: [Double]

    init(ranks: Int) {
        (tree, own) = (Array(repeating: 0, count: ranks + 1), Array(repeating: 0, count: ranks))
    }

    mutating func add(_ weight: Double, at rank: Int) {
        own[rank] += weight
        var index = rank + 1
        while index < tree.count {
            tree[index] += weight
            index += index & -index
        }
    }

    func sides(of rank: Int) -> Sides {
        let below = sum(below: rank)
        return Sides(below: below, equal: own[rank], above: sum(below: own.count) - below - own[rank])
    }

    private func sum(below rank: Int) -> Double {
        var (sum, index) = (0.0, rank)
        while index > 0 {
            sum += tree[index]
            index -= index & -index
        }
        return sum
    }
}

/// One stratum's rows, from the last time to the first, with those at risk in a tree of markers.
///
/// A row's pairs with earlier events are those that were entered among `events` between its joining and its leaving.
private struct ConcordanceSweep {
    private let rows: [Int]
    private let rank: [Int]
    private let entry: [Double]?
    private let exit: [Double]
    private let event: [Bool]
    private let weight: [Double]
    private let timeWeights: [Double: Double]
    private var atRisk: RankSums
    private var events: RankSums
    private var atJoining: [Sides]

    /// Below, rows are numbered by their place in `rows`.
    init(_ data: SurvivalData, rows: [Int], marker: [Double], options: ConcordanceOptions) {
        self.rows = rows
        let values = Set(rows.map { marker[$0] }).sorted()
        rank = rows.map { row in values.firstIndexSorted { $0 >= marker[row] } }
        event = rows.map { data.event[$0] }
        entry = data.entry.map { entry in rows.map { entry[$0] } }
        exit = rows.map { row in
            data.event[row] ? max(data.exit[row], options.timeMin ?? -.infinity) : data.exit[row]
        }
        weight = rows.map { data.weight?[$0] ?? 1 }
        let curves = ConcordanceTimeWeights(entry: entry, exit: exit, event: event, weight: weight)
        timeWeights = curves.weights(options)
        atRisk = RankSums(ranks: values.count)
        events = RankSums(ranks: values.count)
        atJoining = Array(repeating: Sides(), count: rows.count)
    }

    mutating func run(into pairs: inout ConcordancePairs) {
        var leaving = entry.map { entry in rows.indices.sorted { entry[$0] > entry[$1] } }?[...] ?? []
        let order = rows.indices.sorted { exit[$0] > exit[$1] }
        var next = 0
        while next < order.count {
            let time = exit[order[next]]
            let end = order[next...].firstIndex { exit[$0] < time } ?? order.count
            while let row = leaving.first, let entry, entry[row] >= time {
                leave(row, &pairs)
                leaving.removeFirst()
            }
            let tied = order[next..<end]
            for row in tied where !event[row] { join(row) }
            let deaths = tied.filter { event[$0] }
            if !deaths.isEmpty { count(deaths, timeWeights[time] ?? 0, &pairs) }
            for row in deaths { join(row) }
            next = end
        }
        for row in entry == nil ? order[...] : leaving { leave(row, &pairs) }
    }

    private mutating func join(_ row: Int) {
        atRisk.add(weight[row], at: rank[row])
        atJoining[row] = events.sides(of: rank[row])
    }

    /// All events with which the row was at risk are known.
    private mutating func leave(_ row: Int, _ pairs: inout ConcordancePairs) {
        atRisk.add(-weight[row], at: rank[row])
        let sides = events.sides(of: rank[row]) - atJoining[row]
        pairs.add(sides.reversed, to: rows[row], weight: weight[row])
    }

    private mutating func count(_ deaths: [Int], _ timeWeight: Double, _ pairs: inout ConcordancePairs) {
        for row in deaths {
            let sides = atRisk.sides(of: rank[row])
            pairs.count(sides, weight: weight[row] * timeWeight)
            pairs.add(sides, to: rows[row], weight: weight[row] * timeWeight)
        }
        countTies(deaths, timeWeight, &pairs)
        for row in deaths { events.add(weight[row] * timeWeight, at: rank[row]) }
    }

    private func countTies(_ deaths: [Int], _ timeWeight: Double, _ pairs: inout ConcordancePairs) {
        func pairWeight(_ weights: [Double]) -> Double {
            let (sum, squares) = weights.reduce((0, 0)) { ($0.0 + $1, $0.1 + $1 * $1) }
            return (sum * sum - squares) / 2
        }
        // In the order of the markers: a dictionary's own order differs from run to run, and with it the sum's rounding.
        let byMarker = Dictionary(grouping: deaths) { rank[$0] }.sorted { $0.key < $1.key }
        let both = byMarker.map { pairWeight($0.value.map { weight[$0] }) }.reduce(0, +)
        pairs.countTiedEvents(
            timeWeight * pairWeight(deaths.map { weight[$0] }), withEqualMarkers: timeWeight * both)
    }
}
