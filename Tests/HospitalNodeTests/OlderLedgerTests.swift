import CohortStore
import Cryptography
import Federation
import Foundation
import Ledger
import Survival
import Testing

@testable import HospitalNode

/// A ledger that a program of protocol 1 wrote: numbers as Foundation spelled them, sessions without versions.
struct OlderLedgerTests {
    private let hospital: Hospital
    private let study: LocalStudy

    init() throws {
        hospital = try Hospital()
        study = try hospital.receive("{cox: {id: m, terms: [age]}}")
    }

    private var hash: SHA256Digest { study.plan.hash }

    /// An entry of a round that was answered, with a coefficient that today is written `0.00001`.
    private var body: String {
        let digest = SHA256Digest(of: "x".utf8).hex
        return
            #"{"answer":"\#(digest)","answerBytes":12,"round":2,"session":"\#(digest)","statements":[{"analysis":"m","beta":[1e-05,-0],"#
            + #""context":"\#(digest)","kind":"likelihood","lanes":3}],"study":"\#(hash.hex)"}"#
    }

    @Test func `its audit log is shown, and decisions are believed beside old entries`() throws {
        let administration = try hospital.administration()
        try administration.ledger.append(kind: "round-answered", body: body, at: hospital.now)
        try administration.approve(try hospital.study(hash), until: hospital.now + 86_400, by: "Dr. Kim")
        #expect(throws: Never.self) { _ = try administration.requireApproval(of: hash) }
        let head = try administration.ledger.auditHead()
        let page = try AuditPage(
            entries: try administration.ledger.auditEntries(), head: head,
            studies: try administration.studies(),
            site: "north")
        #expect(page.html.contains("m: likelihood, 3 numbers"))
        _ = try administration.ledger.verifyAudit()
    }

    @Test func `an entry that says more than is understood is refused`() throws {
        let administration = try hospital.administration()
        try administration.ledger.append(
            kind: "round-answered", body: body.replacing("\"round\":2", with: "\"round\":2,\"rows\":3"),
            at: hospital.now)
        #expect(throws: ProtocolError.self) {
            _ = try AuditPage(
                entries: try administration.ledger.auditEntries(),
                head: try administration.ledger.auditHead(), studies: [],
                site: "north")
        }
    }

    @Test func `a session that began without versions is over for this program`() throws {
        #expect(
            Versions.faultOfSession(begunUnder: nil)
                == "the session began under another version of coxswain (protocol 1) than the one that runs now (\(Versions.current)), and a session does not outlive an update"
        )
        #expect(Versions.faultOfSession(begunUnder: .current) == nil)
    }
}
