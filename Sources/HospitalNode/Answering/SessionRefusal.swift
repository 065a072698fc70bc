import Cryptography
import Federation
import Ledger
import Logging
import SQLiteFiles

/// Going no further with a session, and telling the coordinator; what depends on this hospital's rows stays in the log.
struct SessionRefusal: WorkStage {
    private let id: SHA256Digest
    /// What is told.
    private let told: String
    private var state: State

    private enum State {
        case begun(of: SHA256Digest, ProtocolError, cause: any Error)
        case journalling(of: SHA256Digest)
        case repeating
        case sending
    }

    let refuses = false

    /// `cause` is the error for which the session is refused.
    init(of study: SHA256Digest, _ id: SHA256Digest, _ reason: ProtocolError, cause: any Error) {
        (self.id, told) = (id, reason.told)
        state = .begun(of: study, reason, cause: cause)
    }

    /// Tells again what the coordinator may not have heard of yet.
    init(repeating told: String, of id: SHA256Digest) {
        (self.id, self.told) = (id, told)
        state = .repeating
    }

    mutating func next(_ event: StudyWork.Event, _ records: some NodeRecords) throws -> [StudyWork.Act]? {
        switch state {
        case .begun(let study, let reason, let cause):
            state = .journalling(of: study)
            do {
                return log(study, reason, cause) + (try entries(study, reason, records))
            } catch let fault as LedgerError {
                return log(study, reason, cause) + (try sendUnrecorded(fault, study, records))
            }
        case .journalling, .repeating: return try send(records)
        case .sending: return nil
        }
    }

    mutating func recover(from error: any Error, _ records: some NodeRecords) throws -> [StudyWork.Act]? {
        guard case .journalling(let study) = state, let fault = error as? LedgerError else { throw error }
        return try sendUnrecorded(fault, study, records)
    }

    private func log(
        _ study: SHA256Digest, _ reason: ProtocolError, _ cause: any Error
    ) -> [StudyWork.Act] {
        let files =
            cause is any FileFailure ? [StudyWork.Act.say(.error, "study \(study.short): \(cause)")] : []
        return files + [.say(.error, "study \(study.short): refused: \(reason)")]
    }

    private func entries(
        _ study: SHA256Digest, _ reason: ProtocolError, _ records: some NodeRecords
    ) throws -> [StudyWork.Act] {
        let refused = StudyWork.Act.journal(.refused(id, of: study, reason))
        // A session that was refused before it began here has no secret.
        guard let stored = try records.session(id), stored.outcome == nil else { return [refused] }
        let outcome =
            (told == "\(reason)" ? SessionOutcome.refused : SessionOutcome.refusedWithoutReason) + "\(reason)"
        return [refused] + .ending(id, of: study, outcome: outcome)
    }

    /// What cannot be written down is told even so, or the study's lead would wait for nothing.
    private mutating func sendUnrecorded(
        _ fault: LedgerError, _ study: SHA256Digest, _ records: some NodeRecords
    ) throws -> [StudyWork.Act] {
        let words = "study \(study.short): the refusal could not be recorded: \(fault)"
        return [.remember(id, nil), .say(.error, words)] + (try send(records))
    }

    private mutating func send(_ records: some NodeRecords) throws -> [StudyWork.Act] {
        state = .sending
        let refusal = Refusal(session: id, site: records.site, reason: told)
        return [.send(try SignedMessage(refusal, by: records.signer), to: .session(id))]
    }
}

extension NodeRecords {
    /// What is told of why this hospital refused a session; nil if it did not.
    func toldRefusal(of id: SHA256Digest) throws -> String? {
        guard let outcome = try session(id)?.outcome else { return nil }
        if outcome.hasPrefix(SessionOutcome.refusedWithoutReason) { return Refusal.withoutReason }
        guard outcome.hasPrefix(SessionOutcome.refused) else { return nil }
        return String(outcome.dropFirst(SessionOutcome.refused.count))
    }
}
