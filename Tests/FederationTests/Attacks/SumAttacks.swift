import Cryptography
import Foundation
import ReferenceStudies
import Survival
import Testing

@testable import Federation

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
        #expect(query.question is MomentsQuestion)
        let sum = try TrustingHospitals(cohorts: cohorts).numbers(query)
        guard let cox = plan.analyses[0].cox else { return }
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
        let own = try run.queries.flatMap { try cohorts[3].answer($0) }
        // Counts are exact; the sum of times has a fraction, which doubles round.
        expectClose(zip(all, fewer).map { $0 - $1 }, own, relative: 1e-12, "its own sums")
    }

    // MARK: Forged sums

    private static let steered = Ward.study("analyses: [{cox: {id: m, terms: [age, marker]}}]")

    /// The sums of a likelihood whose Newton step leads to `target`.
    private static func forged(leadingTo target: [Double]) -> [Double] {
        // ℓ, U = target, information = identity (packed upper triangle); no trouble.
        [-100] + target + [1, 0, 1] + [0]
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
        func cleared(_ run: StudyRun, under policy: DisclosurePolicy) throws -> ClearedVector {
            try policy.clear(run, on: cohorts[0], siteCount: 3, evaluations: ["m": 1])
        }
        let near = try steer(to: [0.5, 0.5])
        #expect(try cleared(near, under: policy) == cleared(near, under: .local))
        #expect(try cleared(near, under: policy).troubles.isEmpty)
        var far = try steer(to: [25, 25])
        let open = try cleared(far, under: .local)
        #expect(open.troubles.isEmpty && open.lanes.contains { $0 != 0 })
        // Under the policy nothing leaves but that there is no answer so far out; then half of the way is asked about.
        let nothing = try cleared(far, under: policy)
        #expect(nothing.lanes.map(FixedPoint.decode) == [0, 0, 0, 0, 0, 0, Trouble.beyondLimit.lane])
        #expect(nothing.troubles.count == 1)
        #expect(nothing.troubles.first?.hasPrefix("policy rule linear-predictor-max, analysis \"m\"") == true)
        try far.receive(nothing.lanes.map(FixedPoint.decode))
        let half = try #require(far.queries.first?.beta)
        #expect(half.allSatisfy { abs($0 - 12.5) < 1e-12 })
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

    /// One hospital's S₀ would be about e^490; it sends zeros and that they are none, and its log names no number either.
    @Test func `a hospital whose sums overflow sends nothing, and harms no other analysis`() throws {
        var patients = Patient.random(60, seed: 63)
        for index in patients.indices { patients[index].marker = index == 1 ? 10 : 0 }
        let tables = Self.dealt(patients, to: 3).map { PatientTable($0) }
        func study(_ analyses: [String]) -> String {
            Ward.study("analyses: [\(analyses.joined(separator: ", "))]")
        }
        let others = ["{survival: {id: curve, times: exact}}", "{cox: {id: site, terms: [age]}}"]
        let overflowing = "{cox: {id: m, terms: [age, offset(50 * marker)], baseline: common, times: exact}}"
        var dialogue = try Dialogue(study([overflowing] + others), tables: tables)
        try dialogue.proceed(toRound: 3)
        let request = try #require(dialogue.coordinator.request)
        let run = try Self.run(dialogue.plan, TrustingHospitals(cohorts: dialogue.cohorts), rounds: 2)
        #expect(run.statements == request.statements)
        let index = try #require(run.queries.firstIndex { $0.analysis == "m" && $0.kind == "risk-sums" })
        let before = run.statements[..<index].reduce(0) { $0 + $1.lanes }

        var vectors: [MaskedVector] = []
        var cleared: [ClearedVector] = []
        for site in dialogue.members.indices {
            _ = try dialogue.members[site].accept(request, under: dialogue.trustView)
            let answer = try dialogue.members[site].answer(from: dialogue.cohorts[site])
            vectors.append(answer.lanes)
            try dialogue.deliver(answer, from: site)
            cleared.append(
                try DisclosurePolicy.local.clear(
                    run, on: dialogue.cohorts[site], siteCount: 3, evaluations: [:]))
            let lanes = cleared[site].lanes[before..<(before + run.statements[index].lanes)]
            let numbers = lanes.map(FixedPoint.decode)
            #expect(dialogue.members[site].troubles == cleared[site].troubles)
            if site == 1 {
                #expect(numbers.dropLast().allSatisfy { $0 == 0 } && numbers.last == Trouble.tooLarge.lane)
                let words = try #require(dialogue.members[site].troubles.first)
                #expect(words.contains("analysis \"m\"") && words.contains("too large to be sent"))
                let hasDigit = words.contains { $0.isNumber }
                #expect(!hasDigit && dialogue.members[site].troubles.count == 1)
            } else {
                #expect(numbers.contains { $0 > 0 } && numbers.last == 0)
                #expect(dialogue.members[site].troubles.isEmpty)
            }
        }
        // What was masked is what was cleared.
        let total = (0..<run.laneCount).map { lane in
            FixedPoint.decode(cleared.reduce(0) { $0 + $1.lanes[lane] })
        }
        #expect(try MaskedVector.sum(vectors, count: run.laneCount) == total)

        let result = try #require(try dialogue.finish())
        #expect(result.failure("m") == Trouble.tooLarge.reason)
        var undisturbed = try Dialogue(study(others), tables: tables)
        #expect(try undisturbed.finish()?.analyses == Array(result.analyses.dropFirst()))
    }
}
