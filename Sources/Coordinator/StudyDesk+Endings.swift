import Cryptography
import Federation
import Logging
import Survival

/// How studies end: finished, refused, failed, or out of patience.
extension StudyDesk {
    /// Ends each study whose last answer was stored when its end could not be: they are two commits.
    func settleAll() throws {
        for (hash, study) in studies where study.state == .running {
            if let session = study.session { try settle(hash, session) }
        }
    }

    /// Ends the study if its session has ended.
    func settle(_ hash: SHA256Digest, _ session: CoordinatorSession) throws {
        switch session.phase {
        case .finished: try end(hash, .finished, reason: "", result: session.result)
        case .refused(let site, let reason):
            try end(hash, .failed, reason: "\(site) refused: \(reason)", result: nil)
        case .failed(let reason): try end(hash, .failed, reason: reason, result: nil)
        case .gatheringKeys, .gatheringAcknowledgements, .round: break
        }
    }

    func end(_ hash: SHA256Digest, _ state: StudyState, reason: String, result: StudyResult?) throws {
        try store.setState(of: hash, state, reason: reason, result: result)
        studies[hash]?.state = state
        studies[hash]?.reason = reason
        logger.info("study \(hash.short): \(state.rawValue)\(reason.isEmpty ? "" : ", \(reason)")")
        changed()
    }

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
}
