import CohortStore
import Cryptography
import Federation
import Foundation
import GRDB
import Ledger
import Membership
import Survival
import Synchronization

@testable import HospitalNode

/// A hospital's node in a folder of its own, without a network; its clock is set by hand.
final class Hospital: Sendable {
    static let start = 1_800_000_000
    private let clock = SetClock()
    private let folder = FileManager.default.temporaryDirectory.appending(
        path: "hospital-\(UUID().uuidString)")
    private let lead: Signer

    /// Makes identity, policy and databases, and imports `patients`.
    init(
        site: String = "north", policy changes: [String: String] = [:],
        patients: [HospitalPatient] = HospitalPatient.made(60)
    ) throws {
        let path = folder.path
        let office = try CertificateOffice.create(in: "\(path)/office", consortium: "liver", at: Self.start)
        _ = try office.issue(
            .node(site), dnsNames: [], ipAddresses: [], days: 365, to: "\(path)/identity", at: Self.start)
        _ = try office.issue(
            .operator("lead"), dnsNames: [], ipAddresses: [], days: 365, to: "\(path)/lead", at: Self.start)
        let files = ["certificate: identity.pem", "key: identity.key", "authority: authority.pem"]
        lead = try Self.signer(in: "\(path)/lead")
        let identity = (files + ["revocations: revocations.pem"]).map {
            $0.replacing(": ", with: ": identity/")
        }
        try write(
            """
            consortium: liver
            coordinator: 127.0.0.1:1
            identity: {\(identity.joined(separator: ", "))}
            cohort: cohort.sqlite
            ledger: ledger.sqlite
            policy: policy.yaml
            """, to: "node.yaml")
        try write(Self.dictionary, to: "dictionary.yaml")
        try setPolicy(changes)
        _ = try NodeAdministration.create(try configuration(), clock: { 0 })
        try replace(patients)
    }

    deinit { try? FileManager.default.removeItem(at: folder) }

    /// Another member's certificate and key, issued for the occasion.
    func signer(_ role: SPIFFEID.Role) throws -> Signer {
        let folder = file("member-\(UUID().uuidString)")
        _ = try CertificateOffice(directory: file("office")).issue(
            role, dnsNames: role == .coordinator ? ["localhost"] : [], ipAddresses: [], days: 365, to: folder,
            at: now)
        return try Self.signer(in: folder)
    }

    private static func signer(in folder: String) throws -> Signer {
        Signer(
            certificate: try Certificate(
                pem: try String(contentsOfFile: "\(folder)/identity.pem", encoding: .utf8)),
            key: try PrivateKey(pem: try String(contentsOfFile: "\(folder)/identity.key", encoding: .utf8)))
    }

    /// As a process that starts now would see it.
    func administration() throws -> NodeAdministration {
        try NodeAdministration(try configuration(), clock: { [clock] in clock.time.withLock { $0 } })
    }

    func advance(days: Int) { clock.time.withLock { $0 += 86_400 * days } }

    var now: Int { clock.time.withLock { $0 } }

    func file(_ name: String) -> String { "\(folder.path)/\(name)" }

    func write(_ text: String, to name: String) throws {
        try Data(text.utf8).write(to: URL(fileURLWithPath: file(name)))
    }

    private func configuration() throws -> NodeConfiguration {
        try NodeConfiguration(try ConfigurationFile(path: file("node.yaml")), environment: [:])
    }

    func setPolicy(_ changes: [String: String]) throws {
        let lines = Self.policy.map { "\($0): \(changes[$0] ?? $1)" }
        try write(lines.joined(separator: "\n"), to: "policy.yaml")
    }

    func replace(_ patients: [HospitalPatient]) throws {
        try write(
            (["id,months,died,age,crp,sex"] + patients.map(\.line)).joined(separator: "\n") + "\n",
            to: "x.csv")
        _ = try administration().importPatients(
            csv: file("x.csv"), dictionary: file("dictionary.yaml"), replacing: true)
    }

    /// A study as its lead submits it.
    func submission(
        _ analyses: String, name: String = "study", endpoint: String = endpoint, extra: String = "",
        dictionary: String = dictionary
    ) throws -> SignedMessage {
        let text = """
            study: \(name)
            dictionary: ward@1
            sites: [north, south, west]
            endpoint: \(endpoint)
            analyses: [\(analyses)]
            \(extra)
            """
        return try SignedMessage(
            StudySubmission(
                study: text, dictionary: dictionary,
                submitter: SPIFFEID(consortium: "liver", role: .operator("lead"))), by: lead)
    }

    /// Records a study as it arrives from the study's lead.
    func receive(
        _ analyses: String, name: String = "study", endpoint: String = endpoint, extra: String = "",
        dictionary: String = dictionary
    ) throws -> LocalStudy {
        let message = try submission(
            analyses, name: name, endpoint: endpoint, extra: extra, dictionary: dictionary)
        let administration = try administration()
        try administration.ledger.recordStudy(
            hash: message.payloadDigest, submission: CanonicalJSON.bytes(message), receivedAt: now)
        return try study(message.payloadDigest)
    }

    func study(_ hash: SHA256Digest) throws -> LocalStudy { try administration().study(hash.hex) }

    /// Changes the ledger as somebody would who can write the file, triggers and all.
    func forge(_ sql: String) throws {
        let raw = try DatabaseQueue(path: file("ledger.sqlite"))
        try raw.writeWithoutTransaction { db in
            for name in try String.fetchAll(db, sql: "SELECT name FROM sqlite_master WHERE type = 'trigger'")
            {
                try db.execute(sql: "DROP TRIGGER \(name)")
            }
            try db.execute(sql: sql)
        }
        try raw.close()
    }

    func query(_ sql: String) throws -> [String] {
        let raw = try DatabaseQueue(path: file("ledger.sqlite"))
        defer { try? raw.close() }
        return try raw.read { try String.fetchAll($0, sql: sql) }
    }

    static let endpoint = "{time: months, event: died, unit: month}"

    private static let policy = [
        ("people-min", "20"), ("events-min", "10"), ("level-people-min", "10"),
        ("events-per-parameter-min", "2"), ("linear-predictor-max", "20"), ("sites-min", "3"),
        ("evaluations-max", "40"), ("baseline-common", "refuse"), ("times-exact", "refuse"),
        ("time-grid-days-min", "30"), ("interval-exits-min", "10"), ("table-cell-min", "10"),
        ("value-counts", "refuse"), ("operators", "[]"),
        ("approval-days-max", "90"), ("weight-ratio-max", "100"), ("cohort-difference-min", "10"),
        ("missing-data-difference", "allow"), ("hold", "never"), ("unattended", "none"),
    ]

    static let dictionary = """
        dictionary: ward
        version: 1
        person: patient
        variables:
          patient: {type: identifier, column: id, required: true}
          months: {type: integer, unit: month, range: [0, 120], filter: false, term: false}
          died: {type: boolean, filter: false, term: false}
          age: {type: integer, range: [18, 110]}
          crp: {type: number, range: [0.1, 500]}
          sex: {type: category, levels: [f, m], reference: f}

        """
}

/// A clock that is set by hand.
private final class SetClock: Sendable {
    let time = Mutex(Hospital.start)
}

/// A row of the hospital's file; an empty CRP is missing.
struct HospitalPatient {
    var id: String
    var months: Int
    var died: Bool
    var age: Int
    var crp: String
    var sex: String

    var line: String { "\(id),\(months),\(died ? 1 : 0),\(age),\(crp),\(sex)" }

    /// One row each, ages from 30 on without repetition up to 110, half of them dead.
    static func made(_ count: Int, from first: Int = 0) -> [HospitalPatient] {
        (first..<(first + count)).map { index in
            HospitalPatient(
                id: "p\(index)", months: 1 + index * 7 % 50, died: index.isMultiple(of: 2),
                age: 30 + index % 80,
                crp: "\(1 + index % 9).5", sex: index.isMultiple(of: 3) ? "m" : "f")
        }
    }
}
