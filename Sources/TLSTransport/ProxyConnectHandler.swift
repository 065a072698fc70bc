import NIOCore

/// Asks an HTTP proxy for a tunnel (RFC 9110, section 9.3.6), and then steps out of the way.
///
/// In the tunnel we speak first; a proxy that sends more than its answer's head is refused.
final class ProxyConnectHandler: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private static let headBytesMax = 16 * 1024

    private let target: String
    private var onEnd: ((Result<Void, TransportError>) -> Void)?
    private var answer = ByteBuffer()

    /// - Parameters:
    ///   - target: Host and port, as `coordinator.example.org:443` or `[2001:db8::1]:443`.
    ///   - onEnd: Called once: with success when what is sent from then on reaches the target.
    init(target: String, onEnd: @escaping (Result<Void, TransportError>) -> Void) {
        (self.target, self.onEnd) = (target, onEnd)
    }

    func channelActive(context: ChannelHandlerContext) {
        let request = ByteBuffer(string: "CONNECT \(target) HTTP/1.1\r\nHost: \(target)\r\n\r\n")
        context.writeAndFlush(wrapOutboundOut(request), promise: nil)
        context.fireChannelActive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var part = unwrapInboundIn(data)
        answer.writeBuffer(&part)
        guard let head = answer.readableBytesView.firstRange(of: "\r\n\r\n".utf8) else {
            if answer.readableBytes > Self.headBytesMax { fail(context, "its answer has no end") }
            return
        }
        let text = String(decoding: answer.readableBytesView[..<head.lowerBound], as: UTF8.self)
        let words = text.prefix { $0 != "\r\n" }.split(separator: " ", maxSplits: 2)
        guard words.count >= 2, words[0].hasPrefix("HTTP/1."), let status = Int(words[1]) else {
            return fail(context, "it does not speak HTTP")
        }
        guard (200..<300).contains(status) else {
            return fail(context, "it answers \(words.dropFirst().joined(separator: " "))")
        }
        guard head.upperBound == answer.readableBytesView.endIndex else {
            return fail(context, "it says more than it should")
        }
        end(.success(()))
        context.pipeline.syncOperations.removeHandler(self, promise: nil)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        fail(context, networkReason(error))
    }

    func channelInactive(context: ChannelHandlerContext) {
        fail(context, "it hung up")
        context.fireChannelInactive()
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        end(.failure(.proxy("it hung up")))
    }

    private func fail(_ context: ChannelHandlerContext, _ reason: String) {
        end(.failure(.proxy(reason)))
        context.close(promise: nil)
    }

    private func end(_ result: Result<Void, TransportError>) {
        onEnd?(result)
        onEnd = nil
    }
}

@available(*, unavailable)
extension ProxyConnectHandler: Sendable {}
