import NIOCore

/// What a `TLSHandler` tells the handlers behind it.
enum TLSEvent: Sendable {
    /// The other side is known; in TLS 1.3 a client may still be refused by its server with the first read.
    case established(VerifiedPeer, TLSContext)
}

/// TLS 1.3 on the system's OpenSSL, for either side of a connection.
///
/// Errors are `TLSFailure`s. A connection that ends without the other side's close_notify ends with
/// `TLSFailure.truncated`. The channel must read automatically and not allow half-closure: who says goodbye,
/// or closes its sending side, is gone.
final class TLSHandler: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private enum State {
        case idle
        case handshaking
        case open
        /// Our last bytes are on their way; what still comes in is dropped.
        case closing
    }

    /// How long the other side may take to read our last bytes and hang up.
    ///
    /// Closing a socket with unread input would reset the connection, and our last bytes, an alert or a
    /// refusal, could be lost.
    private static let lingering = TimeAmount.seconds(2)

    private let session: TLSSession
    private let handshakeTimeout: TimeAmount
    private var state = State.idle
    private var peerSaidGoodbye = false
    private var plaintext = ByteBuffer()  // passed on once for each round of socket reads
    private var unsent = MarkedCircularBuffer<(ByteBuffer, EventLoopPromise<Void>?)>(initialCapacity: 8)
    private var timer: Scheduled<Void>?

    init(_ session: TLSSession, handshakeTimeout: TimeAmount) {
        (self.session, self.handshakeTimeout) = (session, handshakeTimeout)
    }

    // MARK: Life

    func handlerAdded(context: ChannelHandlerContext) {
        if context.channel.isActive { begin(context) }
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        release(ChannelError.ioOnClosedChannel)
    }

    func channelActive(context: ChannelHandlerContext) {
        context.fireChannelActive()
        begin(context)
    }

    func channelInactive(context: ChannelHandlerContext) {
        let failure: TLSFailure? =
            switch state {
            case .handshaking: .closedDuringHandshake
            case .open: peerSaidGoodbye ? nil : .truncated
            case .idle, .closing: nil
            }
        state = .closing
        release(failure ?? ChannelError.ioOnClosedChannel)
        if let failure { context.fireErrorCaught(failure) }
        context.fireChannelInactive()
    }

    private func begin(_ context: ChannelHandlerContext) {
        guard state == .idle else { return }
        state = .handshaking
        arm(context, handshakeTimeout) { $0.fail($1, .handshakeTimedOut) }
        shakeHands(context)
    }

    private func arm(
        _ context: ChannelHandlerContext, _ delay: TimeAmount,
        _ action: @escaping (TLSHandler, ChannelHandlerContext) -> Void
    ) {
        timer?.cancel()
        timer = context.eventLoop.assumeIsolated().scheduleTask(in: delay) { action(self, context) }
    }

    /// Nothing will be sent any more: tells all who wait for it.
    private func release(_ error: any Error) {
        timer?.cancel()
        timer = nil
        while let (_, promise) = unsent.popFirst() { promise?.fail(error) }
    }

    // MARK: Inbound

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard state == .handshaking || state == .open else { return }
        unwrapInboundIn(data).withUnsafeReadableBytes(session.receive)
        if state == .handshaking { shakeHands(context) }
        if state == .open { decrypt(context) }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        if deliver(context) { context.fireChannelReadComplete() }
    }

    private func shakeHands(_ context: ChannelHandlerContext) {
        let step = session.shakeHands()
        sendCiphertext(context)
        switch step {
        case .wantsInput: break
        case .failed(let failure): fail(context, failure)
        case .finished(let peer):
            timer?.cancel()
            state = .open
            context.fireUserInboundEventTriggered(TLSEvent.established(peer, session.context))
            if state == .open, unsent.hasMark { encrypt(context) }
        }
    }

    private func decrypt(_ context: ChannelHandlerContext) {
        var end: TLSSession.Reading?
        while end == nil {
            plaintext.writeWithUnsafeMutableBytes(minimumWritableBytes: TLSSession.recordBytesMax) {
                [session] room in
                let (count, reason) = session.read(room)
                end = reason
                return count
            }
        }
        sendCiphertext(context)  // a change of keys wants an answer
        switch end {
        case .wantsInput?, nil: break
        case .failed(let failure)?:
            _ = deliver(context)
            fail(context, failure)
        case .closeNotify?:
            peerSaidGoodbye = true
            if deliver(context) { context.fireChannelReadComplete() }
            if state == .open { close(context: context, mode: .all, promise: nil) }
        }
    }

    private func deliver(_ context: ChannelHandlerContext) -> Bool {
        guard state == .open, plaintext.readableBytes > 0 else { return false }
        let delivery = plaintext
        plaintext = ByteBuffer()
        context.fireChannelRead(wrapInboundOut(delivery))
        return true
    }

    // MARK: Outbound

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        guard state != .closing else {
            promise?.fail(ChannelError.ioOnClosedChannel)
            return
        }
        unsent.append((unwrapOutboundIn(data), promise))
    }

    func flush(context: ChannelHandlerContext) {
        unsent.mark()
        if state == .open { encrypt(context) }
    }

    /// All that was flushed, into one buffer for the channel.
    private func encrypt(_ context: ChannelHandlerContext) {
        var ciphertext = context.channel.allocator.buffer(capacity: 0)
        let sent = context.eventLoop.makePromise(of: Void.self)
        while unsent.hasMark, let (plaintext, promise) = unsent.popFirst() {
            if let promise { sent.futureResult.cascade(to: promise) }
            if let failure = encrypt(plaintext, into: &ciphertext) {
                sent.fail(failure)
                return fail(context, failure)
            }
        }
        context.writeAndFlush(wrapOutboundOut(ciphertext), promise: sent)
    }

    private func encrypt(_ plaintext: ByteBuffer, into ciphertext: inout ByteBuffer) -> TLSFailure? {
        var rest = plaintext.readableBytesView[...]
        ciphertext.reserveCapacity(minimumWritableBytes: rest.count + rest.count / 256 + 64)
        while !rest.isEmpty {  // record by record, lest the memory BIO grow to the whole message
            switch rest.withUnsafeBytes(session.write) {
            case .success(let count): rest = rest.dropFirst(count)
            case .failure(let failure): return failure
            }
            takeCiphertext(into: &ciphertext)
        }
        return nil
    }

    private func takeCiphertext(into ciphertext: inout ByteBuffer) {
        while session.ciphertextCount > 0 {
            ciphertext.writeWithUnsafeMutableBytes(minimumWritableBytes: session.ciphertextCount) {
                [session] in
                session.takeCiphertext($0)
            }
        }
    }

    private func sendCiphertext(_ context: ChannelHandlerContext) {
        guard session.ciphertextCount > 0 else { return }
        var ciphertext = context.channel.allocator.buffer(capacity: session.ciphertextCount)
        takeCiphertext(into: &ciphertext)
        context.writeAndFlush(wrapOutboundOut(ciphertext), promise: nil)
    }

    // MARK: End

    /// Sends the alert that OpenSSL has left, and says why on both sides.
    private func fail(_ context: ChannelHandlerContext, _ failure: TLSFailure) {
        guard state == .handshaking || state == .open else { return }
        state = .closing
        release(failure)
        context.fireErrorCaught(failure)
        if failure == .handshakeTimedOut { context.close(promise: nil) } else { hangUp(context) }
    }

    func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        guard mode == .all else {
            promise?.fail(ChannelError.operationUnsupported)
            return
        }
        if state == .idle || state == .handshaking {
            state = .closing
            release(ChannelError.ioOnClosedChannel)
            return context.close(promise: promise)
        }
        if let promise { context.channel.closeFuture.cascade(to: promise) }
        if state == .open, unsent.hasMark { encrypt(context) }
        guard state == .open else { return }  // the end has begun, and `lingering` bounds it
        state = .closing
        release(ChannelError.ioOnClosedChannel)
        session.sayGoodbye()
        hangUp(context)
    }

    /// Our last bytes, then the end of our sending side, then the other side's turn to hang up.
    private func hangUp(_ context: ChannelHandlerContext) {
        var ciphertext = context.channel.allocator.buffer(capacity: session.ciphertextCount)
        takeCiphertext(into: &ciphertext)
        arm(context, Self.lingering) { $1.close(promise: nil) }
        context.writeAndFlush(wrapOutboundOut(ciphertext)).assumeIsolated().whenComplete {
            [peerSaidGoodbye] result in
            if case .success = result, !peerSaidGoodbye {
                context.close(mode: .output, promise: nil)
            } else {
                context.close(promise: nil)
            }
        }
    }
}

@available(*, unavailable)
extension TLSHandler: Sendable {}
