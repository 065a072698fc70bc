import ReferenceStudies
import Testing

@testable import Survival

/// Survival curves against R 4.2.2, survival 3.5-3: see Reference/README.md.
struct KaplanMeierTests {
    static let cases = ReferenceCase.of(kind: "km")

    @Test(arguments: cases)
    func `curves of rows in one place are R's`(reference: ReferenceCase) throws {
        try check(reference, siteCount: 1)
    }

    @Test(arguments: cases)
    func `curves of counts summed over random sites are R's`(reference: ReferenceCase) throws {
        try check(reference, siteCount: 4)
    }

    private func check(_ reference: ReferenceCase, siteCount: Int) throws {
        let frame = ModelFrame(reference).withMergedTimes()
        let times = ExitCounts.times(of: try frame.data())
        let site = sites(of: frame, count: siteCount)
        let estimate = estimate(of: reference)
        for expected in reference.expected["groups"].elements {
            let name = expected["group"].string ?? ""
            let parts = (0..<siteCount).map { number in
                (0..<frame.rowCount).filter { frame.group[$0] == name && site[$0] == number }
            }
            let sites = try parts.map {
                try ExitCounts(frame.data(rows: $0, mergesNearTies: false), times: times)
            }
            let counts = sites.dropFirst().reduce(sites[0], +)
            guard isTrue(reference.expected["robust_variance"]) else {
                CurveExpectation(expected, hasGreenwood: true).check(KaplanMeier(counts, estimate: estimate))
                continue
            }
            let curve = CurveCounts(counts, shape: estimate == .kaplanMeier ? .productLimit : .exponential)
            let squares = parts.map { influence(on: curve, of: $0, in: frame, times: times) }
            let sum = squares.dropFirst().reduce(squares[0]) { zip($0, $1).map { $0 + $1 } }
            CurveExpectation(expected, hasGreenwood: false)
                .check(KaplanMeier(curve.counts.exits, estimate: estimate, squares: sum))
        }
    }

    private func influence(
        on curve: CurveCounts, of rows: [Int], in frame: ModelFrame, times: [Double]
    ) -> [Double] {
        let grid = TimeGrid(times)
        let names = Set(frame.cluster).sorted()
        let number = Dictionary(uniqueKeysWithValues: zip(names, names.indices))
        let places = rows.map { row in
            CurveInfluence.Row(
                entry: frame.entry.map { grid.index(after: $0[row]) - 1 },
                exit: grid.index(atOrAfter: frame.exit[row]), cause: frame.event[row] ? 0 : nil,
                weight: frame.weight?[row] ?? 1, on: curve)
        }
        return CurveInfluence(curve).squares(places, by: rows.map { Int32(number[frame.cluster[$0]] ?? 0) })
    }

    /// A random site for each cluster.
    private func sites(of frame: ModelFrame, count: Int) -> [Int] {
        var generator = SeededGenerator(5)
        var sites: [String: Int] = [:]
        for cluster in Set(frame.cluster).sorted() {
            sites[cluster] = Int.random(in: 0..<count, using: &generator)
        }
        return frame.cluster.map { sites[$0] ?? 0 }
    }

    private func estimate(of reference: ReferenceCase) -> CurveEstimate {
        if reference.model["stype"].double == 1 { return .kaplanMeier }
        return reference.model["ctype"].double == 1 ? .nelsonAalen : .flemingHarrington
    }

    private func isTrue(_ value: JSONValue) -> Bool { if case .bool(true) = value { true } else { false } }

    @Test func `a median is the middle of a plateau at one half, and the limits follow the same rule`() {
        // R 4.2.2, survival 3.5-3: survfit(Surv(1:8, c(1,1,1,1,0,0,0,1)) ~ 1) prints median 6, 0.95LCL 3, 0.95UCL NA.
        let counts = ExitCounts(
            times: [1, 2, 3, 4, 5, 6, 7, 8], events: [1, 1, 1, 1, 0, 0, 0, 1],
            censored: [0, 0, 0, 0, 1, 1, 1, 0])
        let median = KaplanMeier(counts).quantile(0.5, limits: .log, level: 0.95)
        #expect(median.estimate == .value(6))
        #expect(median.lower == .value(3))
        #expect(median.upper == .notAvailable)
    }

    @Test func `the restricted mean of uncensored times is the mean of the times cut at the end`() {
        let counts = ExitCounts(times: [1, 4, 6, 9], events: [1, 2, 1, 1], censored: [0, 0, 0, 0])
        let cut: [Double] = [1, 4, 4, 6, 7]
        let mean = cut.reduce(0, +) / 5
        // Without censoring Greenwood's variance is the variance of the mean with divisor n.
        let variance = cut.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 25
        let got = KaplanMeier(counts).restrictedMean(to: 7, level: 0.95)
        expectClose(got.mean.value ?? .nan, mean, relative: 1e-14, "mean")
        expectClose(got.se.value ?? .nan, variance.squareRoot(), relative: 1e-12, "se")
        #expect(KaplanMeier(counts).restrictedMean(to: 0.5, level: 0.95).mean == .value(0.5))
        #expect(KaplanMeier(counts).restrictedMean(to: 0.5, level: 0.95).se == .value(0))
    }

    @Test func `nobody gives an empty curve and no median`() {
        let nobody = KaplanMeier(ExitCounts(times: [1, 2], events: [0, 0], censored: [0, 0]))
        #expect(nobody.curve(limits: .log, level: 0.95).time.isEmpty)
        #expect(nobody.quantile(0.5, limits: .log, level: 0.95).estimate == .notAvailable)
        #expect(nobody.at([1], limits: .log, level: 0.95)[0].survival == .notAvailable)
    }

    @Test func `a row on a coarser grid leaves at the end of its interval`() throws {
        let data = try SurvivalData(
            entry: nil, exit: [0.5, 1, 1.2, 3], event: [true, false, true, true], weight: nil, offset: nil,
            stratum: nil, columns: [])
        let counts = try ExitCounts(data, times: [1, 2, 3])
        #expect(counts == ExitCounts(times: [1, 2, 3], events: [1, 1, 1], censored: [1, 0, 0]))
        #expect(counts.atRisk == [4, 2, 1])
        #expect(throws: SurvivalDataError.notOnGrid) { try ExitCounts(data, times: [1, 2]) }
    }
}

/// What R says of one curve.
struct CurveExpectation {
    let expected: JSONValue
    /// Otherwise the infinitesimal jackknife, of which R has no restricted mean.
    let hasGreenwood: Bool

    init(_ expected: JSONValue, hasGreenwood: Bool) {
        (self.expected, self.hasGreenwood) = (expected, hasGreenwood)
    }

    func check(_ estimate: KaplanMeier) {
        let table = expected["table"]
        for limits in ConfidenceLimits.allCases {
            let name = limits == .logLog ? "loglog" : limits.rawValue
            checkCurve(estimate.curve(limits: limits, level: 0.95), table, limits: name)
            checkTimes(estimate, limits: limits, name: name)
            checkQuantiles(estimate, limits: limits, name: name)
        }
        for mean in expected["rmst"].elements where hasGreenwood {
            let got = estimate.restrictedMean(to: mean["tau"].double, level: 0.95)
            expectClose(got.mean.value ?? .nan, mean["rmst"].double, relative: 1e-11, "restricted mean")
            expectClose(
                got.se.value ?? .nan, mean["se"].double, relative: 1e-9, absolute: 1e-14,
                "se of the restricted mean")
        }
        let median = estimate.quantile(0.5, limits: .log, level: 0.95)
        let printed = expected["median_as_printed"]
        expectClose(median.estimate.value ?? .nan, printed["median"].double, relative: 1e-15, "median")
        expectClose(
            median.lower.value ?? .nan, printed["lower_log"].double, relative: 1e-15, "median's lower limit")
        expectClose(
            median.upper.value ?? .nan, printed["upper_log"].double, relative: 1e-15, "median's upper limit")
    }

    /// R's table, all of it or the rows it shows, and the sums over all rows.
    private func checkCurve(_ curve: SurvivalResult.Curve, _ table: JSONValue, limits: String) {
        #expect(curve.time.count == Int(expected["distinct_times"].double))
        let rows = table["time"].doubles.compactMap { curve.time.firstIndex(of: $0) }
        #expect(rows.count == table["time"].elements.count, "a time is not on the curve")
        let estimates = [
            ("surv", curve.survival), ("se_surv", curve.se), ("cumhaz", curve.hazard),
            ("se_cumhaz", curve.hazardSE), ("lower_\(limits)", curve.lower),
            ("upper_\(limits)", curve.upper),
        ]
        let columns =
            [("n_risk", curve.atRisk), ("n_event", curve.events), ("n_censor", curve.censored)]
            + estimates.map { ($0, $1.map { $0.value ?? .nan }) }
        for (name, column) in columns {
            expectClose(
                rows.map { column[$0] }, table[name].doubles, relative: 1e-11, absolute: 1e-15, name)
            expectClose(
                column.filter { !$0.isNaN }.reduce(0, +), expected["checksums_all_times"][name].double,
                relative: 1e-11, "sum of \(name)")
        }
    }

    private func checkTimes(_ estimate: KaplanMeier, limits: ConfidenceLimits, name: String) {
        let want = expected["at_times"]
        let points = estimate.at(want["time"].doubles, limits: limits, level: 0.95)
        let last = estimate.curve(limits: limits, level: 0.95).time.last ?? -.infinity
        for (index, point) in points.enumerated() {
            // The reference extends the curve beyond the last time; the product says that it does not know.
            guard point.time <= last else {
                #expect(point.survival == .notAvailable && point.atRisk == .notAvailable)
                continue
            }
            expectClose(
                point.atRisk.value ?? .nan, want["n_risk"].doubles[index], relative: 1e-12,
                "n at \(point.time)")
            expectClose(
                point.survival.value ?? .nan, want["surv"].doubles[index], relative: 1e-11,
                "S at \(point.time)")
            let (lower, upper) = (want["ci"][name]["lower"].doubles, want["ci"][name]["upper"].doubles)
            expectClose(
                point.se.value ?? .nan, want["se_surv"].doubles[index], relative: 1e-11, "se at \(point.time)"
            )
            expectClose(point.lower.value ?? .nan, lower[index], relative: 1e-11, "lower at \(point.time)")
            expectClose(point.upper.value ?? .nan, upper[index], relative: 1e-11, "upper at \(point.time)")
        }
    }

    /// Against R's quantile(), except where it differs from print(), which ours follows (see Reference/README.md): where a curve
    /// ends on the level itself, and where a limit rises again, as that of few patients may.
    private func checkQuantiles(_ estimate: KaplanMeier, limits: ConfidenceLimits, name: String) {
        let want = expected["quantiles"]
        let curve = estimate.curve(limits: limits, level: 0.95)
        for (index, p) in want["probs"].doubles.enumerated() {
            let got = estimate.quantile(p, limits: limits, level: 0.95)
            let columns = [
                ("estimate", got.estimate, curve.survival, want["estimate"].doubles[index]),
                ("lower", got.lower, curve.lower, want["ci"][name]["lower"].doubles[index]),
                ("upper", got.upper, curve.upper, want["ci"][name]["upper"].doubles[index]),
            ]
            for (column, value, values, expected) in columns {
                let values = values.compactMap(\.value)
                let onLevel = abs((values.last ?? .nan) - (1 - p)) < 1e-8
                if onLevel || zip(values, values.dropFirst()).contains(where: { $0 < $1 }) { continue }
                expectClose(
                    value.value ?? .nan, expected, relative: 1e-15, "quantile \(p), \(name), \(column)")
            }
        }
    }
}

extension CurveCounts {
    /// The times at which someone leaves, in the same group or not, as positions.
    init(_ counts: ExitCounts, shape: CurveCounts.Shape) {
        let kept = counts.times.indices.filter { counts.events[$0] + counts.censored[$0] > 0 }
        let entered = counts.entered.map { entered in
            zip([-1] + kept, kept).map { entered[($0 + 1)...$1].reduce(0, +) }
        }
        self.init(
            shape: shape, ends: kept,
            counts: TransitionCounts(
                times: kept.map { counts.times[$0] }, events: [kept.map { counts.events[$0] }],
                censored: kept.map { counts.censored[$0] }, entered: entered))
    }
}
