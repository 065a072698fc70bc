/// The regularised incomplete beta function, in logarithms, so that a far tail does not underflow.
enum IncompleteBeta {
    /// log Iₓ(a, b) for a, b > 0; `y` is 1 − x, given apart so that neither end loses digits.
    ///
    /// Within 1e-12 of the value, for a and b up to 1e6.
    static func logLower(a: Double, b: Double, x: Double, y: Double) -> Double {
        if x <= 0 { return -.infinity }
        if y <= 0 { return 0 }
        if x < (a + 1) / (a + b + 2) { return logBelowMean(a, b, x, y) }
        return Elementary.logarithm1p(-Elementary.exponential(logBelowMean(b, a, y, x)))
    }

    /// By a continued fraction that converges fast below the mean of the beta distribution.
    private static func logBelowMean(_ a: Double, _ b: Double, _ x: Double, _ y: Double) -> Double {
        logDensityFactor(a, b, x, y) + Elementary.logarithm(continuedFraction(a, b, x, y))
    }

    /// log of xᵃyᵇ/B(a, b), by deviances from the saddle point (Loader 2000), without the cancellation of log-gammas.
    private static func logDensityFactor(_ a: Double, _ b: Double, _ x: Double, _ y: Double) -> Double {
        let n = a + b
        let corrections = stirlingError(n) - stirlingError(a) - stirlingError(b)
        let excess = excess(a, b, x, y)
        return corrections - deviance(a, n * x, excess) - deviance(b, n * y, -excess)
            + (Elementary.logarithm(a) + Elementary.logarithm(b) - Elementary.logarithm(n)
                - Elementary.logarithm(2 * Double.pi)) / 2
    }

    /// a − (a + b)x = (a + b)y − b, of whichever of x and y is the smaller and so has the smaller rounding.
    private static func excess(_ a: Double, _ b: Double, _ x: Double, _ y: Double) -> Double {
        y < x ? (a + b) * y - b : a - (a + b) * x
    }

    /// Iₓ(a, b) over xᵃyᵇ/B(a, b), by the even part of DLMF 8.17.22 in the terms of Didonato and Morris (1992).
    ///
    /// Those depend on x by its distance from the mean, so that nothing cancels near x = 1.
    private static func continuedFraction(_ a: Double, _ b: Double, _ x: Double, _ y: Double) -> Double {
        let c = 1 + excess(a, b, x, y)
        let (c0, c1) = (b / a, 1 + 1 / a)
        var (before, now) = ((above: 0.0, below: 1.0), (above: 1.0, below: c / c1))
        var (p, s, value) = (1.0, a + 1, c1 / c)
        for index in 1...100_000 {
            let n = Double(index)
            let (t, w) = (n / a, n * (b - n) * x)
            let square = a / s * (a / s)
            let alpha = p * (p + c0) * square * (w * x)
            let beta = n + w / s + (1 + t) / (c1 + t + t) * (c + n * (y + 1))
            (p, s) = (1 + t, s + 2)
            let next = (
                above: alpha * before.above + beta * now.above, below: alpha * before.below + beta * now.below
            )
            let last = value
            value = next.above / next.below
            if abs(value - last) <= .ulpOfOne / 2 * value { break }
            before = (now.above / next.below, now.below / next.below)
            now = (value, 1)
        }
        return value
    }

    /// log Γ(z + 1) − log(√(2πz)(z/e)ᶻ), the error of Stirling's formula.
    private static func stirlingError(_ z: Double) -> Double {
        if z <= 15 {
            let (curve, constant) = (
                (z + 0.5) * Elementary.logarithm(z), Elementary.logarithm(2 * Double.pi) / 2
            )
            return Special.logGamma(z + 1) - curve + z - constant
        }
        let square = z * z
        let reciprocals: [Double] = [12, 360, 1260, 1680, 1188, 360_360.0 / 691, 156]
        let series = reciprocals.reversed().reduce(0.0) { 1 / $1 - $0 / square }
        return series / z
    }

    /// x log(x/m) + m − x, by a series where x is near m; `excess` is x − m.
    private static func deviance(_ x: Double, _ m: Double, _ excess: Double) -> Double {
        guard abs(excess) < 0.1 * (x + m) else { return x * Elementary.logarithm(x / m) - excess }
        let ratio = excess / (x + m)
        var sum = excess * ratio
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
        return (Elementary.exponential(logP), logP)
    }
}

/// The tails of Student's t distribution; degrees of freedom need not be whole.
package enum StudentT {
    /// P(|T| ≥ |t|) and its natural logarithm, which does not underflow.
    package static func twoSidedP(_ t: Double, df: Double) -> (p: Double, logP: Double) {
        FDistribution.upperTail(t * t, df1: 1, df2: df)
    }
}
