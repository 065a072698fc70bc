import CohortStore
import Cryptography
import Federation
import Ledger
import Testing

@testable import HospitalNode

/// Two results on nearly the same people give the few that are in one of them only: the second is refused.
struct CohortDifferenceTests {
    /// What the policy objects to; none if the study can be approved.
    private func objections(_ analyses: String, at hospital: Hospital, name: String = "later") throws
        -> [String]
    {
        try hospital.administration().assess(try hospital.receive(analyses, name: name)).objections
    }

    /// Answers the first round of a study for the ledger, as the node would.
    private func answer(_ analyses: String, at hospital: Hospital, name: String = "earlier") throws {
        let (administration, study) = (
            try hospital.administration(), try hospital.receive(analyses, name: name)
        )
        let cohort = try administration.cohort(for: study.plan, submission: study.submission)
        let records = try administration.requireAdmissible(study, cohort, under: administration.policy)
            .records
        let session = SHA256Digest(of: name.utf8).hex
        try administration.ledger.beginSession(
            id: session, study: study.plan.hash, secret: [1], hello: [2], at: hospital.now)
        try administration.ledger.recordAnswer(
            session: session, round: 1, requestDigest: study.plan.hash, request: [3], answer: [4],
            cohorts: records, at: hospital.now)
    }

    private func model(_ cohort: String? = nil, terms: String = "age", id: String = "m") -> String {
        "{cox: {id: \(id), terms: [\(terms)], people: all-rows\(cohort.map { ", cohort: '\($0)'" } ?? "")}}"
    }

    private static let rule = "policy rule cohort-difference-min, analysis "

    /// Ages are 30, 31, ...: a filter on age leaves out as many people as it is years above 30.
    @Test(arguments: [(30, false), (31, true), (39, true), (40, false)])
    func `an analysis is refused if one to nine people are in one of two`(_ age: Int, _ isRefused: Bool)
        throws
    {
        let hospital = try Hospital()
        try answer(model(), at: hospital)
        let found = try objections(model("age >= \(age)"), at: hospital)
        let sentence =
            "\(Self.rule)\"m\": its people at this hospital are nearly those of an analysis that was answered before: "
            + "fewer than 10 differ; use the same cohort"
        #expect(found == (isRefused ? [sentence] : []))
    }

    @Test func `two analyses of one study are compared too, and named`() throws {
        let hospital = try Hospital()
        let found = try objections(model(id: "all") + ", " + model("age != 53", id: "but-one"), at: hospital)
        #expect(found.count == 1)
        #expect(
            found.first?.hasPrefix(
                "\(Self.rule)\"but-one\": its people at this hospital are nearly those of analysis \"all\"")
                == true)
        #expect(
            try objections(model(id: "all") + ", " + model("age > 60", id: "old"), at: hospital, name: "b")
                == [])
    }

    @Test func `only what was answered counts, and the same study may run again`() throws {
        let hospital = try Hospital()
        _ = try objections(model("age != 53"), at: hospital, name: "never-answered")
        try answer(model(), at: hospital)
        #expect(try objections(model(), at: hospital) == [])
        #expect(try objections(model(terms: "sex"), at: hospital, name: "another") == [])
    }

    @Test func `new patients count, whatever the order of the file`() throws {
        let hospital = try Hospital()
        try answer(model(), at: hospital)
        try hospital.replace(HospitalPatient.made(60).reversed())
        #expect(try objections(model(), at: hospital) == [])
        try hospital.replace(HospitalPatient.made(63).reversed())
        #expect(try objections(model(), at: hospital, name: "three-more").count == 1)
        try hospital.replace(HospitalPatient.made(70))
        #expect(try objections(model(), at: hospital, name: "ten-more") == [])
    }

    /// A person whose rows are only partly in one of two analyses differs between them.
    @Test func `people are counted, and a person with other rows is another`() throws {
        var patients = HospitalPatient.made(40)
        // Twelve further rows of one person, the last of whom is in a filter's way.
        patients += (0..<12).map {
            HospitalPatient(id: "p0", months: 60, died: false, age: 90 + $0, crp: "1", sex: "f")
        }
        let hospital = try Hospital(patients: patients)
        try answer(model(), at: hospital)
        #expect(try objections(model("age < 101"), at: hospital).count == 1, "one row of one person")
        #expect(
            try objections(model("age < 90"), at: hospital, name: "b").count == 1, "twelve rows of one person"
        )
    }

    // MARK: Missing values

    private func patients(missing count: Int) -> [HospitalPatient] {
        var patients = HospitalPatient.made(60)
        for index in 20..<(20 + count) { patients[index].crp = "" }
        return patients
    }

    @Test func `missing values may make a small difference, unless the policy refuses that too`() throws {
        let analyses = model(id: "a") + ", " + model(terms: "age, crp", id: "b")
        let lenient = try Hospital(patients: patients(missing: 3))
        #expect(try objections(analyses, at: lenient) == [])
        try answer(model(terms: "age, crp"), at: lenient)
        #expect(try objections(model(), at: lenient, name: "other-study") == [])
        let strict = try Hospital(
            policy: ["missing-data-difference": "refuse"], patients: patients(missing: 3))
        #expect(try objections(analyses, at: strict).count == 1)
        let many = try Hospital(
            policy: ["missing-data-difference": "refuse"], patients: patients(missing: 10))
        #expect(try objections(analyses, at: many) == [])
    }

    @Test func `a filter or a formula is not a missing value`() throws {
        // The person of 53 is one of those with a value.
        let hospital = try Hospital(patients: patients(missing: 3))
        try answer(model(), at: hospital)
        for (name, other) in [
            ("filter", model("crp > 0")), ("one", model("age != 31")),
            ("undefined", model(terms: "age, sqrt(age - 32.5)")),
            ("both", model("age != 31", terms: "age, crp")),
        ] {
            #expect(
                try objections(other, at: hospital, name: name).contains { $0.hasPrefix(Self.rule) },
                "\(name)")
        }
    }

    /// With `or` a formula can be known although a value is missing: then it chooses among those with missing values.
    @Test func `a formula that picks from those with missing values is refused`() throws {
        let hospital = try Hospital(patients: patients(missing: 3))
        try answer(model(terms: "age, crp > 5"), at: hospital)
        let found = try objections(model(terms: "age, crp > 5 or age == 50"), at: hospital)
        #expect(found.contains { $0.hasPrefix(Self.rule) })
    }

    // MARK: The ledger

    @Test func `the ledger lists what was answered and holds no identifier`() throws {
        let hospital = try Hospital()
        try answer(model() + ", " + model("age > 60", id: "old"), at: hospital)
        let listed = try hospital.administration().answeredAnalyses()
        #expect(listed.map(\.analysis) == ["m", "old"] && listed.map(\.people) == [60, 29])
        #expect(listed.allSatisfy { $0.name == "earlier" && $0.at == hospital.now })
        #expect(Set(listed.map(\.cohort)).count == 2)
        #expect(try hospital.query("SELECT count(*) FROM cohort_rows WHERE instr(code, 'p1') > 0") == ["0"])
    }

    @Test func `a ledger does not forget, and does not go on with another patients' file`() throws {
        let hospital = try Hospital()
        try answer(model(), at: hospital)
        let administration = try hospital.administration()
        #expect(throws: LedgerError.otherPersonKey) {
            _ = try administration.ledger.number([], codedUnder: SHA256Digest(of: "other".utf8))
        }
        try hospital.forge("UPDATE cohorts SET members = x'01'")
        #expect(throws: LedgerError.self) { _ = try objections(model("age != 53"), at: hospital) }
    }
}
