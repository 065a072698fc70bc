import Cryptography
import Federation
import Ledger

/// Acknowledging a session's roster: every hospital's hello is verified.
struct RosterAcknowledging: WorkStage {
    private let study: SHA256Digest
    private let id: SHA256Digest
    private let live: LiveSession?
    private var state = State.begun

    private enum State {
        case begun, fetching, sending
    }

    let refuses = true

    init(of study: SHA256Digest, _ id: SHA256Digest, remembering live: LiveSession?) {
        (self.study, self.id, self.live) = (study, id, live)
    }

    mutating func next(_ event: StudyWork.Event, _ records: some NodeRecords) throws -> [StudyWork.Act]? {
        switch state {
        case .begun:
            guard let stored = try records.openSession(id) else { return nil }
            if let ack = stored.ack {
                state = .sending
                return [.send(try CanonicalJSON.decode(SignedMessage.self, from: ack), to: .session(id))]
            }
            state = .fetching
            return [.fetch(.roster(of: id))]
        case .fetching:
            guard case .fetched(.roster(let roster)) = event else {
                preconditionFailure("a roster was to be fetched")
            }
            guard let stored = try records.openSession(id) else { return nil }
            return try acknowledge(roster, stored, records)
        case .sending: return nil
        }
    }

    private mutating func acknowledge(
        _ roster: Roster, _ stored: SessionEntry, _ records: some NodeRecords
    ) throws -> [StudyWork.Act] {
        var session = try live ?? LiveSession(restoring: stored, id, from: records)
        let trustView = try records.trustView()
        let ack = try SignedMessage(
            try session.session.join(roster, under: trustView), by: records.signer)
        let arrived = try records.arrivals(session.session.checkpoints, under: trustView)
        state = .sending
        return [
            .journal(.acknowledged(id, of: study, roster, ack, arrived)), .remember(id, session),
        ] + arrived.warnings + [.send(ack, to: .session(id))]
    }
}
