/// Doubles as 128-bit fixed-point integers with 72 fraction bits, so that sums over sites are exact and have no order.
///
/// With standardised covariates the encoding loses less than 1e-15 of any sum that a study asks for; a value beyond
/// ±2^126 / 2^⌈log₂ sites⌉ units is refused, so that a sum over the sites cannot wrap.
package enum FixedPoint {
    package static let fractionBits = 72

    /// Rounds to the nearest unit of 2^-72, ties to even.
    ///
    /// Throws `FixedPointError.notFinite` or `.outOfRange`; never wraps.
    package static func encode(_ value: Double, siteCount: Int) throws(FixedPointError) -> Int128 {
        guard value.isFinite else { throw .notFinite }
        let limit = powerOfTwo(126 - bitsNeeded(for: siteCount) - fractionBits)
        guard abs(value) < limit else { throw .outOfRange }
        return rounded(value)
    }

    /// The nearest double to a sum of encoded values.
    ///
    /// A number above 2⁶⁴ is rounded by its leading 64 bits, the last of which also stands for all that follow: `Double(sum)`
    /// takes several times as long, which shows where there are sums at many times.
    package static func decode(_ sum: Int128) -> Double {
        let magnitude = sum.magnitude
        let dropped = max(0, 64 - magnitude.leadingZeroBitCount)
        var leading = UInt64(truncatingIfNeeded: magnitude &>> UInt128(dropped))
        if magnitude.trailingZeroBitCount < dropped { leading |= 1 }
        let value = Double(leading) * powerOfTwo(dropped - fractionBits)
        return sum < 0 ? -value : value
    }

    private static func powerOfTwo(_ exponent: Int) -> Double {
        Double(sign: .plus, exponent: exponent, significand: 1)
    }

    /// A double is m·2^e with an integer m below 2^53, so the encoding is a shift of m by e + 72.
    private static func rounded(_ value: Double) -> Int128 {
        guard value != 0 else { return 0 }
        let shift = Int(value.exponent) - 52 + fractionBits
        let magnitude = Int128(abs(value).significandBitPattern | (value.isNormal ? 1 << 52 : 0))
        let encoded: Int128
        if shift >= 0 {
            encoded = magnitude << Int128(shift)
        } else if shift > -60 {
            encoded = roundedHalfToEven(magnitude, droppingBits: -shift)
        } else {
            encoded = 0
        }
        return value < 0 ? -encoded : encoded
    }

    private static func roundedHalfToEven(_ magnitude: Int128, droppingBits bits: Int) -> Int128 {
        let quotient = magnitude >> Int128(bits)
        let rest = magnitude - (quotient << Int128(bits))
        let half = Int128(1) << Int128(bits - 1)
        let roundsUp = rest > half || (rest == half && quotient & 1 == 1)
        return quotient + (roundsUp ? 1 : 0)
    }

    private static func bitsNeeded(for siteCount: Int) -> Int {
        siteCount <= 1 ? 0 : Int.bitWidth - (siteCount - 1).leadingZeroBitCount
    }
}

/// Why a number cannot be sent.
package enum FixedPointError: Error, Hashable, Sendable, CustomStringConvertible {
    case notFinite
    case outOfRange

    package var description: String {
        switch self {
        case .notFinite: "a sum is not a finite number; a covariate or weight of the model overflows"
        case .outOfRange:
            "a sum is too large to be sent; give the covariates, weights and offsets a range in the dictionary, or a smaller scale in the study's terms"
        }
    }
}
