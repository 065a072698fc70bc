import CohortStore
import Cryptography
import Federation
import Foundation
import Ledger
import Survival
import Testing

@testable import HospitalNode

/// 500 patients, then 499, at three hospitals with the policy that is handed out with the program.
///
/// Every other rule lets both studies pass, and every sum is true; it is each hospital's memory of whose rows it summed that
/// protects the patient who is in one of the two only.
struct OverlappingStudiesTests {
    private static let victim = HospitalPatient(
        id: "victim", months: 23, died: true, age: 104, crp: "37.25", sex: "m")

    private let hospitals: [Hospital]

    init() throws {
        var patients = HospitalPatient.made(499)
        for index in patients.indices { patients[index].age = 30 + index % 70 }
        patients.append(Self.victim)
        let policy = try String(
            contentsOf: URL(filePath: #filePath).deletingLastPathComponent()
                .appending(path: "../../Config/policy.yaml").standardized, encoding: .utf8)
        hospitals = try ["north", "south", "west"].enumerated().map { place, name in
            let own = patients.enumerated().filter { $0.offset % 3 == place }.map(\.element)
            let hospital = try Hospital(site: name, patients: own)
            try hospital.write(policy, to: "policy.yaml")
            return hospital
        }
    }

    /// The sums of a study's first two rounds over all hospitals, and the questions of the second.
    private struct Sums {
        var moments: [Double]
        var columns: [ModelSpecification.DesignColumn]
    }

    /// Answers a study's first two rounds, each hospital's answers cleared by all of its policy's rules for an answer.
    ///
    /// `remembering` says whether the hospitals look at what they answered before, and write down what they answer now.
    private func answer(_ name: String, cohort: String, remembering: Bool) throws -> Sums {
        let sites = try hospitals.map { hospital in
            let study = try hospital.receive(
                "{cox: {id: m, terms: [age, crp, sex], cohort: '\(cohort)'}}", name: name)
            let administration = try hospital.administration()
            return (
                hospital: hospital, administration: administration, study: study,
                loaded: try administration.cohort(for: study.plan, submission: study.submission)
            )
        }
        if remembering {
            for site in sites {
                let records = try site.administration.requireAdmissible(
                    site.study, site.loaded, under: site.administration.policy
                ).records
                let session = SHA256Digest(of: name.utf8).hex
                try site.administration.ledger.beginSession(
                    id: session, study: site.study.plan.hash, secret: [1], hello: [2], at: site.hospital.now)
                try site.administration.ledger.recordAnswer(
                    session: session, round: 1, requestDigest: site.study.plan.hash, request: [3],
                    answer: [4], cohorts: records, at: site.hospital.now)
            }
        }
        let plan = sites[0].study.plan
        var run = StudyRun(plan: plan, sites: [])
        var sum: [Double] = []
        for round in 1...2 {
            for site in sites {
                _ = try site.administration.policy.clear(
                    run, on: site.loaded.cohort, siteCount: 3, evaluations: [:])
            }
            sum = try run.queries.flatMap { query in
                let answers = try sites.map { try $0.loaded.cohort.answer(query) }
                return answers[0].indices.map { lane in answers.reduce(0) { $0 + $1[lane] } }
            }
            if round == 1 { try run.receive(sum) }
        }
        #expect(run.queries.map(\.kind) == ["moments"])
        guard let cox = plan.analyses[0].cox else { return Sums(moments: [], columns: []) }
        return Sums(moments: sum, columns: cox.model.columns)
    }

    @Test func `a study of all but one of 500 patients gives that one's row, and is refused`() throws {
        let all = try answer("all", cohort: "age >= 18", remembering: true)
        let fewer = try answer("all-but-one", cohort: "age < 104", remembering: false)
        let difference = zip(all.moments, fewer.moments).map { $0 - $1 }
        #expect(all.moments[0] == 500 && difference[0] == 1)
        let row = zip(all.columns, difference.dropFirst()).map { column, scaled in
            let range = DictionaryRange(column.bounds)
            return range.half * scaled + range.middle
        }
        #expect(all.columns.map(\.name) == ["age", "crp", "sex=m"])
        for (got, want) in zip(row, [104, 37.25, 1]) { #expect(abs(got - want) < 1e-6) }

        do {
            _ = try answer("again", cohort: "age < 104", remembering: true)
            Issue.record("the study of 499 was answered")
        } catch let error as ProtocolError {
            #expect(
                "\(error)".contains(
                    "policy rule cohort-difference-min, analysis \"m\": its people at this hospital"))
        }
    }

    /// The two hospitals without the patient see the same people twice and have nothing to object.
    @Test func `only the hospital of the patient refuses, and says no number and no name`() throws {
        _ = try answer("all", cohort: "age >= 18", remembering: true)
        let refusals = try hospitals.map { hospital in
            try hospital.administration().assess(
                hospital.receive("{cox: {id: m, terms: [age], cohort: 'age < 104'}}", name: "fewer")
            ).objections
        }
        #expect(refusals.map(\.count) == [0, 1, 0])
        #expect(
            refusals[1].allSatisfy { !$0.contains("104") && !$0.contains("victim") && !$0.contains("166") })
    }
}
