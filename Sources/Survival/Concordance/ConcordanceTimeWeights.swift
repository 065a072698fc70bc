/// Weights of event times in a concordance, from the curves of one stratum's rows.
///
/// S is the Kaplan-Meier curve, G that of the time to censoring, in which an event at a time comes before a censoring at it; both just
/// before a time, and with case weights (R's `concordance`).
struct ConcordanceTimeWeights {
    private struct Point {
        var time: Double
        var atRisk: Double
        var survival: Double
        var censoring: Double
    }

    /// At each time with an event.
    private let points: [Point]
    private let eventCount: Int
    private let weightSum: Double

    init(entry: [Double]?, exit: [Double], event: [Bool], weight: [Double]) {
        var counts = ExitWeights(entry: entry, exit: exit, event: event, weight: weight)
        var points: [Point] = []
        var (survival, censoring) = (1.0, 1.0)
        while let (time, atRisk, died, censored) = counts.next() {
            if died > 0 {
                points.append(.init(time: time, atRisk: atRisk, survival: survival, censoring: censoring))
                survival *= (atRisk - died) / atRisk
            }
            if censored > 0 { censoring *= (atRisk - died - censored) / (atRisk - died) }
        }
        self.points = points
        eventCount = event.count { $0 }
        weightSum = weight.reduce(0, +)
    }

    /// By event time; as R, all alike where there are fewer than two events.
    func weights(_ options: ConcordanceOptions) -> [Double: Double] {
        let kind = eventCount < 2 ? .pairs : options.weight
        var weights: [Double: Double] = [:]
        for point in points where point.time <= options.timeMax ?? .infinity {
            weights[point.time] =
                switch kind {
                case .pairs: 1
                case .survival: weightSum * point.survival / point.atRisk
                case .survivalOverCensoring: weightSum * point.survival / (point.censoring * point.atRisk)
                case .uno: 1 / (point.censoring * point.censoring)
                case .inverse: 1 / point.atRisk
                }
        }
        return weights
    }
}

/// Weights of those at risk, with an event, and censored, time by time.
private struct ExitWeights {
    private let entries: [(time: Double, weight: Double)]
    private let exits: [(time: Double, event: Bool, weight: Double)]
    private var (entered, left) = (0, 0)
    private var atRisk = 0.0

    init(entry: [Double]?, exit: [Double], event: [Bool], weight: [Double]) {
        exits = exit.indices.map { (exit[$0], event[$0], weight[$0]) }.sorted { $0.0 < $1.0 }
        entries = exit.indices.map { (entry?[$0] ?? -.infinity, weight[$0]) }.sorted { $0.0 < $1.0 }
    }

    mutating func next() -> (time: Double, atRisk: Double, died: Double, censored: Double)? {
        guard left < exits.count else { return nil }
        let time = exits[left].time
        while entered < entries.count, entries[entered].time < time {
            atRisk += entries[entered].weight
            entered += 1
        }
        var (died, censored) = (0.0, 0.0)
        while left < exits.count, exits[left].time == time {
            if exits[left].event { died += exits[left].weight } else { censored += exits[left].weight }
            left += 1
        }
        defer { atRisk -= died + censored }
        return (time, atRisk, died, censored)
    }
}
