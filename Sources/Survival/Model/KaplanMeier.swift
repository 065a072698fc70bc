import Foundation

/// The product-limit estimate of a survival curve, with Greenwood's standard error and R's conventions for the rest.
///
/// R's (`survfit`): intervals are cut at 0 and 1; limits are not available once S = 0 (and on the log-log scale while S = 1); a
/// quantile where S stays on the level exactly is the middle between that time and the next drop.
package struct KaplanMeier: Sendable {
    /// The curve at one time with an exit.
    private struct Point: Sendable {
        var time: Double
        var atRisk: Double
        var events: Double
        var censored: Double
        var survival: Double
        /// Greenwood's Σ d/(n(n − d)), the variance of log S; infinite once S = 0.
        var logVariance: Double

        var se: Double { survival > 0 ? survival * logVariance.squareRoot() : .nan }
    }

    private let points: [Point]

    /// Times at which nobody leaves are no points of the curve.
    package init(_ counts: ExitCounts) {
        var (points, survival, logVariance) = ([Point](), 1.0, 0.0)
        let atRisk = counts.atRisk
        for index in counts.times.indices {
            let (dead, censored, present) = (counts.events[index], counts.censored[index], atRisk[index])
            if dead == 0 && censored == 0 { continue }
            // Weights that are not whole numbers leave a rounding error where the last one dies.
            let left = present - dead > 1e-12 * present ? present - dead : 0
            if dead > 0 {
                survival *= left / present
                logVariance += dead / (present * left)
            }
            points.append(
                Point(
                    time: counts.times[index], atRisk: present, events: dead, censored: censored,
                    survival: survival, logVariance: logVariance))
        }
        self.points = points
    }

    /// One point for each time with an exit.
    package func curve(limits: ConfidenceLimits, level: Double) -> SurvivalResult.Curve {
        let intervals = points.map { interval(at: $0, limits: limits, level: level) }
        return SurvivalResult.Curve(
            time: points.map(\.time), atRisk: points.map(\.atRisk), events: points.map(\.events),
            censored: points.map(\.censored), survival: points.map { Reported($0.survival) },
            se: points.map { Reported($0.se) }, lower: intervals.map { Reported($0.lower) },
            upper: intervals.map { Reported($0.upper) })
    }

    /// The time by which a share `p` has had the event (0.5: the median), as R prints it; NA where the curve stays above.
    package func quantile(_ p: Double, limits: ConfidenceLimits, level: Double) -> SurvivalResult.Quantile {
        let intervals = points.map { interval(at: $0, limits: limits, level: level) }
        return SurvivalResult.Quantile(
            estimate: Reported(firstTime(points.map(\.survival), reach: 1 - p)),
            lower: Reported(firstTime(intervals.map(\.lower), reach: 1 - p)),
            upper: Reported(firstTime(intervals.map(\.upper), reach: 1 - p)))
    }

    /// The restricted mean: the area under the curve to `time`, with Greenwood's standard error, as `print(survfit, rmean=)`.
    ///
    /// Its variance is Σ (area from the death to `time`)²·d/(n(n − d)), without a small-sample factor. After the last exit the
    /// curve is continued flat.
    package func restrictedMean(to time: Double, level: Double) -> SurvivalResult.RestrictedMean {
        let origin = min(0, points.first?.time ?? 0)
        guard !points.isEmpty, time > origin else { return .notAvailable(time: time) }
        var (area, variance, end) = (CompensatedSum(), CompensatedSum(), time)
        for point in points.reversed() where point.time < time {
            area += point.survival * (end - point.time)
            end = point.time
            let left = point.atRisk - point.events
            if point.events > 0, point.survival > 0 {
                variance += area.value * area.value * point.events / (point.atRisk * left)
            }
        }
        area += end - origin
        let (mean, se) = (area.value, variance.value.squareRoot())
        let width = Normal.quantile(0.5 + level / 2) * se
        return SurvivalResult.RestrictedMean(
            time: time, mean: Reported(mean), se: Reported(se), lower: Reported(mean - width),
            upper: Reported(mean + width))
    }

    /// The last time at which someone leaves; nil for nobody.
    package var lastTime: Double? { points.last?.time }

    /// Survival at given times, NA after the last exit, as `summary(survfit, times=)`; at risk are those of the next exit.
    package func at(_ times: [Double], limits: ConfidenceLimits, level: Double) -> [SurvivalResult.Point] {
        times.map { time in
            let next = points.firstIndexSorted { $0.time >= time }
            let past = points.firstIndexSorted { $0.time > time }
            guard next < points.count else { return .notAvailable(time: time) }
            guard past > 0 else { return .beforeFirstExit(time: time, atRisk: points[0].atRisk) }
            let point = points[past - 1]
            let interval = interval(at: point, limits: limits, level: level)
            return SurvivalResult.Point(
                time: time, atRisk: Reported(points[next].atRisk), survival: Reported(point.survival),
                se: Reported(point.se), lower: Reported(interval.lower), upper: Reported(interval.upper))
        }
    }

    /// Limits that are symmetric on the scale of log S, log(−log S) or S, cut at 0 and 1; NaN where there are none.
    private func interval(
        at point: Point, limits: ConfidenceLimits, level: Double
    ) -> (lower: Double, upper: Double) {
        guard point.survival > 0 else { return (.nan, .nan) }
        let width = Normal.quantile(0.5 + level / 2) * point.logVariance.squareRoot()
        let (survival, logSurvival) = (point.survival, log(point.survival))
        switch limits {
        case .log: return (survival * exp(-width), min(1, survival * exp(width)))
        case .plain: return (max(0, survival * (1 - width)), min(1, survival * (1 + width)))
        case .logLog:
            guard survival < 1 else { return (.nan, .nan) }
            // S^exp(±w/log S); log S is negative.
            return (exp(logSurvival * exp(-width / logSurvival)), exp(logSurvival * exp(width / logSurvival)))
        }
    }

    /// R's tolerance for a curve that stays on the level.
    private static let tolerance = 0x1p-26

    /// The first time at which `values` are at or below `level`; the middle of the plateau if they stay on it.
    private func firstTime(_ values: [Double], reach level: Double) -> Double? {
        guard let first = values.firstIndex(where: { $0 < level + Self.tolerance }) else { return nil }
        let time = points[first].time
        guard abs(values[first] - level) < Self.tolerance,
            let drop = values[first...].firstIndex(where: { $0 < values[first] })
        else { return time }
        return (time + points[drop].time) / 2
    }
}

extension SurvivalResult.RestrictedMean {
    /// Nobody is there.
    fileprivate static func notAvailable(time: Double) -> Self {
        Self(time: time, mean: .notAvailable, se: .notAvailable, lower: .notAvailable, upper: .notAvailable)
    }
}

extension SurvivalResult.Point {
    /// Nobody is followed that long.
    fileprivate static func notAvailable(time: Double) -> Self {
        Self(
            time: time, atRisk: .notAvailable, survival: .notAvailable, se: .notAvailable,
            lower: .notAvailable,
            upper: .notAvailable)
    }

    /// Everyone is still there: S = 1 with certainty.
    fileprivate static func beforeFirstExit(time: Double, atRisk: Double) -> Self {
        Self(
            time: time, atRisk: .value(atRisk), survival: .value(1), se: .value(0), lower: .value(1),
            upper: .value(1)
        )
    }
}
