/// A test statistic with its degrees of freedom and upper-tail p-value.
package struct TestResult: Hashable, Sendable, Codable {
    package var statistic: Reported
    /// A whole number, but under a ridge penalty.
    package var degreesOfFreedom: Double
    package var p: Reported
    /// Natural logarithm of p, which stays meaningful where p underflows to 0.
    package var logP: Reported

    package init(statistic: Reported, degreesOfFreedom: Double, p: Reported, logP: Reported) {
        (self.statistic, self.degreesOfFreedom, self.p, self.logP) = (statistic, degreesOfFreedom, p, logP)
    }

    /// A chi-squared test; NA if the statistic is no number, or if there is nothing to test.
    init(chiSquared statistic: Double, df: Double) {
        let statistic = df > 0 ? statistic : .nan
        let tail = ChiSquared.upperTail(statistic, degreesOfFreedom: df)
        self.init(
            statistic: Reported(statistic), degreesOfFreedom: df, p: Reported(tail.p),
            logP: Reported(tail.logP))
    }

    init(chiSquared statistic: Double, df: Int) { self.init(chiSquared: statistic, df: Double(df)) }

    /// A test that cannot be made.
    static func unavailable(degreesOfFreedom: Int) -> TestResult {
        TestResult(
            statistic: .notAvailable, degreesOfFreedom: Double(degreesOfFreedom), p: .notAvailable,
            logP: .notAvailable)
    }
}
