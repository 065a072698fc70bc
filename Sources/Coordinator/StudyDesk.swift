import Cryptography
import Federation
import Logging
import Survival

/// All studies of a consortium at its coordinator: takes submissions, decisions and session messages, and drives rounds.
///
/// What it decides is in `CoordinatorSession` and `StudyRun`; here state is stored before it is acknowledged, and those who
/// wait are woken.
actor StudyDesk {
    private let store: CoordinatorStore
    private let signer: Signer
    private let environment: Environment
    private let logger: Logger
    private var studies: [SHA256Digest: Study] = [:]
    private var order: [SHA256Digest] = []
    /// Long polls that wait for a change.
    private var waiters: [Int: CheckedContinuation<Void, Never>] = [:]
    private var waiterCount = 0
    private var isShuttingDown = false

    /// What varies: the time, randomness, and whom to trust at present.
    struct Environment: Sendable {
        var authority: @Sendable () throws -> Authority
        var randomBytes: @Sendable () throws -> [UInt8]
    }

    fileprivate struct Study {
        var submission: SignedMessage
        var submitter: SPIFFEID
        var plan: StudyPlan
        var state: StudyState
        var reason: String
        var decisions: [String: Decision] = [:]
        var session: CoordinatorSession?
        /// When the session's present step last moved, in seconds since 1970.
        var since = 0
        /// The current request as sent, signed once.
        var signedRequest: (round: Int, message: SignedMessage)?
    }

    init(store: CoordinatorStore, signer: Signer, environment: Environment, logger: Logger) {
        (self.store, self.signer, self.environment, self.logger) = (store, signer, environment, logger)
    }

    // MARK: Restart

    /// Brings every study back from the store, running sessions by feeding their messages in again.
    func restore() throws {
        for row in try store.studies() {
            do {
                let (hash, study) = try restored(row)
                studies[hash] = study
                order.append(hash)
            } catch {
                // One study that this version cannot read must not stop the others.
                logger.error("study \(row.hash.prefix(12)) cannot be read and is left out: \(error)")
            }
        }
        try settleAll()
        logger.info(
            "coordinator: \(order.count) studies, \(studies.values.count { $0.state == .running }) running")
    }

    private func restored(_ row: CoordinatorStore.StudyRow) throws -> (SHA256Digest, Study) {
        let (hash, submitter, plan) = try Self.read(row.submission)
        var study = Study(
            submission: row.submission, submitter: submitter, plan: plan, state: row.state, reason: row.reason
        )
        for (site, message) in try store.decisions(of: row.hash) {
            study.decisions[site] = try CanonicalJSON.decode(Decision.self, from: Array(message.payload.utf8))
        }
        guard let stored = try store.session(of: row.hash) else { return (hash, study) }
        let opening = try CanonicalJSON.decode(SessionOpening.self, from: Array(stored.opening.payload.utf8))
        var session = CoordinatorSession(opening: opening, signed: stored.opening, plan: plan)
        let authority = try environment.authority().forStoredMessages
        do {
            for message in try store.messages(of: stored.id) {
                try session.receive(message.body, from: message.site, under: authority)
            }
        } catch {
            // A certificate that was revoked or ran out since: that ends a running study, never the coordinator.
            logger.error("study \(hash.short): its session cannot be taken up again: \(error)")
            guard study.state == .running else { return (hash, study) }
            (study.state, study.reason) = (.failed, "its session cannot be taken up again: \(error)")
            try store.setState(of: hash, study.state, reason: study.reason, result: nil)
            return (hash, study)
        }
        study.session = session
        // While the coordinator was away nobody could answer: patience begins anew.
        study.since = study.state == .running ? authority.time : stored.since
        return (hash, study)
    }

    /// A submission's meaning, without judging who signed it (done once, at the door).
    private static func read(_ message: SignedMessage) throws -> (SHA256Digest, SPIFFEID, StudyPlan) {
        let submission = try CanonicalJSON.decode(StudySubmission.self, from: Array(message.payload.utf8))
        let file = try StudyFile(yaml: submission.study, file: "study")
        let dictionary = try DataDictionary(yaml: submission.dictionary, file: "dictionary")
        let hash = message.payloadDigest
        return (hash, submission.submitter, try StudyPlan(study: file, dictionary: dictionary, hash: hash))
    }

    // MARK: Operators

    /// Takes a study; the same study again is no change, except that a failed or cancelled one may be launched anew.
    func submit(_ message: SignedMessage, by peer: SPIFFEID) throws -> StudyStatus {
        let (submission, signer) = try message.open(
            as: StudySubmission.self, under: try environment.authority())
        guard signer == peer, submission.submitter == peer else {
            throw DeskError(.forbidden, "a study must be signed by the operator who submits it")
        }
        let (hash, submitter, plan): (SHA256Digest, SPIFFEID, StudyPlan)
        do {
            (hash, submitter, plan) = try Self.read(message)
        } catch {
            throw DeskError(
                .unprocessable, "\(error)", hint: "run \"coxswain study check\" on the file first")
        }
        if studies[hash] == nil {
            try store.addStudy(hash, message, at: try environment.authority().time)
            studies[hash] = Study(
                submission: message, submitter: submitter, plan: plan, state: .submitted, reason: "")
            order.append(hash)
            logger.info("study \(plan.study.name) (\(hash.short)) submitted by \(peer)")
            changed()
        }
        return try status(hash)
    }

    /// Opens a session with the sites that approved.
    ///
    /// Refused while a site of the study has not decided or has declined, unless the study goes on without missing sites.
    func launch(_ hash: SHA256Digest, by peer: SPIFFEID) throws -> StudyStatus {
        let study = try owned(hash, by: peer)
        guard study.state != .running else { throw DeskError(.conflict, "the study is already running") }
        guard study.state != .finished else {
            throw DeskError(
                .conflict, "the study is finished", hint: "fetch it with \"coxswain study results\"")
        }
        try open(study, hash, with: try participants(of: study))
        return try status(hash)
    }

    private func participants(of study: Study) throws -> [String] {
        let now = try environment.authority().time
        var approved: [String] = []
        var missing: [String] = []
        for site in study.plan.study.sites {
            if let decision = study.decisions[site], decision.isApproved, decision.until > now {
                approved.append(site)
            } else {
                missing.append("\(site) (\(study.decision(of: site, at: now).rawValue))")
            }
        }
        guard missing.isEmpty || (study.plan.study.missingSite == .continue && !approved.isEmpty) else {
            throw DeskError(
                .conflict, "not every hospital has approved the study: \(missing.joined(separator: ", "))",
                hint: "ask them to run \"coxswain node approve\"; see \"coxswain study watch\"")
        }
        return approved
    }

    private func open(_ study: Study, _ hash: SHA256Digest, with sites: [String]) throws {
        var study = study
        let authority = try environment.authority()
        let opening = SessionOpening(
            session: SHA256Digest(of: try environment.randomBytes()), study: hash, sites: sites)
        let signed = try SignedMessage(opening, by: signer)
        try store.addSession(opening.session, study: hash, opening: signed, at: authority.time)
        study.session = CoordinatorSession(opening: opening, signed: signed, plan: study.plan)
        study.signedRequest = nil
        (study.state, study.reason, study.since) = (.running, "", authority.time)
        studies[hash] = study
        logger.info(
            "study \(hash.short): session \(opening.session.short) opened with \(sites.joined(separator: ", "))"
        )
        changed()
    }

    func cancel(_ hash: SHA256Digest, by peer: SPIFFEID) throws -> StudyStatus {
        let study = try owned(hash, by: peer)
        guard !study.state.isOver else {
            throw DeskError(.conflict, "the study is over: \(study.state.rawValue)")
        }
        try end(hash, .cancelled, reason: "cancelled by \(peer)", result: nil)
        return try status(hash)
    }

    func result(of hash: SHA256Digest, for peer: SPIFFEID) throws -> [UInt8] {
        let study = try known(hash)
        switch peer.role {
        case .operator: _ = try owned(hash, by: peer)
        case .node(let site): try requireSite(site, in: study)
        case .coordinator: break
        }
        guard let result = try store.result(of: hash) else {
            throw DeskError(
                .conflict, "the study has no result: it is \(study.state.rawValue)",
                hint: study.reason.isEmpty ? "watch it with \"coxswain study watch\"" : study.reason)
        }
        return result
    }

    /// Where each hospital's audit log stood last, by its own signed word.
    func checkpoints() throws -> [SignedMessage] { try store.checkpoints() }

    func list(for peer: SPIFFEID) throws -> [StudyStatus] { try order.map { try status($0, for: peer) } }

    /// The status once it differs from the version seen, or when the wait is over.
    func status(
        _ hash: SHA256Digest, for peer: SPIFFEID, after seen: SHA256Digest?, wait: Duration
    ) async throws -> StudyStatus {
        var status = try status(hash, for: peer)
        let deadline = ContinuousClock.now + wait
        while let seen, status.version == seen, ContinuousClock.now < deadline, !isShuttingDown {
            await waitForChange(until: deadline)
            status = try self.status(hash, for: peer)
        }
        return status
    }

    /// As it is shown to an operator: what a round asks holds the coefficients so far, which are their own study lead's.
    private func status(_ hash: SHA256Digest, for peer: SPIFFEID) throws -> StudyStatus {
        var status = try status(hash)
        if status.submitter != peer { status.session?.statements = [] }
        return status
    }

    private func status(_ hash: SHA256Digest) throws -> StudyStatus {
        let study = try known(hash)
        let now = try environment.authority().time
        return StudyStatus(
            study: hash, name: study.plan.study.name, title: study.plan.study.title,
            submitter: study.submitter,
            state: study.state, reason: study.reason,
            sites: study.plan.study.sites.map { site in
                .init(
                    name: site, decision: study.decision(of: site, at: now),
                    reason: study.decisions[site]?.reason ?? "")
            },
            session: study.session.map { session in
                .init(
                    id: session.opening.session, sites: session.opening.sites, step: session.step,
                    round: session.round,
                    waitingFor: study.state == .running ? session.waitingFor : [], since: study.since,
                    statements: session.statements)
            })
    }

    // MARK: Nodes

    func submission(of hash: SHA256Digest, for site: String) throws -> SignedMessage {
        let study = try known(hash)
        try requireSite(site, in: study)
        return study.submission
    }

    func decide(_ message: SignedMessage, on hash: SHA256Digest, from site: String) throws {
        var study = try known(hash)
        try requireSite(site, in: study)
        let (decision, signer) = try message.open(as: Decision.self, under: try environment.authority())
        guard signer.role == .node(site), decision.site == site, decision.study == hash else {
            throw DeskError(.forbidden, "the decision is not \(site)'s on this study")
        }
        guard study.decisions[site] != decision else { return }
        try store.setDecision(message, study: hash, site: site)
        study.decisions[site] = decision
        studies[hash] = study
        logger.info("study \(hash.short): \(decision.isApproved ? "approved" : "declined") by \(site)")
        changed()
    }

    /// The node's work once it differs from what it has seen, or when the wait is over.
    func work(for site: String, after seen: SHA256Digest?, wait: Duration) async throws -> WorkList {
        var work = try work(for: site)
        let deadline = ContinuousClock.now + wait
        while work.version == seen, ContinuousClock.now < deadline, !isShuttingDown {
            await waitForChange(until: deadline)
            work = try self.work(for: site)
        }
        return work
    }

    private func work(for site: String) throws -> WorkList {
        let now = try environment.authority().time
        return WorkList(
            items: order.compactMap { hash in
                guard let study = studies[hash], study.plan.study.sites.contains(site) else { return nil }
                let session = study.session.flatMap { $0.opening.sites.contains(site) ? $0 : nil }
                return .init(
                    study: hash, state: study.state, decision: study.decision(of: site, at: now),
                    session: session?.opening.session, step: session?.step, round: session?.round ?? 0,
                    isWaitingForYou: study.state == .running && session?.waitingFor.contains(site) == true)
            })
    }

    func opening(of session: SHA256Digest, for site: String) throws -> SignedMessage {
        let (hash, study) = try running(session, site)
        guard let opening = try store.session(of: hash.hex)?.opening, study.session != nil else {
            throw DeskError(.notFound, "no such session")
        }
        return opening
    }

    func roster(of session: SHA256Digest, for site: String) throws -> Roster {
        guard let roster = try running(session, site).1.session?.roster else {
            throw DeskError(.conflict, "the roster is not complete yet")
        }
        return roster
    }

    /// The request of a round, or, with the number after the last round, the closing request.
    func request(_ round: Int, of session: SHA256Digest, for site: String) throws -> SignedMessage {
        var (hash, study) = try running(session, site)
        if let sent = study.signedRequest, sent.round == round { return sent.message }
        guard let request = study.session?.request, request.round == round else {
            throw DeskError(.conflict, "round \(round) is not being asked")
        }
        let message = try SignedMessage(request, by: signer)
        study.signedRequest = (round, message)
        studies[hash] = study
        return message
    }

    /// Takes a session message of a node: stored first, then acted on.
    ///
    /// The same message again is fine at any time.
    func receive(_ message: SignedMessage, round: Int, session id: SHA256Digest, from site: String) throws {
        if let stored = try store.message(type: message.type, round: round, of: site, session: id.hex) {
            guard stored.payload == message.payload else {
                throw DeskError(.conflict, "\(site) sent another \(message.type) for the same step")
            }
            return try settleAll()
        }
        var (hash, study) = try running(id, site)
        guard study.state == .running, var session = study.session else {
            throw DeskError(.conflict, "the study is \(study.state.rawValue)")
        }
        guard message.type != RoundAnswer.type || session.phase == .round(round) else {
            throw DeskError(.conflict, "round \(round) is not being asked")
        }
        let authority = try environment.authority()
        try session.receive(message, from: site, under: authority)
        try store.addMessage(
            message, from: site, session: id, round: round, at: authority.time,
            checkpoint: session.checkpoints[site])
        study.session = session
        study.since = authority.time
        studies[hash] = study
        logger.debug(
            "study \(hash.short): \(message.type) of \(site), \(session.step.rawValue) \(session.round)")
        try settle(hash, session)
        changed()
    }

    /// Ends each study whose last answer was stored when its end could not be: they are two commits.
    private func settleAll() throws {
        for (hash, study) in studies where study.state == .running {
            if let session = study.session { try settle(hash, session) }
        }
    }

    /// Ends the study if its session has ended.
    private func settle(_ hash: SHA256Digest, _ session: CoordinatorSession) throws {
        switch session.phase {
        case .finished: try end(hash, .finished, reason: "", result: session.result)
        case .refused(let site, let reason):
            try end(hash, .failed, reason: "\(site) refused: \(reason)", result: nil)
        case .failed(let reason): try end(hash, .failed, reason: reason, result: nil)
        case .gatheringKeys, .gatheringAcknowledgements, .round: break
        }
    }

    private func end(_ hash: SHA256Digest, _ state: StudyState, reason: String, result: StudyResult?) throws {
        try store.setState(of: hash, state, reason: reason, result: result)
        studies[hash]?.state = state
        studies[hash]?.reason = reason
        logger.info("study \(hash.short): \(state.rawValue)\(reason.isEmpty ? "" : ", \(reason)")")
        changed()
    }

    // MARK: Patience

    /// Ends, or restarts with fewer sites, each session whose silent sites have used up the study's patience.
    func checkPatience() throws {
        let now = try environment.authority().time
        for (hash, study) in studies where study.state == .running {
            guard let session = study.session, !session.waitingFor.isEmpty,
                now - study.since > study.plan.study.patienceSeconds
            else { continue }
            let silent = session.waitingFor.joined(separator: ", ")
            let left = session.opening.sites.filter { !session.waitingFor.contains($0) }
            if study.plan.study.missingSite == .continue, left.count >= 3 {
                logger.warning("study \(hash.short): no answer from \(silent); a new session goes on without")
                try open(study, hash, with: left)
            } else {
                try end(
                    hash, .failed, reason: "no answer from \(silent) within the study's patience", result: nil
                )
            }
        }
    }

    // MARK: Looking up

    private func known(_ hash: SHA256Digest) throws -> Study {
        guard let study = studies[hash] else {
            throw DeskError(.notFound, "no such study", hint: "see \"coxswain study list\"")
        }
        return study
    }

    private func owned(_ hash: SHA256Digest, by peer: SPIFFEID) throws -> Study {
        let study = try known(hash)
        guard study.submitter == peer else {
            throw DeskError(.forbidden, "only the operator who submitted the study may do this")
        }
        return study
    }

    private func requireSite(_ site: String, in study: Study) throws {
        guard study.plan.study.sites.contains(site) else { throw DeskError(.notFound, "no such study") }
    }

    private func running(_ session: SHA256Digest, _ site: String) throws -> (SHA256Digest, Study) {
        for (hash, study) in studies where study.session?.opening.session == session {
            guard study.session?.opening.sites.contains(site) == true else { break }
            return (hash, study)
        }
        throw DeskError(.notFound, "no such session")
    }

    // MARK: Waiting

    private func waitForChange(until deadline: ContinuousClock.Instant) async {
        waiterCount += 1
        let id = waiterCount
        let timer = Task {
            try? await Task.sleep(until: deadline, clock: .continuous)  // cancelled when a change came first
            wake(id)
        }
        await withCheckedContinuation { waiters[id] = $0 }
        timer.cancel()
    }

    private func wake(_ id: Int) { waiters.removeValue(forKey: id)?.resume() }

    private func changed() {
        let woken = waiters
        waiters = [:]
        for waiter in woken.values { waiter.resume() }
    }

    /// Ends all long polls, so that the server can stop.
    func shutDown() {
        isShuttingDown = true
        changed()
    }
}

extension StudyDesk.Study {
    fileprivate func decision(of site: String, at time: Int) -> SiteDecision {
        guard let decision = decisions[site] else { return .pending }
        guard decision.isApproved else { return .declined }
        return decision.until > time ? .approved : .pending
    }
}

extension CoordinatorSession {
    fileprivate var step: SessionStep {
        switch phase {
        case .gatheringKeys: .keys
        case .gatheringAcknowledgements: .roster
        case .round: .round
        case .finished, .refused, .failed: .closed
        }
    }

    fileprivate var round: Int { request?.round ?? 0 }
}

/// An answer other than yes, with the HTTP status it becomes.
struct DeskError: Error, CustomStringConvertible {
    enum Status: Int {
        case badRequest = 400, forbidden = 403, notFound = 404, conflict = 409, unprocessable = 422
    }

    var status: Status
    var description: String
    var hint: String?

    init(_ status: Status, _ description: String, hint: String? = nil) {
        (self.status, self.description, self.hint) = (status, description, hint)
    }
}
