/// The shortest decimal that reads back to the same double, as ECMAScript writes it (RFC 8785 section 3.2.2.3).
///
/// Whole numbers have no decimal point (`12`), exponents no leading zero (`1.5e-7`, `1e+21`), and there is one zero. Finite
/// values only. It takes the digits from the standard library, which finds them with integers alone: the text does not depend
/// on the machine, its libm or its locale.
package func shortestText(of value: Double) -> String {
    precondition(value.isFinite, "a number without decimal digits was not caught earlier")
    if value == 0 { return "0" }
    let (digits, point) = shortestDigits(of: value.magnitude)
    return (value < 0 ? "-" : "") + placed(digits, point: point)
}

/// The digits of the shortest decimal 0.d₁d₂… · 10^point, without zeros at either end.
private func shortestDigits(of value: Double) -> (digits: Substring, point: Int) {
    // Swift prints the shortest digits that round-trip (Double.description), in a layout of its own.
    let parts = value.description.split(separator: "e")
    let exponent = parts.count == 2 ? Int(parts[1]) ?? 0 : 0
    let mantissa = parts[0].split(separator: ".", omittingEmptySubsequences: false)
    let (whole, fraction) = (mantissa[0], mantissa.count == 2 ? mantissa[1] : "")
    let all = whole + fraction
    let digits = all.drop { $0 == "0" }
    let point = whole.count + exponent - (all.count - digits.count)
    guard let last = digits.lastIndex(where: { $0 != "0" }) else { return ("0", 1) }
    return (digits[...last], point)
}

private func placed(_ digits: Substring, point: Int) -> String {
    func zeros(_ count: Int) -> String { String(repeating: "0", count: count) }
    let count = digits.count
    switch point {
    case count...21 where count <= 21: return digits + zeros(point - count)
    case 1...21: return digits.prefix(point) + "." + digits.dropFirst(point)
    case -5...0: return "0." + zeros(-point) + digits
    default:
        let fraction = count > 1 ? "." + digits.dropFirst() : ""
        return digits.prefix(1) + fraction + "e" + (point > 0 ? "+" : "") + String(point - 1)
    }
}
