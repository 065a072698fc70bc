/// A number of a report that may be missing for a reason a reader must see.
///
/// In JSON a value is a number, `notAvailable` is `null`, and `suppressed` is the object `{"suppressed": "<rule>"}`, so that
/// a suppressed number is never mistaken for a zero.
package enum Reported: Hashable, Sendable {
    case value(Double)
    /// R's `NA`: an aliased coefficient, a median that is not reached.
    case notAvailable
    /// Withheld by the named disclosure rule.
    case suppressed(rule: String)

    /// NaN counts as not available; infinities are kept.
    package init(_ value: Double?) {
        if let value, !value.isNaN { self = .value(value) } else { self = .notAvailable }
    }

    package var value: Double? {
        if case .value(let value) = self { value } else { nil }
    }
}

/// Between which values a number lies that a grid of times does not tell exactly.
package struct Bounds: Hashable, Sendable, Codable {
    package var lowest: Reported
    package var highest: Reported

    package init(lowest: Reported, highest: Reported) {
        (self.lowest, self.highest) = (lowest, highest)
    }

    package static var notAvailable: Self { Self(lowest: .notAvailable, highest: .notAvailable) }
}

/// A test statistic with its degrees of freedom and upper-tail p-value.
package struct TestResult: Hashable, Sendable, Codable {
    package var statistic: Reported
    /// A whole number, but under a ridge penalty.
    package var degreesOfFreedom: Double
    package var p: Reported
    /// Natural logarithm of p, which stays meaningful where p underflows to 0.
    package var logP: Reported

    package init(statistic: Reported, degreesOfFreedom: Double, p: Reported, logP: Reported) {
        (self.statistic, self.degreesOfFreedom, self.p, self.logP) = (statistic, degreesOfFreedom, p, logP)
    }
}
