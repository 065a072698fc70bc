import Cryptography
import Federation
import Foundation
import Logging
import Survival
import Synchronization

@testable import Coordinator

/// A consortium in one process: identities, a clock that is set by hand, sites with made-up patients, and a desk on a file.
final class TrialConsortium: Sendable {
    let operatorID = SPIFFEID(consortium: "trial", role: .operator("jane"))
    let sites = ["east", "north", "south", "west"]
    private let office: CertificateAuthority
    private let trust: TrustStore
    private let signers: [SPIFFEID.Role: Signer]
    private let clock = Mutex(1_800_000_000)
    private let folder: URL

    init() throws {
        let start = 1_800_000_000
        let office = try CertificateAuthority.create(consortium: "trial", at: start, days: 30)
        let list = try office.revocationList(revoked: [], number: 1, at: start, days: 20)
        trust = try TrustStore(rootsPEM: office.certificate.pem, crlPEM: list)
        var signers: [SPIFFEID.Role: Signer] = [:]
        for role in [.coordinator, .operator("jane")] + sites.map({ SPIFFEID.Role.node($0) }) {
            let key = try PrivateKey.generate()
            let certificate = try office.issue(
                for: SPIFFEID(consortium: "trial", role: role), key: key, dnsNames: [], ipAddresses: [],
                at: start,
                days: 10)
            signers[role] = Signer(certificate: certificate, key: key)
        }
        self.office = office
        self.signers = signers
        folder = FileManager.default.temporaryDirectory.appendingPathComponent(
            "coxswain-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(at: folder) }

    var authority: Authority {
        Authority(trust: trust, consortium: "trial", time: clock.withLock { $0 })
    }

    func advance(seconds: Int) { clock.withLock { $0 += seconds } }

    func signer(_ role: SPIFFEID.Role) -> Signer {
        guard let signer = signers[role] else { preconditionFailure("no \(role) in the trial") }
        return signer
    }

    /// A desk on the trial's database file: a second one is the first after a restart.
    func desk() async throws -> StudyDesk {
        let desk = StudyDesk(
            store: try CoordinatorStore(path: folder.appendingPathComponent("coordinator.sqlite").path),
            signer: signer(.coordinator),
            environment: .init(
                authority: { [self] in authority }, randomBytes: { try randomBytes(32) }),
            logger: Logger(label: "trial") { _ in SwiftLogNoOpLogHandler() })
        try await desk.restore()
        return desk
    }

    static let dictionary = """
        dictionary: trial
        version: 1
        person: id
        variables:
          id: {type: identifier, required: true}
          days: {type: integer, range: [0, 200]}
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

    func approve(_ study: SHA256Digest, at desk: StudyDesk, sites: [String]? = nil) async throws {
        for site in sites ?? self.sites {
            let decision = Decision(
                study: study, site: site, isApproved: true, reason: "", until: authority.time + 86400,
                policy: DisclosurePolicy.local.hash)
            try await desk.decide(SignedMessage(decision, by: signer(.node(site))), on: study, from: site)
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
