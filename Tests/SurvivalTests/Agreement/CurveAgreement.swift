import ReferenceStudies

@testable import Survival

/// One group's curve beside R's.
struct CurveAgreement {
    private let group: SurvivalResult.Group
    private let want: JSONValue
    private let limits: ConfidenceLimits
    /// By the infinitesimal jackknife, of which R has no restricted mean.
    private let isRobust: Bool

    init(_ group: SurvivalResult.Group, _ want: JSONValue, limits: ConfidenceLimits, isRobust: Bool) {
        (self.group, self.want, self.limits, self.isRobust) = (group, want, limits, isRobust)
    }

    private var limitsInR: String { limits == .logLog ? "loglog" : limits.rawValue }

    func compare(_ deviations: inout Deviations) {
        deviations.compare(
            .counts, [Double(group.rows), Double(group.curve.time.count)],
            [want["n"].double, want["distinct_times"].double], "counts of \(group.name)")
        compareTable(&deviations)
        comparePoints(&deviations)
        compareQuantiles(&deviations)
        compareMeans(&deviations)
    }

    /// The rows of R's table, and the sums over all rows.
    private func compareTable(_ deviations: inout Deviations) {
        let (curve, table) = (group.curve, want["table"])
        let rows = table["time"].doubles.map { time in curve.time.firstIndex { abs($0 - time) <= 1e-8 } }
        var columns: [(Statistic, String, [Double])] = [
            (.curveCounts, "n_risk", curve.atRisk), (.curveCounts, "n_event", curve.events),
            (.curveCounts, "n_censor", curve.censored), (.survival, "surv", numbers(curve.survival)),
        ]
        columns += [
            (.survivalError, "se_surv", numbers(curve.se)),
            (.survivalLimits, "lower_\(limitsInR)", numbers(curve.lower)),
            (.survivalLimits, "upper_\(limitsInR)", numbers(curve.upper)),
            (.cumulativeHazard, "cumhaz", numbers(curve.hazard)),
            (.cumulativeHazard, "se_cumhaz", numbers(curve.hazardSE)),
        ]
        for (statistic, name, column) in columns {
            let place = "\(name) of \(group.name)"
            deviations.compare(
                statistic, rows.map { $0.map { column[$0] } ?? .nan }, table[name].doubles,
                scale: rows.map { _ in 1e-3 }, place)
            let sum = column.filter { !$0.isNaN }.reduce(0, +)
            deviations.compare(
                statistic, [sum], [want["checksums_all_times"][name].double], "sum of \(place)")
        }
    }

    /// The reference extends a curve beyond its last time; the product says that it does not know.
    private func comparePoints(_ deviations: inout Deviations) {
        let table = want["at_times"]
        let last = group.curve.time.last ?? -.infinity
        for (index, time) in table["time"].doubles.enumerated() {
            guard let point = group.at.first(where: { $0.time == time }) else { continue }
            let isKnown = time <= last
            func number(_ value: JSONValue) -> Double { isKnown ? value.doubles[index] : .nan }
            let place = "\(group.name) at \(time)"
            compare(.curveCounts, point.atRisk, number(table["n_risk"]), place, &deviations)
            compare(.survival, point.survival, number(table["surv"]), place, &deviations)
            let interval = table["ci"][limitsInR]
            compare(.survivalError, point.se, number(table["se_surv"]), place, &deviations)
            compare(.survivalLimits, point.lower, number(interval["lower"]), place, &deviations)
            compare(.survivalLimits, point.upper, number(interval["upper"]), place, &deviations)
        }
    }

    /// Against R's quantile(), except where it differs from print(): see Reference/README.md.
    private func compareQuantiles(_ deviations: inout Deviations) {
        let table = want["quantiles"]
        for (index, share) in table["probs"].doubles.enumerated() {
            guard let got = group.quantiles.first(where: { $0.share == share })?.time else {
                deviations.compare(.quantiles, [.nan], [share], "no quantile \(share)")
                continue
            }
            let columns = [
                (got.estimate, group.curve.survival, table["estimate"]),
                (got.lower, group.curve.lower, table["ci"][limitsInR]["lower"]),
                (got.upper, group.curve.upper, table["ci"][limitsInR]["upper"]),
            ]
            for (value, curve, expected) in columns {
                let values = curve.compactMap(\.value)
                let isOnLevel = abs((values.last ?? .nan) - (1 - share)) < 1e-8
                if isOnLevel || zip(values, values.dropFirst()).contains(where: { $0 < $1 }) { continue }
                compare(.quantiles, value, expected.doubles[index], "quantile \(share)", &deviations)
            }
        }
        let printed = want["median_as_printed"]
        compare(.quantiles, group.median.estimate, printed["median"].double, "median", &deviations)
        guard limits == .log else { return }
        compare(.quantiles, group.median.lower, printed["lower_log"].double, "median's limit", &deviations)
        compare(.quantiles, group.median.upper, printed["upper_log"].double, "median's limit", &deviations)
    }

    private func compareMeans(_ deviations: inout Deviations) {
        for mean in want["rmst"].elements where mean["tau"].double > 0 {
            guard let got = group.restrictedMeans.first(where: { $0.time == mean["tau"].double }) else {
                continue
            }
            compare(.restrictedMean, got.mean, mean["rmst"].double, "restricted mean", &deviations)
            if isRobust { continue }
            compare(.restrictedMean, got.se, mean["se"].double, "se of the restricted mean", &deviations)
        }
    }

    private func compare(
        _ statistic: Statistic, _ got: Reported, _ want: Double, _ place: String,
        _ deviations: inout Deviations
    ) {
        deviations.compare(statistic, [got.value ?? .nan], [want], scale: [1e-3], place)
    }

    private func numbers(_ values: [Reported]) -> [Double] { values.map { $0.value ?? .nan } }
}
