import Cryptography
import Federation
import Ledger

/// A step of the work on a study, as the ledger keeps it together with an entry of the audit log.
///
/// What a step sends is in it, to the byte.
enum JournalEntry: Sendable {
    case received(SHA256Digest, SignedMessage, from: SPIFFEID)
    case joined(SHA256Digest, of: SHA256Digest, secret: [UInt8], StoredStart, policy: SHA256Digest)
    case acknowledged(SHA256Digest, of: SHA256Digest, Roster, SignedMessage, [ArrivedCheckpoint])
    case held(SignedMessage, RoundRequest, of: SHA256Digest, [ArrivedCheckpoint])
    case answered(Answered)
    /// What other hospitals' logs said, of a round that is not answered.
    case arrived([ArrivedCheckpoint])
    case refused(SHA256Digest, of: SHA256Digest, ProtocolError)
    /// The session is over here; its secret is erased.
    case ended(SHA256Digest, of: SHA256Digest, outcome: String)

    /// An answer, and what it stands on.
    struct Answered: Sendable {
        var study: SHA256Digest
        var request: RoundRequest
        /// The request as the coordinator signed it.
        var asked: SignedMessage
        var answer: SignedMessage
        /// What was decided about the study; the answer is kept only while that holds.
        var decision: StudyEntry.Decision
        var policy: SHA256Digest
        /// Whose rows the session's analyses sum; in its first answer.
        var cohorts: [CohortRecord]
        var checkpoints: [ArrivedCheckpoint]
    }
}

extension NodeAdministration {
    /// Keeps a step for good.
    func journal(_ entry: JournalEntry) throws {
        switch entry {
        case .received(let study, let message, let signer):
            try ledger.recordStudy(
                hash: study, submission: CanonicalJSON.bytes(message), receivedAt: time,
                logging: note("study-received", AuditBody(study: study, peer: "\(signer)")))
        case .joined(let id, let study, let secret, let start, let policy):
            try ledger.beginSession(
                id: id.hex, study: study, secret: secret, hello: CanonicalJSON.bytes(start), at: time,
                logging: note("session-joined", AuditBody(study: study, session: id, policy: policy)))
        case .acknowledged(let id, let study, let roster, let ack, let arrived):
            try ledger.recordRoster(
                session: id.hex, roster: CanonicalJSON.bytes(roster), ack: CanonicalJSON.bytes(ack),
                checkpoints: arrived,
                logging: note("roster-verified", AuditBody(study: study, session: id, request: roster.hash)))
        case .held(let message, let request, let study, let arrived):
            try ledger.hold(
                HeldRound(
                    session: request.session.hex, round: request.round,
                    request: CanonicalJSON.bytes(message), since: time),
                checkpoints: arrived,
                logging: note(
                    "round-held",
                    AuditBody(
                        study: study, session: request.session, round: request.round,
                        statements: request.statements, request: request.digest)))
        case .answered(let answered): try journal(answered)
        case .arrived(let checkpoints): try ledger.keep(checkpoints)
        case .refused(let id, let study, let reason):
            try ledger.append(
                note(
                    "refused",
                    AuditBody(study: study, session: id, reason: "\(reason)", policy: policy.hash)))
        case .ended(let id, let study, let outcome):
            try ledger.endSession(
                id.hex, outcome: outcome, at: time,
                logging: note("session-ended", AuditBody(study: study, session: id, reason: outcome)))
        }
    }

    private func journal(_ answered: JournalEntry.Answered) throws {
        let request = answered.request
        let cohorts = Dictionary(
            answered.cohorts.map { ($0.analysis, $0.digest) }, uniquingKeysWith: { first, _ in first })
        try ledger.recordAnswer(
            session: request.session.hex, round: request.round, requestDigest: request.digest,
            request: CanonicalJSON.bytes(answered.asked), answer: CanonicalJSON.bytes(answered.answer),
            under: answered.decision, cohorts: answered.cohorts, checkpoints: answered.checkpoints, at: time,
            logging: note(
                "round-answered",
                AuditBody(
                    study: answered.study, session: request.session, round: request.round,
                    statements: request.statements, request: request.digest,
                    answer: answered.answer.payloadDigest,
                    answerBytes: answered.answer.payload.utf8.count, policy: answered.policy,
                    cohorts: cohorts.isEmpty ? nil : cohorts)))
    }
}
