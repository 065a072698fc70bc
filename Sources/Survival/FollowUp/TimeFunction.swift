/// A function of time on a convenient scale: g(t) = (f(t) − center)/scale.
///
/// It says along what a coefficient may change; tests do not depend on center and scale, which only keep digits.
package struct TimeFunction: Sendable, Hashable {
    package enum Shape: Sendable, Hashable {
        case identity
        case logarithm
        /// `values[k]` at times after `times[k − 1]` and up to `times[k]` (ascending); the last value after the last time.
        case steps(times: [Double], values: [Double])
    }

    package let shape: Shape
    package let center: Double
    package let scale: Double
    private let grid: TimeGrid

    package init(_ shape: Shape, center: Double = 0, scale: Double = 1) {
        if case .steps(let times, let values) = shape {
            precondition(values.count == times.count + 1, "a value before, between and after the times")
            grid = TimeGrid(times)
        } else {
            grid = TimeGrid([])
        }
        (self.shape, self.center, self.scale) = (shape, center, scale == 0 ? 1 : scale)
    }

    /// 1 − S(t−), with S the Kaplan-Meier curve of these counts.
    package init(kaplanMeierOf counts: ExitCounts) {
        var (values, survival) = ([0.0], 1.0)
        for (dead, present) in zip(counts.events, counts.atRisk) {
            if dead > 0 { survival *= (present - dead) / present }
            values.append(1 - survival)
        }
        self.init(.steps(times: counts.times, values: values))
    }

    /// Not finite where f is not defined, as the logarithm of time 0.
    package func callAsFunction(_ time: Double) -> Double { (raw(time) - center) / scale }

    private func raw(_ time: Double) -> Double {
        switch shape {
        case .identity: time
        case .logarithm: time > 0 ? Elementary.logarithm(time) : .nan
        case .steps(_, let values): values[grid.index(atOrAfter: time)]
        }
    }

    /// The same function with mean 0 and standard deviation 1 over events with these sums of it; nil where f is not defined for some.
    package func standardized(by moments: TimeMoments) -> TimeFunction? {
        guard moments.undefined == 0, moments.count > 0 else { return nil }
        let mean = moments.sum / moments.count
        let variance = moments.square / moments.count - mean * mean
        let deviation = max(0, variance).squareRoot()
        return TimeFunction(shape, center: center + scale * mean, scale: scale * deviation)
    }
}

/// Σ over events of 1, f(t), f(t)², and the events at which f is not defined; adds up over sites.
package struct TimeMoments: Sendable, Hashable {
    package private(set) var count = 0.0
    package private(set) var sum = 0.0
    package private(set) var square = 0.0
    package private(set) var undefined = 0.0

    package init() {}

    /// Of a sum of `vector`s.
    package init(vector: [Double]) {
        precondition(vector.count == Self.vectorCount, "four numbers")
        (count, sum, square, undefined) = (vector[0], vector[1], vector[2], vector[3])
    }

    package static let vectorCount = 4
    package var vector: [Double] { [count, sum, square, undefined] }

    /// Takes `events` events at which f has this value.
    package mutating func add(_ value: Double, events: Double = 1) {
        count += events
        if value.isFinite {
            sum += events * value
            square += events * value * value
        } else {
            undefined += events
        }
    }
}
