import Cryptography
import Federation
import Foundation
import GRDB
import Logging
import Membership
import Survival
import Synchronization
import TLSTransport
import TestConsortia
import Testing

@testable import Coordinator

/// A consortium in one process: identities, a clock that is set by hand, sites with made-up patients, and a coordinator on a file.
final class TrialConsortium: Sendable {
    let operatorID = SPIFFEID(consortium: "trial", role: .operator("jane"))
    let sites = ["east", "north", "south", "west"]
    private let consortium: Consortium
    private let trust: TrustStore
    private let signers: [SPIFFEID.Role: Signer]
    private let clock: Mutex<Int>
    private let folder: URL

    init(at start: Int = 1_800_000_000) throws {
        clock = Mutex(start)
        consortium = try Consortium("trial", at: start)
        trust = try consortium.trust()
        var signers: [SPIFFEID.Role: Signer] = [:]
        for role in [.coordinator, .operator("jane")] + sites.map({ SPIFFEID.Role.node($0) }) {
            signers[role] = try consortium.signer(role, days: 10)
        }
        self.signers = signers
        folder = FileManager.default.temporaryDirectory.appendingPathComponent(
            "coxswain-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    }

    var path: String { folder.path }
    var database: String { folder.appendingPathComponent("coordinator.sqlite").path }

    deinit { try? FileManager.default.removeItem(at: folder) }

    var trustView: TrustView {
        TrustView(trust: trust, consortium: "trial", time: clock.withLock { $0 })
    }

    func advance(seconds: Int) { clock.withLock { $0 += seconds } }

    func signer(_ role: SPIFFEID.Role) -> Signer {
        guard let signer = signers[role] else { preconditionFailure("no \(role) in the trial") }
        return signer
    }

    /// A coordinator on the trial's database file: a second one is the first after a restart.
    func coordinator() async throws -> StudyCoordinator {
        let coordinator = StudyCoordinator(
            store: try CoordinatorStore(path: database),
            signer: signer(.coordinator),
            environment: .init(
                trustView: { [self] in trustView }, randomBytes: { try randomBytes(32) }),
            logger: Logger(label: "trial") { _ in SwiftLogNoOpLogHandler() })
        try await coordinator.restore()
        return coordinator
    }

    /// Changes the coordinator's database behind its back.
    func damage(_ sql: String) throws {
        let queue = try DatabaseQueue(path: database)
        try queue.write { try $0.execute(sql: sql) }
        try queue.close()
    }

    // MARK: On the network

    /// Writes a member's key and certificate, with the authority and a revocation list of those revoked.
    ///
    /// `start` and `days` say when the certificate holds, in days from the trial's start; `office` signs it.
    @discardableResult
    func files(
        _ role: SPIFFEID.Role, as name: String, start: Int = 0, days: Int = 10,
        by office: CertificateAuthority? = nil
    ) throws -> Certificate {
        let key = try PrivateKey.generate()
        let certificate = try consortium.certificate(
            role, key: key, from: trustView.time + start * Consortium.day, days: days, by: office)
        try write(key.pem, "\(name).key")
        try write(certificate.pem, "\(name).pem")
        return certificate
    }

    func revoke(_ certificates: [Certificate]) throws {
        let list = try consortium.revocations(certificates, number: 2, at: trustView.time, days: 20)
        try write(list, "revocations.pem")
    }

    private func write(_ text: String, _ name: String) throws {
        let file = folder.appendingPathComponent(name)
        try Data(text.utf8).write(to: file)
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: file.path)
    }

    /// Runs the coordinator on the trial's database and a free port for as long as `body` takes.
    func withCoordinator(_ body: (_ port: Int) async throws -> Void) async throws {
        try write(consortium.authority.certificate.pem, "authority.pem")
        try write(
            """
            consortium: trial
            listen: 127.0.0.1:0
            port-file: port
            database: coordinator.sqlite
            identity: {certificate: server.pem, key: server.key, authority: authority.pem, revocations: revocations.pem}
            """, "coordinator.yaml")
        let file = try ConfigurationFile(path: folder.appendingPathComponent("coordinator.yaml").path)
        let service = try await CoordinatorService.open(
            CoordinatorConfiguration(file, environment: [:]),
            logger: Logger(label: "trial") { _ in SwiftLogNoOpLogHandler() })
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await service.run() }
            defer { group.cancelAll() }
            try await body(try await port())
        }
    }

    /// The port, once the coordinator has written it.
    private func port() async throws -> Int {
        let file = folder.appendingPathComponent("port")
        for _ in 0..<1000 {
            // Not there yet: asked again.
            if let text = try? String(contentsOf: file, encoding: .utf8),
                let port = Int(text.trimmingCharacters(in: .whitespacesAndNewlines))
            {
                return port
            }
            try await Task.sleep(for: .milliseconds(20))
        }
        throw TransportError.setup("the coordinator was not bound")
    }

    static let dictionary = """
        dictionary: trial
        version: 1
        person: id
        variables:
          id: {type: identifier, required: true}
          days: {type: integer, unit: day, range: [0, 200]}
          died: {type: boolean}
          age: {type: integer, range: [18, 100]}
          stage: {type: category, levels: [I, II, III]}
        """

    static func study(_ extra: String = "") -> String {
        """
        study: trial
        dictionary: trial@1
        sites: [east, north, south, west]
        endpoint: {time: days, event: died, unit: day}
        analyses:
          - cox: {id: site, terms: [age, stage]}
          - cox: {id: common, terms: [age, stage], baseline: common, times: exact}
          - survival: {id: by-stage, by: stage, times: exact, test: log-rank}
        \(extra)
        """
    }

    func submission(_ extra: String = "") throws -> SignedMessage {
        try SignedMessage(
            StudySubmission(study: Self.study(extra), dictionary: Self.dictionary, submitter: operatorID),
            by: signer(.operator("jane")))
    }

    // MARK: How far a study is

    /// Submits the study; nobody has decided about it.
    func submitted(_ extra: String = "", at coordinator: StudyCoordinator) async throws -> SHA256Digest {
        try await coordinator.submit(submission(extra), by: operatorID).study
    }

    /// Submits the study and has all hospitals approve it.
    func approved(_ extra: String = "", at coordinator: StudyCoordinator) async throws -> SHA256Digest {
        let study = try await submitted(extra, at: coordinator)
        try await approve(study, at: coordinator)
        return study
    }

    /// The same, launched: the study and its session, in which nobody has said anything yet.
    func running(
        _ extra: String = "", at coordinator: StudyCoordinator
    ) async throws -> (study: SHA256Digest, session: SHA256Digest) {
        let study = try await approved(extra, at: coordinator)
        return (study, try await launched(study, at: coordinator))
    }

    /// Launches a study that was approved; gives the session.
    func launched(_ study: SHA256Digest, at coordinator: StudyCoordinator) async throws -> SHA256Digest {
        try #require(try await coordinator.launch(study, by: operatorID).session).id
    }

    func approve(_ study: SHA256Digest, at coordinator: StudyCoordinator, sites: [String]? = nil) async throws
    {
        for site in sites ?? self.sites {
            let decision = Decision(
                study: study, site: site, isApproved: true, reason: "", until: trustView.time + 86400,
                policy: DisclosurePolicy.local.hash)
            try await coordinator.decide(
                SignedMessage(decision, by: signer(.node(site))), on: study, from: site)
        }
    }

    /// Sixty made-up patients of a site; the same at each call.
    func table(of site: String) -> PatientTable {
        var state = UInt64(site.utf8.reduce(7) { $0 &* 31 &+ UInt64($1) })
        func draw(_ below: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int((state >> 33) % UInt64(below))
        }
        let rows = 60
        return PatientTable(
            rowCount: rows, person: (0..<rows).map { Int32($0) },
            columns: [
                "days": .number((0..<rows).map { _ in Double(1 + draw(150)) }),
                "died": .boolean((0..<rows).map { _ in Double(min(draw(4), 1)) }),
                "age": .number((0..<rows).map { _ in Double(30 + draw(50)) }),
                "stage": .category((0..<rows).map { _ in Int32(draw(3)) }),
            ])
    }
}
