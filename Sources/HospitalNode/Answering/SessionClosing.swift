import Cryptography
import Federation
import Ledger
import Logging
import Survival

/// A session that is over at the coordinator: its result is formed here too, if there is one, and its secret erased.
struct SessionClosing: WorkStage {
    private let item: WorkList.Item
    private let id: SHA256Digest
    private let live: LiveSession?
    private var state = State.begun

    private enum State {
        case begun, fetchingRequest
        /// With the result that follows from the sums.
        case fetchingResult(StudyResult)
        case ending
    }

    let refuses = false

    init(of item: WorkList.Item, _ id: SHA256Digest, remembering live: LiveSession?) {
        (self.item, self.id, self.live) = (item, id, live)
    }

    mutating func next(_ event: StudyWork.Event, _ records: some NodeRecords) throws -> [StudyWork.Act]? {
        do {
            return try verify(event, records)
        } catch ProtocolError.incompatible(let reason) {
            return end(
                SessionOutcome.unconfirmed + reason, .warning, "the result is not confirmed here: \(reason)")
        } catch let error as ProtocolError {
            return end(
                SessionOutcome.unconfirmed + "\(error)", .error,
                "the result does not follow from the sums: \(error)"
            )
        }
    }

    private mutating func verify(
        _ event: StudyWork.Event, _ records: some NodeRecords
    ) throws -> [StudyWork.Act]? {
        switch state {
        case .begun:
            guard let stored = try records.session(id), stored.outcome == nil else { return nil }
            guard item.state == .finished else { return end(item.state.rawValue) }
            try records.requireOwnVersion(of: stored)
            state = .fetchingRequest
            return [.fetch(.request(item.round, of: id))]
        case .fetchingRequest:
            guard let stored = try records.openSession(id) else { return nil }
            state = .fetchingResult(try ownResult(event.message, stored, records))
            return [.fetch(.result(of: item.study))]
        case .fetchingResult(let own):
            guard case .fetched(.result(let published)) = event else {
                preconditionFailure("a result was to be fetched")
            }
            guard try records.openSession(id) != nil else { return nil }
            guard CanonicalJSON.bytes(published) == CanonicalJSON.bytes(own) else {
                throw ProtocolError.untrusted(
                    "the coordinator's result is not the one that follows from the sums")
            }
            return end(item.state.rawValue, .info, "finished; the result was confirmed here")
        case .ending: return nil
        }
    }

    private func ownResult(
        _ message: SignedMessage, _ stored: SessionEntry, _ records: some NodeRecords
    ) throws -> StudyResult {
        var session = try live ?? LiveSession(restoring: stored, id, from: records)
        let trustView = try records.trustView()
        let (request, signer) = try message.open(as: RoundRequest.self, under: trustView)
        guard signer.role == .coordinator,
            case .finished(let own?) = try session.session.accept(request, under: trustView)
        else { throw ProtocolError.untrusted("the session was closed before its study was finished") }
        return own
    }

    private mutating func end(
        _ outcome: String, _ level: Logger.Level = .info, _ words: String? = nil
    ) -> [StudyWork.Act] {
        state = .ending
        let said = words.map { [StudyWork.Act.say(level, "study \(item.study.short): \($0)")] } ?? []
        return said + .ending(id, of: item.study, outcome: outcome)
    }
}

/// Sessions of a study that the coordinator gave up for another one, or that goes on without this hospital.
struct AbandonedSessions: WorkStage {
    private let item: WorkList.Item
    private var isOver = false

    let refuses = false

    init(of item: WorkList.Item) { self.item = item }

    mutating func next(_ event: StudyWork.Event, _ records: some NodeRecords) throws -> [StudyWork.Act]? {
        guard !isOver else { return nil }
        isOver = true
        var acts: [StudyWork.Act] = []
        for session in try records.sessions(of: item.study) where session.outcome == nil {
            guard let id = SHA256Digest(hex: session.id), id != item.session else { continue }
            let begun = try StoredStart(from: session).openingContent.versions
            acts += .ending(
                id, of: item.study,
                outcome: Versions.faultOfSession(begunUnder: begun) ?? "given up by the coordinator")
        }
        return acts
    }
}

extension [StudyWork.Act] {
    /// Forgets a session and its secret.
    static func ending(_ id: SHA256Digest, of study: SHA256Digest, outcome: String) -> Self {
        [.remember(id, nil), .journal(.ended(id, of: study, outcome: outcome))]
    }
}
