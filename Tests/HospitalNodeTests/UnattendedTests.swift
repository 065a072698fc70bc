import Federation
import Foundation
import Ledger
import Testing

@testable import HospitalNode

/// Studies that the policy lets run without a person: named operators, stricter rules, until a day; recorded as such.
struct UnattendedTests {
    /// 2027-03-31 is 74 days after the hospital's clock starts.
    private static let rules =
        "{operators: [lead], until: 2027-03-31, people-min: 50, events-min: 25, level-people-min: 20, events-per-parameter-min: 5}"
    private static let model = "{cox: {id: m, terms: [age]}}"

    private func approves(
        _ analyses: String = model, rules: String = rules, patients: Int = 60, after days: Int = 0
    ) throws -> Bool {
        let hospital = try Hospital(
            policy: ["unattended": rules, "times-exact": "allow"], patients: HospitalPatient.made(patients))
        hospital.advance(days: days)
        return try hospital.administration().approveUnattended(try hospital.receive(analyses))
    }

    @Test func `none is approved by default`() throws {
        #expect(try !approves(rules: "none"))
    }

    @Test func `a study under the stricter rules is approved, and recorded as approved by nobody`() throws {
        let hospital = try Hospital(policy: ["unattended": Self.rules])
        let study = try hospital.receive(Self.model)
        let administration = try hospital.administration()
        #expect(try administration.approveUnattended(study))
        let approval = try administration.requireApproval(of: study.plan.hash)
        #expect(approval.isUnattended && approval.policy.peopleMin == 50 && approval.policy.eventsMin == 25)
        #expect(approval.policy == administration.policy.withoutPerson)
        let log = try hospital.query(
            "SELECT kind || ' ' || json_extract(body, '$.person') FROM audit ORDER BY seq DESC LIMIT 1")
        #expect(log[0] == "study-approved-unattended the policy, without a person")
        // It ends with the rule that it was given under: 1806537599 is the end of the day.
        #expect(try hospital.query("SELECT approved_until FROM studies") == ["1806537599"])
    }

    @Test func `the day, the operator and each rule must fit`() throws {
        #expect(try approves(after: 73))
        #expect(try !approves(after: 76))
        #expect(try !approves(rules: Self.rules.replacing("[lead]", with: "[other]")))
        #expect(try !approves(patients: 49))
        #expect(try !approves(rules: Self.rules.replacing("events-min: 25", with: "events-min: 31")))
        #expect(
            try !approves("{survival: {id: s, times: exact}}"), "at exact times, which a person may approve")
    }

    /// The stricter rules are not the only ones: nobody reads such a study before it is answered.
    @Test(arguments: [
        ("{cox: {id: m, terms: [age, sex], cohort: 'age >= 31 and age < 109'}}", true),
        ("{cox: {id: m, terms: ['age > 60']}}", true),
        ("{cox: {id: m, terms: [log(crp)]}}", false),
        ("{cox: {id: m, terms: ['rcs(age, 40, 60, 80)']}}", false),
        ("{cox: {id: m, terms: [age], cohort: 'age > 31 or sex == \"f\"'}}", false),
        ("{cox: {id: m, terms: ['(age * age)']}}", false),
    ])
    func `only comparisons of one variable go without a person`(_ analysis: String, _ isApproved: Bool) throws
    {
        let hospital = try Hospital(policy: [
            "unattended": Self.rules.replacing("level-people-min: 20", with: "level-people-min: 10")
        ])
        let study = try hospital.receive(analysis)
        let administration = try hospital.administration()
        #expect(try administration.assess(study).objections.isEmpty, "a person may approve it")
        // What the node shows, and what anybody can know beforehand, is what it does.
        let reason = administration.policy.reasonForPerson(study.plan, ofOperator: "lead")
        #expect((reason == nil) == isApproved, "\(reason ?? "none")")
        let text = StudyExplanation(
            try administration.assess(study), policy: administration.policy, site: administration.site
        ).text
        #expect(text.contains("A person decides about it: \(reason?.prefix(20) ?? "unattended: its day")"))
        #expect(try administration.approveUnattended(study) == isApproved)
    }

    @Test func `a study that somebody decided about is not decided about again`() throws {
        let hospital = try Hospital(policy: ["unattended": Self.rules])
        let study = try hospital.receive(Self.model)
        let administration = try hospital.administration()
        try administration.decline(study, reason: "no", by: "Dr. Kim")
        #expect(try !administration.approveUnattended(try hospital.study(study.plan.hash)))
        // Not even if its decision was taken out of the ledger.
        try hospital.forge("UPDATE studies SET decision = 'pending', reason = NULL, decided_by = NULL")
        #expect(try !hospital.administration().approveUnattended(try hospital.study(study.plan.hash)))
    }

    /// Whatever a coordinator lets through: the node looks at the text itself, and says so where it decides.
    @Test(arguments: [
        (
            "{cox: {id: m, terms: ['(age + 5 * (age == 35))']}}",
            "policy rule formulas: analysis \"m\" (line 5): terms:"
        ),
        ("{describe: {id: m, variables: ['1 / (age - 50)']}}", "\"age - 50\" may be 0"),
        ("{concordance: {id: m, of: age, event: died and months > 7}}", "policy rule times-exact"),
        ("{cox: {id: m, terms: [age], censor-at: 7.5}}", "policy rule time-grid-days-min"),
    ])
    func `a study whose text is not to be answered is not approved`(_ analysis: String, _ words: String)
        throws
    {
        let hospital = try Hospital()
        let study = try hospital.receive(analysis)
        let administration = try hospital.administration()
        #expect(try administration.assess(study).objections.contains { $0.contains(words) })
        let text = StudyExplanation(
            try administration.assess(study), policy: administration.policy, site: administration.site
        ).text
        #expect(text.hasPrefix("WARNING: this study cannot be approved here:"))
        #expect(throws: NodeError.self) {
            try administration.approve(study, until: hospital.now + 86_400, by: "Dr. Kim")
        }
    }
}
