/// The error function and the logarithm of the gamma function, with the same bits on every machine (see `Elementary`).
///
/// Within 1e-14 of the exact value, relative to it, wherever that is a normal number (measured: 8e-16 at most).
package enum Special {
    /// 2/√π ∫₀ˣ exp(−t²) dt.
    package static func errorFunction(_ x: Double) -> Double {
        let size = x.magnitude
        if !(size > 1) { return x * polynomial(NumericTables.errorFunction, size * size - 0.5) }
        let value = size > 6 ? 1 : 1 - complementaryErrorFunction(size)
        return x < 0 ? -value : value
    }

    /// 1 − erf(x), without cancellation for large x.
    package static func complementaryErrorFunction(_ x: Double) -> Double {
        if x.isNaN { return x }
        if x < 0.5 { return 1 - errorFunction(x) }
        if x > 28 { return 0 }
        return negativeSquareExponential(x) * scaledComplement(x)
    }

    /// log Γ(x) for x > 0; ∞ at 0, NaN below.
    ///
    /// Its zeros at 1 and 2 are factors of what is computed, so that the value is exact near them too.
    package static func logGamma(_ x: Double) -> Double {
        guard x > 0, x < .infinity else { return x == 0 || x == .infinity ? .infinity : .nan }
        if x < 1 { return logGammaToTwo(x) - Elementary.logarithm(x) }
        if x < 2 { return logGammaToTwo(x - 1) }
        if x >= 9 { return stirling(x) }
        var (rest, factors) = (x, 1.0)
        while rest >= 3 {
            rest -= 1
            factors *= rest
        }
        let base = (rest - 2) * polynomial(NumericTables.logGammaToThree, rest - 2.5)
        return factors == 1 ? base : base + Elementary.logarithm(factors)
    }

    // MARK: - Parts

    /// exp(−x²): the square of x's upper half is exact, and what is missing from x² is small.
    private static func negativeSquareExponential(_ x: Double) -> Double {
        let upper = Double(bitPattern: x.bitPattern & ~0x7ff_ffff)
        return Elementary.exponential(-upper * upper) * Elementary.exponential(-(x - upper) * (x + upper))
    }

    /// exp(x²) erfc(x) for x ≥ 0, in t = 1/(1 + x/4).
    private static func scaledComplement(_ x: Double) -> Double {
        let t = 4 / (4 + x)
        let part = min(Int(t * 16), 15)
        let coefficients = NumericTables.scaledComplement[(12 * part)..<(12 * part + 12)]
        return t * polynomial(coefficients, t - (Double(part) + 0.5) / 16)
    }

    /// log Γ(1 + u) for u from 0 to 1.
    private static func logGammaToTwo(_ u: Double) -> Double {
        // Never −0.
        u * (u - 1) * polynomial(NumericTables.logGammaToTwo, u - 0.5) + 0
    }

    /// Stirling's series (Abramowitz and Stegun 6.1.41), for x ≥ 9.
    private static func stirling(_ x: Double) -> Double {
        let coefficients: [Double] = [
            1.0 / 12, -1.0 / 360, 1.0 / 1260, -1.0 / 1680, 1.0 / 1188, -691.0 / 360_360, 1.0 / 156,
            -3617.0 / 122_400,
        ]
        let halfLogTwoPi = 0x1.d67f1c864beb5p-1
        let main = (x - 0.5) * (Elementary.logarithm(x) - 1) + (halfLogTwoPi - 0.5)
        return main + polynomial(coefficients, 1 / (x * x)) / x
    }

    /// c₀ + c₁x + c₂x² + …, by Horner's rule.
    private static func polynomial(_ coefficients: some BidirectionalCollection<Double>, _ x: Double)
        -> Double
    {
        coefficients.reversed().reduce(0) { $0 * x + $1 }
    }
}
