/// A cohort in numbers, for the eyes of the hospital that owns it.
///
/// Deliberately not `Codable`: no disclosure rule was applied, so it has no way onto the wire.
package struct CohortDescription: Sendable {
    package var dictionary: String
    package var rowCount: Int
    package var personCount: Int
    /// People with more than one row.
    package var severalRowsPersonCount: Int
    /// In the order of the dictionary.
    package var variables: [Variable]

    package struct Variable: Sendable {
        package var name: String
        package var presentCount: Int
        package var missingCount: Int
        package var summary: Summary
    }

    package enum Summary: Sendable {
        /// Nil if every value is missing.
        case number(NumberSummary?)
        case boolean(yes: Int, no: Int)
        /// Rows at each level, in the order of the dictionary, zeros included.
        case levels([(level: String, count: Int)])
        case identifier(distinct: Int)
    }
}

/// Where a number's values lie.
package struct NumberSummary: Hashable, Sendable {
    package var mean: Double
    /// With the divisor n − 1; nil for one value.
    package var standardDeviation: Double?
    package var minimum: Double
    package var lowerQuartile: Double
    package var median: Double
    package var upperQuartile: Double
    package var maximum: Double

    /// The summary of values of which none is NaN; nil if there are none.
    init?(_ values: [Double]) {
        let sorted = values.sorted()
        guard let minimum = sorted.first, let maximum = sorted.last else { return nil }
        let mean = sorted.reduce(0) { $0 + $1 / Double(sorted.count) }
        let squares = sorted.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
        self.mean = mean
        standardDeviation = sorted.count > 1 ? (squares / Double(sorted.count - 1)).squareRoot() : nil
        (self.minimum, self.maximum) = (minimum, maximum)
        lowerQuartile = NumberSummary.quantile(sorted, 0.25)
        median = NumberSummary.quantile(sorted, 0.5)
        upperQuartile = NumberSummary.quantile(sorted, 0.75)
    }

    /// R's default, type 7 of Hyndman & Fan (The American Statistician 1996): linear between the order
    /// statistics around 1 + (n − 1)p.
    private static func quantile(_ sorted: [Double], _ p: Double) -> Double {
        let place = Double(sorted.count - 1) * p
        let below = Int(place)
        let above = min(below + 1, sorted.count - 1)
        return sorted[below] + (place - Double(below)) * (sorted[above] - sorted[below])
    }
}
