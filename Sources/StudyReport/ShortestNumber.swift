/// The shortest decimal that reads back to the same double, as ECMAScript writes it (RFC 8785 section
/// 3.2.2.3).
///
/// Whole numbers have no decimal point (`12`), exponents no leading zero (`1.5e-7`, `1e+21`); the exception
/// to ECMAScript is the negative zero, `-0.0`. Finite values only.
func shortestText(of value: Double) -> String {
    precondition(value.isFinite, "a number without decimal digits was not caught earlier")
    if value == 0 { return value.sign == .minus ? "-0.0" : "0" }
    let (digits, point) = shortestDigits(of: value.magnitude)
    return (value < 0 ? "-" : "") + placed(digits, point: point)
}

/// The digits of the shortest decimal 0.d₁d₂… · 10^point, without zeros at either end.
private func shortestDigits(of value: Double) -> (digits: [Character], point: Int) {
    // Swift prints the shortest digits that round-trip (Double.description), in a layout of its own.
    let parts = value.description.split(separator: "e")
    let exponent = parts.count == 2 ? Int(parts[1]) ?? 0 : 0
    let mantissa = parts[0].split(separator: ".", omittingEmptySubsequences: false)
    let (whole, fraction) = (mantissa[0], mantissa.count == 2 ? mantissa[1] : "")
    var digits = Array(whole + fraction)
    var point = whole.count + exponent
    while digits.first == "0" {
        digits.removeFirst()
        point -= 1
    }
    while digits.last == "0" { digits.removeLast() }
    return (digits, point)
}

private func placed(_ digits: [Character], point: Int) -> String {
    func zeros(_ count: Int) -> String { String(repeating: "0", count: count) }
    switch point {
    case digits.count...21 where digits.count <= 21:
        return String(digits) + zeros(point - digits.count)
    case 1...21:
        return String(digits[..<point]) + "." + String(digits[point...])
    case -5...0:
        return "0." + zeros(-point) + String(digits)
    default:
        let fraction = digits.count > 1 ? "." + String(digits[1...]) : ""
        return String(digits[0]) + fraction + "e" + (point > 0 ? "+" : "") + String(point - 1)
    }
}
