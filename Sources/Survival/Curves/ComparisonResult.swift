/// Groups compared with one of them: by their survival at times and by their restricted means.
package struct ComparisonResult: Hashable, Sendable, Codable {
    package var id: String
    package var counts: CohortCounts
    package var times: TimeAxisKind
    /// The variable or definition that makes the groups.
    package var by: String
    /// The group that the others are compared with.
    package var reference: String
    package var level: Double
    /// All groups, in their order.
    package var groups: [Group]
    package var warnings: [String]
    /// The event that the analysis has in place of the endpoint's.
    package var event: String?
    /// The width of the study's grid, if the curves are on it.
    package var gridWidth: Double?

    package struct Group: Hashable, Sendable, Codable {
        package var name: String
        package var rows: Int
        package var events: Int
        package var survival: [SurvivalResult.Point]
        package var restrictedMeans: [SurvivalResult.RestrictedMean]
        /// Against the reference, at each of the times; none of the reference itself.
        package var survivalDifferences: [Contrast]
        package var meanDifferences: [Contrast]
        package var meanRatios: [Contrast]

        package init(
            name: String, rows: Int, events: Int, survival: [SurvivalResult.Point],
            restrictedMeans: [SurvivalResult.RestrictedMean]
        ) {
            (self.name, self.rows, self.events) = (name, rows, events)
            (self.survival, self.restrictedMeans) = (survival, restrictedMeans)
            (survivalDifferences, meanDifferences, meanRatios) = ([], [], [])
        }

        /// The same with what sets it apart from another group.
        package func compared(with reference: Group, level: Double) -> Group {
            var compared = self
            compared.survivalDifferences = zip(survival, reference.survival).map {
                .difference(
                    at: $0.time, of: ($0.survival, $0.se, $0.grid?.survival),
                    to: ($1.survival, $1.se, $1.grid?.survival), level: level)
            }
            compared.meanDifferences = zip(restrictedMeans, reference.restrictedMeans).map {
                .difference(
                    at: $0.time, of: ($0.mean, $0.se, $0.bounds), to: ($1.mean, $1.se, $1.bounds),
                    level: level)
            }
            compared.meanRatios = zip(restrictedMeans, reference.restrictedMeans).map {
                .ratio(
                    at: $0.time, of: ($0.mean, $0.se, $0.bounds), to: ($1.mean, $1.se, $1.bounds),
                    level: level)
            }
            return compared
        }
    }

    /// A difference or a ratio of two independent groups at a time, with the normal approximation's limits and p.
    package struct Contrast: Hashable, Sendable, Codable {
        package var time: Double
        package var estimate: Reported
        /// Of a ratio, that of its logarithm.
        package var se: Reported
        package var lower: Reported
        package var upper: Reported
        package var z: Reported
        package var p: Reported
        package var logP: Reported
        /// On a grid: between which values exact times would put the estimate.
        package var bounds: Bounds?

        package typealias Estimate = (value: Reported, se: Reported, bounds: Bounds?)

        /// a − b, its variance the sum of both.
        package static func difference(
            at time: Double, of a: Estimate, to b: Estimate, level: Double
        ) -> Contrast {
            let pair = both(a, b)
            let bounds = both(a.bounds, b.bounds).map { a, b in
                Bounds(
                    lowest: Reported(both(a.lowest, b.highest).map { $0 - $1 }),
                    highest: Reported(both(a.highest, b.lowest).map { $0 - $1 }))
            }
            return Contrast(
                time: time, pair.map { $0.value - $1.value },
                se: pair.map { ($0.se * $0.se + $1.se * $1.se).squareRoot() }, level: level, bounds: bounds)
        }

        /// a/b, symmetric on the logarithm's scale: the variance of log a is se²/a² (the delta method).
        package static func ratio(
            at time: Double, of a: Estimate, to b: Estimate, level: Double
        ) -> Contrast {
            let pair = both(a, b).flatMap { $0.value > 0 && $1.value > 0 ? ($0, $1) : nil }
            let bounds = both(a.bounds, b.bounds).map { a, b in
                Bounds(
                    lowest: Reported(both(a.lowest, b.highest).map { $0 / $1 }),
                    highest: Reported(both(a.highest, b.lowest).map { $0 / $1 }))
            }
            var contrast = Contrast(
                time: time, pair.map { Elementary.logarithm($0.value / $1.value) },
                se: pair.map { a, b in
                    let (own, other) = (a.se / a.value, b.se / b.value)
                    return (own * own + other * other).squareRoot()
                }, level: level, bounds: bounds)
            contrast.estimate = Reported(pair.map { $0.value / $1.value })
            contrast.lower = Reported(contrast.lower.value.map(Elementary.exponential))
            contrast.upper = Reported(contrast.upper.value.map(Elementary.exponential))
            return contrast
        }

        /// NA in all but the estimate where there is no error to judge it by.
        private init(time: Double, _ value: Double?, se: Double?, level: Double, bounds: Bounds?) {
            (self.time, self.bounds) = (time, bounds)
            (estimate, self.se) = (Reported(value), Reported(se))
            guard let value, let se, se > 0 else {
                (lower, upper, z) = (.notAvailable, .notAvailable, .notAvailable)
                (p, logP) = (.notAvailable, .notAvailable)
                return
            }
            let width = Normal.quantile(0.5 + level / 2) * se
            (lower, upper, z) = (Reported(value - width), Reported(value + width), Reported(value / se))
            let tail = Normal.twoSidedP(value / se)
            (p, logP) = (Reported(tail.p), Reported(tail.logP))
        }

        private static func both(
            _ a: Estimate, _ b: Estimate
        ) -> ((value: Double, se: Double), (value: Double, se: Double))? {
            guard let value = a.value.value, let se = a.se.value, let other = b.value.value,
                let otherSE = b.se.value
            else { return nil }
            return ((value, se), (other, otherSE))
        }

        private static func both(_ a: Reported, _ b: Reported) -> (Double, Double)? {
            both(a.value, b.value)
        }

        private static func both<Value>(_ a: Value?, _ b: Value?) -> (Value, Value)? {
            a.flatMap { a in b.map { (a, $0) } }
        }
    }

    package init(
        id: String, counts: CohortCounts, times: TimeAxisKind, by: String, reference: String, level: Double,
        groups: [Group], warnings: [String]
    ) {
        (self.id, self.counts, self.times, self.by) = (id, counts, times, by)
        (self.reference, self.level, self.groups, self.warnings) = (reference, level, groups, warnings)
    }
}
