import Testing

@testable import CohortStore

struct DecimalNumberTests {
    private func parse(_ text: String) -> Double? {
        Array(text.utf8).withUnsafeBufferPointer { DecimalNumber.parse($0) }
    }

    @Test(arguments: [
        ("0", 0), ("7", 7), ("-7", -7), ("+7", 7), ("007", 7), ("5.", 5), (".5", 0.5), ("5.9", 5.9),
        ("-0.25", -0.25),
        ("1e3", 1000), ("1.5E-2", 0.015), ("2e+2", 200), ("9007199254740992", 9_007_199_254_740_992),
        ("9007199254740993", 9_007_199_254_740_992),
        ("123456789012345678901234567890", 1.2345678901234568e29),
        ("0.1234567890123456789012345", 0.12345678901234568), ("1e-400", 0),
    ])
    func `decimal numbers are read`(text: String, value: Double) {
        #expect(parse(text) == value)
    }

    @Test(arguments: [
        "", "-", "+", ".", "-.", "e5", "1e", "1e+", "1e5.", "1,5", "1 ", " 1", "1_000", "0x10", "nan", "NaN",
        "inf",
        "Infinity", "1.2.3", "--1", "1-", "12a", "१२", "1e5x", "1\u{0}",
    ])
    func `anything else is no number`(text: String) {
        #expect(parse(text) == nil)
    }

    @Test func `the smallest numbers keep their bits`() {
        #expect(parse("4.9e-324") == .leastNonzeroMagnitude)
        #expect(parse("2.2250738585072014e-308") == .leastNormalMagnitude)
    }

    @Test func `a number beyond the range of Double is infinite`() {
        #expect(parse("1e999") == .infinity)
        #expect(parse("-1e999") == -.infinity)
    }

    /// The standard library's correctly rounded conversion is the reference.
    @Test func `every shape of number is rounded as the standard library rounds it`() throws {
        var generator = SeededGenerator(state: 20_140_517)
        for _ in 0..<20_000 {
            let whole = Int.random(in: 0...16, using: &generator)
            let fraction = Int.random(in: whole == 0 ? 1...24 : 0...24, using: &generator)
            var text = Bool.random(using: &generator) ? "-" : ""
            for _ in 0..<whole { text += String(Int.random(in: 0...9, using: &generator)) }
            if fraction > 0 { text += "." }
            for _ in 0..<fraction { text += String(Int.random(in: 0...9, using: &generator)) }
            let expected = try #require(Double(text))
            #expect(parse(text) == expected, "\(text)")
        }
    }
}
