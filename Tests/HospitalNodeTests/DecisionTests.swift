import CohortStore
import Cryptography
import Federation
import Foundation
import Ledger
import Membership
import Survival
import Synchronization
import Testing

@testable import HospitalNode

/// What is believed of a decision: nothing that this node did not sign for its place in an intact audit log.
struct DecisionTests {
    private static let model = "{cox: {id: m, terms: [age]}}"
    private let hospital: Hospital
    private let study: LocalStudy

    init() throws {
        hospital = try Hospital()
        study = try hospital.receive(Self.model)
    }

    private var hash: SHA256Digest { study.plan.hash }

    /// Why the study is not approved; nil if it is.
    private func refusal(_ administration: NodeAdministration? = nil) throws -> String? {
        do {
            _ = try (try administration ?? hospital.administration()).requireApproval(of: hash)
            return nil
        } catch let error as ProtocolError {
            return "\(error)"
        }
    }

    private func approve(isHeld: Bool = false) throws {
        try hospital.administration().approve(
            try hospital.study(hash), until: hospital.now + 30 * 86_400, by: "Dr. Kim", isHeld: isHeld)
    }

    @Test func `an approval holds until it ends, is revoked, or given anew`() throws {
        #expect(try refusal() == "the study is not approved here")
        try approve()
        #expect(try refusal() == nil)
        hospital.advance(days: 31)
        #expect(try refusal() == "the approval has expired")
        try approve()
        #expect(try refusal() == nil)
        try hospital.administration().revoke(
            try hospital.study(hash), reason: "consent withdrawn", by: "Dr. Kim")
        #expect(try refusal() == "the study is not approved here")
    }

    /// A person's process writes the ledger's row and the audit log's entry at once.
    @Test func `a revocation in the middle of a reading is no changed ledger`() async throws {
        let (reader, person) = (try hospital.administration(), try hospital.administration())
        for _ in 0..<25 {
            try approve()
            let approved = try hospital.study(hash)
            let isOver = Mutex(false)
            async let revocation: Void = Task.detached {
                defer { isOver.withLock { $0 = true } }
                try person.revoke(approved, reason: "an error", by: "Dr. Kim")
            }.value
            var words: Set<String> = []
            while !isOver.withLock({ $0 }) { words.formUnion([try refusal(reader)].compactMap(\.self)) }
            try await revocation
            words.formUnion([try refusal(reader)].compactMap(\.self))
            #expect(words == ["the study is not approved here"])
        }
    }

    /// Two people, or a person and the policy's rules for studies without one, who began to look at the same time.
    @Test(arguments: [false, true])
    func `an approval takes the place of the decision that it was made on alone`(_ isApproved: Bool) throws {
        if isApproved { try approve() }
        let (administration, seen) = (try hospital.administration(), try hospital.study(hash))
        try hospital.administration().decline(seen, reason: "no consent", by: "Dr. Lee")
        let before = try administration.ledger.auditHead()
        let error = #expect(throws: NodeError.self) {
            try administration.approve(seen, until: hospital.now + 86_400, by: "Dr. Kim")
        }
        #expect(error?.description == "somebody decided about the study in the meantime")
        #expect(try administration.ledger.auditHead() == before)
        let (entry, lapse) = try administration.standing(of: hash)
        #expect(entry?.decision == .declined(reason: "no consent", by: "Dr. Lee", at: hospital.now))
        #expect(lapse == nil)
    }

    @Test func `a slip means no study`() throws {
        let hex = hash.hex
        for text in ["", " ", "stud", "\(hex.prefix(1))", "\(hex.prefix(5))", "\(hex.prefix(6)) "] {
            #expect(throws: NodeError.self, "\(text)") { try hospital.administration().study(text) }
        }
        for text in ["\(hex.prefix(6))", hex, "study"] {
            #expect(try hospital.administration().study(text).plan.hash == hash)
        }
    }

    @Test(arguments: [
        ("", "is not said"), (" \t", "is not said"), ("a\nb", "is not one line of text, or too long"),
        (String(repeating: "a", count: 1001), "is not one line of text, or too long"),
    ])
    func `who decides is one line of text`(_ name: String, _ fault: String) throws {
        let error = #expect(throws: NodeError.self) {
            try hospital.administration().decline(study, reason: "no", by: name)
        }
        #expect(error?.description == "who declines \(fault)")
        #expect(error?.hint == "give one line of text, at most 1000 bytes")
    }

    @Test func `an approval entered into the ledger by hand is not believed`() throws {
        try hospital.forge(
            """
            UPDATE studies SET decision = 'approved', decided_by = 'me', decided_at = \(hospital.now),
            approved_until = \(hospital.now + 86_400), policy_hash = '\(try hospital.administration().policy.hash.hex)'
            """)
        let words =
            "the approval in this hospital's ledger is not the one in its audit log; it must be given again"
        #expect(try refusal() == words)
        #expect(try hospital.administration().standing(of: hash).lapse == words)
        try approve()
        #expect(try refusal() == nil)
    }

    @Test(arguments: [
        "approved_until = approved_until + 1", "decided_by = 'other'", "decided_at = decided_at - 1",
    ])
    func `an approval changed in the ledger is not believed`(_ change: String) throws {
        try approve()
        try hospital.forge("UPDATE studies SET \(change)")
        #expect(try refusal()?.contains("is not the one in its audit log") == true)
    }

    /// Row, entry and chain are as they should be; only the node's key was not at hand.
    @Test(arguments: [false, true])
    func `an approval entered with an entry of its own is not believed without the node's key`(
        _ isSignedByAnother: Bool
    ) throws {
        let administration = try hospital.administration()
        let until = hospital.now + 86_400
        var body = AuditBody(
            study: hash, person: "me", policy: administration.policy.hash,
            snapshot: try administration.snapshot(of: hospital.study(hash).plan), until: until)
        body.after = try administration.ledger.auditHead().hash
        if isSignedByAnother {
            let signed = Array("coxswain/1/act\0study-approved\0\(hospital.now)\0\(body.json)".utf8)
            body.signature = HexBytes(try PrivateKey.generate().sign(signed))
        }
        try administration.ledger.approve(
            hash, until: until, by: "me", at: hospital.now, policyHash: administration.policy.hash,
            logging: AuditNote(kind: "study-approved", body: body.json, at: hospital.now))
        #expect(
            try refusal()
                == "a decision in this hospital's ledger was not signed with its node's key; it must be given again"
        )
    }

    @Test func `a revoked approval brought back with its old signature is not believed`() throws {
        try approve()
        let entry = try #require(
            try hospital.administration().ledger.lastEntry(of: ["study-approved"], study: hash))
        let row = try hospital.query(
            "SELECT quote(decided_by) || ',' || decided_at || ',' || approved_until FROM studies")[0]
            .split(separator: ",")
        try hospital.administration().revoke(try hospital.study(hash), reason: "an error", by: "Dr. Kim")
        // Even with an entry that is chained as it should be.
        try hospital.administration().ledger.append(
            AuditNote(kind: entry.kind, body: entry.body, at: entry.at))
        try hospital.forge(
            """
            UPDATE studies SET decision = 'approved', decided_by = \(row[0]), decided_at = \(row[1]),
            approved_until = \(row[2]), policy_hash = '\(try hospital.administration().policy.hash.hex)'
            """)
        #expect(
            try refusal()
                == "a decision in this hospital's ledger was not signed with its node's key; it must be given again"
        )
    }

    @Test func `nothing is believed of a ledger whose audit log was changed`() throws {
        try approve()
        let administration = try hospital.administration()
        #expect(try refusal(administration) == nil)
        try hospital.forge(
            "UPDATE audit SET body = replace(body, 'Kim', 'Who') WHERE kind = 'study-approved'")
        #expect(try refusal() == "the audit log of this hospital's node is not intact")
        #expect(
            try refusal(administration)
                == "a decision in this hospital's ledger was not signed with its node's key; it must be given again",
            "a node that runs walks only what is new, and looks at the signature of what it believes")
    }

    @Test func `a log set back to an earlier state is found by a node that runs`() throws {
        try approve()
        let administration = try hospital.administration()
        #expect(try refusal(administration) == nil)
        try hospital.forge(
            """
            DELETE FROM audit WHERE seq > 1;
            UPDATE audit_head SET seq = 1, hash = (SELECT hash FROM audit WHERE seq = 1)
            """)
        #expect(try refusal(administration) == "the audit log of this hospital's node is not intact")
    }

    @Test func `a study whose stored text is not that of its hash is not answered`() throws {
        try approve()
        try hospital.forge(
            "UPDATE studies SET submission = CAST(replace(CAST(submission AS TEXT), 'terms: [age]', 'terms: [crp]') AS BLOB)"
        )
        let administration = try hospital.administration()
        #expect(throws: ProtocolError.self) { _ = try administration.requireApproval(of: hash) }
        #expect(throws: ProtocolError.self) { _ = try administration.studies() }
        // Taken at its word, the text would be answered: sums of a covariate that nobody approved.
        let stored = try #require(try administration.ledger.study(hash)).submission
        let (submission, plan) = try LocalStudy.read(CanonicalJSON.decode(SignedMessage.self, from: stored))
        let cohort = try administration.cohort(for: plan, submission: submission).cohort
        guard let cox = plan.analyses[0].cox else { return }
        #expect(cox.model.columns.map(\.name) == ["crp"])
        #expect(try cohort.answer(Query(analysis: plan.analyses[0].id, MomentsQuestion())).count > 1)
    }

    /// With a wider range the same rows make other sums, though every row still fits.
    @Test(arguments: [
        ("range: [18, 110]", "range: [0, 110]"), ("person: patient", "person: patient # the code"),
    ])
    func `a study's dictionary is the one that is installed here, to the letter`(
        _ text: String, _ other: String
    ) throws {
        let foreign = Hospital.dictionary.replacing(text, with: other)
        #expect(foreign != Hospital.dictionary)
        let study = try hospital.receive(Self.model, name: "foreign", dictionary: foreign)
        let administration = try hospital.administration()
        let words = "the study's dictionary ward@1 differs from the one installed here"
        #expect(try administration.assess(study).objections == [words])
        let error = #expect(throws: NodeError.self) {
            try administration.cohort(for: study.plan, submission: study.submission)
        }
        #expect(error?.description == words)
        #expect(throws: NodeError.self) {
            try administration.approve(study, until: hospital.now + 86_400, by: "Dr. Kim")
        }
    }

    @Test func `an approval is of the patients that were there`() throws {
        try approve()
        try hospital.replace(HospitalPatient.made(80))
        let words = "the patients were imported anew since the approval; it must be given again"
        #expect(try refusal() == words)
        try approve()
        #expect(try refusal() == nil)
        try hospital.replace(HospitalPatient.made(80))
        #expect(try refusal() == nil, "the same rows again change nothing")
    }

    @Test func `a changed policy needs a new approval`() throws {
        try approve()
        try hospital.setPolicy(["people-min": "21"])
        #expect(
            try refusal()
                == "the approval was given under another policy; it must be given again"
        )
    }

    @Test func `a ledger that is gone is not made anew`() throws {
        try FileManager.default.removeItem(atPath: hospital.file("ledger.sqlite"))
        let error = #expect(throws: NodeError.self) { _ = try hospital.administration() }
        #expect(error?.description == "there is no ledger \(hospital.file("ledger.sqlite"))")
        #expect(!FileManager.default.fileExists(atPath: hospital.file("ledger.sqlite")))
    }

    @Test(arguments: ["refused without its reason: ", "refused: "])
    func `what this node refused is shown here, with its rule`(_ outcome: String) throws {
        try approve()
        let administration = try hospital.administration()
        let study = try administration.study(hash.hex)
        func text() throws -> String {
            StudyExplanation(
                try administration.assess(study), policy: administration.policy, site: administration.site
            ).text
        }
        #expect(try text().hasPrefix("This hospital's policy has no objection to this study."))
        let id = SHA256Digest(of: "session".utf8).hex
        try administration.ledger.beginSession(
            id: id, study: hash, secret: [1], hello: [2], at: hospital.now)
        #expect(try administration.refusal(of: study) == nil)
        let rule = "policy rule level-people-min, analysis \"m\": stage = IV is too rare"
        try administration.ledger.endSession(id, outcome: outcome + rule, at: hospital.now)
        #expect(try administration.refusal(of: study) == rule)
        #expect(try text().hasPrefix("WARNING: this node refused to answer it: \(rule)"))
        #expect(try !text().contains("has no objection"))
    }

    /// An approval of a finished study was confirmed as if there were something left to approve.
    @Test(arguments: [
        ("finished", true), ("cancelled", true), ("result not confirmed: it is another one", true),
        ("failed", false), ("refused: a reason", false), ("given up by the coordinator", false),
    ])
    func `nothing is decided about a study that is over`(outcome: String, isOver: Bool) throws {
        try approve()
        let (office, id) = (try hospital.administration(), SHA256Digest(of: "session".utf8).hex)
        try office.ledger.beginSession(id: id, study: hash, secret: [1], hello: [2], at: hospital.now)
        try approve()
        try office.ledger.endSession(id, outcome: outcome, at: hospital.now)
        guard isOver else { return try approve() }
        let decisions: [() throws -> Void] = [
            { try self.approve() },
            { try office.decline(try self.hospital.study(self.hash), reason: "no", by: "Dr. Kim") },
        ]
        for decide in decisions {
            let error = #expect(throws: NodeError.self) { try decide() }
            let word = outcome == "cancelled" ? "cancelled" : "finished"
            #expect(error?.description == "the study is over (\(word)), and nothing of it is left to decide")
        }
    }

    // MARK: Held rounds

    private func request(_ round: Int) throws -> (RoundRequest, HeldRound) {
        let plan = study.plan
        let run = StudyRun(plan: plan, sites: [])
        let request = RoundRequest(
            session: SHA256Digest(of: "session".utf8), round: round, transcript: hash,
            statements: run.statements, previous: [])
        let member = try hospital.administration().member.signer
        return (
            request,
            HeldRound(
                session: request.session.hex, round: round,
                request: CanonicalJSON.bytes(try SignedMessage(request, by: member)), since: hospital.now)
        )
    }

    @Test func `a held round is answered once a person released that very request`() throws {
        try approve(isHeld: true)
        let administration = try hospital.administration()
        #expect(try administration.requireApproval(of: hash).isHeld)
        try administration.ledger.beginSession(
            id: SHA256Digest(of: "session".utf8).hex, study: hash, secret: [1], hello: [2], at: hospital.now)
        #expect(throws: NodeError.self) { try administration.heldRound(of: study) }
        let (first, held) = try request(1)
        try administration.ledger.hold(
            held, logging: administration.note("round-held", AuditBody(study: hash)))
        #expect(try !administration.isReleased(first, of: hash))
        #expect(try administration.heldRound(of: study).request == first)
        let second = try request(2)
        #expect(throws: NodeError.self, "another than the one that waits") {
            try administration.release(second.0, of: study, by: "Dr. Kim")
        }
        try administration.release(first, of: study, by: "Dr. Kim")
        #expect(try administration.isReleased(first, of: hash) && administration.isReleased(held, of: hash))
        #expect(try !administration.isReleased(try request(2).0, of: hash))
        let body = AuditBody(
            study: hash, session: first.session, round: 2, request: try request(2).0.digest, person: "me")
        try administration.ledger.append(kind: "round-released", body: body.json, at: hospital.now)
        #expect(throws: ProtocolError.self) { try administration.isReleased(try request(2).0, of: hash) }
    }

    @Test func `a policy can hold every round`() throws {
        try hospital.setPolicy(["hold": "each-round"])
        try approve()
        #expect(try hospital.administration().requireApproval(of: hash).isHeld)
    }
}
