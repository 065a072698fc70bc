import Cryptography
import Federation
import Ledger
import Logging
import Membership

/// Joining a session: the study, its approval and the patients are looked at, and a hello with a fresh key is sent.
struct SessionJoining: WorkStage {
    private let study: SHA256Digest
    private let id: SHA256Digest
    private var state = State.begun

    private enum State {
        case begun, fetchingOpening
        /// Waits for what the coordinator keeps of this node's own log.
        case fetchingCheckpoints(SignedMessage, SessionOpening)
        case sending
    }

    let refuses = true

    init(of study: SHA256Digest, _ id: SHA256Digest) { (self.study, self.id) = (study, id) }

    mutating func next(_ event: StudyWork.Event, _ records: some NodeRecords) throws -> [StudyWork.Act]? {
        switch state {
        case .begun: return try begin(records)
        case .fetchingOpening:
            let message = event.message
            let (opening, signer) = try message.open(
                as: SessionOpening.self, under: try records.trustView())
            guard signer.role == .coordinator, opening.session == id else {
                throw ProtocolError.untrusted("the session's opening is not the coordinator's")
            }
            state = .fetchingCheckpoints(message, opening)
            return [.fetch(.checkpoints)]
        case .fetchingCheckpoints(let message, let opening):
            guard case .fetched(.checkpoints(let checkpoints)) = event else {
                preconditionFailure("checkpoints were to be fetched")
            }
            // Refuses if the coordinator keeps a checkpoint of this node's own that its log does not bear out.
            _ = try records.requireWholeLog(against: checkpoints)
            return try join(opening, signed: message, records)
        case .sending: return nil
        }
    }

    mutating func recover(from error: any Error, _ records: some NodeRecords) throws -> [StudyWork.Act]? {
        // A coordinator that keeps no checkpoints; one that hides them could as well send an empty list.
        guard case .fetchingCheckpoints(let message, let opening) = state,
            case MembershipError.rejected(404, _, _) = error
        else { throw error }
        return try join(opening, signed: message, records)
    }

    private mutating func begin(_ records: some NodeRecords) throws -> [StudyWork.Act]? {
        guard try records.session(id) != nil else {
            state = .fetchingOpening
            return [.fetch(.opening(of: id))]
        }
        guard let stored = try records.openSession(id) else { return nil }
        state = .sending
        return [.send(try StoredStart(from: stored).hello, to: .session(id))]
    }

    private mutating func join(
        _ opening: SessionOpening, signed message: SignedMessage, _ records: some NodeRecords
    ) throws -> [StudyWork.Act] {
        let approval = try records.requireApproval(of: study)
        try Self.requireSafeRoster(opening, records)
        let local = try LocalStudy(approval.entry)
        let loaded = try records.cohort(for: local.plan, submission: local.submission)
        try loaded.requireUnchanged(since: approval.snapshot)
        _ = try records.requireAdmissible(local, loaded, under: approval.policy)
        let secret = try records.secret()
        let session = try SiteSession(
            opening: opening, plan: local.plan, site: records.site, policy: approval.policy, secret: secret,
            checkpoint: try records.checkpoint())
        let hello = try SignedMessage(session.hello, by: records.signer)
        let start = StoredStart(
            opening: message, hello: hello, snapshot: loaded.snapshot,
            isUnattended: approval.isUnattended ? true : nil)
        state = .sending
        return [
            .journal(.joined(id, of: study, secret: secret, start, policy: approval.policy.hash)),
            .remember(id, LiveSession(session: session, loaded: loaded, study: local)),
            .say(.info, "study \(study.short): joining session \(id.short)"),
            .send(hello, to: .session(id)),
        ]
    }

    /// A new roster for a study that was answered before could give away, by difference, the hospitals that left or came.
    private static func requireSafeRoster(_ opening: SessionOpening, _ records: some NodeRecords) throws {
        for earlier in try records.sessions(of: opening.study) {
            guard let id = SHA256Digest(hex: earlier.id), try !records.rounds(of: id).isEmpty else {
                continue
            }
            let before = Set(try StoredStart(from: earlier).openingContent.sites)
            let difference = before.symmetricDifference(opening.sites).count
            guard difference == 0 || difference >= 3 else {
                throw ProtocolError.outOfPlace(
                    "the session's hospitals differ by fewer than three from a session answered before")
            }
        }
    }
}
