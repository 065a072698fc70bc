import Cryptography
import Federation
import Ledger
import Membership
import Survival

/// What a node knows when it decides: its ledger, its policy, its patients, and whom it trusts.
///
/// Each read is of the moment at which it is made. Nothing of what a session does is changed through it.
protocol NodeRecords: Sendable {
    /// This hospital's name in the consortium.
    var site: String { get }
    /// With whose key this node signs.
    var signer: Signer { get }
    /// Seconds since 1970, now.
    var time: Int { get }
    /// The rules in force.
    var policy: DisclosurePolicy { get }

    func trustView() throws -> TrustView

    func entry(of study: SHA256Digest) throws -> StudyEntry?
    /// The sessions of a study, the oldest first.
    func sessions(of study: SHA256Digest) throws -> [SessionEntry]
    func session(_ id: SHA256Digest) throws -> SessionEntry?
    /// The rounds of a session that were answered, in order.
    func rounds(of session: SHA256Digest) throws -> [RoundEntry]
    func round(_ round: Int, of session: SHA256Digest) throws -> RoundEntry?
    /// The round of a study that waits for a person.
    func heldRound(of study: SHA256Digest) throws -> HeldRound?
    /// Another hospital's checkpoints, the earliest entry first.
    func checkpoints(of peer: String) throws -> [HeldCheckpoint]
    func auditHead() throws -> AuditHead
    /// The hash of an entry of the audit log; nil if there is none.
    func auditHash(at sequence: Int) throws -> SHA256Digest?

    /// The approval in force; throws, with the reason, if there is none.
    func requireApproval(of study: SHA256Digest) throws -> StudyApproval
    /// What is decided about a study now, and why an approval is not in force.
    func standing(of study: SHA256Digest) throws -> (entry: StudyEntry?, lapse: String?)
    /// Whether a person released exactly this request.
    func isReleased(_ request: RoundRequest, of study: SHA256Digest) throws -> Bool

    /// This hospital's rows for a study.
    func cohort(for plan: StudyPlan, submission: StudySubmission) throws -> LoadedCohort
    /// Changes when any patient's row changes.
    func snapshot(of plan: StudyPlan) throws -> SHA256Digest
    /// Whose rows a study's analyses sum, beside all that was answered before.
    func rows(of plan: StudyPlan, in loaded: LoadedCohort) throws -> StudyRows

    /// Fresh random bytes, 32 of them: a session's secret.
    func secret() throws -> [UInt8]
}

extension NodeRecords {
    /// A session that is not over here; refused if it began before this program was updated, since other arithmetic could not
    /// check it.
    func openSession(_ id: SHA256Digest) throws -> SessionEntry? {
        guard let stored = try session(id), stored.outcome == nil else { return nil }
        try requireOwnVersion(of: stored)
        return stored
    }

    func requireOwnVersion(of stored: SessionEntry) throws {
        let opening = try StoredStart(from: stored).openingContent
        if let fault = Versions.faultOfSession(begunUnder: opening.versions) {
            throw ProtocolError.incompatible("\(site) was updated: \(fault); launch the study again")
        }
    }

    /// Whether a person released the round that waits, as it was held.
    func hasReleasedRound(_ item: WorkList.Item) throws -> Bool {
        guard item.isWaitingForYou, item.step == .round, let held = try heldRound(of: item.study),
            held.round == item.round, held.session == item.session?.hex
        else { return false }
        return try isReleased(held, of: item.study)
    }

    func isReleased(_ held: HeldRound, of study: SHA256Digest) throws -> Bool {
        let message = try CanonicalJSON.decode(SignedMessage.self, from: held.request)
        return try isReleased(
            try CanonicalJSON.decode(RoundRequest.self, fromStored: Array(message.payload.utf8)), of: study)
    }

    /// Refuses a session in which the policy would refuse a question; gives the rows that its analyses sum.
    func requireAdmissible(
        _ study: LocalStudy, _ loaded: LoadedCohort, under policy: DisclosurePolicy
    ) throws -> StudyRows {
        do { try policy.admit(study.plan, from: study.submission.submitter) } catch {
            throw ProtocolError.refused(error)
        }
        for analysis in study.plan.analyses where loaded.cohort.failure(of: analysis.id) == nil {
            try policy.admit(analysis, on: loaded.cohort)
        }
        let rows = try rows(of: study.plan, in: loaded)
        if let objection = rows.differences(of: study.plan.hash, under: policy).first {
            throw ProtocolError.refused(objection)
        }
        return rows
    }

    /// An entry for the audit log, to be written with the change that it tells of.
    func note(_ kind: String, _ body: AuditBody) -> AuditNote {
        AuditNote(kind: kind, body: body.json, at: time)
    }
}

extension NodeAdministration: NodeRecords {
    var signer: Signer { member.signer }
    var time: Int { clock() }
    func entry(of study: SHA256Digest) throws -> StudyEntry? { try ledger.study(study) }
    func sessions(of study: SHA256Digest) throws -> [SessionEntry] { try ledger.sessions(of: study) }
    func session(_ id: SHA256Digest) throws -> SessionEntry? { try ledger.session(id.hex) }
    func rounds(of session: SHA256Digest) throws -> [RoundEntry] { try ledger.rounds(of: session.hex) }
    func round(_ round: Int, of session: SHA256Digest) throws -> RoundEntry? {
        try ledger.round(round, of: session.hex)
    }
    func heldRound(of study: SHA256Digest) throws -> HeldRound? { try ledger.heldRound(of: study) }
    func checkpoints(of peer: String) throws -> [HeldCheckpoint] { try ledger.checkpoints(of: peer) }
    func auditHead() throws -> AuditHead { try ledger.auditHead() }
    func auditHash(at sequence: Int) throws -> SHA256Digest? { try ledger.auditHash(at: sequence) }
    func secret() throws -> [UInt8] { try randomBytes(32) }
}
