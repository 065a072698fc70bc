import NIOCore

/// Asks an HTTP proxy for a tunnel (RFC 9110, section 9.3.6), and then steps out of the way.
///
/// In the tunnel we speak first; a proxy that sends more than its answer's head is refused.
final class ProxyConnectHandler: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private static let headBytesMax = 16 * 1024

    private let target: String
    private let credentials: ProxyCredentials?
    private var onEnd: ((Result<Void, TransportError>) -> Void)?
    private var answer = ByteBuffer()

    /// - Parameters:
    ///   - target: Host and port, as `coordinator.example.org:443` or `[2001:db8::1]:443`.
    ///   - credentials: For a proxy that wants to know who asks.
    ///   - onEnd: Called once: with success when what is sent from then on reaches the target.
    init(
        target: String, credentials: ProxyCredentials?,
        onEnd: @escaping (Result<Void, TransportError>) -> Void
    ) {
        (self.target, self.credentials, self.onEnd) = (target, credentials, onEnd)
    }

    func channelActive(context: ChannelHandlerContext) {
        let login = credentials.map { "Proxy-Authorization: \($0.fieldValue)\r\n" } ?? ""
        let request = "CONNECT \(target) HTTP/1.1\r\nHost: \(target)\r\n\(login)\r\n"
        context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: request)), promise: nil)
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
        guard (200..<300).contains(status) else { return fail(context, refusal(status, words, text)) }
        guard head.upperBound == answer.readableBytesView.endIndex else {
            return fail(context, "it says more than it should")
        }
        end(.success(()))
        context.pipeline.syncOperations.removeHandler(self, promise: nil)
    }

    /// What a proxy's refusal means; its own words only if it was told no password, which they could repeat.
    private func refusal(_ status: Int, _ words: [Substring], _ head: String) -> String {
        guard status == 407 else {
            return
                "it answers \((credentials == nil ? words.dropFirst() : words[1...1]).joined(separator: " "))"
        }
        let schemes = head.split(separator: "\r\n").dropFirst().compactMap { line in
            let field = line.split(separator: ":", maxSplits: 1)
            guard field.count == 2, field[0].lowercased() == "proxy-authenticate" else {
                return nil as String?
            }
            return field[1].split(separator: " ").first.map(String.init)
        }
        guard schemes.isEmpty || schemes.contains(where: { $0.lowercased() == "basic" }) else {
            return credentials == nil
                ? "it wants to know who asks by \(schemes.joined(separator: ", ")), and this program knows Basic alone"
                : "it wants to know who asks in another way than Basic, which is all that this program knows"
        }
        return credentials == nil
            ? "it wants a user and password (407); give it the file with them as proxy-credentials"
            : "it does not accept the user and password of the file proxy-credentials (407)"
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
