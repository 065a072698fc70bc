import CohortStore
import Cryptography
import Federation
import Logging
import Membership
import Survival

/// Deals with one work item at a time: fetch, verify, journal, send.
actor SessionClerk {
    private let office: NodeOffice
    private let connection: CoordinatorConnection
    private let logger: Logger
    private var live: [SHA256Digest: LiveSession] = [:]
    private var work: WorkList?

    /// A session in memory; rebuilt from the journal after a restart.
    private struct LiveSession {
        var session: SiteSession
        var cohort: SiteCohort
        var snapshot: SHA256Digest
        var plan: StudyPlan
        var submission: StudySubmission
    }

    init(office: NodeOffice, connection: CoordinatorConnection, logger: Logger) {
        (self.office, self.connection, self.logger) = (office, connection, logger)
    }

    func setWork(_ work: WorkList) { self.work = work }

    /// Does what the list asks for; false if something is to be tried again soon.
    func doWork(_ work: WorkList) async -> Bool {
        var isDone = true
        for item in work.items {
            do {
                try await handle(item)
            } catch let error as MembershipError {
                // The session has moved on; the next list says where.
                if case .rejected(409, _, _) = error { continue }
                logger.warning("study \(item.study.short): \(error)")
                isDone = false
            } catch {
                logger.error("study \(item.study.short): \(error)")
                isDone = false
            }
        }
        return isDone
    }

    private func handle(_ item: WorkList.Item) async throws {
        if try office.ledger.study(item.study) == nil { try await receiveStudy(item.study) }
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
        }
    }

    // MARK: Studies

    private func receiveStudy(_ hash: SHA256Digest) async throws {
        let message = try await connection.get(SignedMessage.self, "/v1/studies/\(hash.hex)")
        let authority = try office.authority()
        let (submission, signer) = try message.open(as: StudySubmission.self, under: authority)
        guard case .operator = signer.role, submission.submitter == signer, message.payloadDigest == hash
        else {
            throw ProtocolError.untrusted("a study that is not signed by the operator it names was offered")
        }
        _ = try LocalStudy.read(message)
        try office.ledger.recordStudy(
            hash: hash, submission: CanonicalJSON.bytes(message), receivedAt: office.clock(),
            logging: office.note("study-received", AuditBody(study: hash, peer: "\(signer)")))
        logger.info(
            "study \(hash.short) from \(signer) waits for a decision: coxswain node show \(hash.short)")
    }

    /// Posts each decision that the coordinator does not know yet.
    func reportDecisions() async {
        guard let work else { return }
        for item in work.items where !item.state.isOver {
            do {
                guard let entry = try office.ledger.study(item.study) else { continue }
                try await report(entry, knownAs: item.decision)
            } catch {
                logger.warning("cannot report the decision on study \(item.study.short): \(error)")
            }
        }
    }

    private func report(_ entry: StudyEntry, knownAs known: SiteDecision) async throws {
        let decision: Decision
        switch entry.decision {
        case .pending: return
        case .approved(let until, _, _, let policy):
            guard known != .approved, until > office.clock() else { return }
            decision = Decision(
                study: entry.hash, site: office.site, isApproved: true, reason: "", until: until,
                policy: policy)
        case .declined(let reason, _, _):
            guard known != .declined else { return }
            decision = Decision(
                study: entry.hash, site: office.site, isApproved: false, reason: reason, until: 0,
                policy: office.policy.hash)
        }
        try await connection.post(
            "/v1/studies/\(entry.hash.hex)/decision", SignedMessage(decision, by: office.member.signer))
        if let index = work?.items.firstIndex(where: { $0.study == entry.hash }) {
            work?.items[index].decision = decision.isApproved ? .approved : .declined
        }
    }

    // MARK: Sessions

    private func sayHello(_ id: SHA256Digest, of study: SHA256Digest) async throws {
        if let stored = try office.ledger.session(id.hex) {
            guard stored.outcome == nil else { return }
            return try await send(StoredStart(from: stored).hello, of: id)
        }
        let entry = try requireApproval(of: study)
        let message = try await connection.get(SignedMessage.self, "/v1/sessions/\(id.hex)/opening")
        let authority = try office.authority()
        let (opening, signer) = try message.open(as: SessionOpening.self, under: authority)
        guard signer.role == .coordinator, opening.session == id else {
            throw ProtocolError.untrusted("the session's opening is not the coordinator's")
        }
        try requireSafeRoster(opening)
        let secret = try randomBytes(32)
        let local = try LocalStudy(entry)
        let session = try SiteSession(
            opening: opening, plan: local.plan, site: office.site, policy: office.policy, secret: secret)
        let hello = try SignedMessage(session.hello, by: office.member.signer)
        let start = StoredStart(opening: message, hello: hello, snapshot: try office.snapshot(of: local.plan))
        try office.ledger.beginSession(
            id: id.hex, study: study, secret: secret, hello: CanonicalJSON.bytes(start), at: office.clock(),
            logging: office.note(
                "session-joined", AuditBody(study: study, session: id, policy: office.policy.hash)))
        logger.info("study \(study.short): joining session \(id.short)")
        try await send(hello, of: id)
    }

    /// An approval in force, given under the policy that is in force.
    private func requireApproval(of study: SHA256Digest) throws -> StudyEntry {
        guard let entry = try office.ledger.study(study),
            case .approved(let until, _, _, let policy) = entry.decision
        else { throw ProtocolError.outOfPlace("the study is not approved here") }
        guard until > office.clock() else { throw ProtocolError.outOfPlace("the approval has expired") }
        guard policy == office.policy.hash else {
            throw ProtocolError.outOfPlace(
                "the policy has changed since the approval; it must be given again")
        }
        return entry
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
        try await send(ack, of: id)
    }

    private func answer(_ round: Int, of id: SHA256Digest, study: SHA256Digest) async throws {
        guard let stored = try openSession(id) else { return }
        if let earlier = try office.ledger.rounds(of: id.hex).first(where: { $0.round == round }) {
            return try await post(
                CanonicalJSON.decode(SignedMessage.self, from: earlier.answer), round, of: id)
        }
        _ = try requireApproval(of: study)
        var session = try liveSession(stored, study: study)
        let message = try await request(round, of: id)
        let authority = try office.authority()
        let (request, signer) = try message.open(as: RoundRequest.self, under: authority)
        guard signer.role == .coordinator, request.round == round else {
            throw ProtocolError.untrusted("round \(round) is not the coordinator's")
        }
        guard try office.snapshot(of: session.plan) == session.snapshot else {
            throw ProtocolError.failed("this hospital's patients changed during the session")
        }
        _ = try session.session.accept(request, under: authority)
        let answer = try session.session.answer(from: session.cohort)
        let signed = try SignedMessage(answer, by: office.member.signer)
        try office.ledger.recordAnswer(
            session: id.hex, round: round, requestDigest: request.digest,
            request: CanonicalJSON.bytes(message),
            answer: CanonicalJSON.bytes(signed),
            logging: office.note(
                "round-answered",
                AuditBody(
                    study: study, session: id, round: round, statements: request.statements,
                    request: request.digest,
                    answer: signed.payloadDigest, answerBytes: signed.payload.utf8.count,
                    policy: office.policy.hash)))
        live[id] = session
        logger.info("study \(study.short): round \(round) answered, \(request.statements.count) questions")
        try await post(signed, round, of: id)
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
        try office.ledger.append(
            kind: "refused",
            body: AuditBody(study: study, session: id, reason: "\(error)", policy: office.policy.hash).json,
            at: office.clock())
        try end(id, of: study, outcome: Self.refusedPrefix + "\(error)")
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
            opening: try start.openingContent, plan: local.plan, site: office.site, policy: office.policy,
            secret: secret)
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
            snapshot: start.snapshot, plan: local.plan, submission: local.submission)
        live[id] = restored
        return restored
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

/// How a session began, as the journal keeps it.
private struct StoredStart: Codable, Hashable {
    var opening: SignedMessage
    var hello: SignedMessage
    /// The patients' digest when the session began.
    var snapshot: SHA256Digest

    init(opening: SignedMessage, hello: SignedMessage, snapshot: SHA256Digest) {
        (self.opening, self.hello, self.snapshot) = (opening, hello, snapshot)
    }

    init(from entry: SessionEntry) throws {
        self = try CanonicalJSON.decode(StoredStart.self, from: entry.hello)
    }

    var openingContent: SessionOpening {
        get throws { try CanonicalJSON.decode(SessionOpening.self, from: Array(opening.payload.utf8)) }
    }
}
