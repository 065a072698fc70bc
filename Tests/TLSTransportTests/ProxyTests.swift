import Cryptography
import Foundation
import Testing

@testable import TLSTransport

@Suite(.timeLimit(.minutes(2))) struct ProxyTests {
    let consortium: TestConsortium
    let coordinator: TLSIdentityFiles
    let node: TLSIdentityFiles

    init() throws {
        consortium = try TestConsortium()
        coordinator = try consortium.party(.coordinator)
        node = try consortium.party(.node("hospital-1"))
    }

    @Test func `a request goes through a proxy's tunnel`() async throws {
        let proxy = try RawListener()
        try await withServer(coordinator) { port in
            // One connection: what each side says goes to the other until both have hung up.
            async let asked = onThread {
                let near = try proxy.accept()
                let request = try Self.readHead(near)
                try near.sendBytes(Array("HTTP/1.1 200 Connection established\r\nVia: proxy\r\n\r\n".utf8))
                let far = try RawConnection(port: port)
                let back = Tunnel(from: far, to: near)
                Thread.detachNewThread { back.run() }
                Tunnel(from: near, to: far).run()
                return request
            }
            let client = MutualTLSClient(
                to: port, as: node, proxy: ProxyAddress(host: "127.0.0.1", port: proxy.port))
            let body = [UInt8](repeating: 7, count: 1 << 20)
            let answer = try await client.send("POST", "/through", body: body, timeout: .seconds(20))
            #expect(answer.text == "spiffe://liver/node/hospital-1 POST /through [] 1048576 bytes")
            await client.close()
            let request = try await asked
            #expect(request == "CONNECT 127.0.0.1:\(port) HTTP/1.1\r\nHost: 127.0.0.1:\(port)\r\n\r\n")
        }
    }

    @Test(arguments: [
        (
            "HTTP/1.1 407 Proxy Authentication Required\r\n\r\n",
            "it wants a user and password (407); give it the file with them as proxy-credentials"
        ),
        (
            "HTTP/1.1 407 No\r\nProxy-Authenticate: Negotiate\r\nproxy-authenticate: NTLM\r\n\r\n",
            "it wants to know who asks by Negotiate, NTLM, and this program knows Basic alone"
        ),
        ("HTTP/1.0 403 Forbidden\r\nContent-Length: 2\r\n\r\nno", "it answers 403 Forbidden"),
        ("SSH-2.0-OpenSSH_9.2\r\n\r\n", "it does not speak HTTP"),
        ("HTTP/1.1 200 OK\r\n\r\nand more", "it says more than it should"),
        ("HTTP/1.1 200 OK\r\nA: \(String(repeating: "a", count: 17_000))", "its answer has no end"),
        ("HTTP/1.1 200 OK\r\n", "it hung up"),
        ("", "it hung up"),
    ])
    func `a proxy that gives no way through is named as the reason`(answer: String, reason: String)
        async throws
    {
        let proxy = try RawListener()
        async let played: Void = onThread {
            let connection = try proxy.accept()
            _ = try Self.readHead(connection)
            try connection.sendBytes(Array(answer.utf8))
            connection.cutOutput()
            while try !connection.receiveBytes().isEmpty {}
        }
        let said = await MutualTLSClient(
            to: 443, as: node, proxy: ProxyAddress(host: "127.0.0.1", port: proxy.port)
        ).failure()
        #expect(said == "the proxy gave no way through: \(reason)")
        try await played
    }

    /// RFC 7617, section 2: its own example, the one with other characters than ASCII, and a password with colons.
    @Test(arguments: [
        ("Aladdin:open sesame\n", "QWxhZGRpbjpvcGVuIHNlc2FtZQ=="), ("test:123\u{A3}", "dGVzdDoxMjPCow=="),
        ("u:a:b\r\n", "dTphOmI="), ("u:", "dTo="),
    ])
    func `a proxy is told the user and password of a file`(content: String, encoded: String) async throws {
        let file = try credentials(content)
        let proxy = try RawListener()
        async let asked: String = onThread {
            let connection = try proxy.accept()
            let head = try Self.readHead(connection)
            try connection.sendBytes(Array("HTTP/1.1 407 \(encoded) \(content)\r\n\r\n".utf8))
            return head
        }
        let said = await MutualTLSClient(
            to: 443, as: node,
            proxy: ProxyAddress(host: "127.0.0.1", port: proxy.port, credentialsFile: file)
        ).failure()
        #expect(try await asked.contains("\r\nProxy-Authorization: Basic \(encoded)\r\n"))
        #expect(
            said
                == "the proxy gave no way through: it does not accept the user and password of the file proxy-credentials (407)"
        )
    }

    @Test(arguments: [500, 403, 302])
    func `what a proxy says that was told a password is not repeated`(status: Int) async throws {
        let file = try credentials("me:hush-hush")
        let proxy = try RawListener()
        async let played: Void = onThread {
            let connection = try proxy.accept()
            _ = try Self.readHead(connection)
            try connection.sendBytes(Array("HTTP/1.1 \(status) no way, me:hush-hush\r\n\r\n".utf8))
        }
        let said = await MutualTLSClient(
            to: 443, as: node,
            proxy: ProxyAddress(host: "127.0.0.1", port: proxy.port, credentialsFile: file)
        ).failure()
        #expect(said == "the proxy gave no way through: it answers \(status)")
        try await played
    }

    @Test(arguments: [
        "", "user", ":password", "user:pass\nmore", "us\u{1}er:x", "u:" + String(repeating: "x", count: 2000),
    ])
    func `a file that has not a user and a password is refused without a word of it`(content: String)
        async throws
    {
        let file = try credentials(content)
        let said = await MutualTLSClient(
            to: 443, as: node, proxy: ProxyAddress(host: "127.0.0.1", port: 1, credentialsFile: file)
        ).failure()
        #expect(said == "\(file) is not one line of the form user:password")
    }

    @Test func `a password that others can read is refused`() async throws {
        let file = try credentials("me:hush-hush", mode: 0o644)
        let said = await MutualTLSClient(
            to: 443, as: node, proxy: ProxyAddress(host: "127.0.0.1", port: 1, credentialsFile: file)
        ).failure()
        #expect(said?.hasSuffix("can be read by others; run \"chmod 600 \(file)\"") == true)
    }

    private func credentials(_ content: String, mode: Int = 0o600) throws -> String {
        let file = URL(fileURLWithPath: node.privateKey).deletingLastPathComponent().appendingPathComponent(
            "proxy-\(UUID().uuidString)")
        try Data(content.utf8).write(to: file)
        try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: file.path)
        return file.path
    }

    @Test func `a proxy that says nothing is an error in time`() async throws {
        let proxy = try RawListener()
        let client = MutualTLSClient(
            to: 443, as: node, proxy: ProxyAddress(host: "127.0.0.1", port: proxy.port))
        #expect(await client.failure(timeout: .milliseconds(300)) == TransportError.timedOut.description)
    }

    @Test func `a proxy that is not there is named as the reason`() async {
        let said = await MutualTLSClient(
            to: 443, as: node, proxy: ProxyAddress(host: "127.0.0.1", port: 1)
        ).failure()
        #expect(
            said == "the proxy gave no way through: cannot connect to 127.0.0.1:1: connection refused")
    }

    @Test func `a proxy's answer may come byte by byte`() async throws {
        let proxy = try RawListener()
        async let played: [UInt8] = onThread {
            let connection = try proxy.accept()
            _ = try Self.readHead(connection)
            for byte in Array("HTTP/1.1 200 OK\r\n\r\n".utf8) { try connection.sendBytes([byte]) }
            return try connection.receiveBytes()
        }
        let client = MutualTLSClient(
            to: 443, as: node, proxy: ProxyAddress(host: "127.0.0.1", port: proxy.port))
        #expect(await client.failure() == "the other side hung up during the TLS handshake")
        #expect(try await played.starts(with: [22, 3, 1]))  // a ClientHello: the tunnel was taken
    }

    @Test(arguments: [
        ("2001:db8::1", "[2001:db8::1]:443"), ("coordinator.example.org", "coordinator.example.org:443"),
    ])
    func `addresses are written as in a URI`(host: String, authority: String) {
        let target = ClientTarget(
            host: host, port: 443, expectation: .server(name: host, id: nil), proxy: nil, replyBytesMax: 1)
        #expect(target.authority == authority)
    }

    private static func readHead(_ connection: RawConnection) throws -> String {
        var head: [UInt8] = []
        while !String(decoding: head, as: UTF8.self).hasSuffix("\r\n\r\n") {
            head += try connection.receiveBytes()
        }
        return String(decoding: head, as: UTF8.self)
    }

    /// One direction of a proxy's tunnel.
    ///
    /// Safe to hand to a thread: a direction reads one socket and writes the other, and nothing else.
    private struct Tunnel: @unchecked Sendable {
        let from: RawConnection
        let to: RawConnection

        func run() {
            while let bytes = try? from.receiveBytes(), !bytes.isEmpty {
                guard (try? to.sendBytes(bytes)) != nil else { break }  // the other side has gone
            }
            to.cutOutput()
        }
    }
}
