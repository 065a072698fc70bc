import Federation
import ReferenceStudies
import Testing

/// Numbers as multiples of 2^-72.
struct FixedPointTests {
    private static let unit = 0x1p-72

    @Test func `a number with no bit below 2^-72 is encoded exactly`() throws {
        var random = SeededGenerator(1)
        for _ in 0..<2000 {
            let significand = Int128(Int64.random(in: -(1 << 53)...(1 << 53), using: &random))
            let shift = Int.random(in: 0...70, using: &random)
            let value = Double(significand) * Double(sign: .plus, exponent: shift - 72, significand: 1)
            #expect(try FixedPoint.encode(value, siteCount: 2) == significand << Int128(shift))
            #expect(FixedPoint.decode(significand << Int128(shift)) == value)
        }
    }

    @Test(arguments: [
        (0.5, 0), (1.5, 2), (2.5, 2), (3.5, 4), (-0.5, 0), (-1.5, -2), (-2.5, -2),
        (0.5.nextUp, 1), (0.5.nextDown, 0), (2.5.nextUp, 3), (1.5.nextDown, 1), (-2.5.nextUp, -3), (0.75, 1),
    ])
    func `halves of the unit are rounded to even`(_ units: Double, _ encoded: Int) throws {
        #expect(try FixedPoint.encode(units * Self.unit, siteCount: 3) == Int128(encoded))
    }

    @Test(arguments: [
        Double.leastNonzeroMagnitude, .leastNormalMagnitude, .leastNormalMagnitude.nextDown, 0x1p-126,
        0x1p-74, -0.0,
    ])
    func `numbers far below the unit are zero`(_ value: Double) throws {
        #expect(try FixedPoint.encode(value, siteCount: 3) == 0)
        #expect(try FixedPoint.encode(-value, siteCount: 3) == 0)
    }

    /// 2^126 units, divided by the sites rounded up to a power of two, one bit spared for the sign.
    @Test(arguments: [
        (1, 54), (2, 53), (3, 52), (4, 52), (5, 51), (7, 51), (8, 51), (9, 50), (200, 46), (256, 46),
        (257, 45),
    ])
    func `the range shrinks with the number of sites so that no sum can wrap`(_ sites: Int, _ exponent: Int)
        throws
    {
        let limit = Double(sign: .plus, exponent: exponent, significand: 1)
        #expect(throws: FixedPointError.outOfRange) { try FixedPoint.encode(limit, siteCount: sites) }
        #expect(throws: FixedPointError.outOfRange) { try FixedPoint.encode(-limit, siteCount: sites) }
        for largest in [limit.nextDown, -limit.nextDown] {
            let encoded = try FixedPoint.encode(largest, siteCount: sites)
            #expect(!encoded.multipliedReportingOverflow(by: Int128(sites)).overflow)
            #expect(FixedPoint.decode(encoded) == largest)
        }
    }

    @Test(arguments: [Double.nan, .signalingNaN, .infinity, -.infinity])
    func `what is not a finite number is refused`(_ value: Double) {
        #expect(throws: FixedPointError.notFinite) { try FixedPoint.encode(value, siteCount: 3) }
    }

    @Test func `a number beyond every range is refused`() {
        #expect(throws: FixedPointError.outOfRange) {
            try FixedPoint.encode(.greatestFiniteMagnitude, siteCount: 1)
        }
    }

    /// The double nearest to 0.1 is 1/10 + 5.55e-18, so ten of them make the double 1; adding doubles makes 1 - 2^-53.
    @Test func `a sum of encodings is the sum of the numbers, rounded once`() throws {
        let tenths = [Double](repeating: 0.1, count: 10)
        let sum = try tenths.reduce(Int128(0)) { try $0 + FixedPoint.encode($1, siteCount: 10) }
        #expect(FixedPoint.decode(sum) == 1)
        #expect(tenths.reduce(0, +) != 1)
    }

    @Test func `a sum does not depend on the order, and keeps what is small beside what is large`() throws {
        let values = [1e12, 0x1p-72, -3.25, 1e-15, -1e12, 0x1p-30, 3.25]
        let encoded = try values.map { try FixedPoint.encode($0, siteCount: 7) }
        #expect(encoded.reduce(0, +) == encoded.shuffled().reduce(0, +))
        #expect(encoded.reduce(0, +) == (1 << 42) + 1 + (try FixedPoint.encode(1e-15, siteCount: 7)))
    }

    @Test func `decoding gives the double nearest to a sum, to even if two are as near`() {
        var random = SeededGenerator(2)
        for _ in 0..<5000 {
            let wide =
                Int128(truncatingIfNeeded: random.next()) << 64 | Int128(truncatingIfNeeded: random.next())
            let sum = wide >> Int128(Int.random(in: 1...126, using: &random))
            expectNearest(to: sum)
        }
        for odd: Int128 in [1, 3, 5, 7] {  // (2^53 + odd/2)·2^20: halfway between two doubles
            expectNearest(to: (Int128(1) << 54 + odd) << 19)
            expectNearest(to: -((Int128(1) << 54 + odd) << 19))
        }
    }

    private func expectNearest(to sum: Int128) {
        /// A double that is a whole number of units, as units.
        func units(_ value: Double) -> Int128 { Int128(value / Self.unit) }
        let decoded = FixedPoint.decode(sum)
        let distance = (units(decoded) - sum).magnitude
        for neighbour in [decoded.nextUp, decoded.nextDown] {
            let other = (units(neighbour) - sum).magnitude
            let isEven = decoded.significandBitPattern & 1 == 0
            #expect(
                distance < other || distance == other && isEven || distance == 0, "\(sum) became \(decoded)")
        }
    }
}
