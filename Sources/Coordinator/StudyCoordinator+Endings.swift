import Cryptography
import Federation
import Logging
import Survival

/// How studies end: finished, refused, failed, or out of patience.
extension StudyCoordinator {
    /// Ends each study whose last answer was stored when its end could not be: they are two commits.
    func settleAll() throws {
        for (hash, study) in studies where study.state == .running {
            if let session = study.session { try settle(hash, session) }
        }
    }

    /// Ends the study if its session has ended.
    func settle(_ hash: SHA256Digest, _ session: CoordinatorSession) throws {
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

    func end(_ hash: SHA256Digest, _ state: StudyState, reason: String, result: StudyResult?) throws {
        try store.setState(of: hash, state, reason: reason, result: result)
        guard var study = studies[hash] else { return }
        (study.state, study.reason) = (state, reason)
        keep(study, as: hash)
        logger.info("study \(hash.short): \(state.rawValue)\(reason.isEmpty ? "" : ", \(reason)")")
        changed()
    }

    // MARK: Patience

    /// How long a hospital may hold a round for a person there, in seconds, unless the study's patience is longer: a week.
    static let holdSecondsMax = 7 * 86_400

    /// Ends, or restarts with fewer sites, each session whose silent sites have used up the study's patience.
    func checkPatience() throws {
        let now = try environment.trustView().time
        for (hash, study) in studies where study.state == .running {
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

extension StudyCoordinator.Study {
    /// The sites that have let the study's patience run out; one that holds its round for a person has a week at least.
    fileprivate func overdue(at now: Int) -> [String] {
        guard let session else { return [] }
        let (patience, waited) = (plan.study.patienceSeconds, now - since)
        return session.waitingFor.filter { site in
            let isHeld = session.holding.contains(site)
            return waited > (isHeld ? max(patience, StudyCoordinator.holdSecondsMax) : patience)
        }
    }

    /// Why the study fails for sites that are overdue; silence is named before slowness.
    fileprivate func reproach(to overdue: [String]) -> String {
        let silent = overdue.filter { session?.holding.contains($0) != true }
        return silent.isEmpty
            ? "the round was held for too long at \(overdue.joined(separator: ", "))"
            : "no answer from \(silent.joined(separator: ", ")) within the study's patience"
    }
}
