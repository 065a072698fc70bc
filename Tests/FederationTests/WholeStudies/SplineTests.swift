import Federation
import ReferenceStudies
import Survival
import Testing

/// Restricted cubic splines as a study asks for them, beside R on the stacked rows (`Reference/terms/terms.R`).
struct SplineTests {
    private static let study = """
        analyses:
          - cox: {id: site, terms: ["rcs(age, 45, 58, 66, 75)", sex], check: proportional-hazards, times: exact}
          - cox: {id: common, terms: ["rcs(age, 45, 58, 66, 75)", sex], baseline: common, times: exact, check: proportional-hazards, transform: identity}
          - cox: {id: interaction, terms: ["rcs(age, 45, 58, 66, 75) * sex"]}
          - cox: {id: robust, terms: ["rcs(log(calories), 5.5, 6.8, 7.2)", ecog], robust: true}
        """

    private static let curve = ["age", "age'", "age''"]
    private static let names = [
        "site": curve + ["sex=2"], "common": curve + ["sex=2"],
        "interaction": curve + ["sex=2"] + curve.map { "\($0):sex=2" },
        "robust": ["log(calories)", "log(calories)'", "ecog=1", "ecog=2"],
    ]

    @Test func `splines give R's coefficients and tests`() throws {
        let (result, expected) = (try Lung.result(Self.study), try ReferenceTables.expected("splines"))
        for (id, names) in Self.names {
            let (cox, want) = (try result.cox(id), expected[id])
            #expect(cox.terms.map(\.name) == names && cox.warnings.isEmpty)
            #expect(Double(cox.counts.rows) == want["n"].double)
            expectClose(cox.coefficients, want["coef"].doubles, relative: 1e-9, "\(id) coef")
            let errors = cox.terms.map { ($0.robustSE ?? $0.se).value ?? .nan }
            expectClose(errors, want["se"].doubles, relative: 1e-9, "\(id) se")
            expectClose(cox.logLikelihood, want["loglik"].double, relative: 1e-11, "\(id) log-likelihood")
            let tests = try #require(cox.termTests)
            expectClose(
                tests.filter { !$0.isNonlinear }.map { $0.test.statistic.value ?? .nan },
                want["terms"].elements.map { $0["statistic"].double }, relative: 1e-9, "\(id) terms")
            let nonlinear = tests.filter { $0.isNonlinear }[0].test
            expectClose(
                [nonlinear.statistic, nonlinear.p].map { $0.value ?? .nan },
                [want["nonlinear"]["statistic"].double, want["nonlinear"]["p"].double], relative: 1e-9,
                "\(id) nonlinear")
            #expect(Double(nonlinear.degreesOfFreedom) == want["nonlinear"]["df"].double)
        }
    }

    @Test func `a spline is one term of the test of proportional hazards`() throws {
        let (result, expected) = (try Lung.result(Self.study), try ReferenceTables.expected("splines"))
        for id in ["site", "common"] {
            let check = try #require(try result.cox(id).proportionalHazards)
            let tests = check.terms.map(\.test) + [check.global]
            #expect(check.terms.map(\.name) == ["rcs(age, 45, 58, 66, 75)", "sex"])
            #expect(tests.map { Double($0.degreesOfFreedom) } == expected[id]["zph"]["df"].doubles)
            expectClose(
                tests.map { $0.statistic.value ?? .nan }, expected[id]["zph"]["statistic"].doubles,
                relative: 1e-9, "\(id) zph")
        }
    }

    @Test func `an interaction with a spline has a test of what is not linear in it`() throws {
        let tests = try #require(try Lung.result(Self.study).cox("interaction").termTests)
        #expect(tests.map(\.term).filter { $0.hasSuffix(":sex") }.count == 2)
        #expect(tests.map(\.isNonlinear) == [false, true, false, true])
        #expect(tests.map(\.test.degreesOfFreedom) == [3, 2, 3, 2])
    }

    @Test(arguments: [
        ("rcs(age, 50, 60)", "needs 3 to 10 knots, each larger than the one before"),
        ("rcs(age, 50, 60, 60)", "needs 3 to 10 knots, each larger than the one before"),
        ("rcs(age, 10, 60, 70)", "the knot 10.0 of \"rcs(age, 10, 60, 70)\" lies outside the range"),
        ("rcs(sex, 1, 2, 3)", "rcs() needs a number, and \"sex\" is none"),
        ("log(rcs(age, 50, 60, 70))", "rcs() makes a term of a model"),
        ("strata(rcs(age, 50, 60, 70))", "rcs() makes a term of a model"),
        ("rcs(age, sex)", "a knot, which is a number"),
        ("rcs(age", "in a YAML list, a term with commas stands in quotes"),
    ])
    func `what is no spline is refused`(_ term: String, _ reason: String) {
        let error = sentence {
            _ = try Ward.plan(
                Lung.study("analyses: [{cox: {id: m, terms: ['\(term)']}}]"), dictionary: Lung.dictionary)
        }
        #expect(error?.contains(reason) == true, "\(error ?? "none")")
    }

    /// Knots around one person's age make a column that singles the person out; so does the spline in an interaction alone.
    @Test(arguments: ["rcs(age, 80, 80.5, 81)", "rcs(age, 80, 80.5, 81):frail"])
    func `a spline that picks a person is refused`(_ term: String) throws {
        var patients = Patient.random(60, seed: 4)
        for index in patients.indices { patients[index].age = min(patients[index].age, 80) }
        patients[7].age = 95
        patients[7].frail = 1
        let plan = try Ward.plan(Ward.study("analyses: [{cox: {id: m, terms: ['\(term)']}}]"))
        var policy = DisclosurePolicy.local
        policy.sitesMin = 3
        func refusal() throws -> String? {
            let cohort = SiteCohort(table: PatientTable(patients), plan: plan)
            return sentence { try policy.admit(plan.analyses[0], on: cohort) }
        }
        #expect(try refusal()?.contains("concentration") == true)
        for index in 8..<14 { patients[index].age = 95 }
        for index in 8..<14 { patients[index].frail = 1 }
        #expect(try refusal() == nil)
    }
}
