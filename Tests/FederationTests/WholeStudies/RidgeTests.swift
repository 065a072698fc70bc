import Federation
import ReferenceStudies
import Survival
import Testing

/// What a ridge penalty does besides R's models, with which AgreementTests compares.
struct RidgeTests {
    /// R's 0 with the standard error 1/√theta is the penalty given back: the data say nothing of such a coefficient.
    @Test(arguments: ["site", "common"], [true, false])
    func
        `a coefficient of which the data say nothing is not available under a ridge, and the others are as without it`(
            baseline: String, isScaled: Bool
        ) throws
    {
        let (penalty, model) = (
            "penalty: {ridge: 4, scale: \(isScaled)}", "baseline: \(baseline), times: exact"
        )
        let both = try Ovarian.result([
            "cox: {id: m, terms: [age, (age - age + 1)], \(penalty), \(model)}",
            "cox: {id: alone, terms: [age], \(penalty), \(model)}",
            "cox: {id: none, terms: [age, rx], cohort: 'not fustat', \(penalty), \(model)}",
            // Only somebody who is censored before the first event has another value.
            "cox: {id: late, terms: [(age > 53.3 and age < 53.4), ecog.ps], cohort: 'futime >= 400 and futime <= 480', \(penalty), \(model)}",
        ])
        let (cox, alone) = (try both.cox("m"), try both.cox("alone"))
        #expect(cox.coefficients[1].isNaN && cox.standardErrors[1].isNaN)
        expectClose([cox.coefficients[0]], [alone.coefficients[0]], relative: 1e-10, "coef")
        expectClose([cox.standardErrors[0]], [alone.standardErrors[0]], relative: 1e-10, "se")
        #expect(cox.warnings.contains { $0.contains("is constant or a combination") })
        let late = try both.cox("late")
        #expect(late.coefficients.map { $0.isNaN } == [true, false])
        #expect(late.standardErrors.map { $0.isNaN } == [true, false])
        let none = try both.cox("none")
        #expect((none.coefficients + none.standardErrors).allSatisfy { $0.isNaN })
        #expect(none.covariance.allSatisfy { $0 == .notAvailable })
        for test in [none.likelihoodRatio, none.wald, none.score] { #expect(test.statistic == .notAvailable) }
    }

    @Test func `people whom only the variances take in are protected as rare levels are`() throws {
        var tables = Ovarian.tables(Ovarian.rows.indices.map { $0 % 3 })
        // Three people lack rx, one at each hospital: their ages would be in the variance of age alone.
        for site in tables.indices {
            guard case .category(var levels)? = tables[site].columns["rx"] else { continue }
            levels[0] = -1
            tables[site].columns["rx"] = .category(levels)
        }
        var policy = DisclosurePolicy.local
        policy.levelPeopleMin = 3
        func run(_ keys: String) -> String? {
            sentence { _ = try Ovarian.result(["cox: {id: m, \(keys)}"], tables: tables, policy: policy) }
        }
        let scaled = run("terms: [age, rx], penalty: {ridge: 1, terms: [age]}")
        #expect(scaled?.contains("level-people-min") == true, "\(scaled ?? "none")")
        #expect(scaled?.contains("penalised covariate") == true)
        #expect(run("terms: [age, rx], penalty: {ridge: 1, terms: [age], scale: false}") == nil)
        #expect(
            run("terms: [age, rx], cohort: 'rx in [\"1\", \"2\"]', penalty: {ridge: 1, terms: [age]}") == nil)
    }
}
