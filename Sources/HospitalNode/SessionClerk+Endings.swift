import Cryptography
import Federation
import Ledger
import Logging
import Membership
import Survival

/// How sessions end here: closed with a result that is confirmed, given up, or refused.
extension SessionClerk {
    /// The session is over at the coordinator: form the result here too, if there is one, and erase the secret.
    func close(_ id: SHA256Digest, of item: WorkList.Item) async throws {
        guard let stored = try openSession(id) else { return }
        var outcome = item.state.rawValue
        if item.state == .finished {
            do {
                try requireOwnVersion(of: stored)
                try await verifyResult(stored, id, of: item)
            } catch ProtocolError.incompatible(let reason) {
                outcome = "result not confirmed: \(reason)"
                logger.warning("study \(item.study.short): the result is not confirmed here: \(reason)")
            } catch let error as ProtocolError {
                outcome = "result not confirmed: \(error)"
                logger.error("study \(item.study.short): the result does not follow from the sums: \(error)")
            }
        }
        try end(id, of: item.study, outcome: outcome)
    }

    func verifyResult(
        _ stored: SessionEntry, _ id: SHA256Digest, of item: WorkList.Item
    ) async throws {
        var session = try liveSession(stored, study: item.study)
        let message = try await request(item.round, of: id)
        let authority = try office.authority()
        let (request, signer) = try message.open(as: RoundRequest.self, under: authority)
        guard signer.role == .coordinator,
            case .finished(let own?) = try session.session.accept(request, under: authority)
        else { throw ProtocolError.untrusted("the session was closed before its study was finished") }
        let published = try await connection.get(StudyResult.self, "/v1/studies/\(item.study.hex)/result")
        guard CanonicalJSON.bytes(published) == CanonicalJSON.bytes(own) else {
            throw ProtocolError.untrusted(
                "the coordinator's result is not the one that follows from the sums")
        }
        logger.info("study \(item.study.short): finished; the result was confirmed here")
    }

    /// Sessions that the coordinator gave up for another one, or that goes on without this hospital.
    func endAbandonedSessions(of item: WorkList.Item) throws {
        for session in try office.ledger.sessions(of: item.study) where session.outcome == nil {
            guard let id = SHA256Digest(hex: session.id), id != item.session else { continue }
            let begun = try StoredStart(from: session).openingContent.versions
            try end(
                id, of: item.study,
                outcome: Versions.faultOfSession(begunUnder: begun) ?? "given up by the coordinator")
        }
    }

    /// How the outcome of a refused session begins in the ledger: the reason that follows was told, or stays here.
    enum RefusalPrefix {
        static let told = "refused: "
        static let kept = "refused without its reason: "
    }

    /// Ends a session here and tells the coordinator; what depends on this hospital's rows stays in the log.
    func refuse(_ id: SHA256Digest, of study: SHA256Digest, _ error: ProtocolError) async throws {
        logger.error("study \(study.short): refused: \(error)")
        do {
            try office.ledger.append(
                kind: "refused",
                body: AuditBody(study: study, session: id, reason: "\(error)", policy: office.policy.hash)
                    .json,
                at: office.clock())
            let isTold = error.told == "\(error)"
            try end(id, of: study, outcome: (isTold ? RefusalPrefix.told : RefusalPrefix.kept) + "\(error)")
        } catch let fault as LedgerError {
            // What cannot be written down is told all the same, or the study's lead would wait for nothing.
            logger.error("study \(study.short): the refusal could not be recorded: \(fault)")
        }
        try await sendRefusal(of: id, error.told)
    }

    /// What is told of why this hospital refused a session, if the coordinator may not have heard of it yet.
    func refusal(of id: SHA256Digest) throws -> String? {
        guard let outcome = try office.ledger.session(id.hex)?.outcome else { return nil }
        if outcome.hasPrefix(RefusalPrefix.kept) { return Refusal.withoutReason }
        guard outcome.hasPrefix(RefusalPrefix.told) else { return nil }
        return String(outcome.dropFirst(RefusalPrefix.told.count))
    }

    func sendRefusal(of id: SHA256Digest, _ reason: String) async throws {
        let refusal = Refusal(session: id, site: office.site, reason: reason)
        try await send(SignedMessage(refusal, by: office.member.signer), of: id)
    }

    /// Erases the secret of a session; one that was refused before it began here has none.
    func end(_ id: SHA256Digest, of study: SHA256Digest, outcome: String) throws {
        live[id] = nil
        guard let stored = try office.ledger.session(id.hex), stored.outcome == nil else { return }
        try office.ledger.endSession(
            id.hex, outcome: outcome, at: office.clock(),
            logging: office.note("session-ended", AuditBody(study: study, session: id, reason: outcome)))
    }
}
