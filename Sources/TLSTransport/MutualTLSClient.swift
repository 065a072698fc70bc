package import Cryptography
package import Logging
import NIOCore
import NIOHTTP1

/// Asks one server over mutual TLS, on a few kept-alive connections that come and go by themselves.
///
/// A long poll and posts run side by side, each on its own connection; further requests wait for a free one.
/// Certificate, key and revocation list are read again when they change. A kept-alive connection may end just
/// as a request goes out; the request is then sent once more on a new one: requests must be safe to repeat.
package actor MutualTLSClient {
    private struct Idle {
        let connection: ClientConnection
        let since: ContinuousClock.Instant
    }

    /// Fewer than a server allows one party (`ServerLimits.connectionsPerIdentityMax`).
    private static let connectionsMax = 4
    /// Shorter than a server's patience (`ServerLimits.idleSeconds`).
    private static let idleMax = Duration.seconds(45)

    private let target: ClientTarget
    private let files: TLSIdentityFiles
    private let logger: Logger
    private let slots = SlotQueue(count: connectionsMax)
    private var source: IdentitySource?
    private var idle: [Idle] = []
    private var busy: [ObjectIdentifier: ClientConnection] = [:]
    private var isClosed = false

    /// - Parameters:
    ///   - serverName: What the server's certificate must be for, if that is not `host`.
    ///   - expectedPeer: Who the server must be; nil takes the coordinator of our own consortium.
    ///   - identity: Read with the first request, so a wrong file is that request's error.
    ///   - proxy: An HTTP proxy that takes CONNECT.
    ///   - replyBytesMax: A larger answer ends its connection.
    ///   - logger: Hears of changed files and of what is about to expire.
    package init(
        host: String, port: Int, serverName: String?, expectedPeer: SPIFFEID?, identity: TLSIdentityFiles,
        proxy: ProxyAddress?, replyBytesMax: Int = 64 << 20, logger: Logger? = nil
    ) {
        target = ClientTarget(
            host: host, port: port, expectation: .server(name: serverName ?? host, id: expectedPeer),
            proxy: proxy,
            replyBytesMax: replyBytesMax)
        files = identity
        self.logger = logger ?? Logger(label: "tls", factory: { _ in SwiftLogNoOpLogHandler() })
    }

    /// One request and its answer, within `timeout`: connecting and waiting for a free connection included.
    ///
    /// Any status is an answer. The request may be sent twice.
    package func send(
        _ method: String, _ pathAndQuery: String, contentType: String? = nil, body: [UInt8] = [],
        timeout: Duration
    ) async throws(TransportError) -> HTTPAnswer {
        guard pathAndQuery.utf8.first == UInt8(ascii: "/"),
            pathAndQuery.utf8.allSatisfy({ (0x21...0x7e).contains($0) })
        else { throw .setup("\"\(pathAndQuery)\" is not a path") }
        let deadline = ContinuousClock.now + timeout
        try await slots.take(until: deadline)
        defer { slots.giveBack() }
        let tls = try context()
        func attempt(_ connection: ClientConnection) async throws(ExchangeFailure) -> HTTPAnswer {
            busy[ObjectIdentifier(connection)] = connection
            defer { busy[ObjectIdentifier(connection)] = nil }
            let answer = try await connection.exchange(
                HTTPMethod(rawValue: method), pathAndQuery, contentType: contentType, body: body,
                timeout: TimeAmount(deadline - .now))
            keep(connection)
            return answer
        }
        if let connection = takeIdle(under: tls) {
            do throws(ExchangeFailure) { return try await attempt(connection) } catch {
                if case .transport(let error) = error { throw error }
            }
        }
        guard !isClosed else { throw .cancelled }
        let connection = try await ClientConnection.open(target, tls, timeout: TimeAmount(deadline - .now))
        do throws(ExchangeFailure) { return try await attempt(connection) } catch {
            if case .transport(let error) = error { throw error }
            throw .unreachable("\(target.authority) hung up without an answer")
        }
    }

    /// Ends all connections; requests under way fail.
    package func close() async {
        isClosed = true
        let connections = idle.map(\.connection) + busy.values
        idle = []
        for connection in connections { await connection.close() }
    }

    private func context() throws(TransportError) -> TLSContext {
        guard !isClosed else { throw .cancelled }
        if let source { return source.current() }
        let source = try IdentitySource(files, .client, logger: logger)
        self.source = source
        return source.current()
    }

    /// The connection used last, if it is still good for a request; those that are not are closed.
    private func takeIdle(under tls: TLSContext) -> ClientConnection? {
        while let (connection, since) = idle.popLast().map({ ($0.connection, $0.since) }) {
            if connection.isOpen, ContinuousClock.now - since < Self.idleMax, connection.isTrusted(under: tls)
            {
                return connection
            }
            Task { await connection.close() }
        }
        return nil
    }

    private func keep(_ connection: ClientConnection) {
        guard connection.isOpen, !isClosed else { return }
        idle.append(Idle(connection: connection, since: .now))
    }
}
