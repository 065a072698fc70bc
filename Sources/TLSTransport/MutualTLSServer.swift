package import Logging
import NIOCore
import NIOHTTP1
import NIOPosix
import ServiceLifecycle

/// HTTP/1.1 over mutual TLS: every request has a sender with a certificate of the consortium.
///
/// `authorize`, which must not block, sees a request's head before its body is read and may refuse it with an
/// answer: then the body is never read and the connection ends. `respond` may take as long as it likes (long
/// polls); its task is cancelled when the asker has gone, and hears of a graceful shutdown.
package struct MutualTLSServer: Service {
    private let host: String
    private let port: Int
    private let identity: TLSIdentityFiles
    private let limits: ServerLimits
    private let logger: Logger
    private let authorize: @Sendable (HTTPRequestHeadView) -> HTTPAnswer?
    private let bodyBytesMax: @Sendable (HTTPRequestHeadView) -> Int
    private let onBound: @Sendable (Int) async throws -> Void
    private let respond: @Sendable (HTTPCall) async -> HTTPAnswer

    /// Port 0 takes any free port; `onBound` is told which, and the server does not start if it throws.
    ///
    /// `bodyBytesMax` says how large the body of a request may be that `authorize` let in: at most `limits.bodyBytesMax`.
    package init(
        host: String, port: Int, identity: TLSIdentityFiles, limits: ServerLimits, logger: Logger,
        authorize: @escaping @Sendable (HTTPRequestHeadView) -> HTTPAnswer?,
        bodyBytesMax: @escaping @Sendable (HTTPRequestHeadView) -> Int = { _ in .max },
        onBound: @escaping @Sendable (Int) async throws -> Void,
        respond: @escaping @Sendable (HTTPCall) async -> HTTPAnswer
    ) {
        (self.host, self.port, self.identity, self.limits, self.logger) = (
            host, port, identity, limits, logger
        )
        (self.authorize, self.bodyBytesMax) = (authorize, bodyBytesMax)
        (self.onBound, self.respond) = (onBound, respond)
    }

    /// Returns after a graceful shutdown: answers under way are finished, for `shutdownSeconds` at most.
    package func run() async throws {
        let (jobs, queue) = AsyncStream.makeStream(of: ResponseJob.self)
        let registry = ConnectionRegistry(limits: limits) { queue.finish() }
        let sharing = ServerSharing(
            limits: limits, logger: logger, identity: try IdentitySource(identity, .server, logger: logger),
            registry: registry, authorize: authorize, bodyBytesMax: bodyBytesMax, respond: respond,
            enqueue: { queue.yield($0) })
        let listener = try await bind(sharing)
        do {
            try await onBound(listener.localAddress?.port ?? port)
        } catch {
            try? await listener.close()  // the reason is what stopped us
            throw error
        }
        await withTaskCancellationOrGracefulShutdownHandler {
            await withDiscardingTaskGroup { group in
                for await job in jobs { group.addTask { await job.run() } }
            }
        } onCancelOrGracefulShutdown: { [limits] in
            listener.close(promise: nil)
            registry.stop()
            listener.eventLoop.scheduleTask(in: .seconds(Int64(limits.shutdownSeconds))) {
                registry.closeAll()
            }
        }
        registry.closeAll()
        // It fails if it is closed already; either way the port is free when we return.
        try? await listener.close()
    }

    private func bind(_ sharing: ServerSharing) async throws(TransportError) -> any Channel {
        do {
            return try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
                .serverChannelOption(.backlog, value: 256)
                .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
                .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
                .childChannelInitializer { Self.prepare($0, sharing) }
                .bind(host: host, port: port).get()
        } catch {
            throw .setup("cannot listen on \(host):\(port): \(networkReason(error))")
        }
    }

    private static func prepare(_ channel: any Channel, _ sharing: ServerSharing) -> EventLoopFuture<Void> {
        let remote = channel.remoteAddress.map(addressText) ?? "somebody"
        if let refusal = sharing.registry.refusal(admitting: channel) {
            sharing.logger.warning("refused \(remote): \(refusal)")
            return channel.close()
        }
        return channel.eventLoop.makeCompletedFuture {
            let session = try TLSSession(sharing.identity.current(), expecting: .anyParty)
            let decoder = HTTPRequestDecoder(limitConfiguration: decoderLimits(sharing.limits))
            try channel.pipeline.syncOperations.addHandlers(
                TLSHandler(session, handshakeTimeout: .seconds(Int64(sharing.limits.handshakeSeconds))),
                HTTPResponseEncoder(), ByteToMessageHandler(decoder), RequestHandler(sharing, remote: remote))
        }
    }

    private static func decoderLimits(_ limits: ServerLimits) -> NIOHTTPDecoderLimitConfiguration {
        var configuration = NIOHTTPDecoderLimitConfiguration()
        configuration.maxHeaderFieldSize = limits.headerBytesMax
        configuration.maxHeaderListSize = limits.headerBytesMax
        configuration.maxHeaderFieldCount = limits.headerFieldsMax
        return configuration
    }
}
