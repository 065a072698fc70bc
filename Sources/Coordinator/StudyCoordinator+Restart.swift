import Cryptography
import Federation
import Logging
import Survival

/// Taking up again what was stored before a restart.
extension StudyCoordinator {
    /// Brings every study back from the store, running sessions by feeding their messages in again.
    func restore() throws {
        startedAt = try environment.trustView().time
        for hospital in try store.hospitals() {
            hospitals[hospital.site] = Hospital(
                seen: hospital.seen, versions: hospital.versions, stored: hospital.seen)
        }
        for row in try store.studies() {
            do {
                let (hash, study) = try restored(row)
                keep(study, as: hash)
                order.append(hash)
            } catch {
                // One study that this version cannot read must not stop the others.
                if let hash = SHA256Digest(hex: row.hash) { unreadable.insert(hash) }
                logger.error(
                    "study \(row.hash.prefix(12)) of the database cannot be read and is left out: \(error); start the version of coxswain that wrote it, or restore the database from its backup"
                )
            }
        }
        try settleAll()
        logger.info(
            "coordinator: \(counted(order.count, "study", "studies")), \(studies.values.count { $0.state == .running }) running"
        )
    }

    func restored(_ row: CoordinatorStore.StudyRow) throws -> (SHA256Digest, Study) {
        let submission = try CoordinatorStore.message(row.submission)
        let (hash, submitter, plan) = try Self.read(submission)
        guard hash.hex == row.hash else {
            throw RefusedRequest(.unprocessable, "its text is not the one that its hash is of")
        }
        var study = Study(
            submission: submission, submitter: submitter, plan: plan, state: row.state, reason: row.reason
        )
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
        var session = CoordinatorSession(opening: opening, signed: stored.opening, plan: plan)
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

    /// A submission's meaning, without judging who signed it (done once, at the door).
    static func read(_ message: SignedMessage) throws -> (SHA256Digest, SPIFFEID, StudyPlan) {
        let submission = try CanonicalJSON.decode(StudySubmission.self, from: Array(message.payload.utf8))
        let file = try StudyFile(yaml: submission.study, file: "study")
        let dictionary = try DataDictionary(yaml: submission.dictionary, file: "dictionary")
        let hash = message.payloadDigest
        return (hash, submission.submitter, try StudyPlan(study: file, dictionary: dictionary, hash: hash))
    }
}
