import Cryptography
import Federation
import Foundation
import Logging
import Survival
import Testing
import TLSTransport

@testable import Coordinator

/// Members of other versions, and what an older program left in the database.
struct VersionTests {
    private let trial: TrialConsortium
    private static let older = Versions(
        protocol: Versions.current.protocol, engine: Versions.current.engine - 1)
    private static let newer = Versions(
        protocol: Versions.current.protocol, engine: Versions.current.engine + 1)

    init() throws { trial = try TrialConsortium() }

    @Test(arguments: [(older, "north"), (nil, "north"), (newer, "the coordinator")] as [(Versions?, String)])
    func `no session begins with a hospital that is known to run another version`(
        _ versions: Versions?, _ blamed: String
    ) async throws {
        let coordinator = try await trial.coordinator()
        let study = try await trial.approved(at: coordinator)
        for site in trial.sites { try await coordinator.meet(site, site == "north" ? versions : .current) }
        let error = await #expect(throws: RefusedRequest.self) {
            try await coordinator.launch(study, by: trial.operatorID)
        }
        #expect(error?.description.hasPrefix("no session can begin: north runs another version") == true)
        #expect(error?.description.hasSuffix("\(blamed) must be updated") == true)
        let status = try #require(try await coordinator.list(for: trial.operatorID).first)
        #expect(status.siteStates.first { $0.name == "north" }?.states.count == 2)
        try await coordinator.meet("north", .current)
        #expect(try await coordinator.launch(study, by: trial.operatorID).state == .running)
    }

    @Test(arguments: [(older, "north"), (nil, "north"), (newer, "the coordinator")] as [(Versions?, String)])
    func `a hello of another version ends the session and tells the lead who must be updated`(
        _ versions: Versions?, _ blamed: String
    ) async throws {
        var coordinator = try await trial.coordinator()
        let study = try await trial.approved(at: coordinator)
        let session = try await trial.launched(study, at: coordinator)
        let sites = try TrialSites(trial, session: session, study: study)
        var hello = try CanonicalJSON.decode(
            Hello.self, from: Array(try sites.hello(of: "north").payload.utf8))
        hello.versions = versions
        try await coordinator.receive(
            SignedMessage(hello, by: trial.signer(.node("north"))), round: 0, session: session, from: "north")
        for _ in 0..<2 {
            let status = try #require(try await coordinator.list(for: trial.operatorID).first)
            #expect(status.state == .failed)
            #expect(status.reason.hasSuffix("\(blamed) must be updated"))
            coordinator = try await trial.coordinator()
        }
        #expect(try await coordinator.launch(study, by: trial.operatorID).state == .running)
    }

    private func answer(_ query: [String: String], as role: SPIFFEID.Role) async throws -> (Int, String) {
        let api = CoordinatorAPI(
            coordinator: try await trial.coordinator(),
            logger: Logger(label: "trial") { _ in SwiftLogNoOpLogHandler() })
        let path = role == .node("north") ? "/v1/work" : "/v1/studies"
        let head = HTTPRequestHeadView(
            method: "GET", path: path, query: query, headers: [],
            peer: SPIFFEID(consortium: "trial", role: role),
            certificate: trial.signer(.coordinator).certificate)
        let answer = await api.respond(to: HTTPCall(head: head, body: []))
        return (answer.status, String(decoding: answer.body, as: UTF8.self))
    }

    private func query(_ versions: Versions) -> [String: String] {
        ["protocol": "\(versions.protocol)", "engine": "\(versions.engine)"]
    }

    @Test(arguments: [SPIFFEID.Role.node("north"), .operator("jane")], [-1, 1])
    func `a caller of another protocol is told who must be updated`(_ role: SPIFFEID.Role, _ step: Int)
        async throws
    {
        let current = Versions.current
        let other = Versions(protocol: current.protocol + step, engine: current.engine)
        let (status, text) = try await answer(query(other), as: role)
        let name = role == .node("north") ? "north" : "spiffe://trial/operator/jane"
        #expect(status == 422)
        #expect(text.contains("\(step < 0 ? name : "the coordinator") must be updated"))
        #expect(try await answer(query(current), as: role).0 == 200)
        // Another engine may look on; it is sessions that need the same.
        #expect(try await answer(query(Self.older), as: role).0 == 200)
    }

    @Test(arguments: [
        ["protocol": "2"], ["engine": "1"], ["protocol": "x", "engine": "1"],
        ["protocol": "0", "engine": "1"],
    ])
    func `versions are two numbers`(_ query: [String: String]) async throws {
        #expect(try await answer(query, as: .node("north")).0 == 400)
    }

    /// A program from before versions were told could not read a work list that has them.
    @Test func `the coordinator tells its versions to those who tell theirs`() async throws {
        #expect(try await answer(query(.current), as: .node("north")).1.contains("\"versions\":"))
        #expect(
            try await answer([:], as: .node("north")).1
                == #"{"items":[],"version":"\#(WorkList(items: []).version.hex)"}"#)
    }

    // MARK: What an older program left

    @Test func `a session of an older program is ended at the start, and the study can be launched again`()
        async throws
    {
        var coordinator = try await trial.coordinator()
        let study = try await trial.approved(at: coordinator)
        let session = try await trial.launched(study, at: coordinator)
        let old = SessionOpening(session: session, study: study, sites: trial.sites, versions: nil)
        let message = try SignedMessage(old, by: trial.signer(.coordinator))
        let text = String(decoding: CanonicalJSON.bytes(message), as: UTF8.self)
        try trial.damage("UPDATE session SET opening = '\(text)'")
        for _ in 0..<2 {
            coordinator = try await trial.coordinator()
            let status = try #require(try await coordinator.list(for: trial.operatorID).first)
            #expect(status.state == .failed && status.session == nil)
            #expect(
                status.reason
                    == "the session began under another version of coxswain (protocol 1) than the one that runs now (\(Versions.current)), and a session does not outlive an update; launch the study again"
            )
        }
        let again = try await trial.launched(study, at: coordinator)
        var sites = try TrialSites(trial, session: again, study: study)
        try await sites.finish(at: coordinator)
        #expect(try await coordinator.list(for: trial.operatorID).first?.state == .finished)
    }

    /// As protocol 1 wrote results: Foundation's numbers, no versions, and `null` where an optional number was NA, which it could
    /// not read again.
    @Test func `a result that an older program stored is fetched, in today's form`() async throws {
        let coordinator = try await trial.coordinator()
        let study = try await trial.approved(at: coordinator)
        let session = try await trial.launched(study, at: coordinator)
        var sites = try TrialSites(trial, session: session, study: study)
        try await sites.finish(at: coordinator)
        var result = try CanonicalJSON.decode(
            StudyResult.self, from: try await coordinator.result(of: study, for: trial.operatorID))
        guard case .cox(var cox) = result.analyses[0] else { throw Missing() }
        cox.terms[0].coef = .value(0.00001)
        cox.terms[0].likelihoodRatio = .some(.notAvailable)
        result.analyses[0] = .cox(cox)
        result.versions = nil
        let text = String(decoding: CanonicalJSON.bytes(result), as: UTF8.self)
        #expect(text.contains(#""likelihoodRatio":null"#))
        let old = text.replacing("\"coef\":0.00001,", with: "\"coef\":1e-05,")
        #expect(old != text)
        try trial.damage("UPDATE study SET result = CAST('\(old)' AS BLOB)")
        let body = try await coordinator.result(of: study, for: trial.operatorID)
        #expect(body == Array(text.utf8))
        #expect(try CanonicalJSON.decode(StudyResult.self, from: body) == result)
        try trial.damage("UPDATE study SET result = CAST('{\"study\":\"x\"}' AS BLOB)")
        let error = await #expect(throws: RefusedRequest.self) {
            try await coordinator.result(of: study, for: trial.operatorID)
        }
        #expect(
            error?.description
                == "the study's result was written by another version of coxswain and cannot be read")
    }

    private struct Missing: Error {}
}
