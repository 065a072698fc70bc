import Cryptography
import Glibc
import Logging
import NIOCore
import NIOHTTP1

/// What all connections of a server share.
struct ServerSharing: Sendable {
    let limits: ServerLimits
    let logger: Logger
    let identity: IdentitySource
    let registry: ConnectionRegistry
    let authorize: @Sendable (HTTPRequestHeadView) -> HTTPAnswer?
    let bodyBytesMax: @Sendable (HTTPRequestHeadView) -> Int
    let respond: @Sendable (HTTPCall) async -> HTTPAnswer
    let enqueue: @Sendable (ResponseJob) -> Void
}

/// One connection of a server: one request after the other, each with a proven sender.
///
/// A second request before the answer to the first (pipelining) ends the connection; so does every refusal
/// that comes before the whole request has been read.
final class RequestHandler: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private enum State {
        case handshaking
        /// For a head.
        case waiting
        case receiving(HTTPRequestHeadView)
        case answering(ResponseJob)
        case sending
        case closing

        var job: ResponseJob? {
            if case .answering(let job) = self { job } else { nil }
        }
    }

    private let sharing: ServerSharing
    private let remote: String
    private var state = State.handshaking
    private var trust: PeerTrust?
    private var place = ConnectionRegistry.Place.none
    private var headHasBegun = false
    private var keepsAlive = true
    private var body: [UInt8] = []
    /// How large this request's body may be, and what was set apart for it.
    private var bodyBytesMax = 0
    private var reservation: ConnectionRegistry.Reservation?
    private var timer: Scheduled<Void>?

    init(_ sharing: ServerSharing, remote: String) {
        (self.sharing, self.remote) = (sharing, remote)
    }

    // MARK: Events

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event {
        case TLSEvent.established(let peer, let tls): establish(peer, tls, context)
        case ConnectionRegistry.Event.stopping: stop(context)
        default: context.fireUserInboundEventTriggered(event)
        }
    }

    private func establish(_ peer: VerifiedPeer, _ tls: TLSContext, _ context: ChannelHandlerContext) {
        trust = PeerTrust(peer, under: tls)
        place = sharing.registry.join(peer.id, on: context.channel)
        guard place != .none else {
            log(.notice, "\(who) has too many connections; this one is closed")
            return close(context)
        }
        state = .waiting
        armIdleTimer(context)
    }

    private func stop(_ context: ChannelHandlerContext) {
        keepsAlive = false
        switch state {
        case .handshaking: context.close(promise: nil)
        case .waiting where !headHasBegun: close(context)
        case .waiting, .receiving, .answering, .sending, .closing: break
        }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch (state, unwrapInboundIn(data)) {
        case (.waiting, .head(let head)): begin(head, context)
        case (.receiving, .body(let part)): receive(part, context)
        case (.receiving(let head), .end): answer(head, context)
        case (.answering, _), (.sending, _), (.receiving, .head):
            log(.notice, "\(who) sent a request before the answer to the last one; the connection is closed")
            close(context)
        case (.handshaking, _), (.waiting, _), (.closing, _): break
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        switch state {
        case .waiting where !headHasBegun:  // some of a head has come, and not its end
            headHasBegun = true
            arm(context, seconds: sharing.limits.headerSeconds) { handler, context in
                handler.log(.notice, "\(handler.who) did not finish a request's head in time")
                handler.close(context)
            }
        case .receiving: armIdleTimer(context)
        default: break
        }
        context.fireChannelReadComplete()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        switch (state, error) {
        case (.handshaking, let failure as TLSFailure):
            log(
                .notice,
                failure.isAlert ? "\(remote) refuses us: \(failure)" : "refused \(remote): \(failure)")
            state = .closing
        case (_, let failure as TLSFailure):
            log(.notice, "\(who): \(failure)")
            state.job?.cancel()
            state = .closing
        case (.waiting, let error as HTTPParserError):
            let status = error == .headerOverflow ? 431 : 400
            refuse(
                HTTPAnswer(status: status, sentence: "not an acceptable HTTP request"), context,
                because: "\(error)")
        default:
            log(.debug, "\(who): \(error)")
            close(context)
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        timer?.cancel()
        state.job?.cancel()
        state = .closing
        (body, reservation) = ([], nil)
        leave()
        context.fireChannelInactive()
    }

    // MARK: Request

    private func begin(_ head: HTTPRequestHead, _ context: ChannelHandlerContext) {
        timer?.cancel()
        headHasBegun = false
        keepsAlive = keepsAlive && head.isKeepAlive
        guard let peer = trust?.peer else { return close(context) }
        if let refusal = trust?.refusal(under: sharing.identity.current(), at: time(nil)) {
            log(.notice, "closed the connection of \(remote): \(refusal)")
            return close(context)
        }
        guard let view = view(of: head, from: peer) else {
            return refuse(
                HTTPAnswer(status: 400, sentence: "no such method or path"), context, because: "bad target")
        }
        if let refusal = refusal(of: view) { return refuse(refusal, context, because: view.path) }
        state = .receiving(view)
        armIdleTimer(context)
        if head.headers["expect"].contains(where: { $0.lowercased() == "100-continue" }) {
            let response = HTTPResponseHead(version: .http1_1, status: .continue)
            context.writeAndFlush(wrapOutboundOut(.head(response)), promise: nil)
        }
    }

    private func view(of head: HTTPRequestHead, from peer: VerifiedPeer) -> HTTPRequestHeadView? {
        guard [.GET, .POST, .PUT, .DELETE].contains(head.method), let target = RequestTarget(head.uri) else {
            return nil
        }
        return HTTPRequestHeadView(
            method: head.method.rawValue, path: target.path, query: target.query,
            headers: head.headers.map { ($0.name, $0.value) }, peer: peer.id, certificate: peer.certificate)
    }

    /// Everything that can be said before the body.
    private func refusal(of head: HTTPRequestHeadView) -> HTTPAnswer? {
        if place != .admitted {
            return HTTPAnswer(status: 429, sentence: "too many connections of \(head.peer)")
        }
        if let refusal = sharing.authorize(head) { return refusal }
        bodyBytesMax = max(0, min(sharing.limits.bodyBytesMax, sharing.bodyBytesMax(head)))
        guard let bytes = announcedBytes(of: head) else { return nil }
        guard bytes <= bodyBytesMax else { return tooLarge }
        reservation = sharing.registry.reserve(bytes, of: bodyBytesMax, for: head.peer)
        return reservation == nil
            ? HTTPAnswer(status: 429, sentence: "other requests of \(head.peer) are being read") : nil
    }

    /// How many bytes of body a head lets expect: all that are allowed, if it does not say; nil if there is none.
    private func announcedBytes(of head: HTTPRequestHeadView) -> Int? {
        if let length = head.headers.first(where: { $0.0.lowercased() == "content-length" }) {
            return Int(length.1).map { $0 == 0 ? nil : $0 } ?? .max
        }
        return head.headers.contains { $0.0.lowercased() == "transfer-encoding" } ? bodyBytesMax : nil
    }

    private var tooLarge: HTTPAnswer {
        HTTPAnswer(status: 413, sentence: "a request may have \(bodyBytesMax) bytes at most")
    }

    private func receive(_ part: ByteBuffer, _ context: ChannelHandlerContext) {
        guard body.count + part.readableBytes <= bodyBytesMax else {
            return refuse(tooLarge, context, because: "the body is too large")
        }
        body.append(contentsOf: part.readableBytesView)
    }

    private func answer(_ head: HTTPRequestHeadView, _ context: ChannelHandlerContext) {
        timer?.cancel()
        let call = HTTPCall(head: head, body: body)
        body = []
        let loop = context.eventLoop
        let handler = NIOLoopBound(self, eventLoop: loop)
        let bound = NIOLoopBound(context, eventLoop: loop)
        let job = ResponseJob(call: call, respond: sharing.respond) { answer in
            loop.execute { handler.value.finish(answer, bound.value) }
        }
        state = .answering(job)
        sharing.enqueue(job)
    }

    private func finish(_ answer: HTTPAnswer, _ context: ChannelHandlerContext) {
        reservation = nil
        guard case .answering = state else { return }
        state = .sending
        send(answer, context)
    }

    // MARK: Answer

    /// Answers before the request has been read, and ends the connection.
    private func refuse(_ answer: HTTPAnswer, _ context: ChannelHandlerContext, because reason: String) {
        log(.notice, "\(who) is answered \(answer.status) (\(reason))")
        keepsAlive = false
        (body, reservation) = ([], nil)
        state = .closing
        send(answer, context)
    }

    private func send(_ answer: HTTPAnswer, _ context: ChannelHandlerContext) {
        let body = [204, 304].contains(answer.status) ? [] : answer.body  // RFC 9110, section 6.4.1
        var headers = HTTPHeaders([("content-type", answer.contentType), ("content-length", "\(body.count)")])
        if !keepsAlive { headers.add(name: "connection", value: "close") }
        let head = HTTPResponseHead(
            version: .http1_1, status: HTTPResponseStatus(statusCode: answer.status), headers: headers)
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        sendPiece(of: body[...], context)
    }

    /// Piece by piece, so that little waits in memory for a slow reader and its progress is seen.
    private func sendPiece(of body: ArraySlice<UInt8>, _ context: ChannelHandlerContext) {
        let piece = body.prefix(1 << 18)
        let rest = body.dropFirst(piece.count)
        if !piece.isEmpty {
            let buffer = context.channel.allocator.buffer(bytes: piece)
            let write = context.write(wrapOutboundOut(.body(.byteBuffer(buffer))))
            if !rest.isEmpty { write.assumeIsolated().whenSuccess { self.sendPiece(of: rest, context) } }
        }
        if rest.isEmpty {
            context.write(wrapOutboundOut(.end(nil))).assumeIsolated().whenSuccess {
                self.finishAnswer(context)
            }
        }
        armIdleTimer(context)
        context.flush()
    }

    private func finishAnswer(_ context: ChannelHandlerContext) {
        guard keepsAlive, case .sending = state else { return close(context) }
        state = .waiting
        armIdleTimer(context)
    }

    // MARK: End

    private func armIdleTimer(_ context: ChannelHandlerContext) {
        arm(context, seconds: sharing.limits.idleSeconds) { handler, context in
            if case .waiting = handler.state {
            } else {
                handler.log(.notice, "\(handler.who) has gone silent")
            }
            handler.close(context)
        }
    }

    private func arm(
        _ context: ChannelHandlerContext, seconds: Int,
        _ action: @escaping (RequestHandler, ChannelHandlerContext) -> Void
    ) {
        timer?.cancel()
        timer = context.eventLoop.assumeIsolated().scheduleTask(in: .seconds(Int64(seconds))) {
            action(self, context)
        }
    }

    private func close(_ context: ChannelHandlerContext) {
        timer?.cancel()
        state.job?.cancel()
        state = .closing
        context.close(promise: nil)
    }

    private func leave() {
        if place != .none, let trust { sharing.registry.leave(trust.peer.id) }
        place = .none
    }

    private var who: String { trust.map { "\($0.peer.id) at \(remote)" } ?? remote }

    private func log(_ level: Logger.Level, _ line: String) {
        sharing.logger.log(level: level, "\(line)")
    }
}

@available(*, unavailable)
extension RequestHandler: Sendable {}
