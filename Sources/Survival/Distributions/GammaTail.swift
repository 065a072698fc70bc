/// The upper tail of the gamma distribution: Γ(a, x)/Γ(a).
enum GammaTail {
    /// Its natural logarithm, for a > 0 and x > 0; exact to about 14 digits also where the tail itself underflows.
    ///
    /// Beyond x = a + 1 by Legendre's continued fraction (Abramowitz and Stegun 6.5.31, by Lentz's method), which does not
    /// cancel; before it one less the series of the lower tail (6.5.29), which is not near 1 there.
    static func logUpper(_ a: Double, _ x: Double) -> Double {
        let logFactor = a * Elementary.logarithm(x) - x - Special.logGamma(a)
        guard x > a + 1 else {
            return Elementary.logarithm1p(
                -Elementary.exponential(logFactor + Elementary.logarithm(lowerSeries(a, x))))
        }
        return logFactor + Elementary.logarithm(continuedFraction(a, x))
    }

    /// Σ xᵏ/(a(a+1)…(a+k)).
    private static func lowerSeries(_ a: Double, _ x: Double) -> Double {
        var (term, sum, k) = (1 / a, 1 / a, 1.0)
        while term > sum * 1e-17, k < 10_000 {
            term *= x / (a + k)
            sum += term
            k += 1
        }
        return sum
    }

    /// 1/(x + 1 − a − 1(1 − a)/(x + 3 − a − 2(2 − a)/(x + 5 − a − …))).
    private static func continuedFraction(_ a: Double, _ x: Double) -> Double {
        var b = x + 1 - a
        var (c, d) = (Double.infinity, 1 / b)
        var (value, k) = (d, 1.0)
        while k < 10_000 {
            let numerator = -k * (k - a)
            b += 2
            d = 1 / (b + numerator * d)
            c = b + numerator / c
            value *= c * d
            if abs(c * d - 1) < 1e-16 { break }
            k += 1
        }
        return value
    }
}
