/// Interval arithmetic on the ranges of a dictionary.
///
/// An operation's bounds hold for every finite value within its operands' bounds. Since IEEE operations are
/// monotone, the bounds computed from the ends hold for the computed values too. An infinite end stands for
/// "no limit", hence 0 · ∞ = 0.
extension ClosedRange<Double> {
    static var everything: Self { -Double.infinity...Double.infinity }

    /// From the smallest to the largest of some candidates; NaN (0 · ∞, 0/0, ∞/∞) counts as 0.
    private static func hull(_ candidates: Double...) -> Self {
        let values = candidates.map { $0.isNaN ? 0 : $0 }
        return (values.min() ?? 0)...(values.max() ?? 0)
    }

    static prefix func - (a: Self) -> Self { -a.upperBound ... -a.lowerBound }

    static func + (a: Self, b: Self) -> Self {
        let (lower, upper) = (a.lowerBound + b.lowerBound, a.upperBound + b.upperBound)
        return (lower.isNaN ? -.infinity : lower)...(upper.isNaN ? .infinity : upper)
    }

    static func - (a: Self, b: Self) -> Self { a + -b }

    static func * (a: Self, b: Self) -> Self {
        .hull(
            a.lowerBound * b.lowerBound, a.lowerBound * b.upperBound,
            a.upperBound * b.lowerBound, a.upperBound * b.upperBound)
    }

    /// Whole line if the divisor changes sign; an end of the divisor at 0 gives an infinite end.
    static func / (a: Self, b: Self) -> Self {
        guard !(b.lowerBound < 0 && b.upperBound > 0) else { return .everything }
        // A zero at an end gets the sign of the side from which the divisor comes near it.
        let (c, d) =
            b.upperBound > 0
            ? (b.lowerBound.magnitude, b.upperBound) : (b.lowerBound, -b.upperBound.magnitude)
        return .hull(a.lowerBound / c, a.lowerBound / d, a.upperBound / c, a.upperBound / d)
    }

    var squared: Self {
        let ends = magnitude
        return ends.lowerBound * ends.lowerBound...ends.upperBound * ends.upperBound
    }

    var magnitude: Self {
        let (a, b) = (lowerBound.magnitude, upperBound.magnitude)
        return contains(0) ? 0...Swift.max(a, b) : Swift.min(a, b)...Swift.max(a, b)
    }

    /// The image under a rising function.
    func mapped(_ rising: (Double) -> Double) -> Self { rising(lowerBound)...rising(upperBound) }
}
