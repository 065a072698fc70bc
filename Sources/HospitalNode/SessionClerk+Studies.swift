import Cryptography
import Federation
import Ledger
import Logging
import Membership

/// Studies that arrive, and what was decided about them.
extension SessionClerk {
    func receiveStudy(_ hash: SHA256Digest) async throws {
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

    /// Approves a study that the policy lets run without a person; looked at once, on arrival, after a start, or after a change of
    /// the policy.
    func approveUnattended(_ hash: SHA256Digest) throws {
        guard office.policy.unattended != nil, considered.insert(hash).inserted,
            let entry = try office.ledger.study(hash)
        else { return }
        if try office.approveUnattended(try LocalStudy(entry)) {
            logger.notice("study \(hash.short): approved without a person, by the policy's rules for that")
        }
    }

    /// Posts each decision that the coordinator does not know yet, and each approval that it knows and that holds no longer; false
    /// if one is to be tried again.
    func reportDecisions() async -> Bool {
        guard let work else { return true }
        var isDone = true
        for item in work.items where !item.state.isOver {
            do {
                try heedPolicy()
                try await reportDecision(on: item)
            } catch {
                logger.warning("cannot report the decision on study \(item.study.short): \(error)")
                isDone = false
            }
        }
        return isDone
    }

    private func reportDecision(on item: WorkList.Item) async throws {
        guard let row = try office.ledger.study(item.study) else { return }
        let standpoint = Standpoint(
            policy: office.policy.hash, entries: try office.ledger.auditHead().sequence)
        guard !row.decision.isKnown(as: item.decision) || standpoints[item.study] != standpoint else {
            return
        }
        let (entry, lapse) = try office.standing(of: item.study)
        guard let entry else { return }
        try await report(entry, lapse, knownAs: item.decision)
        standpoints[item.study] = standpoint
    }

    private func report(_ entry: StudyEntry, _ lapse: String?, knownAs known: SiteDecision) async throws {
        let decision: Decision
        switch entry.decision {
        case .pending: return
        case .approved(let until, _, _, let policy):
            guard until > office.clock() else { return }
            if isInForce(entry, lapse) {
                guard known != .approved else { return }
                decision = Decision(
                    study: entry.hash, site: office.site, isApproved: true, reason: "", until: until,
                    policy: policy)
            } else {
                // One that was never told is none: somebody may have entered it into the ledger by hand.
                guard known == .approved else { return }
                decision = Decision(
                    study: entry.hash, site: office.site, isApproved: false, reason: "", until: 0,
                    policy: office.policy.hash, isLapsed: true)
            }
        case .declined(let reason, _, _):
            guard known != .declined else { return }
            decision = Decision(
                study: entry.hash, site: office.site, isApproved: false, reason: reason, until: 0,
                policy: office.policy.hash)
        }
        try await connection.post(
            "/v1/studies/\(entry.hash.hex)/decision", SignedMessage(decision, by: office.member.signer))
        if let index = work?.items.firstIndex(where: { $0.study == entry.hash }) {
            work?.items[index].decision = SiteDecision(of: decision, at: office.clock())
        }
    }

    /// Whether an approval of the ledger is to be believed; if not, the log says why, once.
    private func isInForce(_ entry: StudyEntry, _ lapse: String?) -> Bool {
        if let lapse, lapses[entry.hash] != lapse {
            logger.error("study \(entry.hash.short): the approval does not hold: \(lapse)")
        }
        lapses[entry.hash] = lapse
        return lapse == nil
    }
}

extension StudyEntry.Decision {
    /// Whether the coordinator need not be told.
    fileprivate func isKnown(as known: SiteDecision) -> Bool {
        switch self {
        case .pending: true
        case .approved: known == .approved
        case .declined: known == .declined
        }
    }
}
