import ReferenceStudies

@testable import Survival

/// Cumulative incidences beside R's.
struct IncidenceAgreement {
    private let result: IncidenceResult
    private let reference: ReferenceCase

    init(_ result: IncidenceResult, _ reference: ReferenceCase) {
        (self.result, self.reference) = (result, reference)
    }

    func compare(_ deviations: inout Deviations) {
        let groups = reference.expected["groups"].elements
        deviations.compare(.counts, [Double(result.groups.count)], [Double(groups.count)], "groups")
        for group in result.groups {
            let want = groups.first { reference.level(ofGroup: $0["group"].string ?? "") == group.name }
            guard let want else {
                deviations.compare(.counts, [Double(group.rows)], [0], "rows of \(group.name)")
                continue
            }
            compare(group, want, &deviations)
        }
    }

    private func compare(
        _ group: IncidenceResult.Group, _ want: JSONValue, _ deviations: inout Deviations
    ) {
        let (curve, table) = (group.curve, want["table"])
        deviations.compare(
            .counts, [Double(group.rows), Double(curve.time.count)],
            [want["n"].double, want["distinct_times"].double], "counts of \(group.name)")
        let rows = table["time"].doubles.map { time in curve.time.firstIndex { abs($0 - time) <= 1e-8 } }
        deviations.compare(
            .curveCounts, rows.map { $0.map { curve.atRisk[$0] } ?? .nan },
            table["n_risk_initial_state"].doubles, "at risk of \(group.name)")
        for (cause, events) in zip(result.causes, curve.events) {
            deviations.compare(
                .curveCounts, rows.map { $0.map { events[$0] } ?? .nan }, table[cause]["n_event"].doubles,
                "\(cause) of \(group.name)")
        }
        let states = [("event_free", curve.eventFree)] + zip(result.causes, curve.incidence)
        for (state, estimates) in states {
            let place = "\(state) of \(group.name)"
            compare(estimates, at: rows, table[state], place, &deviations)
            let sums = want["checksums_all_times"][state]
            for (statistic, name, column) in Self.columns(estimates) where !sums[name].isNull {
                let sum = column.reduce(0) { $0 + ($1.value ?? 0) }
                deviations.compare(statistic, [sum], [sums[name].double], "sum of \(name), \(place)")
            }
        }
        comparePoints(group, want["at_times"], &deviations)
    }

    private func comparePoints(
        _ group: IncidenceResult.Group, _ want: JSONValue, _ deviations: inout Deviations
    ) {
        let last = group.curve.time.last ?? -.infinity
        // The reference extends a curve beyond its last time; the product says that it does not know.
        for (row, time) in want["time"].doubles.enumerated() where time <= last {
            guard let point = group.at.first(where: { $0.time == time }) else { continue }
            for (state, own) in [("event_free", point.eventFree)] + zip(result.causes, point.incidence) {
                for (statistic, name, column) in Self.columns(own) {
                    deviations.compare(
                        statistic, [column[0].value ?? .nan], [want[state][name].doubles[row]],
                        scale: [1e-3], "\(name) of \(state) at \(time)")
                }
            }
        }
    }

    private func compare(
        _ estimates: IncidenceResult.Estimates, at rows: [Int?], _ table: JSONValue, _ place: String,
        _ deviations: inout Deviations
    ) {
        for (statistic, name, column) in Self.columns(estimates) where !table[name].isNull {
            deviations.compare(
                statistic, rows.map { $0.flatMap { column[$0].value } ?? .nan }, table[name].doubles,
                scale: rows.map { _ in 1e-3 }, "\(name), \(place)")
        }
    }

    private static func columns(
        _ estimates: IncidenceResult.Estimates
    ) -> [(Statistic, String, [Reported])] {
        [
            (.incidence, "p", estimates.estimate), (.incidenceError, "se", estimates.se),
            (.incidenceLimits, "lower_log", estimates.lower),
            (.incidenceLimits, "upper_log", estimates.upper),
        ]
    }
}

extension ReferenceCase {
    /// `sex=1` is the level `1`.
    func level(ofGroup group: String) -> String {
        let columns = model["by"].strings
        return columns.count == 1 ? String(group.dropFirst(columns[0].count + 1)) : group
    }
}
