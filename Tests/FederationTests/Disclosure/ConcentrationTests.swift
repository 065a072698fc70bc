import Federation
import Survival
import Testing

/// A formula can hide one person in a number; the rule looks at the evaluated column, not at its name.
struct ConcentrationTests {
    private static let patients: [Patient] = {
        var patients = Patient.random(60, seed: 4)
        for index in patients.indices where patients[index].age == 53 { patients[index].age = 54 }
        patients[7].age = 53
        return patients
    }()

    private func refusal(of terms: String, patients: [Patient] = Self.patients) throws -> String? {
        let plan = try Ward.plan(
            Ward.study(
                "define: {hidden: 'exp(-10*abs(age-53))', plain: '(age == 53) + 0'}\nanalyses: [{cox: {id: m, people: all-rows, terms: [\(terms)]}}]"
            ))
        let cohort = SiteCohort(table: PatientTable(patients), plan: plan)
        var policy = DisclosurePolicy.local
        policy.sitesMin = 3
        return sentence { try policy.admit(plan.analyses[0], on: cohort) }
    }

    @Test(arguments: ["hidden", "plain", "hidden:age", "age, hidden"])
    func `a number that is one person's indicator is refused`(terms: String) throws {
        #expect(
            try refusal(of: terms)
                == #"policy rule concentration, analysis "m": two people carry more than nine tenths of a covariate's variation at this hospital; use its logarithm or cut-points"#
        )
    }

    @Test func `two people are refused, three are not`() throws {
        var two = Self.patients
        two[8].age = 53
        #expect(try refusal(of: "plain", patients: two) != nil)
        two[9].age = 53
        #expect(try refusal(of: "plain", patients: two) == nil)
    }

    @Test(arguments: ["age", "marker", "frail", "stage", "age:frail", "log(age)"])
    func `ordinary covariates pass`(terms: String) throws {
        #expect(try refusal(of: terms) == nil)
    }

    /// Squares of numbers like these overflow, or vanish: two people seemed to carry everything, or nothing.
    @Test(arguments: ["1e290", "1e-290", "1e-307", "1e160", "1e300"])
    func `the scale of a covariate does not matter`(factor: String) throws {
        #expect(try refusal(of: "(age * \(factor))") == nil)
        #expect(try refusal(of: "(age * \(factor)):frail") == nil)
        #expect(try refusal(of: "(plain * \(factor))")?.contains("two people carry") == true)
    }

    @Test func `the rows of one person count as one`() throws {
        var patients = Self.patients
        for index in 10..<12 {
            patients[index].age = 53
            patients[index].person = 7
        }
        #expect(try refusal(of: "plain", patients: patients) != nil)
    }
}
