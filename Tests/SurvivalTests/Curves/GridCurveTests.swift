import ReferenceStudies
import Testing

@testable import Survival

/// Curves on a grid beside those of the exact times: unbiased, and within the bounds that they state.
struct GridCurveTests {
    /// Cells that follow-up is cut into, and exits that an interval has at least.
    private static let grids: [(cells: Double, smallest: Int)] = [1, 10].flatMap { smallest in
        [5, 10, 20, 40].map { (cells: $0, smallest: smallest) }
    }

    private static let level = 0.95

    /// Differences from the exact curve and how often it lies outside the bounds.
    private struct Comparison {
        var differences: [Double] = []
        var outside = 0

        var mean: Double { differences.reduce(0, +) / Double(max(differences.count, 1)) }

        mutating func add(
            _ grid: Reported, _ exact: Reported, _ bounds: Bounds?, unit: Double = 1, note: String
        ) {
            guard let exact = exact.value else { return }
            if let grid = grid.value { differences.append((grid - exact) / unit) }
            let (lowest, highest) = (bounds?.lowest.value ?? .infinity, bounds?.highest.value ?? .infinity)
            let slack = 1e-9 * max(1, abs(exact))
            if !(lowest - slack <= exact && exact <= highest + slack) {
                outside += 1
                Issue.record("\(note): \(exact) is not between \(lowest) and \(highest)")
            }
        }
    }

    /// Times at which curves are read, of the recorded kind: whole days, in the grid and between.
    private func times(_ cohort: GridCohort) -> [Double] {
        stride(from: 2.0, to: 56, by: 1).map { (cohort.last * $0 / 60).rounded() }
    }

    @Test(arguments: CurveEstimate.allCases)
    func `survival, hazard, means and quantiles are centred on those of exact times, which lie in the bounds`(
        _ estimate: CurveEstimate
    ) throws {
        var (survival, hazard, means, quantiles, errors) = (
            Comparison(), Comparison(), Comparison(), Comparison(), Comparison()
        )
        for cohort in GridCohort.all {
            let exact = KaplanMeier(cohort.exact.exits, estimate: estimate)
            for (cells, smallest) in Self.grids {
                let counts = cohort.grid(width: (cohort.last / cells).rounded(), smallest: smallest)
                let grid = KaplanMeier(counts.exits, estimate: estimate)
                let note = "\(cohort), \(Int(cells)) cells, \(smallest)"
                let times = times(cohort)
                for (mine, its) in zip(
                    grid.at(times, limits: .log, level: Self.level),
                    exact.at(times, limits: .log, level: Self.level))
                {
                    survival.add(
                        mine.survival, its.survival, mine.grid?.survival, note: "\(note), S(\(its.time))")
                    hazard.add(mine.hazard, its.hazard, mine.grid?.hazard, note: "\(note), H(\(its.time))")
                    let open = Bounds(lowest: .value(0), highest: .value(.infinity))
                    errors.add(mine.se, its.se, open, note: "\(note), se(\(its.time))")
                    _ = mine.grid.map { bounds in
                        let atRisk = its.atRisk.value ?? .nan
                        #expect((bounds.atRisk.lowest.value ?? .nan) <= atRisk, "\(note) \(its.time)")
                        #expect((bounds.atRisk.highest.value ?? .nan) >= atRisk, "\(note) \(its.time)")
                    }
                }
                for time in times.filter({ $0 > cohort.last / 4 && $0 < cohort.last * 0.8 }) {
                    let (mine, its) = (
                        grid.restrictedMean(to: time, level: Self.level),
                        exact.restrictedMean(to: time, level: Self.level)
                    )
                    means.add(mine.mean, its.mean, mine.bounds, unit: time, note: "\(note), mean to \(time)")
                }
                for share in [0.1, 0.25, 0.5, 0.75] {
                    let (mine, its) = (
                        grid.quantile(share, limits: .log, level: Self.level),
                        exact.quantile(share, limits: .log, level: Self.level)
                    )
                    quantiles.add(
                        mine.estimate, its.estimate, mine.bounds, unit: cohort.last,
                        note: "\(note), q \(share)")
                }
            }
        }
        #expect(abs(survival.mean) < 0.002)
        #expect(abs(hazard.mean) < 0.006)
        #expect(abs(means.mean) < 0.003)
        #expect(abs(quantiles.mean) < 0.005)
        #expect(abs(errors.mean) < 0.002)
    }

    @Test(arguments: GridCohort.competing)
    func `incidences are centred on those of exact times, which lie in the bounds`(_ cohort: GridCohort) {
        var (incidence, free, errors) = (Comparison(), Comparison(), Comparison())
        let exact = cohort.incidence(cohort.exact)
        for (cells, smallest) in Self.grids {
            let counts = cohort.grid(width: (cohort.last / cells).rounded(), smallest: smallest)
            let grid = cohort.incidence(counts)
            let times = times(cohort)
            for (mine, its) in zip(
                grid.at(times, limits: .log, level: Self.level),
                exact.at(times, limits: .log, level: Self.level))
            {
                let note = "\(cohort), \(Int(cells)) cells, \(smallest), \(its.time)"
                free.add(
                    mine.eventFree.estimate[0], its.eventFree.estimate[0], mine.eventFree.bounds?.first,
                    note: note)
                for (own, other) in zip(mine.incidence, its.incidence) {
                    incidence.add(own.estimate[0], other.estimate[0], own.bounds?.first, note: note)
                    let open = Bounds(lowest: .value(0), highest: .value(.infinity))
                    errors.add(own.se[0], other.se[0], open, note: note)
                }
            }
        }
        #expect(abs(incidence.mean) < 0.003)
        #expect(abs(free.mean) < 0.005)
        #expect(abs(errors.mean) < 0.002)
    }

    /// A grid as fine as the times loses nothing.
    @Test(arguments: GridCohort.all, [SurvivalKind.survival, .followUp])
    func `a grid whose intervals hold one recorded time each gives the exact curve`(
        _ cohort: GridCohort, _ kind: SurvivalKind
    ) {
        let (counts, fine) = (cohort.exact.exits, cohort.grid(width: 1, smallest: 1).exits)
        let exact = KaplanMeier(kind == .survival ? counts : counts.reversed)
        let grid = KaplanMeier(kind == .survival ? fine : fine.reversed)
        let mine = grid.curve(limits: .logLog, level: Self.level)
        let its = exact.curve(limits: .logLog, level: Self.level)
        #expect(mine.survival == its.survival && mine.lower == its.lower && mine.hazard == its.hazard)
        #expect(mine.time == its.time && mine.atRisk == its.atRisk && mine.se == its.se)
        for time in times(cohort).flatMap({ [$0, $0 + 0.4] }) {
            let own = grid.at([time], limits: .log, level: Self.level)[0]
            let other = exact.at([time], limits: .log, level: Self.level)[0]
            #expect(own.survival == other.survival && own.upper == other.upper, "S(\(time))")
            #expect(own.atRisk == other.atRisk, "at risk at \(time)")
            #expect(own.grid.map { $0.survival.lowest == $0.survival.highest } ?? true)
            let (area, exactArea) = (
                grid.restrictedMean(to: time, level: Self.level),
                exact.restrictedMean(to: time, level: Self.level)
            )
            expectClose(
                area.mean.value ?? .nan, exactArea.mean.value ?? .nan, relative: 1e-12, "mean to \(time)")
            expectClose(area.se.value ?? .nan, exactArea.se.value ?? .nan, relative: 1e-9, "se to \(time)")
        }
        for share in [0.1, 0.25, 0.5, 0.75] {
            let own = grid.quantile(share, limits: .log, level: Self.level)
            let other = exact.quantile(share, limits: .log, level: Self.level)
            #expect(own.estimate == other.estimate && own.lower == other.lower && own.upper == other.upper)
        }
    }

    enum SurvivalKind { case survival, followUp }

    /// The influence of a person is the derivative of the numbers along the person's weight.
    @Test(arguments: [CurveCounts.Shape.productLimit, .exponential, .incidence], [1.0, nil])
    func `robust variances on a grid are sums of squared derivatives`(
        _ shape: CurveCounts.Shape, _ resolution: Double?
    ) {
        let cohort = GridCohort.competing[1]
        let all = cohort.grid(width: 150, smallest: 10, resolution: resolution)
        let areas = shape == .incidence ? [] : [400.0, 1000]
        let counts = shape == .incidence ? all : all.pooled
        let curve = CurveCounts(shape: shape, ends: Array(counts.times.indices), counts: counts, areas: areas)
        let rows = cohort.rows(on: curve).map { row in
            var row = row
            if shape != .incidence, row.cause != nil { row.cause = 0 }
            return row
        }
        let squares = CurveInfluence(curve).squares(rows, by: rows.indices.map { Int32($0) })
        var expected = squares.map { _ in 0.0 }
        for row in rows {
            let (more, less) = (
                numbers(counts.adding(1e-5, at: row), shape, areas),
                numbers(counts.adding(-1e-5, at: row), shape, areas)
            )
            for index in expected.indices {
                let derivative = (more[index] - less[index]) / 2e-5
                expected[index] += derivative * derivative
            }
        }
        for index in squares.indices {
            // Of an area it is taken along the way that the curve has through an interval, which itself changes a little.
            let isArea = index >= squares.count - areas.count
            expectClose(squares[index], expected[index], relative: isArea ? 0.05 : 1e-5, "\(index)")
        }
    }

    /// In the order of `CurveInfluence.squares`.
    private func numbers(_ counts: TransitionCounts, _ shape: CurveCounts.Shape, _ areas: [Double])
        -> [Double]
    {
        guard shape == .incidence else {
            let estimate = KaplanMeier(
                counts.exits, estimate: shape == .exponential ? .nelsonAalen : .kaplanMeier)
            let curve = estimate.curve(limits: .log, level: 0.95)
            return zip(curve.survival, curve.hazard).flatMap { [$0.value ?? .nan, $1.value ?? .nan] }
                + areas.map { estimate.restrictedMean(to: $0, level: 0.95).mean.value ?? .nan }
        }
        let none = counts.times.flatMap { _ in [Double](repeating: 0, count: counts.events.count + 1) }
        let curve = AalenJohansen(counts, squares: none).curve(limits: .log, level: 0.95)
        return counts.times.indices.flatMap { time in
            ([curve.eventFree] + curve.incidence).map { $0.estimate[time].value ?? .nan }
        }
    }

    // MARK: Corners

    @Test func `nothing is said beyond the last interval, and limits end in it`() {
        let cohort = GridCohort.all[0]
        let grid = KaplanMeier(cohort.grid(width: 90, smallest: 10).exits)
        let end = (cohort.last / 90).rounded(.up) * 90
        #expect(grid.at([end + 1], limits: .log, level: 0.95)[0].survival == .notAvailable)
        for share in stride(from: 0.05, to: 1, by: 0.05) {
            let quantile = grid.quantile(share, limits: .plain, level: 0.95)
            for time in [quantile.estimate, quantile.lower, quantile.upper].compactMap(\.value) {
                #expect(time >= 0 && time <= end)
            }
        }
    }

    @Test func `the curve goes down from one end of an interval to the other, its values at the ends`() {
        let cohort = GridCohort.all[1]
        for resolution in [nil, 1.0, 7] {
            let grid = KaplanMeier(cohort.grid(width: 63, smallest: 10, resolution: resolution).exits)
            let curve = grid.curve(limits: .log, level: 0.95)
            let times = stride(from: 0.0, through: curve.time.last ?? 0, by: 0.5).map { $0 }
            let values = grid.at(times, limits: .log, level: 0.95).map { $0.survival.value ?? .nan }
            #expect(zip(values, values.dropFirst()).allSatisfy { $0 >= $1 })
            #expect(values.first == 1)
            for (time, survival) in zip(curve.time, curve.survival) {
                #expect(grid.at([time], limits: .log, level: 0.95)[0].survival == survival)
            }
        }
    }

    @Test
    func `an interval in which the last one dies is gone through straight, and has limits before its end`() {
        let counts = ExitCounts(
            times: [10, 20], events: [2, 2], censored: [0, 0],
            intervals: [.init(start: 0, end: 10), .init(start: 10, end: 20)])
        let grid = KaplanMeier(counts)
        let points = grid.at([10, 15, 20], limits: .log, level: 0.95)
        #expect(points.map(\.survival) == [.value(0.5), .value(0.25), .value(0)])
        #expect(points[1].lower.value ?? 0 > 0 && points[2].lower == .notAvailable)
        #expect(
            grid.quantile(0.75, limits: .log, level: 0.95).estimate.value.map { abs($0 - 15) < 1e-6 } == true)
        expectClose(
            grid.restrictedMean(to: 20, level: 0.95).mean.value ?? .nan,
            10 * 0.5 / 0.6931471805599453 + 2.5, relative: 1e-12, "area")
    }

    @Test func `half of those who leave without an event are at risk, more where few times are possible`() {
        #expect(GridInterval(start: 10, end: 20).absence == 0.5)
        #expect(GridInterval(start: 10, end: 20, resolution: 10).absence == 0)
        #expect(GridInterval(start: 10, end: 20, resolution: 5).absence == 0.25)
        #expect(GridInterval(start: 0, end: 20, resolution: 10).absence == 0.25)
        // A landmark at 3 with times of 5: within (10, 20] after it lie 15 - 3 and 20 - 3 only.
        #expect(GridInterval(start: 10, end: 20, resolution: 5, origin: 3).places == 2)
    }
}

extension TransitionCounts {
    /// All causes as one.
    fileprivate var pooled: TransitionCounts {
        let exits = exits
        return TransitionCounts(
            times: times, events: [exits.events], censored: exits.censored, intervals: intervals)
    }

    fileprivate func adding(_ weight: Double, at row: CurveInfluence.Row) -> TransitionCounts {
        var counts = self
        if let cause = row.cause {
            counts.events[cause][row.exit] += weight
        } else {
            counts.censored[row.exit] += weight
        }
        return counts
    }
}
