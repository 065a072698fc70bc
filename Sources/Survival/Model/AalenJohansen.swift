/// Cumulative incidence of competing causes and the probability of none, by the product of transition matrices.
///
/// Everyone begins free of all events. F_c(t) = Σ S(u−)·d_c(u)/n(u) over the times up to t, S the Kaplan-Meier curve of any event
/// (Aalen and Johansen, Scand J Stat 1978); as R's multi-state `survfit`. Standard errors are infinitesimal jackknives, from sums
/// over people that `CurveInfluence` makes.
package struct AalenJohansen: Sendable {
    private let counts: TransitionCounts
    private let atRisk: [Double]
    /// The event-free probability, then each cause's incidence, just after each time.
    private let probabilities: [[Double]]
    /// Their standard errors.
    private let errors: [[Double]]

    /// `squares` are the sums over sites of `CurveInfluence.squares` for these counts.
    package init(_ counts: TransitionCounts, squares: [Double]) {
        let states = counts.events.count + 1
        precondition(squares.count == counts.times.count * states, "squares for each state at each time")
        let atRisk = counts.atRisk
        var probabilities = Array(repeating: [Double](), count: states)
        var (free, incidence) = (1.0, counts.events.map { _ in 0.0 })
        for index in counts.times.indices {
            let rates = counts.events.map { $0[index] > 0 ? $0[index] / atRisk[index] : 0 }
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
    }

    /// One point for each time.
    package func curve(limits: ConfidenceLimits, level: Double) -> IncidenceResult.Curve {
        let states = probabilities.indices.map { state in
            estimates(state, at: counts.times.indices.map { $0 }, limits: limits, level: level)
        }
        return IncidenceResult.Curve(
            time: counts.times, atRisk: atRisk, censored: counts.censored, events: counts.events,
            eventFree: states[0], incidence: Array(states.dropFirst()))
    }

    /// The probabilities at given times, NA after the last exit; at risk are those of the next exit.
    package func at(_ times: [Double], limits: ConfidenceLimits, level: Double) -> [IncidenceResult.Point] {
        times.map { time in
            let next = counts.times.firstIndexSorted { $0 >= time }
            let past = counts.times.firstIndexSorted { $0 > time }
            let isFollowed = next < counts.times.count
            let states = probabilities.indices.map { state -> Estimates in
                guard isFollowed else { return .notAvailable }
                guard past > 0 else { return .certain(state == 0 ? 1 : 0) }
                return estimates(state, at: [past - 1], limits: limits, level: level)
            }
            return IncidenceResult.Point(
                time: time, atRisk: isFollowed ? Reported(atRisk[next]) : .notAvailable,
                eventFree: states[0], incidence: Array(states.dropFirst()))
        }
    }

    private typealias Estimates = IncidenceResult.Estimates

    private func estimates(
        _ state: Int, at indices: [Int], limits: ConfidenceLimits, level: Double
    ) -> Estimates {
        var result = Estimates()
        for index in indices {
            let (value, error) = (probabilities[state][index], errors[state][index])
            let interval =
                limits == .plain && value == 0
                ? (0, 0) : limits.interval(around: value, relativeError: error / value, level: level)
            result.estimate.append(Reported(value))
            result.se.append(Reported(error))
            result.lower.append(Reported(interval.0))
            result.upper.append(Reported(interval.1))
        }
        return result
    }
}

extension IncidenceResult.Estimates {
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
