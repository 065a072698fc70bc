import Cryptography
import Glibc
import NIOCore
import Synchronization

/// A server's open connections: how many there are, in all and of each party, and how to end them.
final class ConnectionRegistry: Sendable {
    /// Tells a connection to finish its answer and end.
    enum Event: Sendable { case stopping }

    private struct State {
        var channels: [ObjectIdentifier: any Channel] = [:]
        var countByParty: [SPIFFEID: Int] = [:]
        /// Whose handshake is not over, by network.
        var handshakes: [ObjectIdentifier: String] = [:]
        var handshakesByNetwork: [String: Int] = [:]
        /// Of the bodies that are being read or answered, by party.
        var bodies: [SPIFFEID: (bytes: Int, largestAllowed: Int)] = [:]
        var isStopping = false

        mutating func endHandshake(of channel: ObjectIdentifier) {
            guard let network = handshakes.removeValue(forKey: channel) else { return }
            let count = handshakesByNetwork[network, default: 0] - 1
            handshakesByNetwork[network] = count > 0 ? count : nil
        }
    }

    /// What becomes of a party's connection.
    enum Place {
        case admitted
        /// Its first request is answered with a refusal that says why.
        case turnedAway
        /// Even that would be too many.
        case none
    }

    private let limits: ServerLimits
    private let state = Mutex(State())
    /// Called once, when the server is stopping and the last connection has ended.
    private let onLast: @Sendable () -> Void

    init(limits: ServerLimits, onLast: @escaping @Sendable () -> Void) {
        (self.limits, self.onLast) = (limits, onLast)
    }

    /// Nil if the connection is admitted, and otherwise why it is not.
    ///
    /// Nobody who has not shown a certificate may take all places: a network has a share of the handshakes.
    func refusal(admitting channel: any Channel) -> String? {
        let (id, network) = (ObjectIdentifier(channel), channel.remoteAddress.map(networkText) ?? "somewhere")
        let refusal: String? = state.withLock { state in
            guard !state.isStopping, state.channels.count < limits.connectionsMax else {
                return "\(limits.connectionsMax) connections are open, or closing down"
            }
            guard state.handshakesByNetwork[network, default: 0] < limits.handshakesPerAddressMax else {
                return "\(limits.handshakesPerAddressMax) handshakes of \(network) are not over"
            }
            state.channels[id] = channel
            state.handshakes[id] = network
            state.handshakesByNetwork[network, default: 0] += 1
            return nil
        }
        if refusal == nil { channel.closeFuture.whenComplete { _ in self.remove(channel) } }
        return refusal
    }

    /// Ends the channel's handshake with its party known; unless there is no place for it, `leave` must follow.
    func join(_ party: SPIFFEID, on channel: any Channel) -> Place {
        state.withLock { state in
            state.endHandshake(of: ObjectIdentifier(channel))
            let count = state.countByParty[party, default: 0]
            guard count < 2 * limits.connectionsPerIdentityMax else { return .none }
            state.countByParty[party] = count + 1
            return count < limits.connectionsPerIdentityMax ? .admitted : .turnedAway
        }
    }

    /// Bytes that are set apart for the body of a request, for as long as this is kept.
    final class Reservation: Sendable {
        private let end: @Sendable () -> Void

        fileprivate init(end: @escaping @Sendable () -> Void) { self.end = end }

        deinit { end() }
    }

    /// What a party may have under way besides two bodies of the largest size that one of its requests may have.
    private static let smallBodies = 256 << 10

    /// Sets bytes apart for the body of a party's request, which may have `allowed`; nil if too many of its bodies are under way.
    ///
    /// However many connections a party opens, it takes little more than twice its largest request.
    func reserve(_ bytes: Int, of allowed: Int, for party: SPIFFEID) -> Reservation? {
        let isFree = state.withLock { state in
            let (taken, largest) = state.bodies[party] ?? (0, 0)
            guard taken + bytes <= 2 * max(largest, allowed) + Self.smallBodies else { return false }
            state.bodies[party] = (taken + bytes, max(largest, allowed))
            return true
        }
        guard isFree else { return nil }
        return Reservation { [self] in
            state.withLock { state in
                guard let (taken, largest) = state.bodies[party] else { return }
                state.bodies[party] = taken > bytes ? (taken - bytes, largest) : nil
            }
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
            state.endHandshake(of: ObjectIdentifier(channel))
            return state.isStopping && state.channels.isEmpty
        }
        if isLast { onLast() }
    }
}

/// Whom an address is counted with: IPv4 by itself, IPv6 by its first 64 bits, which one customer has.
func networkText(_ address: SocketAddress) -> String {
    let text = address.ipAddress ?? "a local socket"
    var bytes = [UInt8](repeating: 0, count: 16)
    guard inet_pton(AF_INET6, text, &bytes) == 1 else { return text }
    let isFour = bytes.prefix(10).allSatisfy { $0 == 0 } && bytes[10...11].allSatisfy { $0 == 0xff }
    if isFour { return bytes[12...].map(String.init).joined(separator: ".") }
    return stride(from: 0, to: 8, by: 2).map {
        String(UInt16(bytes[$0]) << 8 | UInt16(bytes[$0 + 1]), radix: 16)
    }.joined(separator: ":") + "::/64"
}
