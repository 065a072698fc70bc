import Cryptography
import Federation
import Ledger
import Logging
import Membership
import SQLiteFiles
import Survival

/// What this node does next about one study at the coordinator: a value that decides, and does nothing itself.
///
/// It is asked with the event that the last act led to, and gives the next act. It reads the node's records; whatever is to be
/// changed, fetched, sent or logged is an act, which `SessionAnswerer` performs. A message is always journalled by an act before
/// the act that sends it, and the bytes that are sent are those that were journalled.
///
/// A value serves one item of the work list, once. What was fetched and not journalled is gone with it: the next work list asks
/// again, and the ledger says how far this node got.
struct StudyWork: Sendable {
    /// What came of the last act.
    enum Event: Sendable {
        case begun
        /// It was done, and there is nothing to be said of it.
        case done
        /// The policy that is in force now.
        case policy(SHA256Digest)
        case fetched(Inquiry.Reply)
        case failed(any Error)
    }

    enum Act: Sendable {
        /// Puts a changed policy in force.
        case heedPolicy
        /// Approves the study if the policy asks no person; looked at once under each policy.
        case considerApproval(SHA256Digest)
        case fetch(Inquiry)
        case journal(JournalEntry)
        /// Keeps a session in memory, or forgets it.
        case remember(SHA256Digest, LiveSession?)
        case send(SignedMessage, to: Recipient)
        case say(Logger.Level, String)
        case end(Ending)
    }

    /// Where the coordinator takes a message.
    enum Recipient: Hashable, Sendable {
        case session(SHA256Digest)
        case round(Int, of: SHA256Digest)

        var path: String {
            switch self {
            case .session(let id): "/v1/sessions/\(id.hex)/messages"
            case .round(let round, let id): "/v1/sessions/\(id.hex)/rounds/\(round)"
            }
        }
    }

    enum Ending: Sendable {
        /// There is nothing more to do until the coordinator's next list.
        case done
        /// Something is to be tried again soon.
        case tryAgain(any Error)
    }

    private let item: WorkList.Item
    private let live: LiveSession?
    /// Acts that were decided on together, and are still to be given.
    private var queue: [Act] = [.heedPolicy]
    /// The stage that decides, and those that follow it.
    private var stages: [any WorkStage]
    private var hasReachedSession = false

    /// `live` is the item's session as it is in memory; nil if it is not.
    init(_ item: WorkList.Item, remembering live: LiveSession?) {
        (self.item, self.live) = (item, live)
        stages = [StudyArrival(of: item), AbandonedSessions(of: item)]
    }

    /// The next act after an event.
    mutating func next(_ event: Event, _ records: some NodeRecords) -> Act {
        do {
            if case .failed(let error) = event { return try recover(from: error, records) }
            if !queue.isEmpty { return queue.removeFirst() }
            return try advance(event, records)
        } catch {
            return refuseOrLeave(error, records)
        }
    }

    private mutating func advance(_ event: Event, _ records: some NodeRecords) throws -> Act {
        var event = event
        while true {
            if stages.isEmpty {
                guard !hasReachedSession, let turn = try turn(records) else { return .end(.done) }
                hasReachedSession = true
                stages = [turn]
            }
            if let act = take(try stages[0].next(event, records)) { return act }
            stages.removeFirst()
            event = .begun
        }
    }

    private mutating func recover(from error: any Error, _ records: some NodeRecords) throws -> Act {
        queue = []
        guard !stages.isEmpty else { throw error }
        if let act = take(try stages[0].recover(from: error, records)) { return act }
        stages.removeFirst()
        return try advance(.begun, records)
    }

    private mutating func take(_ acts: [Act]?) -> Act? {
        guard let acts, let first = acts.first else { return nil }
        queue = Array(acts.dropFirst())
        return first
    }

    /// What the session asks of this node, if it has one that waits for it or is over.
    private func turn(_ records: some NodeRecords) throws -> (any WorkStage)? {
        guard let id = item.session else { return nil }
        if item.state.isOver { return SessionClosing(of: item, id, remembering: live) }
        guard item.isWaitingForYou, let step = item.step else { return nil }
        if let reason = try records.toldRefusal(of: id) { return SessionRefusal(repeating: reason, of: id) }
        switch step {
        case .keys: return SessionJoining(of: item.study, id)
        case .roster: return RosterAcknowledging(of: item.study, id, remembering: live)
        case .round: return RoundAnswering(item.round, of: item.study, id, remembering: live)
        case .closed: return nil
        }
    }

    /// What an error comes to: a refusal of the session, or an end of this round of work, after which the next one tries again.
    private mutating func refuseOrLeave(_ error: any Error, _ records: some NodeRecords) -> Act {
        queue = []
        if let id = item.session, stages.first?.refuses == true, let reason = ProtocolError(refusing: error) {
            stages = [SessionRefusal(of: item.study, id, reason, cause: error)]
            return next(.begun, records)
        }
        // The session has moved on; the next list says where.
        if case MembershipError.rejected(409, _, _) = error { return .end(.done) }
        return .end(.tryAgain(error))
    }
}

/// A part of the work on a study.
protocol WorkStage: Sendable {
    /// The next acts, of which the last leads to the next event; nil if the stage is over.
    mutating func next(_ event: StudyWork.Event, _ records: some NodeRecords) throws -> [StudyWork.Act]?

    /// The same after an act that failed; throws the error if there is nothing to be done about it.
    mutating func recover(from error: any Error, _ records: some NodeRecords) throws -> [StudyWork.Act]?

    /// Whether this node goes no further with a session in which the stage meets what must not be.
    var refuses: Bool { get }
}

extension WorkStage {
    mutating func recover(from error: any Error, _ records: some NodeRecords) throws -> [StudyWork.Act]? {
        throw error
    }
}

extension ProtocolError {
    /// Why a session is refused for an error; nil for one that another try may do away with.
    fileprivate init?(refusing error: any Error) {
        switch error {
        case let error as ProtocolError: self = error
        case let error as StudyError: self = .failed("\(error)")
        case let error as NodeError: self = .broken("\(error)")
        case let error as any FileFailure where error.isLasting:
            self = .broken("this hospital's node cannot use its files; its log says why")
        default: return nil
        }
    }
}

/// What a node asks the coordinator for while it works on a study.
enum Inquiry: Hashable, Sendable {
    case submission(of: SHA256Digest)
    case opening(of: SHA256Digest)
    case checkpoints
    case roster(of: SHA256Digest)
    case request(Int, of: SHA256Digest)
    case result(of: SHA256Digest)

    enum Reply: Sendable {
        case message(SignedMessage)
        case checkpoints([SignedMessage])
        case roster(Roster)
        case result(StudyResult)
    }

    /// Asks the coordinator.
    func reply(over connection: any CoordinatorConnection) async throws(MembershipError) -> Reply {
        switch self {
        case .submission(let study):
            .message(try await connection.get(SignedMessage.self, "/v1/studies/\(study.hex)"))
        case .opening(let id):
            .message(try await connection.get(SignedMessage.self, "/v1/sessions/\(id.hex)/opening"))
        case .checkpoints: .checkpoints(try await connection.get([SignedMessage].self, "/v1/checkpoints"))
        case .roster(let id): .roster(try await connection.get(Roster.self, "/v1/sessions/\(id.hex)/roster"))
        case .request(let round, let id):
            .message(try await connection.get(SignedMessage.self, "/v1/sessions/\(id.hex)/rounds/\(round)"))
        case .result(let study):
            .result(try await connection.get(StudyResult.self, "/v1/studies/\(study.hex)/result"))
        }
    }
}

extension StudyWork.Event {
    /// The signed message that was fetched.
    var message: SignedMessage {
        guard case .fetched(.message(let message)) = self else {
            preconditionFailure("a signed message was to be fetched")
        }
        return message
    }
}
