import Cryptography
import Glibc
import NIOCore
import NIOHTTP1
import NIOPosix
import Synchronization

/// Where a client connects to, and what it takes for an answer.
struct ClientTarget: Sendable {
    let host: String
    let port: Int
    let expectation: PeerExpectation
    let proxy: ProxyAddress?
    let replyBytesMax: Int

    var decoderLimits: NIOHTTPDecoderLimitConfiguration {
        var configuration = NIOHTTPDecoderLimitConfiguration()
        configuration.maxHeaderListSize = 64 * 1024
        return configuration
    }

    /// Host and port as a URI has them.
    var authority: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
}

/// One kept-alive connection to the server; one request at a time.
final class ClientConnection: Sendable {
    private let channel: any Channel
    private let authority: String
    private let failure: FirstFailure
    private let trust: Mutex<PeerTrust>

    private init(_ channel: any Channel, authority: String, failure: FirstFailure, trust: PeerTrust) {
        (self.channel, self.authority, self.failure) = (channel, authority, failure)
        self.trust = Mutex(trust)
    }

    /// Connects, through the proxy if there is one, and shakes hands, within `timeout` altogether.
    static func open(
        _ target: ClientTarget, _ tls: TLSContext, timeout: TimeAmount
    ) async throws(TransportError) -> ClientConnection {
        let deadline = NIODeadline.now() + timeout
        let failure = FirstFailure()
        let credentials = try target.proxy?.credentials()
        let (channel, established) = try await connect(target, credentials, tls, failure, timeout: timeout)
        let expiry = channel.eventLoop.scheduleTask(deadline: deadline) {
            established.fail(ExchangeFailure.transport(.timedOut))
        }
        defer { expiry.cancel() }
        do {
            let trust = try await withTaskCancellationHandler {
                try await established.futureResult.get()
            } onCancel: {
                channel.close(promise: nil)
            }
            return ClientConnection(channel, authority: target.authority, failure: failure, trust: trust)
        } catch {
            channel.close(promise: nil)
            if Task.isCancelled { throw .cancelled }
            if case ExchangeFailure.transport(let error) = error { throw error }
            throw .unreachable("\(target.authority) hung up before the TLS handshake was done")
        }
    }

    private static func connect(
        _ target: ClientTarget, _ credentials: ProxyCredentials?, _ tls: TLSContext,
        _ failure: FirstFailure, timeout: TimeAmount
    ) async throws(TransportError) -> (any Channel, EventLoopPromise<PeerTrust>) {
        let (host, port) = target.proxy.map { ($0.host, $0.port) } ?? (target.host, target.port)
        do {
            return try await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
                .connectTimeout(min(timeout, .seconds(10)))
                .channelOption(.tcpOption(.tcp_nodelay), value: 1)
                .connect(host: host, port: port) { channel in
                    channel.eventLoop.makeCompletedFuture {
                        (channel, try prepare(channel, target, credentials, tls, failure))
                    }
                }
        } catch let error as TransportError {
            throw error
        } catch ChannelError.connectTimeout where timeout < .seconds(10) {
            throw .timedOut
        } catch {
            let reason = "cannot connect to \(host):\(port): \(networkReason(error))"
            throw target.proxy == nil ? .unreachable(reason) : .proxy(reason)
        }
    }

    /// Adds the handlers; with a proxy, those for TLS once the tunnel is there.
    private static func prepare(
        _ channel: any Channel, _ target: ClientTarget, _ credentials: ProxyCredentials?, _ tls: TLSContext,
        _ failure: FirstFailure
    ) throws -> EventLoopPromise<PeerTrust> {
        let established = channel.eventLoop.makePromise(of: PeerTrust.self)
        let pipeline = channel.pipeline.syncOperations
        func addHandlers() throws(TransportError) {
            let session = try TLSSession(tls, expecting: target.expectation)
            do {
                try pipeline.addHandlers(
                    TLSHandler(session, handshakeTimeout: .seconds(10)), HTTPRequestEncoder(),
                    ByteToMessageHandler(HTTPResponseDecoder(limitConfiguration: target.decoderLimits)),
                    ReplyHandler(
                        bodyBytesMax: target.replyBytesMax, established: established, failure: failure))
            } catch { throw .unreachable("the connection closed at once") }
        }
        do {
            guard target.proxy != nil else {
                try addHandlers()
                return established
            }
            try pipeline.addHandler(
                ProxyConnectHandler(target: target.authority, credentials: credentials) { result in
                    do throws(TransportError) {
                        try result.get()
                        try addHandlers()
                    } catch { established.fail(ExchangeFailure.transport(error)) }
                })
        } catch {
            established.fail(error)
            throw error
        }
        return established
    }

    /// Whether it may serve a further request; it may end at any time all the same.
    var isOpen: Bool { channel.isActive && failure.value == nil }

    /// Whether the server's certificate still counts, by the files of now.
    func isTrusted(under tls: TLSContext) -> Bool {
        trust.withLock { $0.refusal(under: tls, at: time(nil)) } == nil
    }

    func close() async {
        try? await channel.close()  // it may be closed already
    }

    func exchange(
        _ method: HTTPMethod, _ pathAndQuery: String, contentType: String?, body: [UInt8], timeout: TimeAmount
    ) async throws(ExchangeFailure) -> HTTPAnswer {
        var headers = HTTPHeaders([("host", authority)])
        if let contentType { headers.add(name: "content-type", value: contentType) }
        if !body.isEmpty || method != .GET { headers.add(name: "content-length", value: "\(body.count)") }
        let head = HTTPRequestHead(version: .http1_1, method: method, uri: pathAndQuery, headers: headers)
        let answer = channel.eventLoop.makePromise(of: HTTPAnswer.self)
        let expiry = channel.eventLoop.scheduleTask(in: timeout) { [channel] in
            answer.fail(ExchangeFailure.transport(.timedOut))
            channel.close(promise: nil)
        }
        defer { expiry.cancel() }
        channel.writeAndFlush(Exchange(head: head, body: body, answer: answer)).whenFailure { [failure] _ in
            answer.fail(failure.value ?? .stale)  // closed already; no effect once the handler has answered
        }
        do {
            return try await withTaskCancellationHandler {
                try await answer.futureResult.get()
            } onCancel: { [channel] in
                channel.close(promise: nil)
            }
        } catch {
            throw Task.isCancelled ? .transport(.cancelled) : error as? ExchangeFailure ?? .stale
        }
    }
}
