import Cryptography
import Federation
import Survival
import Testing

/// What leaves a hospital of a refusal: the rule where everybody may know it, nothing where its rows are why.
struct ToldRefusalTests {
    private static func patients(_ change: (inout Patient) -> Void = { _ in }) -> [Patient] {
        Patient.random(60, seed: 3).map { patient in
            var patient = patient
            change(&patient)
            return patient
        }
    }

    /// A round of a study at the first of three hospitals, which the examples' policy refuses because of its rows.
    private struct Case: Sendable, CustomTestStringConvertible {
        var rule: String
        var analysis: String
        var patients: [Patient]
        var rounds: Int

        var testDescription: String { rule }
    }

    private static let ofRows: [Case] = [
        Case(
            rule: "people-min", analysis: "cox: {id: m, terms: [age]}",
            patients: Array(patients().prefix(15)), rounds: 0),
        Case(
            rule: "events-min", analysis: "cox: {id: m, terms: [age]}", patients: patients { $0.died = 0 },
            rounds: 0),
        Case(
            rule: "events-per-parameter-min",
            analysis: "cox: {id: m, terms: [age, marker, share, exposure, stage, frail]}",
            patients: patients { $0.died = $0.person < 13 ? 1 : 0 }, rounds: 0),
        Case(
            rule: "concentration", analysis: "cox: {id: m, terms: [marker]}",
            patients: patients { $0.marker = $0.person == 0 ? 9 : 0 }, rounds: 0),
        Case(
            rule: "weight-ratio-max", analysis: "cox: {id: m, terms: [age], weights: share * share * share}",
            patients: patients { $0.share = $0.person < 30 ? 0.1 : 1 }, rounds: 0),
        Case(
            rule: "level-people-min", analysis: "cox: {id: m, terms: [age, frail]}",
            patients: patients { $0.frail = $0.person == 0 ? 1 : 0 }, rounds: 1),
    ]

    @Test(arguments: ofRows)
    private func `a refusal that depends on rows leaves without its reason`(_ item: Case) throws {
        let plan = try Ward.plan(Ward.study("analyses: [{\(item.analysis)}]"))
        let cohort = SiteCohort(table: PatientTable(item.patients), plan: plan)
        var run = StudyRun(plan: plan, sites: [])
        for _ in 0..<item.rounds { try run.receive(run.queries.flatMap { try cohort.answer($0) }) }
        do {
            _ = try DisclosurePolicy.ofTheExamples().clear(run, on: cohort, siteCount: 3, evaluations: [:])
            Issue.record("it was answered")
        } catch let error as ProtocolError {
            #expect("\(error)".hasPrefix("policy rule \(item.rule)"), "\(error)")
            #expect(error.told == "this hospital's policy does not allow the study")
        }
    }

    @Test func `people that differ by few, and numbers that cannot be computed, are no reasons outside`()
        throws
    {
        let (all, few) = (RowSet(0..<50), RowSet(0..<47))
        let policy = try DisclosurePolicy.ofTheExamples()
        let error = #expect(throws: DisclosureError.self) {
            try policy.admit(
                "m", of: AnsweredCohort(rows: few, eligible: few),
                beside: AnsweredCohort(rows: all, eligible: all),
                named: nil, person: (0..<50).map { Int32($0) })
        }
        #expect(ProtocolError.refused(try #require(error)).told == Refusal.withoutReason)
        #expect(ProtocolError.failed("a sum is too large to be sent").told == Refusal.withoutReason)
    }

    @Test func `what follows from the study's text, or from messages, is told`() throws {
        let policy = try DisclosurePolicy.ofTheExamples()
        let lead = SPIFFEID(consortium: "liver", role: .operator("lead"))
        for lines in [
            "analyses: [{cox: {id: m, terms: [age], baseline: common, times: exact}}]",
            "analyses: [{survival: {id: m, times: exact}}]",
            "analyses: [{cox: {id: m, terms: [age], event: months > 3}}]",
            "analyses: [{cox: {id: m, terms: [age], evaluations: 61}}]",
            "analyses: [{describe: {id: m, variables: [age], bins: exact}}]",
            "define: {a: 1 / marker}\nanalyses: [{cox: {id: m, terms: [a]}}]",
        ] {
            let plan = try Ward.plan(Ward.study(lines))
            let refusal = #expect(throws: DisclosureError.self) { try policy.admit(plan, from: lead) }
            let error = try #require(refusal)
            #expect(ProtocolError.refused(error).told == "\(error)")
        }
        for error in [ProtocolError.malformed("a"), .untrusted("a"), .outOfPlace("a"), .broken("a")] {
            #expect(error.told == "a")
        }
    }
}
