import Cryptography
import Federation
import Ledger
import Logging
import Membership
import SQLiteFiles
import Survival

/// Deals with one work item at a time: fetch, verify, journal, send.
actor SessionClerk {
    private(set) var office: NodeOffice
    let connection: CoordinatorConnection
    let logger: Logger
    var live: [SHA256Digest: LiveSession] = [:]
    var work: WorkList?
    /// Studies for which an approval without a person was looked at since the start.
    var considered: Set<SHA256Digest> = []
    /// Approvals that are not in force, with the reason that was logged.
    var lapses: [SHA256Digest: String] = [:]
    /// What was last said about the coordinator's version.
    private var versionFault: String?
    /// What held when an approval that the coordinator knows was last held against policy and patients.
    var standpoints: [SHA256Digest: Standpoint] = [:]

    /// What an approval stands on, apart from time: it changes when the policy does, and with each entry of the audit log, as an
    /// import makes one.
    struct Standpoint: Equatable {
        var policy: SHA256Digest
        var entries: Int
    }

    /// A session in memory; rebuilt from the journal after a restart.
    struct LiveSession {
        var session: SiteSession
        var loaded: LoadedCohort
        var study: LocalStudy
    }

    init(office: NodeOffice, connection: CoordinatorConnection, logger: Logger) {
        (self.office, self.connection, self.logger) = (office, connection, logger)
    }

    func setWork(_ work: WorkList) {
        self.work = work
        let fault = Versions.fault("the coordinator", work.versions, beside: office.site, .current)
        if let fault, fault != versionFault { logger.error("no session can begin: \(fault)") }
        versionFault = fault
    }

    /// Does what the list asks for; false if something is to be tried again soon.
    func doWork(_ work: WorkList) async -> Bool {
        var isDone = true
        for item in work.items where await !attempt(item) { isDone = false }
        return isDone
    }

    /// Puts a changed policy in force, here and for what was decided by the former one; throws while its file cannot be used.
    func heedPolicy() throws {
        guard try office.rereadPolicy() else { return }
        considered = []
        logger.notice(
            "the policy was changed, and is in force: \(office.policy.hash.short); approvals under the former one do not hold any more"
        )
    }

    func attempt(_ item: WorkList.Item) async -> Bool {
        do {
            try heedPolicy()
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

    /// Answers the rounds that a person has released since; false if something is to be tried again.
    func answerReleased() async -> Bool {
        var isDone = true
        for item in work?.items ?? [] where item.isWaitingForYou && item.step == .round {
            do {
                guard let held = try office.ledger.heldRound(of: item.study), held.round == item.round,
                    held.session == item.session?.hex, try office.isReleased(held, of: item.study)
                else { continue }
            } catch {
                logger.error("study \(item.study.short): \(error)")
                isDone = false
                continue
            }
            if await !attempt(item) { isDone = false }
        }
        return isDone
    }

    func handle(_ item: WorkList.Item) async throws {
        if try office.ledger.study(item.study) == nil { try await receiveStudy(item.study) }
        if !item.state.isOver { try approveUnattended(item.study) }
        try endAbandonedSessions(of: item)
        guard let session = item.session else { return }
        if item.state.isOver { return try await close(session, of: item) }
        guard item.isWaitingForYou, let step = item.step else { return }
        if let reason = try refusal(of: session) { return try await sendRefusal(of: session, reason) }
        do {
            if let stored = try openSession(session) { try requireOwnVersion(of: stored) }
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
            try await refuse(session, of: item.study, .broken("\(error)"))
        } catch let error as any FileFailure where error.isLasting {
            logger.error("study \(item.study.short): \(error)")
            try await refuse(
                session, of: item.study,
                .broken("this hospital's node cannot use its files; its log says why"))
        }
    }

    /// Refuses to go on with a session that began before this program was updated: other arithmetic could not check it.
    func requireOwnVersion(of stored: SessionEntry) throws {
        let opening = try StoredStart(from: stored).openingContent
        if let fault = Versions.faultOfSession(begunUnder: opening.versions) {
            throw ProtocolError.incompatible("\(office.site) was updated: \(fault); launch the study again")
        }
    }

    func openSession(_ id: SHA256Digest) throws -> SessionEntry? {
        guard let stored = try office.ledger.session(id.hex), stored.outcome == nil else { return nil }
        return stored
    }

    /// The session as far as it got: from memory, or from the journal by taking every stored message again.
    func liveSession(_ stored: SessionEntry, study: SHA256Digest) throws -> LiveSession {
        guard let id = SHA256Digest(hex: stored.id) else {
            throw ProtocolError.broken("the journal is damaged")
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
        try requirePolicy(try start.helloContent.policy, in: session)
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
            session: session, loaded: try office.cohort(for: local.plan, submission: local.submission),
            study: local)
        live[id] = restored
        return restored
    }

    func rules(of start: StoredStart) throws -> DisclosurePolicy {
        guard let rules = start.isUnattended == true ? office.policy.withoutPerson : office.policy else {
            throw ProtocolError.outOfPlace("the policy asks a person to approve; it must be given again")
        }
        return rules
    }

    /// Refuses to go on with a session under other rules than it should have: those of its beginning, or those of its approval.
    func requirePolicy(_ policy: SHA256Digest, in session: SiteSession) throws {
        guard session.hello.policy == policy else {
            throw ProtocolError.outOfPlace("this hospital's policy was changed during the session")
        }
    }

    // MARK: Sending

    func request(_ round: Int, of id: SHA256Digest) async throws -> SignedMessage {
        try await connection.get(SignedMessage.self, "/v1/sessions/\(id.hex)/rounds/\(round)")
    }

    func send(_ message: SignedMessage, of id: SHA256Digest) async throws {
        try await connection.post("/v1/sessions/\(id.hex)/messages", message)
    }

    func post(_ answer: SignedMessage, _ round: Int, of id: SHA256Digest) async throws {
        try await connection.post("/v1/sessions/\(id.hex)/rounds/\(round)", answer)
    }
}
