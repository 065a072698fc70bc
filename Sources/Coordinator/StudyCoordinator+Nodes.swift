import Cryptography
import Federation
import Logging

/// What hospitals ask and say.
extension StudyCoordinator {
    func submission(of hash: SHA256Digest, for site: String) throws -> SignedMessage {
        let study = try known(hash)
        try requireSite(site, in: study)
        return study.submission
    }

    func decide(_ message: SignedMessage, on hash: SHA256Digest, from site: String) throws {
        var study = try known(hash)
        try requireSite(site, in: study)
        let (decision, signer) = try message.open(as: Decision.self, under: try environment.trustView())
        guard signer.role == .node(site), decision.site == site, decision.study == hash else {
            throw RefusedRequest(.forbidden, "the decision is not \(site)'s on this study")
        }
        guard study.decisions[site] != decision else { return }
        try store.setDecision(message, study: hash, site: site)
        study.decisions[site] = decision
        keep(study, as: hash)
        let word =
            decision.isLapsed == true
            ? "approval lapsed at" : decision.isApproved ? "approved by" : "declined by"
        logger.info("study \(hash.short): \(word) \(site)")
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

    func work(for site: String) throws -> WorkList {
        let now = try environment.trustView().time
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
            throw RefusedRequest(.notFound, "no such session")
        }
        return opening
    }

    func roster(of session: SHA256Digest, for site: String) throws -> Roster {
        guard let roster = try running(session, site).1.session?.roster else {
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
        var (hash, study) = try running(session, site)
        note(fetching: round, of: session, by: site)
        if let sent = study.signedRequest, sent.round == round { return sent }
        guard let request = study.session?.request, request.round == round else {
            throw RefusedRequest(.conflict, "round \(round) is not being asked")
        }
        let message = try SignedMessage(request, by: signer)
        let sent = (round: round, message: message, bytes: CanonicalJSON.bytes(message))
        study.signedRequest = sent
        keep(study, as: hash)
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
        var (hash, study) = try running(id, site)
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
        keep(study, as: hash)
        logger.debug(
            "study \(hash.short): \(message.type) of \(site), \(session.step.rawValue) \(session.round)")
        try settle(hash, session)
        changed()
    }
}
