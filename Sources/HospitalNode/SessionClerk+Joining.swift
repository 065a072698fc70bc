import Cryptography
import Federation
import Ledger
import Logging
import Membership

/// Joining a session: the hello, the roster and its acknowledgement.
extension SessionClerk {
    func sayHello(_ id: SHA256Digest, of study: SHA256Digest) async throws {
        if let stored = try office.ledger.session(id.hex) {
            guard stored.outcome == nil else { return }
            return try await send(StoredStart(from: stored).hello, of: id)
        }
        let message = try await connection.get(SignedMessage.self, "/v1/sessions/\(id.hex)/opening")
        let authority = try office.authority()
        let (opening, signer) = try message.open(as: SessionOpening.self, under: authority)
        guard signer.role == .coordinator, opening.session == id else {
            throw ProtocolError.untrusted("the session's opening is not the coordinator's")
        }
        try await requireWholeLog()
        let approval = try office.requireApproval(of: study)
        try requireSafeRoster(opening)
        let local = try LocalStudy(approval.entry)
        let loaded = try office.cohort(for: local.plan, submission: local.submission)
        try requireUnchanged(loaded, since: approval.snapshot)
        _ = try office.requireAdmissible(local, loaded, under: approval.policy)
        let secret = try randomBytes(32)
        let session = try SiteSession(
            opening: opening, plan: local.plan, site: office.site, policy: approval.policy, secret: secret,
            checkpoint: try office.checkpoint())
        let hello = try SignedMessage(session.hello, by: office.member.signer)
        let start = StoredStart(
            opening: message, hello: hello, snapshot: loaded.snapshot,
            isUnattended: approval.isUnattended ? true : nil)
        try office.ledger.beginSession(
            id: id.hex, study: study, secret: secret, hello: CanonicalJSON.bytes(start), at: office.clock(),
            logging: office.note(
                "session-joined", AuditBody(study: study, session: id, policy: approval.policy.hash)))
        live[id] = LiveSession(session: session, loaded: loaded, study: local)
        logger.info("study \(study.short): joining session \(id.short)")
        try await send(hello, of: id)
    }

    /// Refuses rows that are not those of another moment: of the approval, of the session's beginning, or of now.
    func requireUnchanged(_ loaded: LoadedCohort, since snapshot: SHA256Digest) throws {
        guard loaded.snapshot == snapshot else {
            throw ProtocolError.broken("this hospital's patients changed during the session")
        }
    }

    /// Refuses if the coordinator keeps a checkpoint of this node's own that its log does not bear out.
    func requireWholeLog() async throws {
        do {
            let messages = try await connection.get([SignedMessage].self, "/v1/checkpoints")
            _ = try office.verifyLog(against: messages)
        } catch MembershipError.rejected(404, _, _) {
            // A coordinator that keeps none; one that hides them could as well send an empty list.
        }
    }

    /// Where the other hospitals' logs stood, as far as it is new here; says of which logs it shows that they were cut or rewritten.
    func arrivals(with session: SiteSession, under authority: Authority) throws -> [ArrivedCheckpoint] {
        let arrived = try office.arrivals(session.checkpoints, under: authority)
        for item in arrived where item.contradiction != nil {
            logger.error(
                "the audit log of \(item.checkpoint.site) is not the one that it was: it was cut or rewritten"
            )
        }
        return arrived
    }

    /// A new roster for a study that was answered before could give away, by difference, the hospitals that left or came.
    func requireSafeRoster(_ opening: SessionOpening) throws {
        for earlier in try office.ledger.sessions(of: opening.study)
        where try !office.ledger.rounds(of: earlier.id).isEmpty {
            let before = Set(try StoredStart(from: earlier).openingContent.sites)
            let difference = before.symmetricDifference(opening.sites).count
            guard difference == 0 || difference >= 3 else {
                throw ProtocolError.outOfPlace(
                    "the session's hospitals differ by fewer than three from a session answered before")
            }
        }
    }

    func acknowledge(_ id: SHA256Digest, of study: SHA256Digest) async throws {
        guard let stored = try openSession(id) else { return }
        if let ack = stored.ack {
            return try await send(CanonicalJSON.decode(SignedMessage.self, from: ack), of: id)
        }
        let roster = try await connection.get(Roster.self, "/v1/sessions/\(id.hex)/roster")
        var session = try liveSession(stored, study: study)
        let authority = try office.authority()
        let ack = try SignedMessage(
            try session.session.join(roster, under: authority), by: office.member.signer)
        try office.ledger.recordRoster(
            session: id.hex, roster: CanonicalJSON.bytes(roster), ack: CanonicalJSON.bytes(ack),
            checkpoints: try arrivals(with: session.session, under: authority),
            logging: office.note(
                "roster-verified", AuditBody(study: study, session: id, request: roster.hash)))
        live[id] = session
        try await send(ack, of: id)
    }
}
