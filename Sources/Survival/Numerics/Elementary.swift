/// The elementary functions, with the same bits on every machine.
///
/// The system's `exp`, `log` and `pow` take other paths on processors with fused multiply-add, and change from version to version.
/// What hospitals compute apart has to agree in every bit, so these use addition, multiplication, division and integers alone,
/// which IEEE 754 defines exactly, in an order that Swift keeps. Each is within 1 ulp of the exact value (measured: 0.65 at most).
///
/// Methods: P. T. P. Tang, Table-driven implementation of the exponential function (ACM TOMS 1989; 15:144) and of the logarithm
/// function (1990; 16:378); splitting and exact sums and products after T. J. Dekker (Numerische Mathematik 1971; 18:224).
package enum Elementary {
    // MARK: - Exponentials

    /// eˣ.
    package static func exponential(_ x: Double) -> Double { exponential(x, rest: 0) }

    /// eˣ − 1, without cancellation near 0.
    package static func exponentialMinus1(_ x: Double) -> Double {
        if !(x.magnitude >= 0x1p-54) { return x }
        if x > 40 { return exponential(x) }
        if x < -40 { return -1 }
        let (n, count) = nearestStep(x)
        let (start, correction) = (x - count * stepHigh, count * stepLow)
        let r = start - correction
        let rest = (start - r) - correction
        let (power, missing) = powerOfTwo(n)
        let curve =
            r * r * (0.5 + r * (1.0 / 6 + r * (1.0 / 24 + r * (1.0 / 120 + r * (1.0 / 720)))))
        // 2ⁿ(1 + r + curve) − 1, the large parts exactly.
        let scale = power * powerOfTwo(exponent: n >> 7)
        let less = sum(scale, -1)
        let product = product(scale, r)
        let total = sum(less.high, product.high)
        let small = scale * (rest + curve + missing * (1 + r))
        return total.high + (total.low + less.low + (product.low + small))
    }

    /// e^(x + rest), for a rest far smaller than x or 0.
    private static func exponential(_ x: Double, rest: Double) -> Double {
        guard x.magnitude < 750 else { return x.isNaN ? x : x > 0 ? .infinity : 0 }
        let (n, count) = nearestStep(x)
        let r = x - count * stepHigh - count * stepLow + rest
        let (power, missing) = powerOfTwo(n)
        let square = r * r
        let curve = square * (0.5 + r * (1.0 / 6)) + square * square * (1.0 / 24 + r * (1.0 / 120))
        let value = power + power * (missing + r + curve)
        let exponent = n >> 7
        if exponent > -1022, exponent < 1024 { return value * powerOfTwo(exponent: exponent) }
        // In two steps, the second of which rounds to a subnormal number or overflows.
        return value * powerOfTwo(exponent: exponent >> 1) * powerOfTwo(exponent: exponent - exponent >> 1)
    }

    /// ln 2/128 in two parts; the first has 35 bits, so that its multiples are exact.
    private static let stepHigh = 0x1.62e42fefap-8
    private static let stepLow = 0x1.cf79abc9e3b39p-47

    /// The multiple of ln 2/128 nearest to x, as an integer and as a number; |x| < 2²⁰.
    ///
    /// Adding 1.5·2⁵² rounds to an integer and leaves it in the low bits.
    private static func nearestStep(_ x: Double) -> (n: Int, count: Double) {
        let shifted = x * 0x1.71547652b82fep7 + 0x1.8p52
        return (Int(Int32(truncatingIfNeeded: shifted.bitPattern)), shifted - 0x1.8p52)
    }

    /// 2^(n/128) without its whole powers of 2, and what is missing from it, relative to it.
    private static func powerOfTwo(_ n: Int) -> (power: Double, missing: Double) {
        let index = 2 * (n & 127)
        return (NumericTables.powersOfTwo[index], NumericTables.powersOfTwo[index + 1])
    }

    private static func powerOfTwo(exponent: Int) -> Double {
        Double(bitPattern: UInt64(truncatingIfNeeded: exponent + 1023) << 52)
    }

    // MARK: - Logarithms

    /// The natural logarithm; −∞ at 0, NaN below.
    package static func logarithm(_ x: Double) -> Double {
        guard x > 0, x < .infinity else { return x == 0 ? -.infinity : x == .infinity ? x : .nan }
        let parts = logarithmParts(x)
        return parts.high + parts.low
    }

    /// log(1 + x), without cancellation near 0.
    package static func logarithm1p(_ x: Double) -> Double {
        if !(x.magnitude >= 0x1p-53) { return x }
        guard x > -1, x < .infinity else { return x == -1 ? -.infinity : x == .infinity ? x : .nan }
        let whole = sum(1, x)
        let parts = logarithmParts(whole.high)
        return parts.high + (parts.low + whole.low / whole.high)
    }

    /// ln 2 in two parts; multiples of the first, with the table's logarithms added, are exact.
    private static let ln2High = 0x1.62e42fefa38p-1
    private static let ln2Low = 0x1.ef35793c7673p-45
    private static let significandStart: UInt64 = 0x3fe6_9555_0000_0000

    /// The natural logarithm of a positive finite number in two parts, with a relative error below 2⁻⁶⁶.
    ///
    /// x = 2ᵏz, and a reciprocal c of z from the table leaves r = cz − 1, |r| < 0.006, which is exact in two parts.
    private static func logarithmParts(_ x: Double) -> (high: Double, low: Double) {
        let isNormal = x >= .leastNormalMagnitude
        let bits = isNormal ? x.bitPattern : (x * 0x1p52).bitPattern
        let offset = Int64(bitPattern: bits &- significandStart)
        let k = Double((offset >> 52) - (isNormal ? 0 : 52))
        let z = bits &- (UInt64(bitPattern: offset) & 0xfff << 52)
        let index = 3 * (Int(truncatingIfNeeded: offset >> 45) & 127)
        let reciprocal = NumericTables.reciprocals[index]
        let zHigh = Double(bitPattern: (z &+ 1 << 31) & ~0xffff_ffff)
        let rHigh = zHigh * reciprocal - 1
        let rLow = (Double(bitPattern: z) - zHigh) * reciprocal
        let r = rHigh + rLow
        // k ln 2 − log c + r − r²/2, the large parts exactly, then the series from r³/3 on.
        let constant = k * ln2High + NumericTables.reciprocals[index + 1]
        let line = constant + r
        let half = -0.5 * rHigh
        let high = line + rHigh * half
        var low = k * ln2Low + NumericTables.reciprocals[index + 2]
        low += constant - line + r
        low += rLow * (-0.5 * r + half)
        low += line - high + rHigh * half
        let square = r * r
        let early = 1.0 / 3 - r * 0.25 + square * (0.2 - r * (1.0 / 6))
        let late = 1.0 / 7 - r * 0.125 + square * (1.0 / 9)
        low += r * square * (early + square * square * late)
        let sum = high + low
        return (sum, high - sum + low)
    }

    // MARK: - Powers

    /// xʸ, with the special cases of IEEE 754's `pow`.
    package static func power(_ x: Double, _ y: Double) -> Double {
        if y == 0 || x == 1 { return 1 }
        if x.isNaN || y.isNaN { return .nan }
        guard y.isFinite else { return powerToInfinity(x.magnitude, y) }
        let isOdd = isOddInteger(y)
        guard x != 0, x.isFinite else {
            let size = (x == 0) == (y > 0) ? 0 : Double.infinity
            return isOdd && x.sign == .minus ? -size : size
        }
        guard x > 0 || isInteger(y) else { return .nan }
        let size = positivePower(x.magnitude, y)
        return isOdd && x < 0 ? -size : size
    }

    private static func powerToInfinity(_ size: Double, _ y: Double) -> Double {
        size == 1 ? 1 : (size > 1) == (y > 0) ? .infinity : 0
    }

    /// e^(y log x), with the product in two parts; x is positive and finite, y finite.
    private static func positivePower(_ x: Double, _ y: Double) -> Double {
        let log = logarithmParts(x)
        guard (y * log.high).magnitude < 800 else { return y * log.high > 0 ? .infinity : 0 }
        let (yHigh, logHigh) = (upperHalf(y), upperHalf(log.high))
        let logLow = log.high - logHigh + log.low
        return exponential(yHigh * logHigh, rest: (y - yHigh) * logHigh + y * logLow)
    }

    /// The number with its 27 lowest bits cleared: two such have an exact product.
    private static func upperHalf(_ x: Double) -> Double {
        Double(bitPattern: x.bitPattern & ~0x7ff_ffff)
    }

    private static func isInteger(_ y: Double) -> Bool {
        y.magnitude >= 0x1p52 || (y.magnitude + 0x1p52) - 0x1p52 == y.magnitude
    }

    private static func isOddInteger(_ y: Double) -> Bool {
        y.magnitude < 0x1p53 && isInteger(y) && !isInteger(y / 2)
    }

    // MARK: - Exact sums and products

    /// a + b as the nearest number and its error, by Knuth's six operations.
    private static func sum(_ a: Double, _ b: Double) -> (high: Double, low: Double) {
        let high = a + b
        let taken = high - a
        return (high, (a - (high - taken)) + (b - taken))
    }

    /// a·b as the nearest number and its error, by Dekker's splitting; for numbers far from overflow and underflow.
    private static func product(_ a: Double, _ b: Double) -> (high: Double, low: Double) {
        let high = a * b
        let (aHigh, bHigh) = (upperHalf(a), upperHalf(b))
        let (aLow, bLow) = (a - aHigh, b - bHigh)
        return (high, aLow * bLow - (high - aHigh * bHigh - aLow * bHigh - aHigh * bLow))
    }
}
