/// What all sites together know of a curve: enough for each to say how much its own people move it.
package struct CurveCounts: Sendable, Hashable {
    /// Quantities of which the variance is asked.
    package enum Shape: Sendable, Hashable {
        /// S by the product limit, and the cumulative hazard H.
        case productLimit
        /// S = exp(−H), and H.
        case exponential
        /// The event-free probability, and the incidence of each cause.
        case incidence
    }

    package var shape: Shape
    /// The last position of the time axis that belongs to each time; ascending.
    package var ends: [Int]
    package var counts: TransitionCounts
    /// Times to which the area under S is wanted as well; not with `incidence`.
    package var areas: [Double]
    /// Whether the curve is that of the time to censoring: its counts are reversed, and rows with an event leave without one.
    package var isReversed = false

    package init(shape: Shape, ends: [Int], counts: TransitionCounts, areas: [Double] = []) {
        precondition(ends.count == counts.times.count, "a position for each time")
        (self.shape, self.ends, self.counts, self.areas) = (shape, ends, counts, areas)
    }

    /// The same group's curve of the time to censoring, by the product limit; of counts with one cause.
    package var reversed: CurveCounts {
        let exits = counts.exits.reversed
        var reversed = CurveCounts(
            shape: .productLimit, ends: ends,
            counts: TransitionCounts(
                times: exits.times, events: [exits.events], censored: exits.censored, entered: exits.entered,
                intervals: exits.intervals))
        reversed.isReversed = true
        return reversed
    }

    /// Quantities at each time.
    var width: Int { shape == .incidence ? counts.events.count + 1 : 2 }

    /// Numbers in `CurveInfluence.squares`.
    package var squareCount: Int { ends.count * width + areas.count }
}

/// The infinitesimal jackknife of a curve: each cluster's derivative of the curve along its own weight.
///
/// The variance is the sum over clusters of the squared influence, which adds up over sites if no cluster has rows at two (as
/// R's `survfit(..., robust = TRUE, cluster = )` and its multi-state curves). With rates a_c = d_c/n, an event-free probability
/// p changes by −p·Σa and an incidence by p·a; a cluster with weight y at risk, of which w_c leaves by cause c, changes the rates
/// by (w_c − y·a_c)/n. On a grid, n and y count who leaves without an event in part (see `GridInterval`).
package struct CurveInfluence: Sendable {
    /// A row on the times of a curve: at risk at the times `entry ... exit`, leaving at the last of them.
    package struct Row: Sendable, Hashable {
        package var entry: Int
        package var exit: Int
        /// nil: it leaves without an event.
        package var cause: Int?
        package var weight: Double

        /// The place of a row by its positions on the time axis.
        package init(entry: Int?, exit: Int, cause: Int?, weight: Double, on curve: CurveCounts) {
            self.entry = entry.map { entry in curve.ends.firstIndexSorted { $0 > entry } } ?? 0
            self.exit = curve.ends.firstIndexSorted { $0 >= exit }
            (self.cause, self.weight) = (cause, weight)
        }
    }

    private let curve: CurveCounts
    /// At risk for the events of each time.
    private let exposed: [Double]
    /// Event-free probability just before each time (with `exponential`, just after it).
    private let free: [Double]
    /// On a grid, the way of the curve from each interval's start to its end.
    private let paths: [GridPath]

    package init(_ curve: CurveCounts) {
        self.curve = curve
        exposed = curve.counts.exposed
        var (free, present, hazard) = ([Double](), 1.0, 0.0)
        var paths: [GridPath] = []
        for (time, people) in exposed.enumerated() {
            let events = curve.counts.events.reduce(0) { $0 + $1[time] }
            let rate = people > 0 ? events / people : 0
            let interval = curve.counts.intervals?[time]
            let increment =
                interval.map { $0.hazardIncrement(events, of: people, isUntied: false).0 } ?? rate
            hazard += increment
            free.append(curve.shape == .exponential ? Elementary.exponential(-hazard) : present)
            present *= 1 - rate
            if let interval {
                let ratio =
                    curve.shape == .exponential ? Elementary.exponential(-increment) : max(0, 1 - rate)
                paths.append(GridPath(interval, ratio: ratio))
            }
        }
        (self.free, self.paths) = (free, paths)
    }

    /// Σ over clusters of squared influences: for each time one number a quantity, then one for each area.
    ///
    /// `rows` and `cluster` have one element a row. Clusters that look alike are walked once.
    package func squares(_ rows: [Row], by cluster: [Int32]) -> [Double] {
        var clusters: [Int32: [Row]] = [:]
        for (row, cluster) in zip(rows, cluster) { clusters[cluster, default: []].append(row) }
        var patterns: [[Row]: Double] = [:]
        for rows in clusters.values { patterns[rows, default: 0] += 1 }
        var sums = Array(repeating: CompensatedSum(), count: curve.squareCount)
        for (rows, count) in patterns.sorted(by: { Self.precedes($0.key, $1.key) }) {
            for (index, value) in influence(of: rows).enumerated() { sums[index] += count * value * value }
        }
        return sums.map(\.value)
    }

    /// Any fixed order, so that sums have the same bits in every process.
    private static func precedes(_ left: [Row], _ right: [Row]) -> Bool {
        func key(_ row: Row) -> [Double] {
            [Double(row.exit), Double(row.cause ?? -1), Double(row.entry), row.weight]
        }
        return left.flatMap(key).lexicographicallyPrecedes(right.flatMap(key))
    }

    /// One cluster's influence on every quantity at every time, then on every area.
    private func influence(of rows: [Row]) -> [Double] {
        var result = Array(repeating: 0.0, count: curve.squareCount)
        var areas = AreaSums(curve, paths)
        var (state, hazard) = (Array(repeating: 0.0, count: curve.counts.events.count + 1), 0.0)
        for time in curve.ends.indices.dropFirst(rows.map(\.entry).min() ?? 0) {
            areas.advance(to: time)
            let before = state[0]
            let changes = rateChanges(of: rows, at: time)
            let total = changes.reduce(0, +)
            for (cause, rate) in rates(at: time).enumerated() {
                state[cause + 1] += state[0] * rate + free[time] * changes[cause]
            }
            state[0] = state[0] * (1 - rates(at: time).reduce(0, +)) - free[time] * total
            hazard += curve.counts.intervals == nil ? total : hazardChange(of: rows, at: time)
            if curve.shape == .exponential { state[0] = -free[time] * hazard }
            let own = curve.shape == .incidence ? state : [state[0], hazard]
            result.replaceSubrange(time * own.count..<(time + 1) * own.count, with: own)
            areas.pass(time, from: before, to: state[0])
        }
        result.replaceSubrange((curve.ends.count * curve.width)..., with: areas.finished())
        return result
    }

    private func rates(at time: Int) -> [Double] {
        curve.counts.events.map { exposed[time] > 0 ? $0[time] / exposed[time] : 0 }
    }

    /// By how much the rows change each cause's rate at a time.
    private func rateChanges(of rows: [Row], at time: Int) -> [Double] {
        let (present, leaving) = places(of: rows, at: time)
        guard exposed[time] > 0 else { return leaving.map { _ in 0 } }
        return zip(leaving, rates(at: time)).map { ($0 - present * $1) / exposed[time] }
    }

    /// The rows' weights at risk for the events of a time, and leaving at it by each cause.
    private func places(of rows: [Row], at time: Int) -> (present: Double, leaving: [Double]) {
        var (present, leaving) = (0.0, Array(repeating: 0.0, count: curve.counts.events.count))
        for row in rows where row.entry <= time && time <= row.exit {
            present += row.weight
            guard row.exit == time else { continue }
            if let cause = row.cause {
                leaving[cause] += row.weight
            } else if let interval = curve.counts.intervals?[time] {
                present -= row.weight * interval.absence
            }
        }
        return (present, leaving)
    }

    /// By how much the rows change the cumulative hazard in an interval, whose d events come in k parts after each other:
    /// Σ (d/k)/(n − j·d/k).
    private func hazardChange(of rows: [Row], at time: Int) -> Double {
        let (present, leaving) = places(of: rows, at: time)
        let events = curve.counts.events.reduce(0) { $0 + $1[time] }
        guard exposed[time] > 0, let interval = curve.counts.intervals?[time] else { return 0 }
        let count = interval.parts(of: events)
        let own = leaving.reduce(0, +) / Double(count)
        return (0..<count).reduce(0) { sum, index in
            let left = exposed[time] - Double(index) * events / Double(count)
            let change = present - Double(index) * own
            return sum + own / left - change * events / Double(count) / (left * left)
        }
    }
}

/// The areas under one cluster's influence on S, up to each of the times asked for; flat after the last time.
private struct AreaSums {
    private let times: [Double]
    private let intervals: [GridInterval]?
    /// By interval of a grid and area: how long the influence at its end has to be counted in it, up to the area's end.
    private let shares: [[Double]]
    private let limits: [Double]
    private var sums: [Double]
    private var begin: Double?
    /// The influence since the time reached.
    private var last = 0.0

    init(_ curve: CurveCounts, _ paths: [GridPath]) {
        (times, intervals, limits) = (curve.counts.times, curve.counts.intervals, curve.areas)
        sums = limits.map { _ in 0 }
        shares =
            limits.isEmpty
            ? [] : paths.map { path in curve.areas.map { path.area(to: $0) } }
    }

    /// The curve is flat until a time, or the start of its interval.
    mutating func advance(to time: Int) {
        add(to: intervals?[time].start ?? times[time])
        begin = times[time]
    }

    /// The influence changes at a time, or within its interval.
    mutating func pass(_ time: Int, from before: Double, to after: Double) {
        last = after
        guard let interval = intervals?[time] else { return }
        for index in limits.indices {
            let length = max(0, min(interval.end, limits[index]) - interval.start)
            sums[index] += before * length
            if length > 0 { sums[index] += (after - before) * shares[time][index] }
        }
    }

    mutating func finished() -> [Double] {
        add(to: .infinity)
        return sums
    }

    private mutating func add(to end: Double) {
        guard let begin else { return }
        for index in limits.indices { sums[index] += last * max(0, min(end, limits[index]) - begin) }
    }
}
