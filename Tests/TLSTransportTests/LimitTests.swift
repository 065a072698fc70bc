import Cryptography
import Foundation
import Testing

@testable import TLSTransport

/// Peers with a certificate that misbehave all the same.
@Suite(.timeLimit(.minutes(2))) struct LimitTests {
    let consortium: TestConsortium
    let coordinator: TLSIdentityFiles
    let node: TLSIdentityFiles
    let log = LogBook()

    init() throws {
        consortium = try TestConsortium()
        coordinator = try consortium.party(.coordinator)
        node = try consortium.party(.node("hospital-1"))
    }

    /// Sends `text` on a new connection and returns all that comes back.
    private func exchange(
        _ text: String, limits: ServerLimits = ServerLimits(), byteByByte: Bool = false,
        until isEnough: @escaping @Sendable (String) -> Bool = { _ in false }
    ) async throws -> (text: String, end: RawConnection.End?) {
        try await withServer(coordinator, limits: limits, log: log) { [node] port in
            try await onThread {
                let connection = try RawConnection(port: port, as: node)
                try connection.send(text, byteByByte: byteByByte)
                return try connection.receive(until: isEnough)
            }
        }
    }

    @Test func `a body that is announced too large is refused unread`() async throws {
        let answer = try await exchange(
            "POST / HTTP/1.1\r\nContent-Length: 1001\r\n\r\n", limits: ServerLimits(bodyBytesMax: 1000))
        #expect(answer.text.hasPrefix("HTTP/1.1 413 Payload Too Large\r\n"))
        #expect(answer.text.hasSuffix("a request may have 1000 bytes at most\n"))
        #expect(answer.end == .goodbye)
    }

    @Test func `a body that turns out too large is refused half-way`() async throws {
        let chunk = "258\r\n\(String(repeating: "x", count: 600))\r\n"
        let answer = try await exchange(
            "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n\(chunk)\(chunk)",
            limits: ServerLimits(bodyBytesMax: 1000))
        #expect(answer.text.hasPrefix("HTTP/1.1 413 Payload Too Large\r\n"))
    }

    @Test func `who is refused may go on sending for a moment, and is not reset`() async throws {
        let limits = ServerLimits(bodyBytesMax: 1000)
        try await withServer(coordinator, limits: limits) { [node] port in
            let rest = try await onThread {
                let connection = try RawConnection(port: port, as: node)
                try connection.send("POST / HTTP/1.1\r\nContent-Length: 1000000\r\n\r\n")
                let answer = try connection.receive()
                #expect(answer.end == .goodbye)
                for _ in 0..<10 { try connection.sendBytes([UInt8](repeating: 0, count: 100_000)) }
                return try connection.receiveBytes()
            }
            #expect(rest.isEmpty)
        }
    }

    @Test func `a body of exactly the limit is taken`() async throws {
        let body = String(repeating: "x", count: 1000)
        let answer = try await exchange(
            "POST / HTTP/1.1\r\nContent-Length: 1000\r\nConnection: close\r\n\r\n\(body)",
            limits: ServerLimits(bodyBytesMax: 1000))
        #expect(answer.text.hasSuffix("1000 bytes"))
        #expect(answer.end == .goodbye)
    }

    @Test(arguments: [(500, 200), (501, 413)])
    func `a body is bounded by what its endpoint allows`(count: Int, status: Int) async throws {
        try await withServer(coordinator, bodyBytesMax: { $0.path == "/small" ? 500 : 1000 }) { [node] port in
            let client = MutualTLSClient(to: port, as: node)
            let body = [UInt8](repeating: 7, count: count)
            let small = try await client.send("POST", "/small", body: body, timeout: .seconds(20))
            #expect(small.status == status)
            let large = try await client.send("POST", "/large", body: body, timeout: .seconds(20))
            #expect(large.status == 200)
            await client.close()
        }
    }

    @Test func `a body that is not allowed is not waited for`() async throws {
        try await withServer(coordinator, bodyBytesMax: { _ in 0 }) { [node] port in
            for head in [
                "GET / HTTP/1.1\r\nContent-Length: 1\r\n\r\n", "POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\n",
            ] {
                let answer = try await onThread {
                    let connection = try RawConnection(port: port, as: node)
                    try connection.send(head)
                    return try connection.receive()
                }
                #expect(answer.text.hasPrefix("HTTP/1.1 413 "))
            }
        }
    }

    /// Two bodies of the largest size, and a little more: the rest are refused before they are read, and taken again afterwards.
    @Test func `a member's bodies under way are bounded together, however many connections it opens`()
        async throws
    {
        let size = 1 << 20
        try await withServer(coordinator, bodyBytesMax: { _ in size }) { [node] port in
            let head = "POST / HTTP/1.1\r\nContent-Length: \(size)\r\n\r\n"
            let statuses = try await onThread {
                let connections = try (0..<6).map { _ in try RawConnection(port: port, as: node) }
                for connection in connections.prefix(2) {
                    try connection.send(head + "x")
                    Thread.sleep(forTimeInterval: 0.2)
                }
                var heads: [String] = []
                for connection in connections[2...] {
                    try connection.send(head)
                    heads.append(try connection.receive().text)
                }
                for connection in connections.prefix(2) {
                    try connection.send(String(repeating: "x", count: size - 1))
                    heads.append(try connection.receive { $0.hasSuffix("bytes") }.text)
                }
                return heads.map { $0.prefix(12) }
            }
            #expect(
                statuses == Array(repeating: "HTTP/1.1 429", count: 4)
                    + Array(repeating: "HTTP/1.1 200", count: 2))
            let client = MutualTLSClient(to: port, as: node)
            let body = [UInt8](repeating: 7, count: size)
            let answer = try await client.send("POST", "/", body: body, timeout: .seconds(20))
            #expect(answer.status == 200)
            await client.close()
        }
    }

    @Test(arguments: ["path", "field", "fields"])
    func `a head that is too large is refused`(part: String) async throws {
        let head =
            switch part {
            case "path": "GET /\(String(repeating: "a", count: 17_000)) HTTP/1.1\r\n\r\n"
            case "field": "GET / HTTP/1.1\r\nA: \(String(repeating: "a", count: 17_000))\r\n\r\n"
            default: "GET / HTTP/1.1\r\n\(String(repeating: "A: b\r\n", count: 65))\r\n"
            }
        let answer = try await exchange(head)
        #expect(answer.text.hasPrefix("HTTP/1.1 431 Request Header Fields Too Large\r\n"))
        #expect(answer.end == .goodbye)
    }

    @Test(arguments: [
        "nonsense\r\n\r\n", "GET / HTTP/2.7\r\n\r\n", "GET  HTTP/1.1\r\n\r\n", "GET /../x HTTP/1.1\r\n\r\n",
        "GET /a%2fb HTTP/1.1\r\n\r\n", "GET /?a=1&a=2 HTTP/1.1\r\n\r\n", "OPTIONS / HTTP/1.1\r\n\r\n",
        "CONNECT c:443 HTTP/1.1\r\n\r\n", "GET http://c/ HTTP/1.1\r\n\r\n",
        "POST / HTTP/1.1\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
        "POST / HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "POST / HTTP/1.1\r\nContent-Length: -3\r\n\r\n",
    ])
    func `what is not an acceptable request is refused`(head: String) async throws {
        let answer = try await exchange(head)
        #expect(answer.text.hasPrefix("HTTP/1.1 400 Bad Request\r\n"))
        #expect(answer.end == .goodbye)
    }

    @Test func `a request may come byte by byte`() async throws {
        let answer = try await exchange(
            "POST /slow HTTP/1.1\r\nContent-Length: 4\r\nConnection: close\r\n\r\nbody", byteByByte: true)
        #expect(answer.text.hasSuffix("POST /slow [] 4 bytes"))
    }

    @Test func `who waits to be asked for the body is asked`() async throws {
        try await withServer(coordinator) { [node] port in
            let answers = try await onThread {
                let connection = try RawConnection(port: port, as: node)
                try connection.send("POST / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n")
                let interim = try connection.receive { $0.hasSuffix("\r\n\r\n") }.text
                try connection.send("ok")
                return (interim, try connection.receive { $0.hasSuffix("bytes") }.text)
            }
            #expect(answers.0 == "HTTP/1.1 100 Continue\r\n\r\n")
            #expect(answers.1.hasSuffix("2 bytes"))
        }
    }

    @Test func `a second request before the first answer ends the connection`() async throws {
        let answer = try await exchange("GET /a HTTP/1.1\r\n\r\nGET /b HTTP/1.1\r\n\r\n")
        #expect(answer.text == "")
        #expect(answer.end == .goodbye)
        #expect(log.lines.contains { $0.contains("sent a request before the answer to the last one") })
    }

    @Test func `a head that does not end is given up`() async throws {
        let answer = try await exchange("GET / HTTP/1.1\r\nA: b", limits: ServerLimits(headerSeconds: 1))
        #expect(answer.text == "" && answer.end == .goodbye)
        #expect(log.lines.contains { $0.contains("did not finish a request's head in time") })
    }

    @Test func `a body that stops is given up`() async throws {
        let answer = try await exchange(
            "POST / HTTP/1.1\r\nContent-Length: 10\r\n\r\nhalf", limits: ServerLimits(idleSeconds: 1))
        #expect(answer.text == "" && answer.end == .goodbye)
        #expect(log.lines.contains { $0.contains("has gone silent") })
    }

    @Test func `an idle connection ends with a goodbye`() async throws {
        let answer = try await exchange("GET / HTTP/1.1\r\n\r\n", limits: ServerLimits(idleSeconds: 1))
        #expect(answer.text.hasSuffix("GET / [] 0 bytes"))
        #expect(answer.end == .goodbye)
    }

    @Test func `a request that is cut off is never answered`() async throws {
        let gauge = Gauge()
        let respond: @Sendable (HTTPCall) async -> HTTPAnswer = { call in
            gauge.enter()
            return await echo(call)
        }
        try await withServer(coordinator, log: log, respond: respond) { [node] port in
            let answer = try await onThread {
                let connection = try RawConnection(port: port, as: node)
                try connection.send("POST / HTTP/1.1\r\nContent-Length: 10\r\n\r\nhalf")
                connection.cutOutput()
                return try connection.receive()
            }
            #expect(answer.text == "")
            let line = await log.line(with: "without a goodbye")
            #expect(line.hasPrefix("notice: spiffe://liver/node/hospital-1 at 127.0.0.1:"))
        }
        #expect(gauge.entries == 0)
    }

    @Test func `a flipped bit ends the connection`() async throws {
        try await withServer(coordinator, log: log) { [node] port in
            let end = try await onThread {
                let connection = try RawConnection(port: port, as: node)
                try connection.sendBytes([23, 3, 3, 0, 32] + [UInt8](repeating: 0x55, count: 32))
                return try connection.receive().end
            }
            #expect(end == .failed(.alert(20)))  // bad_record_mac
            #expect(await log.line(with: "TLS error").contains("bad record mac"))
        }
    }

    @Test func `a large answer reaches a reader that begins late`() async throws {
        let body = [UInt8](repeating: UInt8(ascii: "x"), count: 16 << 20)
        let respond: @Sendable (HTTPCall) async -> HTTPAnswer = { _ in
            HTTPAnswer(status: 200, contentType: "text/plain", body: body)
        }
        try await withServer(coordinator, respond: respond) { [node] port in
            let count = try await onThread {
                let connection = try RawConnection(port: port, as: node)
                try connection.send("GET / HTTP/1.1\r\nConnection: close\r\n\r\n")
                return try connection.receive().text.utf8.count
            }
            #expect(count > 16 << 20)
        }
    }
}
