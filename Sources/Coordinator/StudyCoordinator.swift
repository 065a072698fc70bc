import Cryptography
import Federation
import Logging
import Survival

/// All studies of a consortium at its coordinator: takes submissions, decisions and session messages, and drives rounds.
///
/// What it decides is in `CoordinatorSession` and `StudyRun`; here state is stored before it is acknowledged, and those who
/// wait are woken.
actor StudyCoordinator {
    private let store: CoordinatorStore
    private let signer: Signer
    private let environment: Environment
    private let logger: Logger
    private var register: StudyRegister
    private var contacts = HospitalContacts(startedAt: 0)
    private let bell = ChangeBell()
    /// What the sessions take, for those who decide before a request's body is read.
    nonisolated let door: SessionDoor

    /// What varies: the time, randomness, and whom to trust at present.
    struct Environment: Sendable {
        var trustView: @Sendable () throws -> TrustView
        var randomBytes: @Sendable () throws -> [UInt8]
    }

    private typealias Study = StudyRegister.Study

    init(store: CoordinatorStore, signer: Signer, environment: Environment, logger: Logger) {
        (self.store, self.signer, self.environment, self.logger) = (store, signer, environment, logger)
        door = SessionDoor()
        register = StudyRegister(door: door)
    }

    /// Ends all long polls, so that the server can stop.
    func shutDown() { bell.shutDown() }

    // MARK: Taking up again what was stored

    /// Brings every study back from the store, running sessions by feeding their messages in again.
    func restore() throws {
        contacts = HospitalContacts(startedAt: try environment.trustView().time)
        for hospital in try store.hospitals() {
            contacts.restore(hospital.site, seen: hospital.seen, versions: hospital.versions)
        }
        for row in try store.studies() {
            do {
                let (hash, study) = try restored(row)
                register.keep(study, as: hash)
            } catch {
                // One study that this version cannot read must not stop the others.
                if let hash = SHA256Digest(hex: row.hash) { register.leaveOut(hash) }
                logger.error(
                    "study \(row.hash.prefix(12)) of the database cannot be read and is left out: \(error); start the version of coxswain that wrote it, or restore the database from its backup"
                )
            }
        }
        try settleAll()
        logger.info(
            "coordinator: \(counted(register.order.count, "study", "studies")), \(register.running.count) running"
        )
    }

    private func restored(_ row: CoordinatorStore.StudyRow) throws -> (SHA256Digest, Study) {
        let submission = try CoordinatorStore.message(row.submission)
        var study = try Study(submission, state: row.state, reason: row.reason)
        let hash = study.plan.hash
        guard hash.hex == row.hash else {
            throw RefusedRequest(.unprocessable, "its text is not the one that its hash is of")
        }
        for (site, message) in try store.decisions(of: row.hash) {
            study.decisions[site] = try CanonicalJSON.decode(Decision.self, from: Array(message.payload.utf8))
        }
        guard let stored = try store.session(of: row.hash) else { return (hash, study) }
        let opening = try CanonicalJSON.decode(SessionOpening.self, from: Array(stored.opening.payload.utf8))
        if let fault = Versions.faultOfSession(begunUnder: opening.versions) {
            guard study.state == .running else { return (hash, study) }
            (study.state, study.reason) = (.failed, "\(fault); launch the study again")
            logger.error("study \(hash.short): \(study.reason)")
            try store.setState(of: hash, study.state, reason: study.reason, result: nil)
            return (hash, study)
        }
        var session = CoordinatorSession(opening: opening, signed: stored.opening, plan: study.plan)
        let trustView = try environment.trustView().forStoredMessages
        do {
            for message in try store.messages(of: stored.id) {
                try session.receive(message.body, from: message.site, under: trustView)
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
        study.since = study.state == .running ? trustView.time : stored.since
        return (hash, study)
    }

    // MARK: Study leads

    /// Takes a study; the same study again is no change, except that a failed or cancelled one may be launched anew.
    func submit(_ message: SignedMessage, by peer: SPIFFEID) throws -> StudyStatus {
        let (submission, signer) = try message.open(
            as: StudySubmission.self, under: try environment.trustView())
        guard signer == peer, submission.submitter == peer else {
            throw RefusedRequest(.forbidden, "a study must be signed by the operator who submits it")
        }
        try register.requireReadable(message.payloadDigest)
        let study: Study
        do {
            study = try Study(message)
            try study.plan.requireAnswerable()
        } catch {
            throw RefusedRequest(
                .unprocessable, "\(error)", hint: "run \"coxswain study check\" on the file first")
        }
        do {
            try study.plan.study.requireEnoughSites()
        } catch {
            throw RefusedRequest(.unprocessable, "\(error)")
        }
        let hash = study.plan.hash
        if register[hash]?.state == .cancelled {
            throw RefusedRequest(
                .conflict, "this very study was submitted before and is cancelled",
                hint: "a new run needs another study: change its purpose, say, and submit that")
        }
        if register[hash] == nil {
            try store.addStudy(hash, message, at: try environment.trustView().time)
            register.keep(study, as: hash)
            logger.info("study \(study.plan.study.name) (\(hash.short)) submitted by \(peer)")
            bell.ring()
        }
        return try status(hash)
    }

    /// Opens a session with the sites that approved.
    ///
    /// Refused while a site of the study has not decided or has declined, unless the study goes on without missing sites.
    func launch(_ hash: SHA256Digest, by peer: SPIFFEID) throws -> StudyStatus {
        let study = try register.owned(hash, by: peer)
        guard study.state != .running else { throw RefusedRequest(.conflict, "the study is already running") }
        guard study.state != .finished else {
            throw RefusedRequest(
                .conflict, "the study is finished", hint: "fetch it with \"coxswain study results\"")
        }
        try open(study, hash, with: try participants(of: study))
        return try status(hash)
    }

    private func participants(of study: Study) throws -> [String] {
        let now = try environment.trustView().time
        var approved: [String] = []
        var missing: [String] = []
        for site in study.plan.study.sites {
            if let decision = study.decisions[site], decision.isApproved, decision.until > now {
                approved.append(site)
            } else {
                let isUnknown = contact(of: site, in: study).contact == .unknown
                let word = isUnknown ? "unknown hospital" : study.decision(of: site, at: now).rawValue
                missing.append("\(site) (\(word))")
            }
        }
        guard missing.isEmpty || (study.plan.study.missingSite == .continue && !approved.isEmpty) else {
            throw RefusedRequest(
                .conflict, "not every hospital has approved the study: \(missing.joined(separator: ", "))",
                hint: "ask them to run \"coxswain node approve\"; see \"coxswain study watch\"")
        }
        let faults = approved.compactMap { contacts.versionFault(of: $0) }
        guard faults.isEmpty else {
            throw RefusedRequest(
                .conflict, "no session can begin: \(faults.joined(separator: "; "))",
                hint: "launch the study again when all run the same version of coxswain")
        }
        return approved
    }

    private func open(_ study: Study, _ hash: SHA256Digest, with sites: [String]) throws {
        var study = study
        let trustView = try environment.trustView()
        let opening = SessionOpening(
            session: SHA256Digest(of: try environment.randomBytes()), study: hash, sites: sites)
        let signed = try SignedMessage(opening, by: signer)
        try store.addSession(opening.session, study: hash, opening: signed, at: trustView.time)
        study.session = CoordinatorSession(opening: opening, signed: signed, plan: study.plan)
        study.signedRequest = nil
        (study.state, study.reason, study.since) = (.running, "", trustView.time)
        register.keep(study, as: hash)
        logger.info(
            "study \(hash.short): session \(opening.session.short) opened with \(sites.joined(separator: ", "))"
        )
        bell.ring()
    }

    func cancel(_ hash: SHA256Digest, by peer: SPIFFEID) throws -> StudyStatus {
        let study = try register.owned(hash, by: peer)
        guard !study.state.isOver else {
            throw RefusedRequest(.conflict, "the study is over: \(study.state.rawValue)")
        }
        try end(hash, .cancelled, reason: "cancelled by \(peer)", result: nil)
        return try status(hash)
    }

    func result(of hash: SHA256Digest, for peer: SPIFFEID) throws -> [UInt8] {
        let study = try register.known(hash)
        switch peer.role {
        case .operator: _ = try register.owned(hash, by: peer)
        case .node(let site): _ = try register.known(hash, to: site)
        case .coordinator: break
        }
        guard let result = try store.result(of: hash) else {
            throw RefusedRequest(
                .conflict, "the study has no result: it is \(study.state.rawValue)",
                hint: study.reason.isEmpty ? "watch it with \"coxswain study watch\"" : study.reason)
        }
        do {
            // An older program may have written it.
            return CanonicalJSON.bytes(try CanonicalJSON.decode(StudyResult.self, fromStored: result))
        } catch {
            throw RefusedRequest(
                .conflict, "the study's result was written by another version of coxswain and cannot be read",
                hint: "fetch it with the version that made it, or submit the study under another name")
        }
    }

    /// Where each hospital's audit log stood last, by its own signed word.
    func checkpoints() throws -> [SignedMessage] { try store.checkpoints() }

    // MARK: Where a study stands

    func list(for peer: SPIFFEID) throws -> [StudyStatus] {
        try register.order.map { try status($0, for: peer) }
    }

    /// The status once it differs from the version seen, or when the wait is over.
    func status(
        _ hash: SHA256Digest, for peer: SPIFFEID, after seen: SHA256Digest?, wait: Duration
    ) async throws -> StudyStatus {
        try await bell.value(within: wait, where: { $0.version != seen }) {
            try status(hash, for: peer)
        }
    }

    /// As it is shown to an operator: of another lead's study only that it waits, runs or is over.
    ///
    /// What hospitals decide and refuse, how it ended, for whom it waits, and what its rounds ask (which holds the coefficients
    /// so far) are its own lead's.
    func status(_ hash: SHA256Digest, for peer: SPIFFEID) throws -> StudyStatus {
        var status = try status(hash)
        guard status.submitter != peer else { return status }
        if status.state.isOver { status.state = .over }
        (status.reason, status.title) = ("", "")
        status.sites = status.sites.map { .init(name: $0.name, decision: .pending, reason: "") }
        status.session = nil
        return status
    }

    private func status(_ hash: SHA256Digest) throws -> StudyStatus {
        let study = try register.known(hash)
        let now = try environment.trustView().time
        return StudyStatus(
            study: hash, name: study.plan.study.name, title: study.plan.study.title,
            submitter: study.submitter,
            state: study.state, reason: study.reason,
            sites: study.plan.study.sites.map { site in
                let (contact, since) = contact(of: site, in: study)
                return .init(
                    name: site, decision: study.decision(of: site, at: now),
                    reason: study.decisions[site]?.reason ?? "", contact: contact, since: since,
                    versionFault: study.state.isOver ? nil : contacts.versionFault(of: site))
            },
            session: study.session.map { session in
                .init(
                    id: session.opening.session, sites: session.opening.sites, step: session.step,
                    round: session.round,
                    waitingFor: study.state == .running ? session.waitingFor : [],
                    holding: study.state == .running ? session.holding : [], since: study.since,
                    statements: session.statements)
            })
    }

    // MARK: Hospitals

    func submission(of hash: SHA256Digest, for site: String) throws -> SignedMessage {
        try register.known(hash, to: site).submission
    }

    func decide(_ message: SignedMessage, on hash: SHA256Digest, from site: String) throws {
        var study = try register.known(hash, to: site)
        let (decision, signer) = try message.open(as: Decision.self, under: try environment.trustView())
        guard signer.role == .node(site), decision.site == site, decision.study == hash else {
            throw RefusedRequest(.forbidden, "the decision is not \(site)'s on this study")
        }
        guard study.decisions[site] != decision else { return }
        try store.setDecision(message, study: hash, site: site)
        study.decisions[site] = decision
        register.keep(study, as: hash)
        let word =
            decision.isLapsed == true
            ? "approval lapsed at" : decision.isApproved ? "approved by" : "declined by"
        logger.info("study \(hash.short): \(word) \(site)")
        bell.ring()
    }

    /// The node's work once it differs from what it has seen, or when the wait is over.
    func work(for site: String, after seen: SHA256Digest?, wait: Duration) async throws -> WorkList {
        try await bell.value(within: wait, where: { $0.version != seen }) { try work(for: site) }
    }

    func work(for site: String) throws -> WorkList {
        let now = try environment.trustView().time
        return WorkList(
            items: register.order.compactMap { hash in
                guard let study = register[hash], study.plan.study.sites.contains(site) else { return nil }
                let session = study.session.flatMap { $0.opening.sites.contains(site) ? $0 : nil }
                return .init(
                    study: hash, state: study.state, decision: study.decision(of: site, at: now),
                    session: session?.opening.session, step: session?.step, round: session?.round ?? 0,
                    isWaitingForYou: study.state == .running && session?.waitingFor.contains(site) == true)
            })
    }

    func opening(of session: SHA256Digest, for site: String) throws -> SignedMessage {
        let (hash, study) = try register.study(of: session, for: site)
        guard let opening = try store.session(of: hash.hex)?.opening, study.session != nil else {
            throw RefusedRequest(.notFound, "no such session")
        }
        return opening
    }

    func roster(of session: SHA256Digest, for site: String) throws -> Roster {
        guard let roster = try register.study(of: session, for: site).study.session?.roster else {
            throw RefusedRequest(.conflict, "the roster is not complete yet")
        }
        return roster
    }

    /// The request of a round, or, with the number after the last round, the closing request.
    func request(_ round: Int, of session: SHA256Digest, for site: String) throws -> SignedMessage {
        try signedRequest(round, of: session, for: site).message
    }

    /// The same as it is sent.
    func requestBytes(_ round: Int, of session: SHA256Digest, for site: String) throws -> [UInt8] {
        try signedRequest(round, of: session, for: site).bytes
    }

    private func signedRequest(
        _ round: Int, of session: SHA256Digest, for site: String
    ) throws -> (round: Int, message: SignedMessage, bytes: [UInt8]) {
        var (hash, study) = try register.study(of: session, for: site)
        contacts.note(fetching: round, of: session, by: site)
        if let sent = study.signedRequest, sent.round == round { return sent }
        guard let request = study.session?.request, request.round == round else {
            throw RefusedRequest(.conflict, "round \(round) is not being asked")
        }
        let message = try SignedMessage(request, by: signer)
        let sent = (round: round, message: message, bytes: CanonicalJSON.bytes(message))
        study.signedRequest = sent
        register.keep(study, as: hash)
        return sent
    }

    /// Takes a session message of a node: stored first, then acted on.
    ///
    /// The same message again is fine at any time.
    func receive(_ message: SignedMessage, round: Int, session id: SHA256Digest, from site: String) throws {
        if let stored = try store.message(type: message.type, round: round, of: site, session: id.hex) {
            guard stored.payload == message.payload else {
                throw RefusedRequest(.conflict, "\(site) sent another \(message.type) for the same step")
            }
            return try settleAll()
        }
        var (hash, study) = try register.study(of: id, for: site)
        guard study.state == .running, var session = study.session else {
            throw RefusedRequest(.conflict, "the study is \(study.state.rawValue)")
        }
        let isOfRound = message.type == RoundAnswer.type || message.type == RoundHeld.type
        guard !isOfRound || session.phase == .round(round) else {
            throw RefusedRequest(.conflict, "round \(round) is not being asked")
        }
        let trustView = try environment.trustView()
        try session.receive(message, from: site, under: trustView)
        try store.addMessage(
            message, from: site, session: id, round: round, at: trustView.time,
            checkpoint: session.checkpoints[site])
        study.session = session
        study.since = trustView.time
        register.keep(study, as: hash)
        logger.debug(
            "study \(hash.short): \(message.type) of \(site), \(session.step.rawValue) \(session.round)")
        try settle(hash, session)
        bell.ring()
    }

    // MARK: Who calls

    /// Takes up that a hospital called.
    func meet(_ site: String, _ versions: Versions?) throws {
        let now = try environment.trustView().time
        let isNews = try contacts.meet(site, versions, at: now) {
            try store.setHospital(site, seen: now, versions: versions)
        }
        guard isNews else { return }
        if let fault = contacts.versionFault(of: site) { logger.warning("no session can begin: \(fault)") }
        bell.ring()
    }

    /// Tells those who watch when a hospital has fallen silent.
    func checkContacts() throws {
        let now = try environment.trustView().time
        let asked = register.running.compactMap { _, study -> HospitalContacts.Round? in
            guard let session = study.session, case .round(let round) = session.phase else { return nil }
            return .init(session: session.opening.session, round: round)
        }
        for (site, seen, versions) in contacts.fallenSilent(at: now, asked: Set(asked)) {
            contacts.note(offline: site)
            try store.setHospital(site, seen: seen, versions: versions)
            logger.notice("\(site) has not called for \(counted(now - seen, "second"))")
            bell.ring()
        }
    }

    private func contact(of site: String, in study: Study) -> (contact: SiteContact, since: Int?) {
        contacts.contact(of: site, hasDecided: study.decisions[site] != nil)
    }

    // MARK: How studies end

    /// Ends each study whose last answer was stored when its end could not be: they are two commits.
    private func settleAll() throws {
        for (hash, study) in register.running {
            if let session = study.session { try settle(hash, session) }
        }
    }

    /// Ends the study if its session has ended.
    private func settle(_ hash: SHA256Digest, _ session: CoordinatorSession) throws {
        switch session.phase {
        case .finished: try finish(hash, session)
        case .refused(let site, let reason):
            try end(hash, .failed, reason: "\(site) refused: \(reason)", result: nil)
        case .failed(let reason): try end(hash, .failed, reason: reason, result: nil)
        case .gatheringKeys, .gatheringAcknowledgements, .round: break
        }
    }

    /// Ends the study with its result, once it is sure that whoever fetches the result can read it.
    private func finish(_ hash: SHA256Digest, _ session: CoordinatorSession) throws {
        do {
            _ = try session.result.map { (result) throws(ProtocolError) in try CanonicalJSON.sent(result) }
        } catch {
            return try end(hash, .failed, reason: "its result cannot be sent: \(error)", result: nil)
        }
        try end(hash, .finished, reason: "", result: session.result)
    }

    private func end(_ hash: SHA256Digest, _ state: StudyState, reason: String, result: StudyResult?) throws {
        try store.setState(of: hash, state, reason: reason, result: result)
        guard var study = register[hash] else { return }
        (study.state, study.reason) = (state, reason)
        register.keep(study, as: hash)
        logger.info("study \(hash.short): \(state.rawValue)\(reason.isEmpty ? "" : ", \(reason)")")
        bell.ring()
    }

    /// Ends, or restarts with fewer sites, each session whose silent sites have used up the study's patience.
    func checkPatience() throws {
        let now = try environment.trustView().time
        for (hash, study) in register.running {
            guard let session = study.session else { continue }
            let overdue = study.overdue(at: now)
            guard !overdue.isEmpty else { continue }
            let left = session.opening.sites.filter { !overdue.contains($0) }
            if study.plan.study.missingSite == .continue, left.count >= 3 {
                let names = overdue.joined(separator: ", ")
                logger.warning("study \(hash.short): no answer from \(names); a new session goes on without")
                try open(study, hash, with: left)
            } else {
                try end(hash, .failed, reason: study.reproach(to: overdue), result: nil)
            }
        }
    }
}
