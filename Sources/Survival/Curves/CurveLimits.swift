extension ConfidenceLimits {
    /// Limits around an estimate of a probability that are symmetric on this scale, cut at 0 and 1; NaN where there are none.
    ///
    /// `relativeError` is the standard error of the estimate's logarithm. As R's `survfit`: nothing is known at 0, and on the
    /// log-log scale nothing at 1.
    func interval(
        around estimate: Double, relativeError: Double, level: Double
    ) -> (lower: Double, upper: Double) {
        guard estimate > 0 else { return (.nan, .nan) }
        let width = Normal.quantile(0.5 + level / 2) * relativeError
        switch self {
        case .log:
            return (
                estimate * Elementary.exponential(-width), min(1, estimate * Elementary.exponential(width))
            )
        case .plain: return (max(0, estimate * (1 - width)), min(1, estimate * (1 + width)))
        case .logLog:
            guard estimate < 1 else { return (.nan, .nan) }
            // p raised to e^(±w/ln p); ln p is negative.
            let logarithm = Elementary.logarithm(estimate)
            return (
                Elementary.exponential(logarithm * Elementary.exponential(-width / logarithm)),
                Elementary.exponential(logarithm * Elementary.exponential(width / logarithm))
            )
        }
    }
}
