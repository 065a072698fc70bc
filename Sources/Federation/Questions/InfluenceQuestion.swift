package import Survival

/// Sums over people of squares of their influence on each group's curve.
package struct InfluenceQuestion: Question {
    package static let name = "influence"

    /// Of the groups; then, reversed, those of the time to censoring.
    package var curves: [CurveCounts]

    package init(_ curves: [CurveCounts]) { self.curves = curves }

    package static func summation(in plan: AnalysisPlan) -> Summation {
        Summation(people: .exits, functions: .influences, isIndexedByTime: true)
    }

    package static func words(in plan: AnalysisPlan) -> String {
        "sums over people of squares of their influence on each curve, once"
    }

    package var coordinates: Coordinates? { nil }
    package var beta: [Double]? { nil }

    package func numberCount(in plan: AnalysisPlan) -> Int { curves.reduce(0) { $0 + $1.squareCount } }

    package func labels(in plan: AnalysisPlan) -> [String] {
        curves.enumerated().flatMap { index, curve in
            let which = "\(curve.isReversed ? "time to censoring, " : "")curve \(index + 1)"
            let quantities =
                curve.shape == .incidence
                ? ["event-free"] + plan.causes.map(\.name) : ["survival", "cumulative hazard"]
            return curve.counts.times.flatMap { time in quantities.map { "\(which), \($0) at \(time)" } }
                + curve.areas.map { "\(which), area to \($0)" }
        }
    }

    package func write(to bytes: inout QuestionBytes) {
        for curve in curves { write(curve, to: &bytes) }
    }

    private func write(_ curve: CurveCounts, to bytes: inout QuestionBytes) {
        let shape: Double =
            switch curve.shape {
            case .productLimit: 0
            case .exponential: 1
            case .incidence: 2
            }
        bytes.append([shape, Double(curve.counts.events.count), curve.isReversed ? 1 : 0])
        bytes.append(curve.ends.map { Double($0) })
        bytes.append(curve.counts.times)
        for events in curve.counts.events { bytes.append(events) }
        bytes.append(curve.counts.censored)
        bytes.append(curve.counts.entered ?? [])
        bytes.append(curve.areas)
        for interval in curve.counts.intervals ?? [] {
            bytes.append([
                interval.start, interval.end, Double(interval.places ?? 0), interval.isClosed ? 1 : 0,
            ])
        }
    }

    /// Squares of people's influence on the curves of the groups, one group after the other; then on those of the time to censoring.
    package func answer(from site: SiteAnalysis) -> [Double] {
        guard let axis = site.plan.axis else { return [] }
        let cases = site.cases
        let groupCount = curves.count { !$0.isReversed }
        return curves.enumerated().flatMap { index, curve in
            let rows = cases.exit.indices.filter { row in
                site.rows.groups.map { Int($0[row]) % groupCount == index % groupCount } ?? true
            }
            let places = rows.map { row in
                CurveInfluence.Row(
                    entry: cases.entry.map { axis.entryPosition(of: $0[row]) },
                    exit: axis.position(of: cases.exit[row]),
                    cause: cause(of: row, site, isReversed: curve.isReversed),
                    weight: site.rows.weights?[row] ?? 1, on: curve)
            }
            return CurveInfluence(curve).squares(places, by: rows.map { cases.person[$0] })
        }
    }

    private func cause(of row: Int, _ site: SiteAnalysis, isReversed: Bool) -> Int? {
        guard let causes = site.causes else { return site.cases.event[row] != isReversed ? 0 : nil }
        return causes[row] >= 0 ? causes[row] : nil
    }
}
