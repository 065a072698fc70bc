import Federation
import ReferenceStudies
import Survival
import Testing

/// What a ridge penalty does besides R's models, with which AgreementTests compares.
struct RidgeTests {
    @Test
    func
        `a constant covariate has coefficient 0 and the penalty's standard error, and the others are as without it`()
        throws
    {
        // R 4.2.2: coxph(Surv(futime, fustat) ~ ridge(age, one, theta = 4, scale = FALSE)) with one = 1 has one = 0, se 1/√4.
        let both = try Ovarian.result([
            "cox: {id: m, terms: [age, (age - age + 1)], penalty: {ridge: 4, scale: false}}",
            "cox: {id: alone, terms: [age], penalty: {ridge: 4, scale: false}}",
        ])
        let (cox, alone) = (try both.cox("m"), try both.cox("alone"))
        expectClose(cox.coefficients, [alone.coefficients[0], 0], relative: 1e-10, absolute: 1e-12, "coef")
        expectClose(cox.standardErrors, [alone.standardErrors[0], 0.5], relative: 1e-10, "se")
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
