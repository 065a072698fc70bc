/// Cumulative incidence of competing causes and the probability of none, by the product of transition matrices.
///
/// Everyone begins free of all events. F_c(t) = Σ S(u−)·d_c(u)/n(u) over the times up to t, S the Kaplan-Meier curve of any event
/// (Aalen and Johansen, Scand J Stat 1978); as R's multi-state `survfit`. Standard errors are infinitesimal jackknives, from sums
/// over people that `CurveInfluence` makes. Counts on a public grid are read as `GridInterval` says.
package struct AalenJohansen: Sendable {
    private let counts: TransitionCounts
    private let atRisk: [Double]
    /// The event-free probability, then each cause's incidence, just after each time.
    private let probabilities: [[Double]]
    /// Their standard errors.
    private let errors: [[Double]]
    /// On a grid, by state and time: between which values exact times would put the probabilities; empty otherwise.
    private let extremes: [[GridExtremes]]

    /// `squares` are the sums over sites of `CurveInfluence.squares` for these counts.
    package init(_ counts: TransitionCounts, squares: [Double]) {
        let states = counts.events.count + 1
        precondition(squares.count == counts.times.count * states, "squares for each state at each time")
        let (atRisk, exposed) = (counts.atRisk, counts.exposed)
        var probabilities = Array(repeating: [Double](), count: states)
        var (free, incidence) = (1.0, counts.events.map { _ in 0.0 })
        for index in counts.times.indices {
            let rates = counts.events.map { $0[index] > 0 ? $0[index] / exposed[index] : 0 }
            for cause in rates.indices { incidence[cause] += free * rates[cause] }
            let stay = 1 - rates.reduce(0, +)
            // Where the last one leaves, rounding must not leave a part of one behind.
            free *= stay > 1e-12 ? stay : 0
            probabilities[0].append(free)
            for cause in rates.indices { probabilities[cause + 1].append(incidence[cause]) }
        }
        (self.counts, self.atRisk, self.probabilities) = (counts, atRisk, probabilities)
        errors = (0..<states).map { state in
            counts.times.indices.map { max(0, squares[$0 * states + state]).squareRoot() }
        }
        extremes = counts.intervals.map { Self.extremes(counts, atRisk: atRisk, $0) } ?? []
    }

    /// Of the event-free probability, then of each cause's incidence, at the end of each interval.
    private static func extremes(
        _ counts: TransitionCounts, atRisk: [Double], _ intervals: [GridInterval]
    ) -> [[GridExtremes]] {
        var free = CurveExtremes(.kaplanMeier)
        var causes = counts.events.map { _ in IncidenceExtremes() }
        var result = Array(repeating: [GridExtremes](), count: counts.events.count + 1)
        for (index, interval) in intervals.enumerated() {
            let (present, censored) = (atRisk[index], counts.censored[index])
            let events = counts.events.reduce(0) { $0 + $1[index] }
            free.pass(interval, atRisk: present, events: events, censored: censored)
            for (cause, own) in counts.events.enumerated() {
                causes[cause].pass(
                    interval, atRisk: present, own: own[index], others: events - own[index],
                    censored: censored)
            }
            for (state, value) in ([free.survival] + causes.map(\.incidence)).enumerated() {
                result[state].append(value)
            }
        }
        return result
    }

    /// One point for each time.
    package func curve(limits: ConfidenceLimits, level: Double) -> IncidenceResult.Curve {
        let states = probabilities.indices.map { state in
            estimates(state, at: counts.times.indices.map { $0 }, limits: limits, level: level)
        }
        return IncidenceResult.Curve(
            time: counts.times, atRisk: atRisk, censored: counts.censored, events: counts.events,
            eventFree: states[0], incidence: Array(states.dropFirst()),
            gridStart: counts.intervals?.map(\.start))
    }

    /// The probabilities at given times, NA after the last exit.
    ///
    /// `present` are the rows at risk just before each of the times, with delayed entry; without, they follow from the counts.
    package func at(
        _ times: [Double], atRisk present: [Double]? = nil, limits: ConfidenceLimits, level: Double
    ) -> [IncidenceResult.Point] {
        precondition(present == nil || present?.count == times.count, "rows at risk for each time")
        return times.enumerated().map { index, time in
            if let intervals = counts.intervals {
                return point(at: time, on: intervals, limits: limits, level: level)
            }
            let next = counts.times.firstIndexSorted { $0 >= time }
            let past = counts.times.firstIndexSorted { $0 > time }
            let isFollowed = next < counts.times.count
            let states = probabilities.indices.map { state -> Estimates in
                guard isFollowed else { return .notAvailable }
                guard past > 0 else { return .certain(state == 0 ? 1 : 0) }
                return estimates(state, at: [past - 1], limits: limits, level: level)
            }
            return IncidenceResult.Point(
                time: time,
                atRisk: isFollowed ? Reported(present?[index] ?? atRisk[next]) : .notAvailable,
                eventFree: states[0], incidence: Array(states.dropFirst()))
        }
    }

    /// On a grid: every probability has gone the same part of its way through an interval.
    private func point(
        at time: Double, on intervals: [GridInterval], limits: ConfidenceLimits, level: Double
    ) -> IncidenceResult.Point {
        let index = counts.times.firstIndexSorted { $0 >= time }
        guard index < intervals.count else {
            let none = probabilities.map { _ in Estimates.notAvailable }
            return .init(
                time: time, atRisk: .notAvailable, eventFree: none[0], incidence: Array(none.dropFirst()))
        }
        let interval = intervals[index]
        let leaving = counts.events.reduce(counts.censored[index]) { $0 + $1[index] }
        let present = (atRisk[index] - leaving * interval.shareBefore(time)).rounded()
        let (isBegun, isEnded) = (interval.isBegun(by: time), time >= interval.end)
        let progress = isBegun ? path(of: index, interval).progress(at: time) : 0
        let states = probabilities.indices.map { state -> Estimates in
            let certain = state == 0 ? 1.0 : 0
            let before = index > 0 ? probabilities[state][index - 1] : certain
            let (from, to) = (index > 0 ? errors[state][index - 1] : 0, errors[state][index])
            var estimates: Estimates
            if isEnded {
                estimates = self.estimates(state, at: [index], limits: limits, level: level)
            } else if index == 0, !isBegun {
                estimates = .certain(certain)
            } else {
                estimates = .init(
                    before + progress * (probabilities[state][index] - before),
                    error: (from * from + progress * (to * to - from * from)).squareRoot(), limits: limits,
                    level: level)
            }
            let known =
                index > 0 ? extremes[state][index - 1] : GridExtremes(lowest: certain, highest: certain)
            if !isEnded {
                estimates.bounds = [(isBegun ? known.joined(extremes[state][index]) : known).bounds]
            }
            return estimates
        }
        let fewest = isBegun ? atRisk[index] - (interval.isPoint ? 0 : leaving) : present
        let people = GridExtremes(lowest: fewest, highest: isBegun ? atRisk[index] : present)
        let isInside = isBegun && !isEnded
        return .init(
            time: time, atRisk: Reported(present), eventFree: states[0], incidence: Array(states.dropFirst()),
            grid: .init(
                from: isInside ? interval.start : time, to: isInside ? interval.end : time,
                atRisk: people.bounds))
    }

    private func path(of index: Int, _ interval: GridInterval) -> GridPath {
        GridPath(
            interval,
            ratio: index > 0 ? probabilities[0][index] / probabilities[0][index - 1] : probabilities[0][0])
    }

    private typealias Estimates = IncidenceResult.Estimates

    private func estimates(
        _ state: Int, at indices: [Int], limits: ConfidenceLimits, level: Double
    ) -> Estimates {
        var result = Estimates()
        for index in indices {
            result.append(
                probabilities[state][index], error: errors[state][index], limits: limits, level: level)
            if !extremes.isEmpty {
                result.bounds = (result.bounds ?? []) + [extremes[state][index].bounds]
            }
        }
        return result
    }
}

extension IncidenceResult.Estimates {
    fileprivate init(_ value: Double, error: Double, limits: ConfidenceLimits, level: Double) {
        self.init()
        append(value, error: error, limits: limits, level: level)
    }

    fileprivate mutating func append(
        _ value: Double, error: Double, limits: ConfidenceLimits, level: Double
    ) {
        let interval =
            limits == .plain && value == 0
            ? (0, 0) : limits.interval(around: value, relativeError: error / value, level: level)
        estimate.append(Reported(value))
        se.append(Reported(error))
        lower.append(Reported(interval.0))
        upper.append(Reported(interval.1))
    }

    /// Nobody is followed that long.
    fileprivate static var notAvailable: Self {
        Self(estimate: [.notAvailable], se: [.notAvailable], lower: [.notAvailable], upper: [.notAvailable])
    }

    /// Before the first exit.
    fileprivate static func certain(_ value: Double) -> Self {
        Self(
            estimate: [.value(value)], se: [.value(0)],
            lower: [value == 0 ? .notAvailable : .value(value)],
            upper: [value == 0 ? .notAvailable : .value(value)])
    }
}
