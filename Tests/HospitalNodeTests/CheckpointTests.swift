import CohortStore
import Cryptography
import Federation
import Foundation
import Ledger
import Membership
import Testing

@testable import HospitalNode

/// A log that was cut or rewritten is found by what others kept of it.
struct CheckpointTests {
    private let hospital: Hospital

    init() throws { hospital = try Hospital() }

    @Test func `a log bears out its own checkpoints, early and late`() throws {
        let administration = try hospital.administration()
        let early = try administration.checkpoint()
        try administration.ledger.append(kind: "x", body: "{}", at: hospital.now)
        let late = try administration.checkpoint()
        #expect(try administration.verifyLog(against: [early, late]) == 2)
        #expect(try administration.verifyLog(against: []) == 0)
    }

    @Test func `a log that was cut, or rewritten as a whole, does not`() throws {
        let administration = try hospital.administration()
        for index in 1...3 { try administration.ledger.append(kind: "x", body: "\(index)", at: hospital.now) }
        let kept = try administration.checkpoint()
        try hospital.forge(
            """
            DELETE FROM audit WHERE seq > 2;
            UPDATE audit_head SET seq = 2, hash = (SELECT hash FROM audit WHERE seq = 2)
            """)
        func verify() throws { _ = try hospital.administration().verifyLog(against: [kept]) }
        let cut = #expect(throws: NodeError.self) { try verify() }
        #expect(
            cut?.description
                == "the audit log does not have entry 4 as this node signed it once: it was cut or rewritten")
        for index in [1, 5, 3, 9] {
            try hospital.administration().ledger.append(kind: "x", body: "\(index)", at: hospital.now)
        }
        #expect(try hospital.administration().ledger.verifyAudit() == 6, "its chain is sound")
        #expect(throws: NodeError.self) { try verify() }
    }

    @Test func `others' checkpoints are kept for good, and one that contradicts them is recorded`() throws {
        let (administration, other) = (try hospital.administration(), try Hospital())
        let trustView = try other.administration().trustView()
        var checkpoint = AuditCheckpoint(
            site: "north", sequence: 5, head: SHA256Digest(of: "5".utf8), at: hospital.now)
        func message() throws -> SignedMessage {
            try SignedMessage(checkpoint, by: try other.administration().member.signer)
        }
        /// Keeps them as a round does; says of whom they contradict what was kept.
        func keep(_ messages: [String: SignedMessage], _ trustView: TrustView) throws -> [String] {
            let arrived = try administration.arrivals(messages, under: trustView)
            try administration.ledger.keep(arrived)
            return arrived.filter { $0.contradiction != nil }.map(\.checkpoint.site)
        }
        // The node's own are of no use to itself.
        #expect(try keep(["north": message()], trustView) == [])
        #expect(try administration.peerCheckpoints() == [])
        let (south, book) = (try Hospital(site: "south"), hospital)
        let word = try SignedMessage(
            AuditCheckpoint(site: "south", sequence: 5, head: checkpoint.head, at: book.now),
            by: try south.administration().member.signer)
        let believed = try south.administration().trustView()
        #expect(try keep(["south": word], believed) == [])
        #expect(try administration.arrivals(["south": word], under: believed) == [])
        #expect(try administration.peerCheckpoints() == [word])
        checkpoint = AuditCheckpoint(site: "south", sequence: 4, head: checkpoint.head, at: book.now + 9)
        let cut = try SignedMessage(checkpoint, by: try south.administration().member.signer)
        #expect(try keep(["south": cut], believed) == ["south"])
        #expect(
            try hospital.query("SELECT kind FROM audit ORDER BY seq DESC LIMIT 1") == ["peer-log-differs"])
        #expect(throws: ProtocolError.self) { try keep(["south": message()], trustView) }
    }

    @Test func `the page for a data-protection officer holds nothing that acts, and each decision`() throws {
        let study = try hospital.receive(
            "{cox: {id: m, terms: [age]}}", extra: "title: A <b>bold</b> \"study\" & more")
        try hospital.administration().approve(study, until: hospital.now + 86_400, by: "Dr <i>Kim</i>")
        let administration = try hospital.administration()
        let page = try AuditPage(
            entries: try administration.ledger.auditEntries(), head: try administration.ledger.auditHead(),
            studies: try administration.studies(), site: administration.site
        ).html
        #expect(
            page.contains(
                "<blockquote><p>A &lt;b&gt;bold&lt;/b&gt; &quot;study&quot; &amp; more</p><p></p></blockquote>"
            ))
        #expect(page.contains("by Dr &lt;i&gt;Kim&lt;/i&gt;; until 2027-01-16T08:00:00Z"))
        #expect(page.contains("patients-imported") && page.contains("<p>Nothing left.</p>"))
        #expect(!page.contains("<b>") && !page.contains("<i>"))
    }

    @Test func `what left for a study is on the page also if its text is gone from the ledger`() throws {
        let study = try hospital.receive("{cox: {id: m, terms: [age]}}").plan.hash
        try hospital.administration().ledger.append(
            AuditNote(
                kind: "round-answered",
                body: AuditBody(
                    study: study, session: study, round: 7, answer: SHA256Digest(of: "sums".utf8),
                    answerBytes: 5
                ).json, at: hospital.now))
        try hospital.forge("DELETE FROM studies")
        let administration = try hospital.administration()
        let page = try AuditPage(
            entries: try administration.ledger.auditEntries(), head: try administration.ledger.verifiedHead(),
            studies: try administration.studies(), site: administration.site
        ).html
        #expect(page.contains("A study that is not in the ledger any more"))
        #expect(page.contains(SHA256Digest(of: "sums".utf8).hex) && page.contains(study.hex))
    }
}
