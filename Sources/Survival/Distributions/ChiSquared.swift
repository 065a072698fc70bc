/// The upper tail of the chi-squared distribution.
package enum ChiSquared {
    /// P(X ≥ x) and its natural logarithm, which does not underflow; (1, 0) for 0 degrees of freedom, as R's tests print.
    ///
    /// For whole df the tail is a finite sum of positive terms (Abramowitz and Stegun 26.4.4 and 26.4.5), hence without
    /// cancellation: with y = x/2, e^(−y) Σ yᵏ/k! for even df, and erfc(√y) + e^(−y) Σ y^(k−½)/Γ(k+½) for odd df.
    package static func upperTail(_ x: Double, df: Int) -> (p: Double, logP: Double) {
        if x.isNaN { return (.nan, .nan) }
        if df == 0 || x <= 0 { return (1, 0) }
        if x.isInfinite { return (0, -.infinity) }
        if df == 1 { return Normal.twoSidedP(x.squareRoot()) }
        let logP = min(0, logTail(halved: x / 2, df: df))
        return (Elementary.exponential(logP), logP)
    }

    /// The same for any degrees of freedom, such as those of a ridge penalty.
    package static func upperTail(_ x: Double, degreesOfFreedom: Double) -> (p: Double, logP: Double) {
        if let whole = Int(exactly: degreesOfFreedom) { return upperTail(x, df: whole) }
        if x.isNaN || degreesOfFreedom.isNaN { return (.nan, .nan) }
        if degreesOfFreedom <= 0 || x <= 0 { return (1, 0) }
        if x.isInfinite { return (0, -.infinity) }
        let logP = min(0, GammaTail.logUpper(degreesOfFreedom / 2, x / 2))
        return (Elementary.exponential(logP), logP)
    }

    private static func logTail(halved y: Double, df: Int) -> Double {
        let isOdd = df % 2 == 1
        var logSum = isOdd ? Normal.twoSidedP((2 * y).squareRoot()).logP : -y
        var logTerm = isOdd ? -y + Elementary.logarithm(y) / 2 - lgammaOfThreeHalves : -y
        if isOdd { logSum = logAdd(logSum, logTerm) }
        // The k-th term follows from the one before: times y/(k + ½) for odd df, y/k for even.
        for index in 1..<max(isOdd ? (df - 1) / 2 : df / 2, 1) {
            logTerm += Elementary.logarithm(y / (Double(index) + (isOdd ? 0.5 : 0)))
            logSum = logAdd(logSum, logTerm)
        }
        return logSum
    }

    /// log Γ(3/2) = log(√π/2).
    private static let lgammaOfThreeHalves = Elementary.logarithm(Double.pi.squareRoot() / 2)

    /// log(eᵃ + eᵇ).
    private static func logAdd(_ a: Double, _ b: Double) -> Double {
        max(a, b) + Elementary.logarithm1p(Elementary.exponential(-abs(a - b)))
    }
}
