import Cryptography
import Federation
import Ledger
import Logging
import Membership
import Survival

/// Answering the rounds of a session, or holding them for a person.
extension SessionClerk {
    func answer(_ round: Int, of id: SHA256Digest, study: SHA256Digest) async throws {
        guard let stored = try openSession(id) else { return }
        if let earlier = try office.ledger.round(round, of: id.hex) {
            _ = try office.requireApproval(of: study)
            return try await post(
                CanonicalJSON.decode(SignedMessage.self, from: earlier.answer), round, of: id)
        }
        let message = try await request(round, of: id)
        // Meanwhile a released round may have been answered, or the session ended; from here on nothing is waited for.
        guard try openSession(id) != nil, try office.ledger.round(round, of: id.hex) == nil else { return }
        var session = try liveSession(stored, study: study)
        let authority = try office.authority()
        let (request, signer) = try message.open(as: RoundRequest.self, under: authority)
        guard signer.role == .coordinator, request.round == round else {
            throw ProtocolError.untrusted("round \(round) is not the coordinator's")
        }
        try requireUnchanged(session.loaded, since: try StoredStart(from: stored).snapshot)
        try requireUnchanged(session.loaded, since: try office.snapshot(of: session.study.plan))
        let approval = try office.requireApproval(of: study)
        try requirePolicy(approval.policy.hash, in: session.session)
        _ = try session.session.accept(request, under: authority)
        let arrived = try arrivals(with: session.session, under: authority)
        if approval.isHeld, try !office.isReleased(request, of: study) {
            try hold(message, request, of: study, arrived)
            let held = RoundHeld(session: id, round: round, site: office.site)
            return try await post(SignedMessage(held, by: office.member.signer), round, of: id)
        }
        let signed: SignedMessage
        do {
            signed = try signedAnswer(to: request, message, &session, arrived, under: approval)
        } catch {
            // What the others' logs said stays known, although this round is refused.
            try office.ledger.keep(arrived)
            guard case LedgerError.decidedMeanwhile = error else { throw error }
            // Nothing has left: what is decided now says why, or lets the round be answered when it is next looked at.
            _ = try office.requireApproval(of: study)
            return
        }
        live[id] = session
        logger.info(
            "study \(study.short): round \(round) answered, \(counted(request.statements.count, "question"))")
        try await post(signed, round, of: id)
    }

    /// Computes the answer to a round that was accepted, and journals it; the first of a session with whose rows it holds.
    private func signedAnswer(
        to request: RoundRequest, _ message: SignedMessage, _ session: inout LiveSession,
        _ arrived: [ArrivedCheckpoint], under approval: NodeOffice.Approval
    ) throws -> SignedMessage {
        let (policy, inForce) = (approval.policy, office.policy.hash)
        let records =
            request.round == 1
            ? try office.requireAdmissible(session.study, session.loaded, under: policy).records : []
        let answer = try session.session.answer(
            from: session.loaded.cohort, checkpoint: try office.checkpoint())
        for trouble in session.session.troubles {
            logger.warning("study \(session.study.plan.hash.short), round \(request.round): \(trouble)")
        }
        // It may have taken long: what left now would leave under rules that are not in force any more.
        try heedPolicy()
        guard office.policy.hash == inForce else {
            throw ProtocolError.outOfPlace("this hospital's policy was changed during the session")
        }
        let signed = try SignedMessage(answer, by: office.member.signer)
        let cohorts = Dictionary(
            records.map { ($0.analysis, $0.digest) }, uniquingKeysWith: { first, _ in first })
        try office.ledger.recordAnswer(
            session: request.session.hex, round: request.round, requestDigest: request.digest,
            request: CanonicalJSON.bytes(message),
            answer: CanonicalJSON.bytes(signed), under: approval.entry.decision, cohorts: records,
            checkpoints: arrived, at: office.clock(),
            logging: office.note(
                "round-answered",
                AuditBody(
                    study: session.study.plan.hash, session: request.session, round: request.round,
                    statements: request.statements, request: request.digest, answer: signed.payloadDigest,
                    answerBytes: signed.payload.utf8.count, policy: policy.hash,
                    cohorts: cohorts.isEmpty ? nil : cohorts)))
        return signed
    }

    /// Keeps a round until a person releases it.
    private func hold(
        _ message: SignedMessage, _ request: RoundRequest, of study: SHA256Digest,
        _ arrived: [ArrivedCheckpoint]
    ) throws {
        let held = HeldRound(
            session: request.session.hex, round: request.round, request: CanonicalJSON.bytes(message),
            since: office.clock())
        try office.ledger.hold(
            held, checkpoints: arrived,
            logging: office.note(
                "round-held",
                AuditBody(
                    study: study, session: request.session, round: request.round,
                    statements: request.statements, request: request.digest)))
        logger.notice(
            "study \(study.short): round \(request.round) waits for a person: coxswain node release \(study.short)"
        )
    }
}
