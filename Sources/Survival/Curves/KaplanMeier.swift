/// A survival curve: the product-limit estimate, or exp(−H), with R's conventions for the rest.
///
/// R's (`survfit`): intervals are cut at 0 and 1; limits are not available once S = 0 (and on the log-log scale while S = 1); a
/// quantile where S stays on the level exactly is the middle between that time and the next drop. Standard errors are
/// Greenwood's (for exp(−H), those of H), or robust ones from sums over people. Counts on a public grid are read as
/// `GridInterval` says; see `KaplanMeier+Grid.swift`.
package struct KaplanMeier: Sendable {
    /// The curve at one time with an exit.
    struct Point: Sendable {
        var time: Double
        var atRisk: Double
        /// Those of them who are at risk for the events: all, but on a grid.
        var exposed: Double
        var events: Double
        var censored: Double
        var survival: Double
        /// The variance of log S, Greenwood's Σ d/(n(n − d)) for a product limit; infinite once S = 0.
        var logVariance: Double
        var hazard: Double
        var hazardVariance: Double
        /// The robust standard error of S, if there is one.
        var robustSE: Double?
        /// On a grid, the interval of which `time` is the end, and what exact times could make of the curve there.
        var grid: Grid?

        struct Grid: Sendable {
            var interval: GridInterval
            var survival: GridExtremes
            var hazard: GridExtremes
        }

        var se: Double { robustSE ?? (survival > 0 ? survival * logVariance.squareRoot() : .nan) }
        var relativeError: Double { robustSE.map { $0 / survival } ?? logVariance.squareRoot() }
    }

    let points: [Point]
    let estimate: CurveEstimate
    /// Robust variances of the areas up to some times.
    let areaVariances: [Double: Double]

    /// Times at which nobody leaves are no points of the curve.
    ///
    /// `squares` are the sums over sites of `CurveInfluence.squares` for these counts, which then have no such time, with the
    /// areas up to `areas`.
    package init(
        _ counts: ExitCounts, estimate: CurveEstimate = .kaplanMeier, squares: [Double]? = nil,
        areas: [Double] = []
    ) {
        var (points, survival, logVariance) = ([Point](), 1.0, 0.0)
        var (hazard, hazardVariance) = (0.0, 0.0)
        var extremes = CurveExtremes(estimate)
        let (atRisk, exposed) = (counts.atRisk, counts.exposed)
        for index in counts.times.indices {
            let (dead, censored, present) = (counts.events[index], counts.censored[index], exposed[index])
            if dead == 0 && censored == 0 { continue }
            let interval = counts.intervals?[index]
            if let interval {
                extremes.pass(interval, atRisk: atRisk[index], events: dead, censored: censored)
            }
            // Weights that are not whole numbers leave a rounding error where the last one dies.
            let left = present - dead > 1e-12 * present ? present - dead : 0
            if dead > 0 {
                survival *= left / present
                logVariance += dead / (present * left)
                let increment = Self.hazardIncrement(dead, of: present, estimate, interval)
                (hazard, hazardVariance) = (hazard + increment.0, hazardVariance + increment.variance)
            }
            let isExponential = estimate != .kaplanMeier
            points.append(
                Point(
                    time: counts.times[index], atRisk: atRisk[index], exposed: present, events: dead,
                    censored: censored, survival: isExponential ? Elementary.exponential(-hazard) : survival,
                    logVariance: isExponential ? hazardVariance : logVariance, hazard: hazard,
                    hazardVariance: hazardVariance,
                    grid: interval.map {
                        .init(interval: $0, survival: extremes.survival, hazard: extremes.hazard)
                    }))
        }
        var areaVariances: [Double: Double] = [:]
        if let squares {
            precondition(squares.count == 2 * points.count + areas.count, "squares for each time and area")
            for index in points.indices {
                points[index].robustSE = max(0, squares[2 * index]).squareRoot()
                points[index].hazardVariance = max(0, squares[2 * index + 1])
            }
            for (area, square) in zip(areas, squares[(2 * points.count)...]) {
                areaVariances[area] = max(0, square)
            }
        }
        (self.points, self.estimate, self.areaVariances) = (points, estimate, areaVariances)
    }

    /// d/n and d/n², or with tied deaths one after the other Σ 1/(n − l) and Σ 1/(n − l)².
    private static func hazardIncrement(
        _ dead: Double, of present: Double, _ estimate: CurveEstimate, _ interval: GridInterval?
    ) -> (Double, variance: Double) {
        if let interval {
            return interval.hazardIncrement(dead, of: present, isUntied: estimate == .flemingHarrington)
        }
        guard estimate == .flemingHarrington else {
            return (dead / present, dead / (present * present))
        }
        return (0..<Int(dead)).reduce((0, 0)) { sums, index in
            let left = present - Double(index)
            return (sums.0 + 1 / left, sums.1 + 1 / (left * left))
        }
    }

    /// One point for each time with an exit.
    package func curve(limits: ConfidenceLimits, level: Double) -> SurvivalResult.Curve {
        let intervals = points.map { interval(at: $0, limits: limits, level: level) }
        return SurvivalResult.Curve(
            time: points.map(\.time), atRisk: points.map(\.atRisk), events: points.map(\.events),
            censored: points.map(\.censored), survival: points.map { Reported($0.survival) },
            se: points.map { Reported($0.se) }, lower: intervals.map { Reported($0.lower) },
            upper: intervals.map { Reported($0.upper) }, hazard: points.map { Reported($0.hazard) },
            hazardSE: points.map { Reported($0.hazardVariance.squareRoot()) }, grid: gridCurve)
    }

    /// The time by which a share `p` has had the event (0.5: the median), as R prints it; NA where the curve stays above.
    package func quantile(_ p: Double, limits: ConfidenceLimits, level: Double) -> SurvivalResult.Quantile {
        if isOnGrid { return gridQuantile(p, limits: limits, level: level) }
        let intervals = points.map { interval(at: $0, limits: limits, level: level) }
        return SurvivalResult.Quantile(
            estimate: Reported(firstTime(points.map(\.survival), reach: 1 - p)),
            lower: Reported(firstTime(intervals.map(\.lower), reach: 1 - p)),
            upper: Reported(firstTime(intervals.map(\.upper), reach: 1 - p)))
    }

    /// The restricted mean: the area under the curve to `time`, with Greenwood's standard error, as `print(survfit, rmean=)`.
    ///
    /// Its variance is Σ (area from the death to `time`)²·d/(n(n − d)), without a small-sample factor, or the robust one. After
    /// the last exit the curve is continued flat.
    package func restrictedMean(to time: Double, level: Double) -> SurvivalResult.RestrictedMean {
        let origin = min(0, points.first?.time ?? 0)
        guard !points.isEmpty, time > origin else { return .notAvailable(time: time) }
        if isOnGrid { return gridRestrictedMean(to: time, level: level) }
        var (area, variance, end) = (CompensatedSum(), CompensatedSum(), time)
        for point in points.reversed() where point.time < time {
            area += point.survival * (end - point.time)
            end = point.time
            let left = point.atRisk - point.events
            if point.events > 0, left > 1e-12 * point.atRisk {
                variance += area.value * area.value * point.events / (point.atRisk * left)
            }
        }
        area += end - origin
        return restrictedMean(area.value, to: time, variance: variance.value, level: level)
    }

    func restrictedMean(
        _ mean: Double, to time: Double, variance: Double, level: Double, bounds: Bounds? = nil
    ) -> SurvivalResult.RestrictedMean {
        let se = (areaVariances[time] ?? variance).squareRoot()
        let width = Normal.quantile(0.5 + level / 2) * se
        return SurvivalResult.RestrictedMean(
            time: time, mean: Reported(mean), se: Reported(se), lower: Reported(mean - width),
            upper: Reported(mean + width), bounds: bounds)
    }

    /// Survival at given times, NA after the last exit, as `summary(survfit, times=)`.
    ///
    /// `atRisk` are the rows at risk just before each of the times, with delayed entry; without, they follow from the counts.
    package func at(
        _ times: [Double], atRisk: [Double]? = nil, limits: ConfidenceLimits, level: Double
    ) -> [SurvivalResult.Point] {
        precondition(atRisk == nil || atRisk?.count == times.count, "rows at risk for each time")
        return times.enumerated().map { index, time in
            if isOnGrid { return gridPoint(at: time, limits: limits, level: level) }
            let next = points.firstIndexSorted { $0.time >= time }
            let past = points.firstIndexSorted { $0.time > time }
            guard next < points.count else { return .notAvailable(time: time) }
            let present = atRisk?[index] ?? points[next].atRisk
            guard past > 0 else { return .beforeFirstExit(time: time, atRisk: present) }
            return reported(points[past - 1], at: time, atRisk: present, limits: limits, level: level)
        }
    }

    func reported(
        _ point: Point, at time: Double, atRisk: Double, limits: ConfidenceLimits, level: Double
    ) -> SurvivalResult.Point {
        let interval = interval(at: point, limits: limits, level: level)
        return SurvivalResult.Point(
            time: time, atRisk: Reported(atRisk), survival: Reported(point.survival), se: Reported(point.se),
            lower: Reported(interval.lower), upper: Reported(interval.upper), hazard: Reported(point.hazard),
            hazardSE: Reported(point.hazardVariance.squareRoot()))
    }

    func interval(
        at point: Point, limits: ConfidenceLimits, level: Double
    ) -> (lower: Double, upper: Double) {
        // As R: a robust curve that has reached 0 is there without an error.
        if limits == .plain, point.survival == 0, point.robustSE != nil { return (0, 0) }
        return limits.interval(around: point.survival, relativeError: point.relativeError, level: level)
    }

    /// R's tolerance for a curve that stays on the level.
    static let tolerance = 0x1p-26

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
    static func notAvailable(time: Double) -> Self {
        Self(
            time: time, atRisk: .notAvailable, survival: .notAvailable, se: .notAvailable,
            lower: .notAvailable,
            upper: .notAvailable, hazard: .notAvailable, hazardSE: .notAvailable)
    }

    /// Everyone is still there: S = 1 with certainty.
    static func beforeFirstExit(time: Double, atRisk: Double) -> Self {
        Self(
            time: time, atRisk: .value(atRisk), survival: .value(1), se: .value(0), lower: .value(1),
            upper: .value(1), hazard: .value(0), hazardSE: .value(0))
    }
}
