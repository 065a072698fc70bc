import Foundation

/// The regularised incomplete beta function, in logarithms, so that a far tail does not underflow.
enum IncompleteBeta {
    /// log Iₓ(a, b) for a, b > 0; `y` is 1 − x, given apart so that neither end loses digits.
    ///
    /// Within 1e-12 of the value, for a and b up to 1e6.
    static func logLower(a: Double, b: Double, x: Double, y: Double) -> Double {
        if x <= 0 { return -.infinity }
        if y <= 0 { return 0 }
        if x < (a + 1) / (a + b + 2) { return logBelowMean(a, b, x, y) }
        return log1p(-exp(logBelowMean(b, a, y, x)))
    }

    /// The continued fraction of DLMF 8.17.22, which converges fast below the mean of the beta distribution.
    private static func logBelowMean(_ a: Double, _ b: Double, _ x: Double, _ y: Double) -> Double {
        logDensityFactor(a, b, x, y) - log(a) + log(continuedFraction(a, b, x))
    }

    /// log of xᵃyᵇ/B(a, b), by deviances from the saddle point (Loader 2000), without the cancellation of log-gammas.
    private static func logDensityFactor(_ a: Double, _ b: Double, _ x: Double, _ y: Double) -> Double {
        let n = a + b
        let corrections = stirlingError(n) - stirlingError(a) - stirlingError(b)
        return corrections - deviance(a, n * x) - deviance(b, n * y)
            + (log(a) + log(b) - log(n) - log(2 * Double.pi)) / 2
    }

    /// Lentz's method as modified by Thompson and Barnett (1986).
    private static func continuedFraction(_ a: Double, _ b: Double, _ x: Double) -> Double {
        let tiny = 1e-300
        func nonzero(_ value: Double) -> Double { abs(value) < tiny ? tiny : value }
        var c = 1.0
        var d = 1 / nonzero(1 - (a + b) * x / (a + 1))
        var product = d
        for index in 1...100_000 {
            let m = Double(index)
            let even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
            d = 1 / nonzero(1 + even * d)
            c = nonzero(1 + even / c)
            product *= c * d
            let odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
            d = 1 / nonzero(1 + odd * d)
            c = nonzero(1 + odd / c)
            product *= c * d
            // One unit in the last place: more terms would only add their rounding.
            if abs(c * d - 1) <= .ulpOfOne { break }
        }
        return product
    }

    /// log Γ(z + 1) − log(√(2πz)(z/e)ᶻ), the error of Stirling's formula.
    private static func stirlingError(_ z: Double) -> Double {
        if z <= 15 { return lgamma(z + 1) - (z + 0.5) * log(z) + z - log(2 * Double.pi) / 2 }
        let square = z * z
        let reciprocals: [Double] = [12, 360, 1260, 1680, 1188, 360_360.0 / 691, 156]
        let series = reciprocals.reversed().reduce(0.0) { 1 / $1 - $0 / square }
        return series / z
    }

    /// x log(x/m) + m − x, by a series where x is near m.
    private static func deviance(_ x: Double, _ m: Double) -> Double {
        guard abs(x - m) < 0.1 * (x + m) else { return x * log(x / m) + m - x }
        let ratio = (x - m) / (x + m)
        var sum = (x - m) * ratio
        var term = 2 * x * ratio
        for index in 1...1000 {
            term *= ratio * ratio
            let next = sum + term / Double(2 * index + 1)
            if next == sum { break }
            sum = next
        }
        return sum
    }
}

/// The upper tail of the F distribution; degrees of freedom need not be whole.
package enum FDistribution {
    /// P(F ≥ f) and its natural logarithm, which does not underflow.
    package static func upperTail(_ f: Double, df1: Double, df2: Double) -> (p: Double, logP: Double) {
        if f.isNaN || !(df1 > 0) || !(df2 > 0) { return (.nan, .nan) }
        if f <= 0 { return (1, 0) }
        if f.isInfinite { return (0, -.infinity) }
        let total = df2 + df1 * f
        let logP = IncompleteBeta.logLower(a: df2 / 2, b: df1 / 2, x: df2 / total, y: df1 * f / total)
        return (exp(logP), logP)
    }
}

/// The tails of Student's t distribution; degrees of freedom need not be whole.
package enum StudentT {
    /// P(|T| ≥ |t|) and its natural logarithm, which does not underflow.
    package static func twoSidedP(_ t: Double, df: Double) -> (p: Double, logP: Double) {
        FDistribution.upperTail(t * t, df1: 1, df2: df)
    }
}
