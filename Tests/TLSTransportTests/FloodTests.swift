import Cryptography
import Foundation
import NIOCore
import Testing

@testable import TLSTransport

/// Many connections at once: nobody may take the places of the others.
@Suite(.timeLimit(.minutes(2))) struct FloodTests {
    /// Keeps the identity files.
    let consortium: TestConsortium
    let coordinator: TLSIdentityFiles
    let node: TLSIdentityFiles
    let other: TLSIdentityFiles
    let log = LogBook()

    init() throws {
        consortium = try TestConsortium()
        coordinator = try consortium.party(.coordinator)
        node = try consortium.party(.node("hospital-1"))
        other = try consortium.party(.node("hospital-2"))
    }

    @Test
    func `silent strangers of one address lock out neither other addresses nor, once given up, their own`()
        async throws
    {
        let limits = ServerLimits(handshakeSeconds: 2, handshakesPerAddressMax: 3, connectionsMax: 20)
        try await withServer(coordinator, limits: limits, log: log) { [node] port in
            let client = MutualTLSClient(to: port, as: node)
            try await onThread {
                // A stranger may have more sockets than the server has places.
                let flood = try (0..<30).map { _ in try RawConnection(port: port, from: "127.0.0.9") }
                let closed = flood.dropFirst(3).filter { (try? $0.receiveBytes())?.isEmpty ?? true }
                #expect(closed.count == 27)
            }
            #expect(
                await log.line(with: "3 handshakes of 127.0.0.9 are not over").hasPrefix("warning: refused"))
            #expect(await client.failure() == nil, "another address is served")
        }
    }

    @Test func `an address that was flooded from is served again after the handshake's time`() async throws {
        let limits = ServerLimits(handshakeSeconds: 1, handshakesPerAddressMax: 3)
        try await withServer(coordinator, limits: limits, log: log) { [node] port in
            try await onThread {
                let flood = try (0..<3).map { _ in try RawConnection(port: port) }
                #expect(try RawConnection(port: port).receiveBytes().isEmpty)
                for connection in flood { _ = try connection.receiveBytes() }
            }
            let client = MutualTLSClient(to: port, as: node)
            #expect(await client.failure() == nil)
        }
    }

    @Test func `handshakes that are over do not count`() async throws {
        let limits = ServerLimits(connectionsPerIdentityMax: 8, handshakesPerAddressMax: 1)
        try await withServer(coordinator, limits: limits) { [node] port in
            try await onThread {
                var open: [RawConnection] = []
                for _ in 0..<6 {
                    // An answer shows that the server too has seen the handshake's end.
                    let connection = try RawConnection(port: port, as: node)
                    try connection.send("GET / HTTP/1.1\r\n\r\n")
                    #expect(try connection.receive { $0.hasSuffix("bytes") }.text.hasPrefix("HTTP/1.1 200"))
                    open.append(connection)
                }
            }
        }
    }

    /// Those beyond the limit are told so, and those beyond twice the limit have no place at all.
    @Test func `a member that opens connections without end takes no more than twice its share`() async throws
    {
        let limits = ServerLimits(connectionsPerIdentityMax: 2, connectionsMax: 16)
        try await withServer(coordinator, limits: limits, log: log) { [node, other] port in
            try await onThread {
                // In which order the server sees the handshakes end is its own affair.
                let flood = try (0..<12).map { _ in try RawConnection(port: port, as: node) }
                for _ in 0..<3000 where flood.count(where: \.hasInput) < 8 { usleep(10_000) }
                for connection in flood where connection.hasInput {
                    #expect(try connection.receive().text == "")
                }
                // Four are still open: two are served, two are told.
                let texts = try flood.filter { !$0.hasInput }.map { connection in
                    try connection.send("GET / HTTP/1.1\r\n\r\n")
                    return try connection.receive { $0.contains("bytes") || $0.contains("too many") }.text
                }
                #expect(texts.filter { $0.hasPrefix("HTTP/1.1 200") }.count == 2)
                #expect(texts.filter { $0.hasPrefix("HTTP/1.1 429") }.count == 2)
            }
            #expect(
                await log.line(with: "has too many connections; this one is closed").contains("hospital-1"))
            #expect(await MutualTLSClient(to: port, as: other).failure() == nil, "others are served")
        }
    }

    @Test(arguments: [
        ("127.0.0.1", "127.0.0.1"), ("::ffff:10.1.2.3", "10.1.2.3"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::9", "2001:db8:1:2::/64"), ("::1", "0:0:0:0::/64"),
    ])
    func `addresses are counted by network`(_ address: String, _ network: String) throws {
        #expect(networkText(try SocketAddress(ipAddress: address, port: 1)) == network)
    }
}
