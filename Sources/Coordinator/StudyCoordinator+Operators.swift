import Cryptography
import Federation
import Logging
import Survival

/// What study leads ask: submitting, launching, cancelling, fetching a result.
extension StudyCoordinator {
    /// Takes a study; the same study again is no change, except that a failed or cancelled one may be launched anew.
    func submit(_ message: SignedMessage, by peer: SPIFFEID) throws -> StudyStatus {
        let (submission, signer) = try message.open(
            as: StudySubmission.self, under: try environment.trustView())
        guard signer == peer, submission.submitter == peer else {
            throw RefusedRequest(.forbidden, "a study must be signed by the operator who submits it")
        }
        try requireReadable(message.payloadDigest)
        let (hash, submitter, plan): (SHA256Digest, SPIFFEID, StudyPlan)
        do {
            (hash, submitter, plan) = try Self.read(message)
            try plan.requireAnswerable()
        } catch {
            throw RefusedRequest(
                .unprocessable, "\(error)", hint: "run \"coxswain study check\" on the file first")
        }
        do {
            try plan.study.requireEnoughSites()
        } catch {
            throw RefusedRequest(.unprocessable, "\(error)")
        }
        if studies[hash] == nil {
            try store.addStudy(hash, message, at: try environment.trustView().time)
            keep(
                Study(
                    submission: message, submitter: submitter, plan: plan, state: .submitted, reason: ""),
                as: hash)
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
        guard study.state != .running else { throw RefusedRequest(.conflict, "the study is already running") }
        guard study.state != .finished else {
            throw RefusedRequest(
                .conflict, "the study is finished", hint: "fetch it with \"coxswain study results\"")
        }
        try open(study, hash, with: try participants(of: study))
        return try status(hash)
    }

    func participants(of study: Study) throws -> [String] {
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
        let faults = approved.compactMap { versionFault(of: $0) }
        guard faults.isEmpty else {
            throw RefusedRequest(
                .conflict, "no session can begin: \(faults.joined(separator: "; "))",
                hint: "launch the study again when all run the same version of coxswain")
        }
        return approved
    }

    func open(_ study: Study, _ hash: SHA256Digest, with sites: [String]) throws {
        var study = study
        let trustView = try environment.trustView()
        let opening = SessionOpening(
            session: SHA256Digest(of: try environment.randomBytes()), study: hash, sites: sites)
        let signed = try SignedMessage(opening, by: signer)
        try store.addSession(opening.session, study: hash, opening: signed, at: trustView.time)
        study.session = CoordinatorSession(opening: opening, signed: signed, plan: study.plan)
        study.signedRequest = nil
        (study.state, study.reason, study.since) = (.running, "", trustView.time)
        keep(study, as: hash)
        logger.info(
            "study \(hash.short): session \(opening.session.short) opened with \(sites.joined(separator: ", "))"
        )
        changed()
    }

    func cancel(_ hash: SHA256Digest, by peer: SPIFFEID) throws -> StudyStatus {
        let study = try owned(hash, by: peer)
        guard !study.state.isOver else {
            throw RefusedRequest(.conflict, "the study is over: \(study.state.rawValue)")
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
}
