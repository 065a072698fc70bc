import CohortStore
import Cryptography
import Federation
import Logging
import Membership
import Survival

/// Deals with one work item at a time: fetch, verify, journal, send.
actor SessionClerk {
    let office: NodeOffice
    let connection: CoordinatorConnection
    let logger: Logger
    private var live: [SHA256Digest: LiveSession] = [:]
    var work: WorkList?
    /// Studies for which an approval without a person was looked at since the start.
    var considered: Set<SHA256Digest> = []
    /// Approvals that are not in force, with the reason that was logged.
    var lapses: [SHA256Digest: String] = [:]

    /// A session in memory; rebuilt from the journal after a restart.
    private struct LiveSession {
        var session: SiteSession
        var cohort: SiteCohort
        var snapshot: SHA256Digest
        var study: LocalStudy
    }

    init(office: NodeOffice, connection: CoordinatorConnection, logger: Logger) {
        (self.office, self.connection, self.logger) = (office, connection, logger)
    }

    func setWork(_ work: WorkList) { self.work = work }

    /// Does what the list asks for; false if something is to be tried again soon.
    func doWork(_ work: WorkList) async -> Bool {
        var isDone = true
        for item in work.items where await !attempt(item) { isDone = false }
        return isDone
    }

    private func attempt(_ item: WorkList.Item) async -> Bool {
        do {
            try await handle(item)
        } catch MembershipError.rejected(409, _, _) {
            // The session has moved on; the next list says where.
        } catch let error as MembershipError {
            logger.warning("study \(item.study.short): \(error)")
            return false
        } catch {
            logger.error("study \(item.study.short): \(error)")
            return false
        }
        return true
    }

    /// Answers the rounds that a person has released since.
    func answerReleased() async {
        for item in work?.items ?? [] where item.isWaitingForYou && item.step == .round {
            do {
                guard let held = try office.ledger.heldRound(of: item.study), held.round == item.round,
                    held.session == item.session?.hex, try office.isReleased(held, of: item.study)
                else { continue }
            } catch {
                logger.error("study \(item.study.short): \(error)")
                continue
            }
            _ = await attempt(item)
        }
    }

    private func handle(_ item: WorkList.Item) async throws {
        if try office.ledger.study(item.study) == nil { try await receiveStudy(item.study) }
        if !item.state.isOver { try approveUnattended(item.study) }
        try endAbandonedSessions(of: item)
        guard let session = item.session else { return }
        if item.state.isOver { return try await close(session, of: item) }
        guard item.isWaitingForYou, let step = item.step else { return }
        if let reason = try refusal(of: session) { return try await sendRefusal(of: session, reason) }
        do {
            switch step {
            case .keys: try await sayHello(session, of: item.study)
            case .roster: try await acknowledge(session, of: item.study)
            case .round: try await answer(item.round, of: session, study: item.study)
            case .closed: break
            }
        } catch let error as ProtocolError {
            try await refuse(session, of: item.study, error)
        } catch let error as StudyError {
            try await refuse(session, of: item.study, .failed("\(error)"))
        } catch let error as NodeError {
            try await refuse(session, of: item.study, .failed("\(error)"))
        } catch let error as StoreError where error.isLasting {
            logger.error("study \(item.study.short): \(error)")
            try await refuse(
                session, of: item.study,
                .failed("this hospital's node cannot use its files; its log says why"))
        }
    }

    // MARK: Sessions

    private func sayHello(_ id: SHA256Digest, of study: SHA256Digest) async throws {
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
        let snapshot = try office.snapshot(of: local.plan)
        let cohort = try office.cohort(for: local.plan, submission: local.submission)
        _ = try office.requireAdmissible(local, cohort, under: approval.policy)
        let secret = try randomBytes(32)
        let session = try SiteSession(
            opening: opening, plan: local.plan, site: office.site, policy: approval.policy, secret: secret,
            checkpoint: try office.checkpoint())
        let hello = try SignedMessage(session.hello, by: office.member.signer)
        let start = StoredStart(
            opening: message, hello: hello, snapshot: snapshot,
            isUnattended: approval.isUnattended ? true : nil)
        try office.ledger.beginSession(
            id: id.hex, study: study, secret: secret, hello: CanonicalJSON.bytes(start), at: office.clock(),
            logging: office.note(
                "session-joined", AuditBody(study: study, session: id, policy: approval.policy.hash)))
        live[id] = LiveSession(session: session, cohort: cohort, snapshot: snapshot, study: local)
        logger.info("study \(study.short): joining session \(id.short)")
        try await send(hello, of: id)
    }

    /// Refuses if the coordinator keeps a checkpoint of this node's own that its log does not bear out.
    private func requireWholeLog() async throws {
        do {
            let messages = try await connection.get([SignedMessage].self, "/v1/checkpoints")
            _ = try office.verifyLog(against: messages)
        } catch MembershipError.rejected(404, _, _) {
            // A coordinator that keeps none; one that hides them could as well send an empty list.
        }
    }

    /// Keeps where the other hospitals' logs stood, and logs a log that was cut or rewritten.
    private func keepCheckpoints(of session: SiteSession, under authority: Authority) throws {
        for peer in try office.keep(session.checkpoints, under: authority) {
            logger.error("the audit log of \(peer) is not the one that it was: it was cut or rewritten")
        }
    }

    /// A new roster for a study that was answered before could give away, by difference, the hospitals that left or came.
    private func requireSafeRoster(_ opening: SessionOpening) throws {
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

    private func acknowledge(_ id: SHA256Digest, of study: SHA256Digest) async throws {
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
            logging: office.note(
                "roster-verified", AuditBody(study: study, session: id, request: roster.hash)))
        live[id] = session
        try keepCheckpoints(of: session.session, under: authority)
        try await send(ack, of: id)
    }

    private func answer(_ round: Int, of id: SHA256Digest, study: SHA256Digest) async throws {
        guard let stored = try openSession(id) else { return }
        if let earlier = try office.ledger.round(round, of: id.hex) {
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
        guard try office.snapshot(of: session.study.plan) == session.snapshot else {
            throw ProtocolError.failed("this hospital's patients changed during the session")
        }
        let approval = try office.requireApproval(of: study)
        _ = try session.session.accept(request, under: authority)
        try keepCheckpoints(of: session.session, under: authority)
        if approval.isHeld, try !office.isReleased(request, of: study) {
            return try hold(message, request, of: study)
        }
        let signed = try signedAnswer(to: request, message, &session, under: approval.policy)
        live[id] = session
        logger.info("study \(study.short): round \(round) answered, \(request.statements.count) questions")
        try await post(signed, round, of: id)
    }

    /// Computes the answer to a round that was accepted, and journals it; the first of a session with whose rows it holds.
    private func signedAnswer(
        to request: RoundRequest, _ message: SignedMessage, _ session: inout LiveSession,
        under policy: DisclosurePolicy
    ) throws -> SignedMessage {
        let records =
            request.round == 1
            ? try office.requireAdmissible(session.study, session.cohort, under: policy).records : []
        let answer = try session.session.answer(
            from: session.cohort, checkpoint: try office.checkpoint())
        let signed = try SignedMessage(answer, by: office.member.signer)
        let cohorts = Dictionary(
            records.map { ($0.analysis, $0.digest) }, uniquingKeysWith: { first, _ in first })
        try office.ledger.recordAnswer(
            session: request.session.hex, round: request.round, requestDigest: request.digest,
            request: CanonicalJSON.bytes(message),
            answer: CanonicalJSON.bytes(signed), cohorts: records, at: office.clock(),
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
    private func hold(_ message: SignedMessage, _ request: RoundRequest, of study: SHA256Digest) throws {
        let held = HeldRound(
            session: request.session.hex, round: request.round, request: CanonicalJSON.bytes(message),
            since: office.clock())
        try office.ledger.hold(
            held,
            logging: office.note(
                "round-held",
                AuditBody(
                    study: study, session: request.session, round: request.round,
                    statements: request.statements, request: request.digest)))
        logger.notice(
            "study \(study.short): round \(request.round) waits for a person: coxswain node release \(study.short)"
        )
    }

    /// The session is over at the coordinator: form the result here too, if there is one, and erase the secret.
    private func close(_ id: SHA256Digest, of item: WorkList.Item) async throws {
        guard let stored = try openSession(id) else { return }
        var outcome = item.state.rawValue
        if item.state == .finished {
            do {
                try await verifyResult(stored, id, of: item)
            } catch let error as ProtocolError {
                outcome = "result not confirmed: \(error)"
                logger.error("study \(item.study.short): the result does not follow from the sums: \(error)")
            }
        }
        try end(id, of: item.study, outcome: outcome)
    }

    private func verifyResult(
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
        guard published == own else {
            throw ProtocolError.untrusted(
                "the coordinator's result is not the one that follows from the sums")
        }
        logger.info("study \(item.study.short): finished; the result was confirmed here")
    }

    /// Sessions that the coordinator gave up for another one, or that goes on without this hospital.
    private func endAbandonedSessions(of item: WorkList.Item) throws {
        for session in try office.ledger.sessions(of: item.study) where session.outcome == nil {
            guard let id = SHA256Digest(hex: session.id), id != item.session else { continue }
            try end(id, of: item.study, outcome: "given up by the coordinator")
        }
    }

    private static let refusedPrefix = "refused: "

    private func refuse(_ id: SHA256Digest, of study: SHA256Digest, _ error: ProtocolError) async throws {
        logger.error("study \(study.short): refused: \(error)")
        do {
            try office.ledger.append(
                kind: "refused",
                body: AuditBody(study: study, session: id, reason: "\(error)", policy: office.policy.hash)
                    .json,
                at: office.clock())
            try end(id, of: study, outcome: Self.refusedPrefix + "\(error)")
        } catch let fault as StoreError {
            // What cannot be written down is told all the same, or the study's lead would wait for nothing.
            logger.error("study \(study.short): the refusal could not be recorded: \(fault)")
        }
        try await sendRefusal(of: id, "\(error)")
    }

    /// Why this hospital refused a session, if the coordinator may not have heard of it yet.
    private func refusal(of id: SHA256Digest) throws -> String? {
        guard let outcome = try office.ledger.session(id.hex)?.outcome, outcome.hasPrefix(Self.refusedPrefix)
        else { return nil }
        return String(outcome.dropFirst(Self.refusedPrefix.count))
    }

    private func sendRefusal(of id: SHA256Digest, _ reason: String) async throws {
        let refusal = Refusal(session: id, site: office.site, reason: reason)
        try await send(SignedMessage(refusal, by: office.member.signer), of: id)
    }

    /// Erases the secret of a session; one that was refused before it began here has none.
    private func end(_ id: SHA256Digest, of study: SHA256Digest, outcome: String) throws {
        live[id] = nil
        guard let stored = try office.ledger.session(id.hex), stored.outcome == nil else { return }
        try office.ledger.endSession(
            id.hex, outcome: outcome, at: office.clock(),
            logging: office.note("session-ended", AuditBody(study: study, session: id, reason: outcome)))
    }

    private func openSession(_ id: SHA256Digest) throws -> SessionEntry? {
        guard let stored = try office.ledger.session(id.hex), stored.outcome == nil else { return nil }
        return stored
    }

    /// The session as far as it got: from memory, or from the journal by taking every stored message again.
    private func liveSession(_ stored: SessionEntry, study: SHA256Digest) throws -> LiveSession {
        guard let id = SHA256Digest(hex: stored.id) else {
            throw ProtocolError.failed("the journal is damaged")
        }
        if let session = live[id] { return session }
        guard let entry = try office.ledger.study(study) else {
            throw ProtocolError.outOfPlace("an unknown study")
        }
        let local = try LocalStudy(entry)
        let start = try StoredStart(from: stored)
        let authority = try office.authority().forStoredMessages
        guard let secret = stored.secret else { throw ProtocolError.outOfPlace("the session is over") }
        var session = try SiteSession(
            opening: try start.openingContent, plan: local.plan, site: office.site,
            policy: try rules(of: start), secret: secret, checkpoint: try start.checkpoint)
        if let roster = stored.roster {
            _ = try session.join(try CanonicalJSON.decode(Roster.self, from: roster), under: authority)
        }
        for round in try office.ledger.rounds(of: stored.id) {
            let message = try CanonicalJSON.decode(SignedMessage.self, from: round.request)
            _ = try session.accept(
                try message.open(as: RoundRequest.self, under: authority).content, under: authority)
            session.countEvaluations()
        }
        let restored = LiveSession(
            session: session, cohort: try office.cohort(for: local.plan, submission: local.submission),
            snapshot: start.snapshot, study: local)
        live[id] = restored
        return restored
    }

    private func rules(of start: StoredStart) throws -> DisclosurePolicy {
        guard let rules = start.isUnattended == true ? office.policy.withoutPerson : office.policy else {
            throw ProtocolError.outOfPlace("the policy asks a person to approve; it must be given again")
        }
        return rules
    }

    // MARK: Sending

    private func request(_ round: Int, of id: SHA256Digest) async throws -> SignedMessage {
        try await connection.get(SignedMessage.self, "/v1/sessions/\(id.hex)/rounds/\(round)")
    }

    private func send(_ message: SignedMessage, of id: SHA256Digest) async throws {
        try await connection.post("/v1/sessions/\(id.hex)/messages", message)
    }

    private func post(_ answer: SignedMessage, _ round: Int, of id: SHA256Digest) async throws {
        try await connection.post("/v1/sessions/\(id.hex)/rounds/\(round)", answer)
    }
}

extension StoreError {
    /// Whether trying again would not help.
    fileprivate var isLasting: Bool {
        switch self {
        case .file(_, .locked), .file(_, .full): false
        case .file, .dictionary, .csv, .rejectedRows, .ledger: true
        }
    }
}
