import Federation
import Foundation
import ReferenceStudies
import Testing

/// Rounding a time to the digits that it is written with.
struct SignificantDigitsTests {
    static let cases: [(Double, Double)] = [
        (0.30000000000000004, 0.3), (3.3000000000000003, 3.3), (-0.30000000000000004, -0.3),
        (123.45600000000002, 123.456), (0, 0), (-0.0, -0.0), (0.99999999999999989, 1),
        (9_999_999_999_999_998, 1e16), (1.0000000000000002e300, 1e300), (2.5e-308, 2.5e-308),
        (.leastNonzeroMagnitude, .leastNonzeroMagnitude), (.infinity, .infinity), (5e22, 5e22),
        (1_790_000_000.125, 1_790_000_000.125),
    ]

    @Test(arguments: cases)
    func `a number becomes the one of fifteen digits nearest to it`(value: Double, expected: Double) {
        #expect(value.rounded(toSignificantDigits: 15).bitPattern == expected.bitPattern)
    }

    /// The C library rounds the exact number; ours its shortest spelling.
    ///
    /// They can differ only if that ends in 5 at the sixteenth.
    @Test func `random numbers are rounded as the C library rounds them`() {
        var random = SeededGenerator(9)
        for _ in 0..<20_000 {
            let exponent = Int.random(in: -60...60, using: &random)
            let value = Double(
                sign: .plus, exponent: exponent, significand: .random(in: 1..<2, using: &random))
            let written = "\(value)".prefix { $0 != "e" }.filter(\.isNumber).drop { $0 == "0" }
            let digits = written.reversed().drop { $0 == "0" }
            // The spelling of a whole number below 2⁵³ is the number itself.
            let isExact = value < 0x1p53 && value.rounded() == value
            guard isExact || digits.count != 16 || digits.first != "5" else { continue }
            #expect(value.rounded(toSignificantDigits: 15) == Double(String(format: "%.15g", value)))
        }
    }
}
