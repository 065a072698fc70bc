import Cryptography
import Federation
import Ledger

/// What the coordinator is told of decisions here: each once, and each approval that it knows and that holds no longer.
struct DecisionReports: Sendable {
    /// What held when an approval that the coordinator knows was last held against policy and patients.
    private var standpoints: [SHA256Digest: Standpoint] = [:]
    /// Approvals that are not in force, with the reason that was said.
    private var lapses: [SHA256Digest: String] = [:]

    /// What an approval stands on, apart from time: it changes when the policy does, and with each entry of the audit log, as an
    /// import makes one.
    fileprivate struct Standpoint: Hashable, Sendable {
        var policy: SHA256Digest
        var entries: Int
    }

    /// What there is to say about one study.
    struct Report: Sendable {
        /// Nil if the coordinator knows it.
        var decision: Decision?
        /// Why the approval does not hold, if that was not said before.
        var newLapse: String?
        fileprivate var study: SHA256Digest
        fileprivate var lapse: String?
        fileprivate var standpoint: Standpoint
    }

    /// Nil if nothing has changed since the last report.
    func report(on item: WorkList.Item, _ records: some NodeRecords) throws -> Report? {
        guard let row = try records.entry(of: item.study) else { return nil }
        let standpoint = Standpoint(
            policy: records.policy.hash, entries: try records.auditHead().sequence)
        guard !row.decision.isKnown(as: item.decision) || standpoints[item.study] != standpoint else {
            return nil
        }
        let (entry, lapse) = try records.standing(of: item.study)
        guard let entry else { return nil }
        let said = lapses[item.study]
        let current = entry.isApproved(at: records.time) ? lapse : said
        return Report(
            decision: Self.decision(of: entry, lapse, knownAs: item.decision, records),
            newLapse: current == said ? nil : current, study: item.study, lapse: current,
            standpoint: standpoint)
    }

    /// Takes up that why an approval does not hold was said.
    mutating func said(_ report: Report) { lapses[report.study] = report.lapse }

    /// Takes up that the coordinator knows what a report says.
    mutating func told(_ report: Report) { standpoints[report.study] = report.standpoint }

    private static func decision(
        of entry: StudyEntry, _ lapse: String?, knownAs known: SiteDecision, _ records: some NodeRecords
    ) -> Decision? {
        switch entry.decision {
        case .pending: return nil
        case .approved(let until, _, _, let policy):
            guard entry.isApproved(at: records.time) else { return nil }
            if lapse == nil {
                guard known != .approved else { return nil }
                return Decision(
                    study: entry.hash, site: records.site, isApproved: true, reason: "", until: until,
                    policy: policy)
            }
            // One that was never told is none: somebody may have entered it into the ledger by hand.
            guard known == .approved else { return nil }
            return Decision(
                study: entry.hash, site: records.site, isApproved: false, reason: "", until: 0,
                policy: records.policy.hash, isLapsed: true)
        case .declined(let reason, _, _):
            guard known != .declined else { return nil }
            return Decision(
                study: entry.hash, site: records.site, isApproved: false, reason: reason, until: 0,
                policy: records.policy.hash)
        }
    }
}

extension StudyEntry {
    /// Whether somebody approved it for a time that is not over.
    fileprivate func isApproved(at time: Int) -> Bool {
        guard case .approved(let until, _, _, _) = decision else { return false }
        return until > time
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
