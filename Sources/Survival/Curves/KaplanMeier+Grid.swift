/// A curve whose counts are on a public grid, between its points.
extension KaplanMeier {
    var isOnGrid: Bool { points.first?.grid != nil }

    var gridCurve: SurvivalResult.Curve.Grid? {
        guard isOnGrid else { return nil }
        let grids = points.compactMap(\.grid)
        return .init(
            start: grids.map(\.interval.start), survival: grids.map(\.survival.bounds),
            hazard: grids.map(\.hazard.bounds))
    }

    // MARK: At a time

    /// The curve at a time, NA after the last interval in which someone leaves.
    func gridPoint(at time: Double, limits: ConfidenceLimits, level: Double) -> SurvivalResult.Point {
        let index = points.firstIndexSorted { $0.time >= time }
        guard index < points.count, let grid = points[index].grid else { return .notAvailable(time: time) }
        let (before, point, interval) = (point(before: index), points[index], grid.interval)
        let left = (point.events + point.censored) * interval.shareBefore(time)
        let atRisk = (point.atRisk - left).rounded()
        let fewest = interval.isPoint ? point.atRisk : point.atRisk - point.events - point.censored
        guard interval.isBegun(by: time) else {
            var result =
                index > 0
                ? reported(before, at: time, atRisk: atRisk, limits: limits, level: level)
                : .beforeFirstExit(time: time, atRisk: atRisk)
            result.grid = gridBounds(at: before, time, atRisk: .init(lowest: atRisk, highest: atRisk))
            return result
        }
        var result = reported(
            state(interval.share(at: time), of: index), at: time, atRisk: atRisk, limits: limits, level: level
        )
        let people = GridExtremes(lowest: fewest, highest: point.atRisk)
        if time >= interval.end {
            result.grid = gridBounds(at: point, time, atRisk: people)
        } else {
            result.grid = .init(
                from: interval.start, to: interval.end, atRisk: people.bounds,
                survival: extremes(before).survival.joined(grid.survival).bounds,
                hazard: extremes(before).hazard.joined(grid.hazard).bounds)
        }
        return result
    }

    /// Those of a time at which the curve is where it is at one of its points.
    private func gridBounds(
        at point: Point, _ time: Double, atRisk: GridExtremes
    ) -> SurvivalResult.Point.Grid {
        let extremes = extremes(point)
        return .init(
            from: time, to: time, atRisk: atRisk.bounds, survival: extremes.survival.bounds,
            hazard: extremes.hazard.bounds)
    }

    private func extremes(_ point: Point) -> (survival: GridExtremes, hazard: GridExtremes) {
        guard let grid = point.grid else {
            return (.init(lowest: 1, highest: 1), .init(lowest: 0, highest: 0))
        }
        return (grid.survival, grid.hazard)
    }

    /// The curve before an interval: its last point, or certainty.
    private func point(before index: Int) -> Point {
        index > 0
            ? points[index - 1]
            : Point(
                time: 0, atRisk: points[0].atRisk, exposed: points[0].atRisk, events: 0, censored: 0,
                survival: 1,
                logVariance: 0, hazard: 0, hazardVariance: 0, robustSE: points[0].robustSE.map { _ in 0 })
    }

    /// The curve where a part of an interval's places has passed.
    ///
    /// S as under a constant hazard; the variance of log S is Greenwood's for the events by then, other variances grow with S or H.
    private func state(_ share: Double, of index: Int) -> Point {
        let (before, after) = (point(before: index), points[index])
        guard share < 1, let path = path(of: index) else { return after }
        let progress = path.progress(share)
        func between(_ from: Double, _ to: Double, _ part: Double) -> Double { from + part * (to - from) }
        var state = after
        state.survival = between(before.survival, after.survival, progress)
        state.hazard = between(before.hazard, after.hazard, share)
        state.hazardVariance = between(before.hazardVariance, after.hazardVariance, share)
        if estimate == .kaplanMeier {
            let dead = progress * after.events
            state.logVariance = before.logVariance + dead / (after.exposed * (after.exposed - dead))
        } else {
            state.logVariance = state.hazardVariance
        }
        state.robustSE = before.robustSE.flatMap { from in
            after.robustSE.map { between(from * from, $0 * $0, progress).squareRoot() }
        }
        return state
    }

    private func path(of index: Int) -> GridPath? {
        points[index].grid.map {
            GridPath($0.interval, ratio: points[index].survival / point(before: index).survival)
        }
    }

    // MARK: Quantiles

    /// Where the interpolated curve and its limits reach the level; the bounds are the ends of intervals in which exact times
    /// could first or last have it there.
    func gridQuantile(_ p: Double, limits: ConfidenceLimits, level: Double) -> SurvivalResult.Quantile {
        let target = 1 - p
        func first(_ value: (Point) -> Double) -> Reported { Reported(firstGridTime(reach: target, value)) }
        return SurvivalResult.Quantile(
            estimate: first(\.survival),
            lower: first { interval(at: $0, limits: limits, level: level).lower },
            upper: first { interval(at: $0, limits: limits, level: level).upper },
            bounds: quantileBounds(reach: target))
    }

    private func quantileBounds(reach level: Double) -> Bounds {
        let grids = points.compactMap(\.grid)
        let earliest = grids.first { $0.survival.lowest < level + Self.tolerance }
        // A curve that stays on the level has its quantile before the next event.
        let latest =
            grids.first { $0.survival.highest < level - Self.tolerance }
            ?? grids.first { $0.survival.highest < level + Self.tolerance }
        return Bounds(
            lowest: Reported(earliest?.interval.firstPlace),
            highest: Reported(latest?.interval.end))
    }

    /// The first time at which a number of the curve is at or below a level; nil if it never is.
    private func firstGridTime(reach level: Double, _ value: (Point) -> Double) -> Double? {
        let reached = level + Self.tolerance
        for (index, point) in points.enumerated() {
            guard let interval = point.grid?.interval else { return nil }
            let end = value(point)
            if abs(end - level) < Self.tolerance {
                guard let drop = points[index...].first(where: { value($0) < end })?.grid?.interval else {
                    return interval.end
                }
                return (interval.end + (drop.isPoint ? drop.end : drop.start)) / 2
            }
            // Where the last one dies there are no limits, but there are before that.
            let last = end < reached ? 1 : shareBeforeLastDeath(index)
            guard last > 0, value(state(last, of: index)) < reached else { continue }
            return interval.time(ofShare: firstShare(upTo: last) { value(state($0, of: index)) < reached })
        }
        return nil
    }

    /// The share of an interval's places that has passed when one death is still to come.
    private func shareBeforeLastDeath(_ index: Int) -> Double {
        let (events, isOne) = (points[index].events, points[index].grid?.interval.isPoint ?? true)
        guard events > 1, !isOne, let path = path(of: index) else { return 0 }
        return path.share(ofProgress: 1 - 1 / events)
    }

    /// The smallest share from which on a condition holds, to 50 bits.
    private func firstShare(upTo last: Double, _ holds: (Double) -> Bool) -> Double {
        var (low, high) = (0.0, last)
        for _ in 0..<50 {
            let middle = (low + high) / 2
            if holds(middle) { high = middle } else { low = middle }
        }
        return high
    }

    // MARK: Areas

    /// The area under the interpolated curve; continued flat after the last interval.
    func gridRestrictedMean(to time: Double, level: Double) -> SurvivalResult.RestrictedMean {
        var (areas, extremes, last) = ([0.0], GridExtremes(lowest: 0, highest: 0), 0.0)
        for (index, point) in points.enumerated() {
            guard let grid = point.grid, grid.interval.start < time else { break }
            let before = self.point(before: index)
            let bounds = self.extremes(before).survival
            let flat = grid.interval.start - last
            let (end, first) = (min(grid.interval.end, time), min(grid.interval.firstPlace, time))
            areas.append(areas[index] + before.survival * flat + area(to: end, of: index))
            extremes.lowest +=
                bounds.lowest * (flat + first - grid.interval.start)
                + grid.survival.lowest * (end - first)
            extremes.highest += bounds.highest * (flat + end - grid.interval.start)
            last = end
        }
        let reached = point(before: areas.count - 1)
        let rest = max(0, time - last)
        let (mean, bounds) = (
            areas[areas.count - 1] + reached.survival * rest, self.extremes(reached).survival
        )
        extremes.lowest += bounds.lowest * rest
        extremes.highest += bounds.highest * rest
        return restrictedMean(
            mean, to: time, variance: areaVariance(mean, areas, to: time), level: level,
            bounds: extremes.bounds)
    }

    /// The area from an interval's start to a time in it.
    private func area(to time: Double, of index: Int) -> Double {
        guard let path = path(of: index), let interval = points[index].grid?.interval else { return 0 }
        let before = point(before: index).survival
        return before * (time - interval.start) - (before - points[index].survival) * path.area(to: time)
    }

    /// Parts into which an interval's deaths are cut for the variance of an area.
    private static let partsMax = 64

    /// Σ (area from the death to the end)²·d/(n(n − d)) over the deaths, spread evenly over the places of their intervals.
    private func areaVariance(_ mean: Double, _ areas: [Double], to time: Double) -> Double {
        var variance = CompensatedSum()
        for (index, area) in areas.dropFirst().enumerated() where points[index].events > 0 {
            guard let path = path(of: index), let interval = points[index].grid?.interval else { continue }
            let point = points[index]
            let start = area - self.area(to: min(interval.end, time), of: index)
            let count = min(interval.parts(of: point.events), Self.partsMax)
            let part = point.events / Double(count)
            for death in 1...count {
                let share = path.share(ofProgress: Double(death) / Double(count))
                let moment = interval.time(ofShare: share)
                let (present, left) = (
                    point.exposed - Double(death - 1) * part, point.exposed - Double(death) * part
                )
                guard moment < time, left > 1e-12 * point.exposed else { continue }
                let rest = mean - start - self.area(to: moment, of: index)
                variance += rest * rest * part / (present * left)
            }
        }
        return variance.value
    }
}
