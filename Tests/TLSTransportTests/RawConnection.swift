import Cryptography
import Foundation

@testable import TLSTransport

/// One end of a connection, step by step on a blocking socket, for peers that misbehave.
final class RawConnection {
    enum End: Hashable {
        case goodbye
        /// The transport ended without close_notify.
        case cut
        case failed(TLSFailure)
    }

    struct Broken: Error, CustomStringConvertible {
        let description: String
    }

    private let socket: Int32
    private var session: TLSSession?

    init(socket: Int32) {
        self.socket = socket
        var patience = timeval(tv_sec: 20, tv_usec: 0)
        setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
    }

    /// `source` is the loopback address to come from.
    convenience init(port: Int, from source: String? = nil) throws {
        let socket = Glibc.socket(AF_INET, streamKind, 0)
        if let source, withLoopbackAddress(0, source, { bind(socket, $0, $1) }) != 0 {
            throw Broken(description: "cannot bind to \(source)")
        }
        let result = withLoopbackAddress(port) { connect(socket, $0, $1) }
        guard result == 0 else { throw Broken(description: "cannot connect") }
        self.init(socket: socket)
    }

    /// Connected and with the handshake done.
    convenience init(port: Int, as identity: TLSIdentityFiles) throws {
        try self.init(port: port)
        try shakeHands(
            TLSSession(
                TLSContext(TLSIdentity(identity), .client), expecting: .server(name: "127.0.0.1", id: nil)))
    }

    deinit { close(socket) }

    func shakeHands(_ session: TLSSession) throws {
        self.session = session
        while true {
            let step = session.shakeHands()
            try flush(session)
            switch step {
            case .finished: return
            case .failed(let failure): throw failure
            case .wantsInput:
                let bytes = try receiveBytes()
                guard !bytes.isEmpty else { throw TLSFailure.closedDuringHandshake }
                bytes.withUnsafeBytes(session.receive)
            }
        }
    }

    func sendBytes(_ bytes: [UInt8]) throws {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes {
                Glibc.send(socket, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { throw Broken(description: "cannot send (\(errno))") }
            rest = rest.dropFirst(count)
        }
    }

    /// Whether there is something to receive, be it the end; does not wait.
    var hasInput: Bool {
        var byte: UInt8 = 0
        return recv(socket, &byte, 1, Int32(MSG_PEEK | MSG_DONTWAIT)) >= 0
    }

    /// Empty at the end of the other side's input.
    func receiveBytes() throws -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: 1 << 16)
        let count = recv(socket, &bytes, bytes.count, 0)
        guard count >= 0 else { throw Broken(description: "cannot receive (\(errno))") }
        return Array(bytes.prefix(count))
    }

    /// As a TLS record, or one record for each byte.
    func send(_ text: String, byteByByte: Bool = false) throws {
        guard let session else { throw Broken(description: "no session") }
        let bytes = Array(text.utf8)
        let size = byteByByte ? 1 : TLSSession.recordBytesMax
        for start in stride(from: 0, to: bytes.count, by: size) {
            let piece = bytes[start..<min(start + size, bytes.count)]
            guard case .success = piece.withUnsafeBytes(session.write) else {
                throw Broken(description: "cannot encrypt")
            }
            try flush(session)
        }
    }

    func sayGoodbye() throws {
        session?.sayGoodbye()
        if let session { try flush(session) }
    }

    /// A FIN without close_notify before it.
    func cutOutput() { shutdown(socket, Int32(SHUT_WR)) }

    /// Decrypts until `isEnough` or the end, which is nil if there was enough.
    func receive(until isEnough: (String) -> Bool = { _ in false }) throws -> (text: String, end: End?) {
        guard let session else { throw Broken(description: "no session") }
        var text: [UInt8] = []
        var room = [UInt8](repeating: 0, count: TLSSession.recordBytesMax)
        while true {
            let (count, end) = room.withUnsafeMutableBytes(session.read)
            text += room.prefix(count)
            let soFar = String(decoding: text, as: UTF8.self)
            if isEnough(soFar) { return (soFar, nil) }
            switch end {
            case nil: continue
            case .closeNotify?: return (soFar, .goodbye)
            case .failed(let failure)?: return (soFar, .failed(failure))
            case .wantsInput?:
                let bytes = try receiveBytes()
                guard !bytes.isEmpty else { return (soFar, .cut) }
                bytes.withUnsafeBytes(session.receive)
            }
        }
    }

    private func flush(_ session: TLSSession) throws {
        var bytes = [UInt8](repeating: 0, count: session.ciphertextCount)
        guard !bytes.isEmpty else { return }
        let count = bytes.withUnsafeMutableBytes(session.takeCiphertext)
        try sendBytes(Array(bytes.prefix(count)))
    }
}

/// A listening socket on a free port of this computer.
final class RawListener: Sendable {
    let port: Int
    private let socket: Int32

    init() throws {
        let listener = Glibc.socket(AF_INET, streamKind, 0)
        socket = listener
        guard withLoopbackAddress(0, "127.0.0.1", { bind(listener, $0, $1) }) == 0, listen(listener, 8) == 0
        else {
            throw RawConnection.Broken(description: "cannot listen")
        }
        var address = sockaddr_in()
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        _ = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(listener, $0, &size) }
        }
        port = Int(UInt16(bigEndian: address.sin_port))
    }

    deinit { close(socket) }

    func accept() throws -> RawConnection {
        let accepted = Glibc.accept(socket, nil, nil)
        guard accepted >= 0 else { throw RawConnection.Broken(description: "cannot accept") }
        _ = fcntl(accepted, F_SETFD, FD_CLOEXEC)
        return RawConnection(socket: accepted)
    }

    /// Accepts and shakes hands as a server that has `identity`, whatever that is good for.
    func accept(as identity: TLSIdentityFiles) throws -> RawConnection {
        let connection = try accept()
        let context = try TLSContext(TLSIdentity(identity), .server)
        try connection.shakeHands(TLSSession(context, expecting: .anyParty))
        return connection
    }
}

/// Not for the programs that other tests start at the same time.
private let streamKind = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue)

private func withLoopbackAddress<Result>(
    _ port: Int, _ host: String = "127.0.0.1", _ body: (UnsafePointer<sockaddr>, socklen_t) -> Result
) -> Result {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = UInt16(port).bigEndian
    address.sin_addr.s_addr = inet_addr(host)
    return withUnsafePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            body($0, socklen_t(MemoryLayout<sockaddr_in>.size))
        }
    }
}

/// Runs blocking work on a thread of its own.
func onThread<Result: Sendable>(_ body: @escaping @Sendable () throws -> Result) async throws -> Result {
    try await withCheckedThrowingContinuation { continuation in
        Thread.detachNewThread { continuation.resume(with: Swift.Result(catching: body)) }
    }
}
