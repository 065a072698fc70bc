import Cryptography
import NIOCore
import Synchronization

/// A server's open connections: how many there are, in all and of each party, and how to end them.
final class ConnectionRegistry: Sendable {
    /// Tells a connection to finish its answer and end.
    enum Event: Sendable { case stopping }

    private struct State {
        var channels: [ObjectIdentifier: any Channel] = [:]
        var countByParty: [SPIFFEID: Int] = [:]
        var isStopping = false
    }

    private let limits: ServerLimits
    private let state = Mutex(State())
    /// Called once, when the server is stopping and the last connection has ended.
    private let onLast: @Sendable () -> Void

    init(limits: ServerLimits, onLast: @escaping @Sendable () -> Void) {
        (self.limits, self.onLast) = (limits, onLast)
    }

    /// False if there are too many connections, or the server is stopping.
    func admit(_ channel: any Channel) -> Bool {
        let isAdmitted = state.withLock { state in
            guard !state.isStopping, state.channels.count < limits.connectionsMax else { return false }
            state.channels[ObjectIdentifier(channel)] = channel
            return true
        }
        if isAdmitted { channel.closeFuture.whenComplete { _ in self.remove(channel) } }
        return isAdmitted
    }

    /// False if the party has too many connections already; otherwise `leave` must follow.
    func join(_ party: SPIFFEID) -> Bool {
        state.withLock { state in
            guard state.countByParty[party, default: 0] < limits.connectionsPerIdentityMax else {
                return false
            }
            state.countByParty[party, default: 0] += 1
            return true
        }
    }

    func leave(_ party: SPIFFEID) {
        state.withLock { state in
            let count = state.countByParty[party, default: 0] - 1
            state.countByParty[party] = count > 0 ? count : nil
        }
    }

    /// Admits nobody any more, and lets the connections finish what they are answering.
    func stop() {
        let (channels, isFirst) = state.withLock { state in
            defer { state.isStopping = true }
            return (Array(state.channels.values), !state.isStopping)
        }
        for channel in channels { channel.pipeline.fireUserInboundEventTriggered(Event.stopping) }
        if isFirst, channels.isEmpty { onLast() }
    }

    /// Ends every connection, whatever it is doing.
    func closeAll() {
        let channels = state.withLock { Array($0.channels.values) }
        for channel in channels { channel.close(promise: nil) }
    }

    private func remove(_ channel: any Channel) {
        let isLast = state.withLock { state in
            state.channels[ObjectIdentifier(channel)] = nil
            return state.isStopping && state.channels.isEmpty
        }
        if isLast { onLast() }
    }
}
