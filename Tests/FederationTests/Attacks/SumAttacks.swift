import Cryptography
import Federation
import Foundation
import Survival
import Testing

/// Attacks on the sums themselves, which are true and well masked.
struct SumAttacks {
    private static func dealt(_ patients: [Patient], to count: Int) -> [[Patient]] {
        (0..<count).map { site in patients.filter { $0.person % count == site } }
    }

    private static func cohorts(_ hospitals: [[Patient]], _ plan: StudyPlan) throws -> [SiteCohort] {
        hospitals.map { SiteCohort(table: PatientTable($0), plan: plan) }
    }

    /// The run of trusting hospitals after `rounds` rounds of true sums.
    private static func run(
        _ plan: StudyPlan, _ hospitals: TrustingHospitals, rounds: Int
    ) throws -> StudyRun {
        var run = StudyRun(plan: plan, sites: [])
        for _ in 0..<rounds { try run.receive(run.queries.flatMap { try hospitals.sum($0) }) }
        return run
    }

    // MARK: Rare columns

    /// One patient of 300 is at stage III, and the study multiplies everything by that.
    @Test func `a column that is one patient's shows the whole row, and is refused`() throws {
        let plan = try Ward.plan(
            Ward.study(
                """
                define: {rare: stage == "III"}
                analyses:
                  - cox: {id: m, terms: [rare, 'rare:age', 'rare:marker', 'rare:frail']}
                """))
        var patients = Patient.random(300, seed: 60)
        for index in patients.indices where patients[index].stage == 2 { patients[index].stage = 1 }
        patients[100].stage = 2
        let hospitals = Self.dealt(patients, to: 3)
        let cohorts = try Self.cohorts(hospitals, plan)
        let run = try Self.run(plan, TrustingHospitals(cohorts: cohorts), rounds: 1)
        let query = try #require(run.queries.first)
        #expect(query.ask == .moments)
        let sum = try TrustingHospitals(cohorts: cohorts).sum(query)
        guard case .cox(let cox) = plan.analyses[0].kind else { return }
        // n, Σx scaled to [-1, 1] by the dictionary's ranges: everyone else's product is 0.
        let own = zip(cox.model.columns, sum.dropFirst()).map { column, scaled in
            let range = DictionaryRange(column.bounds)
            return range.half * scaled + Double(patients.count) * range.middle
        }
        let row = [1, patients[100].age, patients[100].marker, patients[100].frail]
        for (got, want) in zip(own, row) { #expect(abs(got - want) < 1e-9) }

        let policy = try DisclosurePolicy.ofTheExamples()
        let home = 100 % 3
        expectRefusal(.refused, "policy rule level-people-min") {
            _ = try policy.clear(run, on: cohorts[home], siteCount: 3, evaluations: [:])
        }
    }

    // MARK: Roster

    /// Four hospitals, then three: at the node the second session is refused (`EndToEndTests/Decisions`, `Hostile`).
    @Test func `a hospital that leaves between two sessions leaves its own sums behind`() throws {
        let plan = try Ward.plan(Ward.study(sites: 4, "analyses: [{cox: {id: m, terms: [age]}}]"))
        let cohorts = try Self.cohorts(Self.dealt(Patient.random(120, seed: 61), to: 4), plan)
        let run = StudyRun(plan: plan, sites: [])
        let all = try run.queries.flatMap { try TrustingHospitals(cohorts: cohorts).sum($0) }
        let fewer = try run.queries.flatMap {
            try TrustingHospitals(cohorts: Array(cohorts.prefix(3))).sum($0)
        }
        #expect(try zip(all, fewer).map { $0 - $1 } == run.queries.flatMap { try cohorts[3].answer($0) })
    }

    // MARK: Forged sums

    private static let steered = Ward.study("analyses: [{cox: {id: m, terms: [age, marker]}}]")

    /// The sums of a likelihood whose Newton step leads to `target`.
    private static func forged(leadingTo target: [Double]) -> [Double] {
        // ℓ, U = target, information = identity (packed upper triangle).
        [-100] + target + [1, 0, 1]
    }

    /// Nodes get the signed parts and add them up; one that took the coordinator's word for the sum would go wherever it is led.
    @Test func `a sum that is taken on trust leads to coefficients of the forger's choice`() throws {
        let plan = try Ward.plan(Self.steered)
        let cohorts = try Self.cohorts(Self.dealt(Patient.random(90, seed: 62), to: 3), plan)
        var run = try Self.run(plan, TrustingHospitals(cohorts: cohorts), rounds: 2)
        try run.receive(Self.forged(leadingTo: [1.25, -0.5]))
        let beta = try #require(run.queries.first?.beta)
        #expect(abs(beta[0] - 1.25) < 1e-12 && abs(beta[1] + 0.5) < 1e-12)
        // With parts instead of sums it takes a hospital's signature and its masks: `HostileBundleTests`.
    }

    /// What remains: a hospital of the session that helps the coordinator adds to its own part what it likes.
    @Test func `a lying hospital can steer the coefficients, but not far from where the policy lets it`()
        throws
    {
        let plan = try Ward.plan(Self.steered)
        let cohorts = try Self.cohorts(Self.dealt(Patient.random(300, seed: 62), to: 3), plan)
        let policy = try DisclosurePolicy.ofTheExamples()
        func steer(to target: [Double]) throws -> StudyRun {
            var run = try Self.run(plan, TrustingHospitals(cohorts: cohorts), rounds: 2)
            try run.receive(Self.forged(leadingTo: target))
            return run
        }
        let near = try steer(to: [0.5, 0.5])
        #expect(throws: Never.self) {
            try policy.clear(near, on: cohorts[0], siteCount: 3, evaluations: ["m": 1])
        }
        let far = try steer(to: [25, 25])
        expectRefusal(.refused, "policy rule linear-predictor-max") {
            _ = try policy.clear(far, on: cohorts[0], siteCount: 3, evaluations: ["m": 1])
        }
        #expect(throws: Never.self) {
            try DisclosurePolicy.local.clear(far, on: cohorts[0], siteCount: 3, evaluations: ["m": 1])
        }
    }

    // MARK: Numbers that do not fit

    /// One hospital's sums are beyond the fixed-point range, or no numbers: it refuses, and the others' vectors stay noise.
    @Test(arguments: [1e30, .infinity, .nan])
    func `a number that does not fit would wrap into a false sum, and is refused at the hospital`(
        _ number: Double
    ) throws {
        // A careless encoding keeps the low 128 bits of what it is given, and nothing of what is no number.
        let careless = number.isFinite ? Int128(truncatingIfNeeded: Int128(1) << 72 &* Int128(number)) : 0
        #expect(FixedPoint.decode(careless) != number)
        #expect(throws: FixedPointError.self) { try FixedPoint.encode(number, siteCount: 3) }
    }

    @Test func `a hospital whose sums overflow sends nothing, and says no number`() throws {
        var patients = Patient.random(60, seed: 63)
        patients[1].marker = 10
        var dialogue = try Dialogue(
            Ward.study(
                "analyses: [{cox: {id: m, terms: [age, offset(50 * marker)], baseline: common, times: exact}}]"
            ), tables: Self.dealt(patients, to: 3).map { PatientTable($0) })
        try dialogue.proceed(toRound: 3)
        let request = try #require(dialogue.coordinator.request)
        var member = dialogue.members[1]
        _ = try member.accept(request, under: dialogue.authority)
        do {
            _ = try member.answer(from: dialogue.cohorts[1])
            Issue.record("a sum of e^500 was sent")
        } catch {
            #expect("\(error)".contains("too large to be sent"))
            let hasDigit = "\(error)".contains { $0.isNumber }
            #expect(!hasDigit)
        }
    }
}
