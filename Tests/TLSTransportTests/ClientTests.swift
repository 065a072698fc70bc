import Cryptography
import Testing

@testable import TLSTransport

@Suite(.timeLimit(.minutes(2))) struct ClientTests {
    let consortium: TestConsortium
    let coordinator: TLSIdentityFiles
    let node: TLSIdentityFiles

    init() throws {
        consortium = try TestConsortium()
        coordinator = try consortium.party(.coordinator)
        node = try consortium.party(.node("hospital-1"))
    }

    /// Plays the server on raw connections, one `script` for each connection in turn; returns what the client
    /// says.
    private func play<Said: Sendable>(
        _ scripts: [@Sendable (RawConnection) throws -> Void],
        _ client: (MutualTLSClient) async throws -> Said, replyBytesMax: Int = 1 << 20
    ) async throws -> Said {
        let listener = try RawListener()
        async let played: Void = onThread { [coordinator] in
            for script in scripts { try script(listener.accept(as: coordinator)) }
        }
        let said = try await client(
            MutualTLSClient(to: listener.port, as: node, replyBytesMax: replyBytesMax))
        try await played
        return said
    }

    /// Reads one request without a body, and sends `answer`.
    private static func answering(_ answer: String) -> @Sendable (RawConnection) throws -> Void {
        { connection in
            _ = try connection.receive { $0.hasSuffix("\r\n\r\n") }
            try connection.send(answer)
        }
    }

    @Test func `one kept-alive connection serves one request after the other`() async throws {
        let log = LogBook()
        try await withServer(coordinator, limits: ServerLimits(connectionsMax: 1), log: log) { port in
            let client = MutualTLSClient(to: port, as: node)
            for number in 0..<50 {
                let answer = try await client.send("GET", "/\(number)", timeout: .seconds(20))
                #expect(answer.status == 200)
            }
        }
        #expect(!log.lines.contains { $0.contains("connections are open") })
    }

    @Test func `a long poll does not hold up a post`() async throws {
        let (released, release) = AsyncStream.makeStream(of: Void.self)
        let respond: @Sendable (HTTPCall) async -> HTTPAnswer = { call in
            if call.head.path == "/poll" { _ = await released.first { true } } else { release.yield() }
            return await echo(call)
        }
        try await withServer(coordinator, respond: respond) { port in
            let client = MutualTLSClient(to: port, as: node)
            async let poll = client.send("GET", "/poll", timeout: .seconds(60))
            async let post = client.send("POST", "/post", timeout: .seconds(60))
            let statuses = try await [poll.status, post.status]
            #expect(statuses == [200, 200])
        }
    }

    @Test func `a client survives its server's restart`() async throws {
        let (port, client) = try await withServer(coordinator) { port in
            let client = MutualTLSClient(to: port, as: node)
            let answer = try await client.send("GET", "/before", timeout: .seconds(20))
            #expect(answer.status == 200)
            return (port, client)
        }
        try await whilePortIsTaken {
            try await withServer(coordinator, port: port) { _ in
                let answer = try await client.send("GET", "/after", timeout: .seconds(20))
                #expect(answer.text == "spiffe://liver/node/hospital-1 GET /after [] 0 bytes")
            }
        }
    }

    /// Tries again for a minute: a program that another test starts holds all our sockets until it runs, and connections of
    /// others may be given the port.
    private func whilePortIsTaken(_ body: () async throws -> Void) async throws {
        for _ in 0..<300 {
            do { return try await body() } catch TransportError.setup(let reason)
                where reason.contains("address already in use")
            {
                try await Task.sleep(for: .milliseconds(200))
            }
        }
        try await body()
    }

    @Test func `a kept-alive connection that ends unanswered is replaced, and the request sent again`()
        async throws
    {
        let texts = try await play([
            { connection in
                try Self.answering("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\none")(connection)
                // The second request gets no answer.
                _ = try connection.receive { $0.hasSuffix("\r\n\r\n") }
            },
            Self.answering("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\ntwo"),
        ]) { client in
            let one = try await client.send("GET", "/", timeout: .seconds(20)).text
            return try await [one, client.send("GET", "/", timeout: .seconds(20)).text]
        }
        #expect(texts == ["one", "two"])
    }

    @Test func `a new connection that ends unanswered is an error`() async throws {
        let said = try await play([{ _ = try $0.receive { $0.hasSuffix("\r\n\r\n") } }]) {
            await $0.failure()
        }
        #expect(said?.hasSuffix("hung up without an answer") == true)
    }

    @Test func `an answer that is cut off is an error`() async throws {
        let half = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf"
        let cut = try await play([Self.answering(half)]) { await $0.failure() }
        #expect(cut == TransportError.truncated.description)
        let goodbye = try await play([
            { connection in
                try Self.answering(half)(connection)
                try connection.sayGoodbye()
            }
        ]) { await $0.failure() }
        #expect(goodbye == TransportError.truncated.description)
    }

    @Test func `an answer without a length ends with a goodbye, not with a cut`() async throws {
        let open = "HTTP/1.1 200 OK\r\n\r\nall there is"
        let text = try await play([
            { connection in
                try Self.answering(open)(connection)
                try connection.sayGoodbye()
            }
        ]) { try await $0.send("GET", "/", timeout: .seconds(20)).text }
        #expect(text == "all there is")
        let cut = try await play([Self.answering(open)]) { await $0.failure() }
        #expect(cut == TransportError.truncated.description)
    }

    @Test(arguments: [
        "HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3e9\r\n" + String(repeating: "x", count: 1001),
    ])
    func `an answer that is too large is an error`(answer: String) async throws {
        let said = try await play([Self.answering(answer)], { await $0.failure() }, replyBytesMax: 1000)
        #expect(said == TransportError.tooLarge.description)
    }

    @Test func `an answer that is not HTTP is an error`() async throws {
        let said = try await play([Self.answering("SSH-2.0-OpenSSH_9.2\r\n")]) { await $0.failure() }
        #expect(said?.hasPrefix("the other side's answer is not HTTP") == true)
    }

    @Test func `no answer in time is an error`() async throws {
        let respond: @Sendable (HTTPCall) async -> HTTPAnswer = { call in
            await untilCancelled()
            return await echo(call)
        }
        try await withServer(coordinator, respond: respond) { port in
            let said = await MutualTLSClient(to: port, as: node).failure(timeout: .milliseconds(300))
            #expect(said == TransportError.timedOut.description)
        }
    }

    @Test func `a server that accepts and says nothing is an error in time`() async throws {
        let listener = try RawListener()
        let said = await MutualTLSClient(to: listener.port, as: node).failure(timeout: .milliseconds(300))
        #expect(said == TransportError.timedOut.description)
    }

    @Test func `who waits for a free connection waits no longer than asked`() async throws {
        let (asked, sawRequest) = AsyncStream.makeStream(of: Void.self)
        let respond: @Sendable (HTTPCall) async -> HTTPAnswer = { call in
            sawRequest.yield()
            await untilCancelled()
            return await echo(call)
        }
        try await withServer(coordinator, respond: respond) { port in
            let client = MutualTLSClient(to: port, as: node)
            let polls = (0..<4).map { number in
                Task { await client.failure("GET", "/\(number)", timeout: .seconds(60)) }
            }
            for await _ in asked.prefix(4) {}
            let said = await client.failure("GET", "/late", timeout: .milliseconds(100))
            #expect(said == TransportError.timedOut.description)
            await client.close()
            for poll in polls { #expect(await poll.value != nil) }
            #expect(await client.failure() == TransportError.cancelled.description)
        }
    }

    @Test func `nobody there is said in words`() async {
        let said = await MutualTLSClient(to: 1, as: node).failure()
        #expect(said == "cannot connect to 127.0.0.1:1: connection refused")
        let client = MutualTLSClient(
            host: "no-such-host.invalid", port: 1, serverName: nil, expectedPeer: nil, identity: node,
            proxy: nil)
        #expect(
            await client.failure()
                == "cannot connect to no-such-host.invalid:1: the name no-such-host.invalid does not resolve")
    }

    @Test func `a wrong file is named`() async throws {
        var files = node
        files.privateKey = consortium.path("nowhere.key")
        let missing = await MutualTLSClient(to: 1, as: files).failure()
        #expect(missing == "cannot read \(consortium.path("nowhere.key")): no such file or directory")
        files.privateKey = coordinator.privateKey
        let foreign = await MutualTLSClient(to: 1, as: files).failure()
        #expect(
            foreign == "the private key does not belong to the certificate of spiffe://liver/node/hospital-1")
        files.privateKey = node.certificateChain
        let wrong = await MutualTLSClient(to: 1, as: files).failure()
        #expect(wrong?.hasPrefix("\(node.certificateChain): the private key cannot be read") == true)
    }

    @Test(arguments: ["", "x", "/a b", "/a\r\nX: y", "/é"])
    func `a path cannot smuggle anything in`(path: String) async {
        let said = await MutualTLSClient(to: 1, as: node).failure("GET", path)
        #expect(said == "\"\(path)\" is not a path")
    }
}
