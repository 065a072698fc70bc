import Foundation
import Survival

/// Numbers as a table of a paper prints them; full precision is the business of the other formats.
enum NumberText {
    /// A fixed number of decimals, `-1.234`; from a million on, scientific.
    static func fixed(_ value: Double, places: Int) -> String {
        if value.isNaN { return "NA" }
        if value.isInfinite { return value > 0 ? "Inf" : "-Inf" }
        if value.magnitude >= 1e6 { return scientific(value) }
        let text = String(format: "%.\(places)f", value)
        // "-0.000" would claim a sign that the digits shown do not have.
        return text.hasPrefix("-") && !text.contains(where: { "123456789".contains($0) })
            ? String(text.dropFirst()) : text
    }

    /// As `fixed`, but scientific as well where fewer than two digits would be left: a hazard ratio, a
    /// coefficient.
    static func compact(_ value: Double, places: Int) -> String {
        let leastShown = Elementary.power(10, Double(1 - places))
        return value != 0 && value.magnitude < leastShown ? scientific(value) : fixed(value, places: places)
    }

    /// A time in the study's unit: up to eight digits, no trailing zeros.
    static func time(_ value: Double) -> String {
        value.isFinite ? String(format: "%.8g", value) : fixed(value, places: 0)
    }

    /// A count, whole unless weights make it fractional.
    static func count(_ value: Double) -> String {
        value.isFinite && value.magnitude < 1e15
            ? String(format: value == value.rounded() ? "%.0f" : "%.2f", value) : fixed(value, places: 0)
    }

    /// Degrees of freedom, whole but under a ridge penalty.
    static func degrees(_ value: Double) -> String {
        value == value.rounded() && value.magnitude < 1e6
            ? String(format: "%.0f", value) : fixed(value, places: 2)
    }

    static func percent(_ value: Double) -> String { fixed(100 * value, places: 1) + "%" }

    /// Three decimals as clinical papers have them: `0.025`, `<0.001`, `>0.999`.
    static func roundedP(_ value: Double) -> String {
        if value.isNaN { return "NA" }
        if value < 0.001 { return "<0.001" }
        return value > 0.999 && value < 1 ? ">0.999" : fixed(value, places: 3)
    }

    /// Three significant digits however small, `1.2e-15` as R prints; from the logarithm where p
    /// is too small for a double.
    static func fullP(_ p: Double, logP: Double?) -> String {
        if p.isNaN { return "NA" }
        if p >= Double.leastNormalMagnitude || logP.map({ !$0.isFinite }) ?? true {
            return String(format: "%.3g", p)
        }
        let decimalExponent = (logP ?? 0) / Elementary.logarithm(10)
        // A p without a meaning, of a statistic out of all range.
        guard decimalExponent > -99_999 else { return "<1e-99999" }
        guard decimalExponent < 0 else { return String(format: "%.3g", p) }
        var exponent = decimalExponent.rounded(.down)
        var mantissa = (Elementary.power(10, decimalExponent - exponent) * 100).rounded() / 100
        if mantissa >= 10 { (mantissa, exponent) = (mantissa / 10, exponent + 1) }
        return String(format: "%.3ge%.0f", mantissa, exponent)
    }

    static func level(_ level: Double) -> String { time(100 * level) + "%" }

    private static func scientific(_ value: Double) -> String { String(format: "%.2e", value) }
}

extension Reported {
    /// The number in words for a table: as `format` writes it, or why there is none.
    func text(_ format: (Double) -> String) -> String {
        switch self {
        case .value(let value): format(value)
        case .notAvailable: "NA"
        case .suppressed(let rule): "suppressed (\(rule))"
        }
    }
}

/// The two ends of an interval: `1.469 to 3.314`, or once the rule that withholds both.
func intervalText(_ lower: Reported, _ upper: Reported, _ format: (Double) -> String) -> String {
    if case .suppressed = lower, lower == upper { return lower.text(format) }
    if lower == .notAvailable, upper == .notAvailable { return "NA" }
    return lower.text(format) + " to " + upper.text(format)
}
