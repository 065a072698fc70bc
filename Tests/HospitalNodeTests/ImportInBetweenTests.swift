import CohortStore
import Cryptography
import Federation
import Ledger
import Testing

@testable import HospitalNode

/// Patients that are imported, by another process, between two readings of the node's files.
struct ImportInBetweenTests {
    private static let model = "{cox: {id: m, terms: [age]}}"
    private let hospital: Hospital
    private let study: LocalStudy

    init() throws {
        hospital = try Hospital()
        study = try hospital.receive(Self.model)
    }

    private func load(_ administration: NodeAdministration) throws -> LoadedCohort {
        try administration.cohort(for: study.plan, submission: study.submission)
    }

    @Test(arguments: [30, 90])
    func `rows that were loaded are not taken for those that stand in their places now`(_ count: Int) throws {
        let administration = try hospital.administration()
        let loaded = try load(administration)
        #expect(try administration.rows(of: study.plan, in: loaded).person.count == 60)
        try hospital.replace(HospitalPatient.made(count, from: 100))
        let error = #expect(throws: NodeError.self) { try administration.rows(of: study.plan, in: loaded) }
        #expect(error?.description == "the patients were imported anew in the meantime")
        #expect(
            try administration.rows(of: study.plan, in: load(administration)).analyses.map(\.people) == [
                count
            ])
    }

    @Test func `rows that were answered for after the numbers were read are not asked about`() throws {
        let (administration, other) = (try hospital.administration(), try hospital.administration())
        let rows = try administration.rows(of: study.plan, in: load(administration))
        try hospital.replace(HospitalPatient.made(65))
        let later = try hospital.receive(Self.model, name: "later")
        let records = try other.requireAdmissible(
            later, try other.cohort(for: later.plan, submission: later.submission), under: other.policy
        ).records
        try other.ledger.beginSession(
            id: "later", study: later.plan.hash, secret: [1], hello: [2], at: hospital.now)
        try other.ledger.recordAnswer(
            session: "later", round: 1, requestDigest: later.plan.hash, request: [3], answer: [4],
            cohorts: records, at: hospital.now)
        #expect(rows.differences(of: study.plan.hash, under: administration.policy).isEmpty)
        #expect(try administration.assess(study).objections.isEmpty)
    }

    @Test func `an approval is of the rows that it was held against`() throws {
        let administration = try hospital.administration()
        let assessed = try #require(try administration.assess(study).snapshot)
        #expect(
            try assessed == administration.snapshot(of: study.plan)
                && assessed == load(administration).snapshot)
        try hospital.replace(HospitalPatient.made(80))
        #expect(try administration.assess(study).snapshot != assessed)
    }

    /// Both files cannot be written at once: the entry comes first.
    @Test func `rows that the audit log could not be told of are not imported`() throws {
        let administration = try hospital.administration()
        let before = try load(administration).snapshot
        try hospital.forge(
            "CREATE TRIGGER full BEFORE INSERT ON audit BEGIN SELECT RAISE(ABORT, 'no room'); END")
        #expect(throws: StoreError.self) { try hospital.replace(HospitalPatient.made(80)) }
        #expect(try load(hospital.administration()).snapshot == before)
    }
}
