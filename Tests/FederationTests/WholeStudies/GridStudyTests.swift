import Federation
import ReferenceStudies
import Survival
import Testing

/// What whole studies say of curves on their grid, and of people at risk under late entry.
struct GridStudyTests {
    private static let questions =
        "at: [90, 200, 269, 270, 540, 700, 1000, 1070], rmst: [200, 365, 630], quantiles: [0.25, 0.75], follow-up: true"

    private static func survival(_ keys: String) -> String {
        """
        analyses:
          - survival: {id: grid, by: sex, \(questions)\(keys)}
          - survival: {id: exact, by: sex, \(questions)\(keys), times: exact}
        privacy: {time-grid: 90}
        """
    }

    @Test(arguments: ["", ", robust: true", ", estimate: nelson-aalen", ", estimate: fleming-harrington"])
    func `every number is marked, near that of exact times, and bounded by what these can give`(
        _ keys: String
    ) throws {
        let result = try Lung.result(Self.survival(keys))
        let (grid, exact) = (try result.survival("grid"), try result.survival("exact"))
        #expect(grid.times == .grid && grid.gridWidth == 90 && exact.gridWidth == nil)
        for (mine, its) in zip(grid.groups, exact.groups) {
            #expect(mine.curve.grid?.start.count == mine.curve.time.count)
            #expect(its.curve.grid == nil && its.median.bounds == nil && its.at.allSatisfy { $0.grid == nil })
            for (point, other) in zip(mine.at, its.at) where other.survival.value != nil {
                expect(
                    point.survival, near: other.survival, within: 0.06, point.grid?.survival,
                    "S(\(point.time))")
                expect(point.se, near: other.se, within: 0.02, nil, "se(\(point.time))")
                expect(point.hazard, near: other.hazard, within: 0.2, point.grid?.hazard, "H(\(point.time))")
            }
            for (mean, other) in zip(mine.restrictedMeans, its.restrictedMeans) {
                expect(mean.mean, near: other.mean, within: 10, mean.bounds, "mean")
                expect(mean.se, near: other.se, within: 2, nil, "se of the mean")
            }
            let quantiles =
                [(mine.median, its.median)] + zip(mine.quantiles, its.quantiles).map { ($0.time, $1.time) }
            for (quantile, other) in quantiles + [(mine.followUp ?? mine.median, its.followUp ?? its.median)]
            {
                expect(quantile.estimate, near: other.estimate, within: 60, quantile.bounds, "quantile")
                let last = mine.curve.time.last ?? 0
                #expect([quantile.lower, quantile.upper].allSatisfy { ($0.value ?? 0) <= last })
            }
        }
    }

    private func expect(
        _ got: Reported, near want: Reported, within limit: Double, _ bounds: Bounds?, _ what: String
    ) {
        guard let want = want.value else { return }
        #expect(abs((got.value ?? .infinity) - want) < limit, "\(what): \(got) beside \(want)")
        guard let bounds else { return }
        #expect((bounds.lowest.value ?? .infinity) <= want + 1e-9, "\(what): \(want) is below \(bounds)")
        #expect((bounds.highest.value ?? .infinity) >= want - 1e-9, "\(what): \(want) is above \(bounds)")
    }

    @Test func `predicted curves are interpolated between the ends of intervals`() throws {
        let result = try Lung.result(
            """
            analyses:
              - cox: {id: grid, terms: [age, sex], baseline: common, predict: [{age: 63, sex: "1"}], at: [90, 200, 269, 540, 990, 1081], baseline-hazard: true}
              - cox: {id: exact, terms: [age, sex], baseline: common, times: exact, predict: [{age: 63, sex: "1"}], at: [90, 200, 269, 540, 990, 1081]}
            privacy: {time-grid: 90}
            """)
        let (grid, exact) = (try result.cox("grid"), try result.cox("exact"))
        let (mine, its) = (try #require(grid.predictions?.first), try #require(exact.predictions?.first))
        #expect(grid.gridWidth == 90 && exact.gridWidth == nil)
        #expect(mine.gridStart?.count == mine.curve.count && its.gridStart == nil)
        #expect(grid.baselineHazard?.first?.gridStart == mine.gridStart)
        for (point, other) in zip(mine.at, its.at) where other.survival.value != nil {
            expect(point.survival, near: other.survival, within: 0.03, nil, "S(\(point.time))")
            let ends = try #require(point.grid)
            let survival = try #require(point.survival.value)
            #expect(ends.from <= point.time && point.time <= ends.to)
            #expect(
                (ends.survival.lowest.value ?? 1) <= survival
                    && survival <= (ends.survival.highest.value ?? 0))
        }
        #expect(mine.at.last?.survival == .notAvailable)
        // The ends of intervals are the curve's own points.
        for point in mine.curve where mine.at.map(\.time).contains(point.time) {
            #expect(mine.at.first { $0.time == point.time }?.survival == point.survival)
        }
    }

    // MARK: What study check says

    private func notes(_ analysis: String, privacy: String) throws -> [String] {
        try Ward.plan(
            Lung.study("analyses: [{\(analysis)}]\nprivacy: {\(privacy)}"), dictionary: Lung.dictionary
        ).notes
    }

    @Test func `times between the points of the grid are told`() throws {
        #expect(
            try notes("survival: {id: s, at: [180, 200, 269, 270], rmst: [365]}", privacy: "time-grid: 90")
                == [
                    "analysis \"s\" asks for 200, 269 and 365, which are not on the grid of 90 days: such values are interpolated, "
                        + "with bounds; 180, 270, 360 and 450 are on it"
                ])
        #expect(
            try notes(
                "cox: {id: m, terms: [age], baseline: common, predict: [{age: 60}], at: [45]}",
                privacy: "time-grid: 30")
                == [
                    "analysis \"m\" asks for 45, which is not on the grid of 30 days: such values are interpolated, with bounds; "
                        + "30 and 60 are on it"
                ])
        #expect(try notes("survival: {id: s, at: [180, 270]}", privacy: "time-grid: 90").isEmpty)
        #expect(try notes("survival: {id: s, at: [200], times: exact}", privacy: "time-grid: 90").isEmpty)
        // Nothing lies between the points where the times themselves are no finer.
        #expect(try notes("survival: {id: s, at: [200.5]}", privacy: "time-grid: 1").isEmpty)
    }

    // MARK: At risk under late entry

    @Test(
        arguments: [("months", "entered", 1.0), ("months / 12", "entered / 12", 12)],
        ["", ", weights: share"])
    func `at risk are those who entered before the time asked and have not left before it`(
        _ formulas: (time: String, start: String, unit: Double), _ weights: String
    ) throws {
        let patients = Patient.random(60, seed: 31).filter { $0.entered < $0.months }
        let asked = [0, 0.5, 1, 2, 2.5, 7, 11.5, 12, 20, 33, 47.25].map { $0 / formulas.unit }
        let lines = """
            study: ward
            dictionary: ward@1
            sites: [site-1, site-2]
            endpoint: {time: \(formulas.time), start: \(formulas.start), event: died, unit: month}
            analyses:
              - survival: {id: s, by: frail, times: exact, at: [\(asked.map { "\($0)" }.joined(separator: ", "))]\(weights)}
            """
        let halves = [0, 1].map { half in patients.indices.filter { $0 % 2 == half }.map { patients[$0] } }
        let groups = try result(of: lines, halves).survival("s").groups
        for (group, frail) in zip(groups, [0.0, 1]) {
            let own = patients.filter { $0.frail == frail }
            let last = (own.map(\.months).max() ?? 0) / formulas.unit
            for point in group.at where point.time <= last {
                let here = own.filter {
                    $0.entered / formulas.unit < point.time && point.time <= $0.months / formulas.unit
                }
                let count = here.reduce(0) { $0 + (weights.isEmpty ? 1 : $1.share) }
                expectClose(
                    point.atRisk.value ?? .nan, count, relative: 1e-12, absolute: 1e-12,
                    "\(frail) at \(point.time)")
            }
        }
    }
}
