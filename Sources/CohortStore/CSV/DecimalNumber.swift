/// Reads a decimal number: sign, digits, point, exponent; nothing else, in no locale.
///
/// Correctly rounded. With at most 19 digits whose integer is at most 2⁵³ and a power of ten of at most 22
/// both operands are exact and one multiplication or division rounds once (Clinger, PLDI 1990); the rest
/// goes to the standard library. Not accepted: infinities, NaN, hexadecimal, spaces, thousands separators.
enum DecimalNumber {
    /// The value, or nil if the bytes are not a decimal number; beyond the range of Double it is infinite.
    static func parse(_ bytes: UnsafeBufferPointer<UInt8>) -> Double? {
        var next = 0
        let isNegative = bytes.first == UInt8(ascii: "-")
        if isNegative || bytes.first == UInt8(ascii: "+") { next = 1 }
        var mantissa: UInt64 = 0
        let whole = digits(bytes, &next, into: &mantissa)
        var fraction = 0
        if next < bytes.count, bytes[next] == UInt8(ascii: ".") {
            next += 1
            fraction = digits(bytes, &next, into: &mantissa)
        }
        guard whole + fraction > 0 else { return nil }
        guard next == bytes.count, whole + fraction <= 19, mantissa <= 1 << 53, fraction <= 22 else {
            return hasExponent(bytes, from: next) ? Double(String(decoding: bytes, as: UTF8.self)) : nil
        }
        let magnitude = Double(mantissa) / powers[fraction]
        return isNegative ? -magnitude : magnitude
    }

    /// 10⁰ … 10²², all exact in a Double.
    private static let powers: [Double] = [
        1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17,
        1e18,
        1e19, 1e20, 1e21, 1e22,
    ]

    /// Reads digits from `next` on into an integer that wraps after 19 of them; gives their number.
    private static func digits(
        _ bytes: UnsafeBufferPointer<UInt8>, _ next: inout Int, into mantissa: inout UInt64
    ) -> Int {
        let start = next
        while next < bytes.count {
            let digit = bytes[next] &- UInt8(ascii: "0")
            guard digit <= 9 else { break }
            mantissa = mantissa &* 10 &+ UInt64(digit)
            next += 1
        }
        return next - start
    }

    /// Whether the rest is nothing, or `e`, an optional sign, and digits.
    private static func hasExponent(_ bytes: UnsafeBufferPointer<UInt8>, from start: Int) -> Bool {
        guard start < bytes.count else { return true }
        guard bytes[start] | 0x20 == UInt8(ascii: "e") else { return false }
        var next = start + 1
        if next < bytes.count, bytes[next] == UInt8(ascii: "+") || bytes[next] == UInt8(ascii: "-") {
            next += 1
        }
        var ignored: UInt64 = 0
        return digits(bytes, &next, into: &ignored) > 0 && next == bytes.count
    }
}
