import Foundation
import Testing

@testable import Survival

/// Our elementary and special functions against values of 100 digits, which values.py beside this file makes.
@Suite struct NumericFunctionTests {
    private typealias Line = (arguments: [Double], value: Double, missing: Double)

    @Test(arguments: ["exponential", "exponentialMinus1", "logarithm", "logarithm1p", "power"])
    func `elementary functions are within one ulp`(name: String) throws {
        for line in try Self.lines(name) {
            let found = try Self.evaluate(name, line.arguments)
            guard line.value.isFinite else {
                #expect(found == line.value, "\(name)(\(line.arguments))")
                continue
            }
            let unit = max(line.value.magnitude.ulp, .leastNonzeroMagnitude)
            let error = abs((found - line.value) / unit - line.missing)
            #expect(error <= 0.75, "\(name)(\(line.arguments)) is \(found): \(error) ulp off")
        }
    }

    @Test(arguments: ["errorFunction", "complementaryErrorFunction", "logGamma"])
    func `special functions are within 1e-14`(name: String) throws {
        for line in try Self.lines(name) {
            let found = try Self.evaluate(name, line.arguments)
            // A subnormal number has fewer digits.
            let tolerance = max(2e-15 * line.value.magnitude, .leastNonzeroMagnitude)
            #expect(
                found == line.value || abs(found - line.value) <= tolerance,
                "\(name)(\(line.arguments)) is \(found), not \(line.value)")
        }
    }

    @Test func `what is no number, or has no value, comes out as in IEEE 754`() {
        let (infinity, nan) = (Double.infinity, Double.nan)
        let cases: [(Double, Double)] = [
            (Elementary.exponential(infinity), infinity), (Elementary.exponential(-infinity), 0),
            (Elementary.exponential(nan), nan), (Elementary.exponential(1e308), infinity),
            (Elementary.exponential(-1e308), 0), (Elementary.exponential(0), 1),
            (Elementary.exponentialMinus1(infinity), infinity), (Elementary.exponentialMinus1(-infinity), -1),
            (Elementary.exponentialMinus1(nan), nan), (Elementary.exponentialMinus1(-0.0), -0.0),
            (Elementary.exponentialMinus1(-1e308), -1),
            (Elementary.logarithm(0), -infinity), (Elementary.logarithm(-0.0), -infinity),
            (Elementary.logarithm(-1), nan), (Elementary.logarithm(-infinity), nan),
            (Elementary.logarithm(infinity), infinity), (Elementary.logarithm(nan), nan),
            (Elementary.logarithm(1), 0),
            (Elementary.logarithm1p(-1), -infinity), (Elementary.logarithm1p(-1.5), nan),
            (Elementary.logarithm1p(infinity), infinity), (Elementary.logarithm1p(nan), nan),
            (Elementary.logarithm1p(-0.0), -0.0),
            (Special.errorFunction(infinity), 1), (Special.errorFunction(-infinity), -1),
            (Special.errorFunction(nan), nan), (Special.errorFunction(-0.0), -0.0),
            (Special.complementaryErrorFunction(infinity), 0),
            (Special.complementaryErrorFunction(-infinity), 2),
            (Special.complementaryErrorFunction(nan), nan), (Special.complementaryErrorFunction(0), 1),
            (Special.logGamma(0), infinity), (Special.logGamma(-0.5), nan),
            (Special.logGamma(infinity), infinity), (Special.logGamma(nan), nan), (Special.logGamma(1), 0),
            (Special.logGamma(2), 0),
        ]
        for (index, (found, expected)) in cases.enumerated() {
            #expect(isSame(found, expected), "case \(index): \(found), not \(expected)")
        }
    }

    /// The table of ISO C's Annex F.
    @Test func `powers have the special cases of IEEE 754`() {
        let (infinity, nan, huge) = (Double.infinity, Double.nan, 1e300)
        let cases: [(Double, Double, Double)] = [
            (nan, 0, 1), (0, 0, 1), (infinity, -0.0, 1), (1, nan, 1), (1, infinity, 1), (-1, infinity, 1),
            (-1, -infinity, 1), (nan, 1, nan), (2, nan, nan), (-2, 0.5, nan), (-infinity, 0.5, infinity),
            (0, 3, 0), (-0.0, 3, -0.0), (-0.0, 2, 0), (-0.0, -3, -infinity), (0, -3, infinity),
            (-0.0, -2, infinity), (0, -infinity, infinity), (0, infinity, 0), (0.5, infinity, 0),
            (0.5, -infinity, infinity), (-2, infinity, infinity), (-2, -infinity, 0),
            (infinity, 0.5, infinity), (infinity, -0.5, 0), (-infinity, 3, -infinity),
            (-infinity, 2, infinity), (-infinity, -3, -0.0), (-infinity, -2, 0), (2, huge, infinity),
            (2, -huge, 0), (0.5, huge, 0), (-2, huge, infinity), (-2, 1025, -infinity), (-2, -1077, -0.0),
            (-3, 3, -27), (4, 0.5, 2), (10, 3, 1000), (2, -1074, .leastNonzeroMagnitude),
            (1.5, .leastNonzeroMagnitude, 1),
            (-8, 0x1p52 + 1, -infinity), (-1, 0x1p53 - 1, -1), (-1, 0x1p53, 1),
        ]
        for (x, y, expected) in cases {
            let found = Elementary.power(x, y)
            #expect(isSame(found, expected), "\(x) to the power \(y) is \(found), not \(expected)")
        }
    }

    /// The same bits, or both no number.
    private func isSame(_ found: Double, _ expected: Double) -> Bool {
        found.bitPattern == expected.bitPattern || found.isNaN && expected.isNaN
    }

    private static func evaluate(_ name: String, _ x: [Double]) throws -> Double {
        switch name {
        case "exponential": Elementary.exponential(x[0])
        case "exponentialMinus1": Elementary.exponentialMinus1(x[0])
        case "logarithm": Elementary.logarithm(x[0])
        case "logarithm1p": Elementary.logarithm1p(x[0])
        case "power": Elementary.power(x[0], x[1])
        case "errorFunction": Special.errorFunction(x[0])
        case "complementaryErrorFunction": Special.complementaryErrorFunction(x[0])
        case "logGamma": Special.logGamma(x[0])
        default: throw CocoaError(.featureUnsupported)
        }
    }

    /// One line of values.json: bits of the arguments, bits of the value, what is missing from it in ulps.
    private static func lines(_ name: String) throws -> [Line] {
        let file = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "values.json")
        let tables = try JSONDecoder().decode([String: [[Cell]]].self, from: Data(contentsOf: file))
        let lines = try #require(tables[name]).map { cells in
            let numbers = cells.map(\.value)
            return (Array(numbers.dropLast(2)), numbers[numbers.count - 2], numbers[numbers.count - 1])
        }
        try #require(lines.count > 100)
        return lines
    }

    private struct Cell: Decodable {
        let value: Double

        init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            if let number = try? container.decode(Double.self) {
                value = number
            } else {
                let text = try container.decode(String.self)
                guard let bits = UInt64(text, radix: 16) else {
                    throw DecodingError.dataCorruptedError(
                        in: container, debugDescription: "not bits: \(text)")
                }
                value = Double(bitPattern: bits)
            }
        }
    }
}
