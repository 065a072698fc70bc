/// The standard normal distribution, with tails that stay exact where 1 − Φ would cancel or underflow.
package enum Normal {
    /// log(1 − Φ(z)).
    package static func logUpperTail(_ z: Double) -> Double {
        if z < -1 {
            return Elementary.logarithm1p(-Special.complementaryErrorFunction(-z / 2.squareRoot()) / 2)
        }
        if z < 30 { return Elementary.logarithm(Special.complementaryErrorFunction(z / 2.squareRoot()) / 2) }
        return -z * z / 2 - Elementary.logarithm(2 * Double.pi) / 2
            - Elementary.logarithm(millsDenominator(z))
    }

    /// P(|Z| ≥ |z|) and its natural logarithm, which does not underflow.
    package static func twoSidedP(_ z: Double) -> (p: Double, logP: Double) {
        let size = abs(z)
        if size.isNaN { return (.nan, .nan) }
        let logP =
            size < 0.5
            ? Elementary.logarithm1p(-Special.errorFunction(size / 2.squareRoot()))
            : Elementary.logarithm(2) + logUpperTail(size)
        return (Special.complementaryErrorFunction(size / 2.squareRoot()), logP)
    }

    /// The z with Φ(z) = p, for 0 < p < 1.
    package static func quantile(_ p: Double) -> Double {
        precondition(p > 0 && p < 1, "a probability strictly between 0 and 1")
        if p > 0.5 { return -lowerQuantile(1 - p) }
        return p == 0.5 ? 0 : lowerQuantile(p)
    }

    /// Abramowitz and Stegun 26.2.22 (error below 0.003), then Halley's steps on Φ(z) = p.
    private static func lowerQuantile(_ p: Double) -> Double {
        let t = (-2 * Elementary.logarithm(p)).squareRoot()
        var z = (2.30753 + 0.27061 * t) / (1 + 0.99229 * t + 0.04481 * t * t) - t
        for _ in 0..<4 {
            let error = Special.complementaryErrorFunction(-z / 2.squareRoot()) / 2 - p
            let step = error * (2 * Double.pi).squareRoot() * Elementary.exponential(z * z / 2)
            z -= step / (1 + z * step / 2)
        }
        return z
    }

    /// φ(z)/(1 − Φ(z)) by its continued fraction z + 1/(z + 2/(z + 3/…)), for z ≥ 30.
    private static func millsDenominator(_ z: Double) -> Double {
        (1...20).reversed().reduce(z) { tail, index in z + Double(index) / tail }
    }
}
