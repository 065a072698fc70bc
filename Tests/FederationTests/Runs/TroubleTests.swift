import ReferenceStudies
import Survival
import Testing

@testable import Federation

/// What happens where a hospital cannot answer a question: that analysis alone ends, or goes another way.
struct TroubleTests {
    private static let kinds: [Trouble] = [.outOfRange, .tooLarge, .beyondLimit, .unanswerable]

    /// What the lanes of hospitals add up to: in fixed point, and out of it.
    private static func read(_ sum: Double, siteCount: Int) throws -> Trouble {
        let encoded = try FixedPoint.encode(sum, siteCount: siteCount)
        return Trouble(summedLane: FixedPoint.decode(encoded))
    }

    // MARK: The lane

    @Test func `each hospital's lane is read alone as it was meant`() throws {
        for bits in 0..<16 {
            let trouble = Trouble(rawValue: bits)
            #expect(try Self.read(trouble.lane, siteCount: 1) == trouble)
            #expect(try Self.read(trouble.lane, siteCount: 4095) == trouble)
        }
        #expect(Trouble().lane == 0 && Trouble(summedLane: -0.0).isEmpty)
    }

    /// So many hospitals with this trouble, so many with that.
    @Test func `sums over up to 4095 hospitals show which troubles there are, in every mixture`() throws {
        var random = SeededGenerator(31)
        for hospitals in 1...4095 {
            for bits in 0..<16 {
                let mixture = Trouble(rawValue: bits)
                // Each kind at one hospital at least and at all of them at most; a hospital may have several.
                let few = Self.kinds.filter(mixture.contains).map { ($0, 1) }
                let some = few.map { ($0.0, Int.random(in: 1...hospitals, using: &random)) }
                let all = few.map { ($0.0, hospitals) }
                for counts in [few, some, all] {
                    let sum = counts.reduce(0) { $0 + Double($1.1) * $1.0.lane }
                    let found = Trouble(summedLane: sum)
                    if found != mixture { Issue.record("\(hospitals) hospitals, \(bits): \(found.rawValue)") }
                }
            }
        }
        let most = 4095 * Trouble(rawValue: 15).lane
        #expect(try Self.read(most, siteCount: 1) == Trouble(rawValue: 15))
    }

    @Test(arguments: [
        -1.0, 0.5, 0x1p-72, -0x1p-72, 1.5, 0x1p48, 0x1p54, -0x1p54, 1e300, .infinity, -.infinity, .nan,
    ])
    func `a lane that no hospitals have counts as every trouble`(_ lane: Double) {
        #expect(Trouble(summedLane: lane) == Trouble(rawValue: 15))
        #expect(Answer(lanes: [1, 2, lane]).evaluated == nil)
        #expect(Answer(lanes: [1, 2, 0]).evaluated == [1, 2])
    }

    /// A hospital may send anything in that lane too.
    @Test(arguments: [-1.0, 0.5, 0x1p48, -0x1p54])
    func `a lane that no hospitals have ends its analysis alone`(_ lane: Double) throws {
        let (study, alone) = (Self.study([Self.model("bad")]), Self.study([]))
        let patients = Patient.random(120, seed: 32)
        for round in 1...4 {
            let result = try Self.run(study, patients) { run, sum in
                guard run.round == round else { return }
                var end = 0
                for statement in run.statements {
                    end += statement.lanes
                    if statement.analysis == "bad" { sum[end - 1] = lane }
                }
            }
            #expect(result.failure("bad") == Trouble.unanswerable.reason, "round \(round)")
            #expect(try Self.others(result) == Self.run(alone, patients).analyses, "round \(round)")
        }
    }

    private static func run(
        _ study: String, _ patients: [Patient],
        altering alter: (StudyRun, inout [Double]) -> Void = { _, _ in }
    ) throws -> StudyResult {
        let plan = try Ward.plan(study)
        let hospitals = TrustingHospitals(
            cohorts: deal(patients).map { SiteCohort(table: PatientTable($0), plan: plan) })
        var run = StudyRun(plan: plan, sites: [])
        while !run.isFinished {
            var sum = try run.queries.flatMap { try hospitals.sum($0) }
            alter(run, &sum)
            try run.receive(sum)
        }
        return try #require(run.result)
    }

    // MARK: Whole studies

    private static func deal(_ patients: [Patient]) -> [[Patient]] {
        (0..<3).map { site in patients.filter { $0.person % 3 == site } }
    }

    private static func model(_ id: String) -> String { "cox: {id: \(id), terms: [age, frail]}" }

    /// These analyses between others that have no trouble.
    private static func study(_ troubled: [String]) -> String {
        let before = [
            "survival: {id: curves, by: stage, at: [6, 12], test: log-rank, times: exact}", model("site"),
        ]
        let after = [
            "cox: {id: common, terms: [age, frail], baseline: common, times: exact, check: proportional-hazards}",
            "describe: {id: table, variables: [age, stage], by: frail}",
            "concordance: {id: pairs, of: age}",
        ]
        let lines = (before + troubled + after).map { "  - \($0)\n" }.joined()
        return Ward.study("analyses:\n\(lines)")
    }

    private static func others(_ result: StudyResult) -> [AnalysisResult] {
        result.analyses.filter { $0.id != "bad" }
    }

    /// An analysis that has a trouble at the second of three hospitals, where six patients' exposure is 10; all others' is 1.
    struct Case: Sendable, CustomTestStringConvertible {
        var analysis: String
        var trouble: Trouble
        /// What the hospital's own log says.
        var local: String
        var testDescription: String { analysis }
    }

    private static let outOfRange = "the risk score e^(x*beta + offset) is out of range for some row"
    private static let cases = [
        Case(
            analysis: "cox: {id: bad, terms: [age, offset(100 * exposure)], baseline: common, times: exact}",
            trouble: .outOfRange, local: outOfRange),
        Case(
            analysis: "cox: {id: bad, terms: [age, offset(1e4 * exposure)]}", trouble: .outOfRange,
            local: outOfRange),
        Case(
            analysis: "cox: {id: bad, terms: [age, offset(1e4 * exposure)], penalty: firth}",
            trouble: .outOfRange, local: outOfRange),
        Case(
            analysis: "cox: {id: bad, terms: [age, offset(1e4 * exposure)], penalty: {ridge: 1}}",
            trouble: .outOfRange, local: outOfRange),
        Case(
            analysis: "cox: {id: bad, terms: [age, offset(50 * exposure)], baseline: common, times: exact}",
            trouble: .tooLarge, local: "a sum is too large to be sent"),
        Case(
            analysis:
                "cox: {id: bad, terms: [age], weights: exp(30 * (exposure - 1)), baseline: common, times: exact}",
            trouble: .tooLarge, local: "a sum is too large to be sent"),
        Case(
            analysis: "cox: {id: bad, terms: [age, offset(3 * exposure)]}", trouble: .beyondLimit,
            local: "a row's linear predictor exceeds"),
        Case(
            analysis: "cox: {id: bad, terms: [age, offset(3 * exposure)], baseline: common, times: exact}",
            trouble: .beyondLimit, local: "a row's linear predictor exceeds"),
        Case(
            analysis: "cox: {id: bad, terms: [age], weights: exp(exposure), penalty: {ridge: 1}}",
            trouble: .beyondLimit, local: "a row's linear predictor exceeds"),
        Case(
            analysis: "cox: {id: bad, terms: [age], weights: 5 - exposure}", trouble: .unanswerable,
            local: "a case weight is zero, negative or infinite"),
        Case(
            analysis: "survival: {id: bad, weights: 5 - exposure, times: exact}", trouble: .unanswerable,
            local: "a case weight is zero, negative or infinite"),
        Case(
            analysis: "concordance: {id: bad, of: age, weights: 5 - exposure}", trouble: .unanswerable,
            local: "a case weight is zero, negative or infinite"),
    ]

    private static let patients: [Patient] = Patient.random(150, seed: 33).map { patient in
        var patient = patient
        patient.exposure = 1
        if patient.person % 3 == 1, patient.person < 18 {
            // They die early: those who die later are at risk without them.
            (patient.exposure, patient.months, patient.died) = (10, 2, 1)
        }
        return patient
    }

    /// A study of three hospitals, and at each what it was asked and what its log says, by round.
    private struct Story {
        var result: StudyResult
        var statements: [[[QueryStatement]]]
        var troubles: [[[String]]]
        var cohorts: [SiteCohort]

        init(_ study: String, policy: DisclosurePolicy, patients: [Patient] = TroubleTests.patients) throws {
            var dialogue = try Dialogue(
                study, tables: TroubleTests.deal(patients).map { PatientTable($0) }, policy: policy)
            try dialogue.proceed(toRound: 1)
            statements = dialogue.members.map { _ in [] }
            troubles = statements.map { _ in [] }
            cohorts = dialogue.cohorts
            while case .round = dialogue.coordinator.phase {
                let request = try #require(dialogue.coordinator.request)
                for site in dialogue.members.indices {
                    guard
                        case .answer(let asked) = try dialogue.members[site].accept(
                            request, under: dialogue.trustView)
                    else { throw StudyResult.Missing(what: "a round that is none") }
                    let answer = try dialogue.members[site].answer(from: dialogue.cohorts[site])
                    statements[site].append(asked)
                    troubles[site].append(dialogue.members[site].troubles)
                    try dialogue.deliver(answer, from: site)
                }
            }
            result = try #require(dialogue.coordinator.result)
            let closing = try #require(dialogue.coordinator.request)
            for site in dialogue.members.indices {
                guard
                    case .finished(let own) = try dialogue.members[site].accept(
                        closing, under: dialogue.trustView)
                else { throw StudyResult.Missing(what: "the end at a hospital") }
                #expect(own == result)
            }
        }
    }

    private static var limited: DisclosurePolicy {
        var policy = DisclosurePolicy.local
        policy.linearPredictorMax = 6
        return policy
    }

    @Test(arguments: cases)
    func `an analysis with a trouble at one hospital fails alone, at all of them at the same step`(
        _ test: Case
    ) throws {
        let policy = test.trouble == .beyondLimit ? Self.limited : .local
        let story = try Story(Self.study([test.analysis]), policy: policy)
        #expect(story.result.failure("bad") == test.trouble.reason)

        // The hospital's own log says what is wrong; the others' logs say nothing, and the result no more than its sentence.
        let last = try #require(story.statements[0].lastIndex { $0.contains { $0.analysis == "bad" } })
        #expect(story.troubles[1][last].contains { $0.contains("\"bad\"") && $0.contains(test.local) })
        #expect(story.troubles[1].joined().allSatisfy { $0.contains("analysis \"bad\"") })
        #expect(story.troubles[0].joined().isEmpty && story.troubles[2].joined().isEmpty)
        let isRows = test.trouble == .unanswerable
        #expect(story.cohorts[1].failure(of: "bad")?.contains(test.local) == (isRows ? true : nil))
        for (site, cohort) in story.cohorts.enumerated() {
            for analysis in story.result.analyses where site != 1 || analysis.id != "bad" {
                #expect(cohort.failure(of: analysis.id) == nil)
            }
        }
        let shared = String(decoding: CanonicalJSON.bytes(story.result), as: UTF8.self)
        #expect(shared.contains(test.trouble.reason))
        if isRows || test.trouble == .beyondLimit { #expect(!shared.contains(test.local)) }

        // Every hospital was asked the same, and nothing about it once it had failed.
        #expect(story.statements.allSatisfy { $0 == story.statements[0] })
        #expect(story.troubles[1][..<last].allSatisfy { $0.isEmpty })

        let alone = try Story(Self.study([]), policy: policy)
        #expect(Self.others(story.result) == alone.result.analyses)
        #expect(alone.result.analyses.allSatisfy { alone.result.failure($0.id) == nil })
        #expect(alone.troubles.joined().joined().isEmpty)
    }

    // MARK: Trial coefficients

    /// Few frail people, who die early: Newton's first step is about twice as long as the way.
    private static let steep: [Patient] = Patient.random(240, seed: 34).map { patient in
        var patient = patient
        patient.frail = patient.person % 20 < 3 && patient.person < 60 ? 1 : 0
        if patient.frail == 1 { (patient.months, patient.died) = (max(1, (patient.months / 6).rounded()), 1) }
        return patient
    }

    /// The step is halved, as one is that lowers the likelihood; which hospital it is the others do not learn.
    @Test(arguments: ["", ", baseline: common, times: exact"])
    func `a fit that goes too far for one hospital on its way comes to the same end`(_ keys: String) throws {
        let study = Ward.study(
            """
            analyses:
              - survival: {id: curves, by: stage, times: exact}
              - cox: {id: bad, terms: [frail]\(keys)}
              - concordance: {id: pairs, of: age}
            """)
        let free = try Story(study, policy: .local, patients: Self.steep)
        let fit = try free.result.cox("bad")
        let end = try #require(fit.coefficients.first)
        let asked = free.statements[0].joined().filter { $0.analysis == "bad" }.compactMap { $0.beta?.first }
        let (last, farthest) = (abs(try #require(asked.last)), asked.map { abs($0) }.max() ?? 0)
        #expect(farthest > 1.2 * last, "\(asked)")
        // What the coefficients move a frail patient by, at most; between the end of the way and its farthest point.
        var policy = DisclosurePolicy.local
        policy.linearPredictorMax = abs(end) * (1 + farthest / last) / 2
        let story = try Story(study, policy: policy, patients: Self.steep)
        let limited = try story.result.cox("bad")
        expectClose(limited.coefficients, fit.coefficients, relative: 1e-8, "coef")
        expectClose(limited.standardErrors, fit.standardErrors, relative: 1e-6, "se")
        expectClose(limited.logLikelihood, fit.logLikelihood, relative: 1e-10, "loglik")
        #expect(limited.warnings == fit.warnings)
        let words = story.troubles.joined().joined()
        #expect(!words.isEmpty && words.allSatisfy { $0.contains("linear-predictor-max, analysis \"bad\"") })
        #expect(Self.others(story.result) == Self.others(free.result))
        #expect(story.statements.allSatisfy { $0 == story.statements[0] })
    }
}
