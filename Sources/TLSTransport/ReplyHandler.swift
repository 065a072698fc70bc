import NIOCore
import NIOHTTP1
import Synchronization

/// Why a request on an open connection got no answer.
enum ExchangeFailure: Error {
    /// The connection ended before an answer began, as a kept-alive one may at any time: ask again on a new
    /// one.
    case stale
    case transport(TransportError)
}

/// What went wrong first on a connection; it explains all that follows.
final class FirstFailure: Sendable {
    private let state = Mutex<ExchangeFailure?>(nil)

    var value: ExchangeFailure? { state.withLock(\.self) }

    /// Returns the first one ever set.
    @discardableResult
    func set(_ failure: ExchangeFailure) -> ExchangeFailure {
        state.withLock { state in
            let first = state ?? failure
            state = first
            return first
        }
    }
}

/// A request and who waits for its answer.
struct Exchange: Sendable {
    let head: HTTPRequestHead
    let body: [UInt8]
    let answer: EventLoopPromise<HTTPAnswer>
}

/// Sends one `Exchange` after the other over a client's connection and gathers the answers.
final class ReplyHandler: ChannelDuplexHandler {
    typealias InboundIn = HTTPClientResponsePart
    typealias OutboundIn = Exchange
    typealias OutboundOut = HTTPClientRequestPart

    private let bodyBytesMax: Int
    private let established: EventLoopPromise<PeerTrust>
    private var waiting: EventLoopPromise<HTTPAnswer>?
    private var isSending = false
    private var head: HTTPResponseHead?
    private var body: [UInt8] = []
    private let failure: FirstFailure

    /// - Parameters:
    ///   - bodyBytesMax: A larger answer ends the connection.
    ///   - established: Succeeds after the handshake, or fails with an `ExchangeFailure`.
    ///   - failure: Is told why the connection ends.
    init(bodyBytesMax: Int, established: EventLoopPromise<PeerTrust>, failure: FirstFailure) {
        (self.bodyBytesMax, self.established, self.failure) = (bodyBytesMax, established, failure)
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard case TLSEvent.established(let peer, let tls) = event else {
            return context.fireUserInboundEventTriggered(event)
        }
        established.succeed(PeerTrust(peer, under: tls))
    }

    // MARK: Request

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        let exchange = unwrapOutboundIn(data)
        promise?.succeed()
        if let failure = failure.value { return exchange.answer.fail(failure) }
        precondition(waiting == nil, "one request at a time on a connection")
        (waiting, head, body, isSending) = (exchange.answer, nil, [], true)
        context.write(wrapOutboundOut(.head(exchange.head)), promise: nil)
        sendPiece(of: exchange.body[...], context)
    }

    /// Piece by piece, lest a large body be encrypted as a whole, and to stop once the answer is there.
    private func sendPiece(of body: ArraySlice<UInt8>, _ context: ChannelHandlerContext) {
        guard waiting != nil else { return }
        let piece = body.prefix(1 << 18)
        let rest = body.dropFirst(piece.count)
        if !piece.isEmpty {
            let buffer = context.channel.allocator.buffer(bytes: piece)
            let write = context.write(wrapOutboundOut(.body(.byteBuffer(buffer))))
            if !rest.isEmpty { write.assumeIsolated().whenSuccess { self.sendPiece(of: rest, context) } }
        }
        if rest.isEmpty {
            isSending = false
            context.write(wrapOutboundOut(.end(nil)), promise: nil)
        }
        context.flush()
    }

    // MARK: Answer

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head):
            self.head = head
            let announced = head.headers.first(name: "content-length").flatMap(Int.init)
            if announced ?? 0 > bodyBytesMax { fail(.transport(.tooLarge), context) }
        case .body(let part):
            guard body.count + part.readableBytes <= bodyBytesMax else {
                return fail(.transport(.tooLarge), context)
            }
            body.append(contentsOf: part.readableBytesView)
        case .end: finish(context)
        }
    }

    private func finish(_ context: ChannelHandlerContext) {
        guard let waiting, let head else {
            return fail(.transport(.unreachable("an answer that nobody asked for")), context)
        }
        // Who answers before the end of the request will not read the rest.
        let isLast = !head.isKeepAlive || isSending
        if isLast { failure.set(.stale) }
        (self.waiting, self.head) = (nil, nil)
        let type = head.headers.first(name: "content-type") ?? "application/octet-stream"
        waiting.succeed(HTTPAnswer(status: Int(head.status.code), contentType: type, body: body))
        body = []
        if isLast { context.close(promise: nil) }
    }

    // MARK: End

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        fail(reason(error), context)
    }

    func channelInactive(context: ChannelHandlerContext) {
        fail(head == nil ? .stale : .transport(.truncated), context)
        context.fireChannelInactive()
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        fail(.stale, context)
    }

    private func reason(_ error: any Error) -> ExchangeFailure {
        let hasBegun = waiting != nil && head != nil
        switch error {
        case TLSFailure.truncated: return hasBegun ? .transport(.truncated) : .stale
        case TLSFailure.handshakeTimedOut: return .transport(.timedOut)
        case TLSFailure.closedDuringHandshake:
            return .transport(.unreachable(TLSFailure.closedDuringHandshake.description))
        case let failure as TLSFailure: return .transport(.refused("\(failure)"))
        case HTTPParserError.invalidEOFState: return .transport(.truncated)
        case HTTPParserError.headerOverflow: return .transport(.tooLarge)
        case is HTTPParserError:
            return .transport(.unreachable("the other side's answer is not HTTP (\(error))"))
        default: return hasBegun ? .transport(.truncated) : .stale
        }
    }

    private func fail(_ reason: ExchangeFailure, _ context: ChannelHandlerContext) {
        let first = failure.set(reason)
        established.fail(first)  // no effect once succeeded
        waiting?.fail(first)
        waiting = nil
        context.close(promise: nil)
    }
}

@available(*, unavailable)
extension ReplyHandler: Sendable {}
