import Cryptography
import Federation
import Membership
import Survival
import Synchronization

@testable import HospitalNode

/// A connection to a coordinator in memory, which takes the place of the one over TLS.
final class MemoryConnection: CoordinatorConnection {
    private struct State: Sendable {
        var other: OtherSide
        var callCount = 0
        var lostCall: Int?
        /// The messages that came, or were lost on their way.
        var sent: [SignedMessage] = []
    }

    private let state: Mutex<State>
    /// Looks at a message before it is taken.
    private let watch: @Sendable (SignedMessage) -> Void

    init(_ other: OtherSide, watch: @escaping @Sendable (SignedMessage) -> Void) {
        state = Mutex(State(other: other))
        self.watch = watch
    }

    var other: OtherSide { state.withLock { $0.other } }
    var sent: [SignedMessage] { state.withLock { $0.sent } }
    var callCount: Int { state.withLock { $0.callCount } }
    var work: WorkList { WorkList(items: [other.item]) }

    /// Loses the answer to a call, counted from 1; nothing, of nil.
    func lose(call: Int?) { state.withLock { $0.lostCall = call } }

    func close() async {}

    func call(
        _ method: String, _ path: String, body: [UInt8], timeout: Duration
    ) async throws(MembershipError) -> [UInt8] {
        do {
            return try answer(method, path.split(separator: "/").map(String.init), body)
        } catch let error as MembershipError {
            throw error
        } catch {
            throw .unusable("\(error)")
        }
    }

    private func answer(_ method: String, _ path: [String], _ body: [UInt8]) throws -> [UInt8] {
        let message =
            method == "POST" ? try CanonicalJSON.decode(SignedMessage.self, from: body) : nil
        if let message { watch(message) }
        return try state.withLock { state in
            state.callCount += 1
            if let message {
                state.sent.append(message)
                try state.other.receive(message)
            }
            if state.callCount == state.lostCall { throw MembershipError.unreachable("no route") }
            guard message == nil else { return [] }
            switch try state.other.reply(to: Self.inquiry(path)) {
            case .message(let message): return CanonicalJSON.bytes(message)
            case .checkpoints(let messages): return CanonicalJSON.bytes(messages)
            case .roster(let roster): return CanonicalJSON.bytes(roster)
            case .result(let result): return CanonicalJSON.bytes(result)
            }
        }
    }

    /// What a path asks for: `v1`, a collection, an id, and a part of that.
    private static func inquiry(_ path: [String]) throws -> Inquiry {
        if path == ["v1", "checkpoints"] { return .checkpoints }
        guard path.count > 2, let id = SHA256Digest(hex: path[2]) else { throw OtherSide.conflict }
        switch (path[1], path.count > 3 ? path[3] : "") {
        case ("studies", ""): return .submission(of: id)
        case ("studies", "result"): return .result(of: id)
        case ("sessions", "opening"): return .opening(of: id)
        case ("sessions", "roster"): return .roster(of: id)
        case ("sessions", "rounds"): return .request(Int(path[4]) ?? 0, of: id)
        default: throw OtherSide.conflict
        }
    }
}
