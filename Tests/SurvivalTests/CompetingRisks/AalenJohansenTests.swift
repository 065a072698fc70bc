import ReferenceStudies
import Testing

@testable import Survival

/// Cumulative incidence against R 4.2.2, survival 3.5-3 (`survfit` of a multi-state endpoint): see Reference/README.md.
struct AalenJohansenTests {
    static let cases = ReferenceCase.of(kind: "aalen-johansen")

    @Test(arguments: cases, [1, 4])
    func `incidence from counts and squares summed over sites is R's`(
        reference: ReferenceCase, siteCount: Int
    ) throws {
        let rows = Rows(reference)
        var generator = SeededGenerator(3)
        let site = rows.time.map { _ in Int.random(in: 0..<siteCount, using: &generator) }
        for expected in reference.expected["groups"].elements {
            let own = rows.time.indices.filter { rows.group[$0] == expected["group"].string ?? "" }
            let parts = (0..<siteCount).map { number in own.filter { site[$0] == number } }
            let times = Set(own.map { rows.time[$0] }).sorted()
            let counts = parts.map { rows.counts(of: $0, times: times) }
            let total = counts.dropFirst().reduce(counts[0], +)
            let curve = CurveCounts(shape: .incidence, ends: Array(times.indices), counts: total)
            let squares = parts.map { rows.squares(of: $0, on: curve) }
            let sum = squares.dropFirst().reduce(squares[0]) { zip($0, $1).map { $0 + $1 } }
            check(AalenJohansen(total, squares: sum), expected, states: rows.states)
        }
    }

    private func check(_ estimate: AalenJohansen, _ expected: JSONValue, states: [String]) {
        let curve = estimate.curve(limits: .log, level: 0.95)
        let table = expected["table"]
        #expect(curve.time.count == Int(expected["distinct_times"].double))
        let shown = table["time"].doubles.compactMap { curve.time.firstIndex(of: $0) }
        #expect(shown.count == table["time"].elements.count, "a time is not on the curve")
        expectClose(
            shown.map { curve.atRisk[$0] }, table["n_risk_initial_state"].doubles, relative: 1e-15, "at risk")
        check(curve.eventFree, shown, table["event_free"], expected["checksums_all_times"]["event_free"])
        for (index, state) in states.enumerated() {
            expectClose(
                shown.map { curve.events[index][$0] }, table[state]["n_event"].doubles, relative: 1e-15,
                "events of \(state)")
            check(curve.incidence[index], shown, table[state], expected["checksums_all_times"][state])
        }
        let points = estimate.at(expected["at_times"]["time"].doubles, limits: .log, level: 0.95)
        for (row, point) in points.enumerated() where point.time <= curve.time.last ?? 0 {
            check(point.eventFree, row, expected["at_times"]["event_free"])
            for (index, state) in states.enumerated() {
                check(point.incidence[index], row, expected["at_times"][state])
            }
        }
    }

    private func check(
        _ estimates: IncidenceResult.Estimates, _ shown: [Int], _ table: JSONValue, _ sums: JSONValue
    ) {
        let columns = [
            ("p", estimates.estimate), ("se", estimates.se), ("lower_log", estimates.lower),
            ("upper_log", estimates.upper),
        ]
        for (name, column) in columns where !table[name].isNull {
            let values = column.map { $0.value ?? .nan }
            expectClose(
                shown.map { values[$0] }, table[name].doubles, relative: 1e-10, absolute: 1e-15, name)
            guard !sums[name].isNull else { continue }
            expectClose(values.reduce(0, +), sums[name].double, relative: 1e-10, "sum of \(name)")
        }
    }

    private func check(_ point: IncidenceResult.Estimates, _ row: Int, _ want: JSONValue) {
        let columns = [
            ("p", point.estimate), ("se", point.se), ("lower_log", point.lower), ("upper_log", point.upper),
        ]
        for (name, value) in columns {
            expectClose(
                value[0].value ?? .nan, want[name].doubles[row], relative: 1e-10, absolute: 1e-15, name)
        }
    }

    /// R 4.2.2, survival 3.5-3: `survfit(Surv(c(1,2,3,4,5,5), factor(c(1,2,0,1,1,2), 0:2)) ~ 1, conf.type = )`.
    @Test(arguments: [
        (ConfidenceLimits.plain, [0.535134309, 0, 0], [1, 0.4648657, 0]),
        (.logLog, [0.27312285, 0.007723104, .nan], [0.9747124, 0.5168018, .nan]),
    ])
    func `limits on other scales are R's, also where an incidence is still 0`(
        _ limits: ConfidenceLimits, _ lower: [Double], _ upper: [Double]
    ) {
        let counts = TransitionCounts(
            times: [1, 2, 3, 4, 5], events: [[1, 0, 0, 1, 1], [0, 1, 0, 0, 1]], censored: [0, 0, 1, 0, 0])
        let curve = CurveCounts(shape: .incidence, ends: [0, 1, 2, 3, 4], counts: counts)
        let rows = [(0, 0), (1, 1), (2, nil), (3, 0), (4, 0), (4, 1)].map { exit, cause in
            CurveInfluence.Row(entry: nil, exit: exit, cause: cause, weight: 1, on: curve)
        }
        let squares = CurveInfluence(curve).squares(rows, by: [0, 1, 2, 3, 4, 5])
        let estimate = AalenJohansen(counts, squares: squares).curve(limits: limits, level: 0.95)
        let states = [estimate.eventFree] + estimate.incidence
        expectClose(states.map { $0.lower[0].value ?? .nan }, lower, relative: 1e-6, "lower")
        expectClose(states.map { $0.upper[0].value ?? .nan }, upper, relative: 1e-6, "upper")
    }

    /// R: the last element of `std.err` is 0 where nobody is left without an event.
    @Test func `where everyone has had an event the event-free probability is 0, without an error`() {
        let counts = TransitionCounts(times: [1, 2], events: [[1, 0], [0, 1]], censored: [0, 0])
        let curve = CurveCounts(shape: .incidence, ends: [0, 1], counts: counts)
        let rows = [(0, 0), (1, 1)].map {
            CurveInfluence.Row(entry: nil, exit: $0, cause: $1, weight: 1, on: curve)
        }
        let squares = CurveInfluence(curve).squares(rows, by: [0, 1])
        let estimate = AalenJohansen(counts, squares: squares).curve(limits: .log, level: 0.95)
        #expect(estimate.eventFree.estimate == [.value(0.5), .value(0)])
        #expect(estimate.eventFree.se[1] == .value(0))
        #expect(estimate.eventFree.lower[1] == .notAvailable)
        #expect(estimate.incidence.map { $0.estimate[1] } == [.value(0.5), .value(0.5)])
    }
}

/// The rows of a case with several states.
private struct Rows {
    let states: [String]
    var time: [Double] = []
    var cause: [Int?] = []
    var group: [String] = []

    init(_ reference: ReferenceCase) {
        let (model, table) = (reference.model, reference.table)
        states = reference.expected["states"].strings
        let codes = states.map { model["event"]["states"][$0] }
        let groups = model["by"].strings
        for row in reference.filteredRows {
            let code = table[row, model["event"]["col"].string ?? ""]
            guard let time = Double(table[row, model["time"].string ?? ""]), !code.isEmpty,
                groups.allSatisfy({ !table[row, $0].isEmpty })
            else { continue }
            self.time.append(time)
            cause.append(codes.firstIndex { $0.equals(field: code) })
            group.append(groups.map { "\($0)=\(table[row, $0])" }.joined(separator: ", "))
        }
    }

    func counts(of rows: [Int], times: [Double]) -> TransitionCounts {
        func count(_ cause: Int?) -> [Double] {
            times.map { time in Double(rows.count { self.time[$0] == time && self.cause[$0] == cause }) }
        }
        return TransitionCounts(
            times: times, events: states.indices.map { count($0) }, censored: count(nil))
    }

    func squares(of rows: [Int], on curve: CurveCounts) -> [Double] {
        let places = rows.map { row in
            CurveInfluence.Row(
                entry: nil, exit: curve.counts.times.firstIndex(of: time[row]) ?? 0, cause: cause[row],
                weight: 1, on: curve)
        }
        return CurveInfluence(curve).squares(places, by: rows.map { Int32($0) })
    }
}
