import Cryptography
import TLSTransport

/// Runs a server for as long as `body` takes, on a free port.
func withServer<Result>(
    _ identity: TLSIdentityFiles, port: Int = 0, limits: ServerLimits = ServerLimits(),
    log: LogBook = LogBook(),
    authorize: @escaping @Sendable (HTTPRequestHeadView) -> HTTPAnswer? = { _ in nil },
    bodyBytesMax: @escaping @Sendable (HTTPRequestHeadView) -> Int = { _ in .max },
    respond: @escaping @Sendable (HTTPCall) async -> HTTPAnswer = echo,
    _ body: (_ port: Int) async throws -> Result
) async throws -> Result {
    let (ports, bound) = AsyncStream.makeStream(of: Int.self)
    let server = MutualTLSServer(
        host: "127.0.0.1", port: port, identity: identity, limits: limits, logger: log.logger,
        authorize: authorize, bodyBytesMax: bodyBytesMax,
        onBound: { bound.yield($0) }, respond: respond)
    return try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask {
            defer { bound.finish() }
            try await server.run()
        }
        defer { group.cancelAll() }
        guard let port = await ports.first(where: { _ in true }) else {
            try await group.waitForAll()
            throw TransportError.setup("the server ended before it was bound")
        }
        return try await body(port)
    }
}

/// Says who asked for what.
@Sendable func echo(_ call: HTTPCall) async -> HTTPAnswer {
    let query = call.head.query.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(
        separator: ",")
    let text = "\(call.head.peer) \(call.head.method) \(call.head.path) [\(query)] \(call.body.count) bytes"
    return HTTPAnswer(status: 200, contentType: "text/plain", body: Array(text.utf8))
}

extension HTTPAnswer {
    var text: String { String(decoding: body, as: UTF8.self) }
}

extension MutualTLSClient {
    init(
        to port: Int, as identity: TLSIdentityFiles, proxy: ProxyAddress? = nil, replyBytesMax: Int = 64 << 20
    ) {
        self.init(
            host: "127.0.0.1", port: port, serverName: nil, expectedPeer: nil, identity: identity,
            proxy: proxy,
            replyBytesMax: replyBytesMax)
    }

    /// The sentence with which a request fails, or nil if it does not.
    func failure(
        _ method: String = "GET", _ path: String = "/", body: [UInt8] = [], timeout: Duration = .seconds(20)
    ) async -> String? {
        do {
            _ = try await send(method, path, body: body, timeout: timeout)
            return nil
        } catch { return "\(error)" }
    }
}

/// Returns when the task is cancelled.
func untilCancelled() async {
    let (stream, continuation) = AsyncStream.makeStream(of: Void.self)
    _ = await stream.first { true }
    continuation.finish()
}
