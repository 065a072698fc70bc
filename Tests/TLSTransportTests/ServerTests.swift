import Cryptography
import ServiceLifecycle
import TLSTransport
import Testing

@Suite(.timeLimit(.minutes(2))) struct ServerTests {
    let consortium: TestConsortium
    let coordinator: TLSIdentityFiles
    let node: TLSIdentityFiles

    init() throws {
        consortium = try TestConsortium()
        coordinator = try consortium.party(.coordinator)
        node = try consortium.party(.node("hospital-1"))
    }

    @Test func `a request comes with its proven sender, path, query and body`() async throws {
        try await withServer(coordinator) { port in
            let client = MutualTLSClient(to: port, as: node)
            let answer = try await client.send(
                "POST", "/v1/rounds/7?wait=30&site=a%20b", contentType: "text/plain", body: [1, 2, 3],
                timeout: .seconds(20))
            #expect(answer.status == 200)
            #expect(answer.contentType == "text/plain")
            #expect(
                answer.text == "spiffe://liver/node/hospital-1 POST /v1/rounds/7 [site=a b,wait=30] 3 bytes")
        }
    }

    @Test func `four megabytes go there and come back`() async throws {
        let body = (0..<4 << 20).map { UInt8(truncatingIfNeeded: $0 &* 2_654_435_761 >> 13) }
        try await withServer(coordinator, respond: { .init(status: 201, contentType: "a/b", body: $0.body) })
        { port in
            let client = MutualTLSClient(to: port, as: node)
            let answer = try await client.send("POST", "/", body: body, timeout: .seconds(60))
            #expect(answer == HTTPAnswer(status: 201, contentType: "a/b", body: body))
        }
    }

    @Test func `twenty requests in parallel get twenty answers over at most four connections`() async throws {
        let gauge = Gauge()
        let respond: @Sendable (HTTPCall) async -> HTTPAnswer = { call in
            gauge.enter()
            await Task.yield()
            gauge.leave()
            return await echo(call)
        }
        try await withServer(coordinator, respond: respond) { port in
            let client = MutualTLSClient(to: port, as: node)
            let texts = try await withThrowingTaskGroup(of: String.self) { group in
                for number in 0..<20 {
                    group.addTask { try await client.send("GET", "/\(number)", timeout: .seconds(60)).text }
                }
                return try await group.reduce(into: Set()) { $0.insert($1) }
            }
            #expect(texts == Set((0..<20).map { "spiffe://liver/node/hospital-1 GET /\($0) [] 0 bytes" }))
            #expect(gauge.most <= 4)
            #expect(gauge.entries == 20)
        }
    }

    @Test func `a node on an operator's path is refused before its body is read`() async throws {
        let authorize: @Sendable (HTTPRequestHeadView) -> HTTPAnswer? = { head in
            if case .operator = head.peer.role { return nil }
            return HTTPAnswer(status: 403, contentType: "text/plain", body: Array("operators only".utf8))
        }
        let gauge = Gauge()
        let respond: @Sendable (HTTPCall) async -> HTTPAnswer = { call in
            gauge.enter()
            return await echo(call)
        }
        let ada = try consortium.party(.operator("ada"))
        try await withServer(coordinator, authorize: authorize, respond: respond) { [node] port in
            // Only the head is sent: the answer cannot have waited for the body.
            let (text, end) = try await onThread {
                let connection = try RawConnection(port: port, as: node)
                try connection.send("POST /v1/studies HTTP/1.1\r\nHost: c\r\nContent-Length: 1000000\r\n\r\n")
                return try connection.receive()
            }
            #expect(text.hasPrefix("HTTP/1.1 403 Forbidden\r\n"))
            #expect(text.contains("connection: close\r\n"))
            #expect(text.hasSuffix("\r\n\r\noperators only"))
            #expect(end == .goodbye)

            // Who sends the body all the same still gets the answer.
            let client = MutualTLSClient(to: port, as: node)
            let body = [UInt8](repeating: 1, count: 20 << 20)
            let refused = try await client.send("POST", "/v1/studies", body: body, timeout: .seconds(60))
            #expect(refused.status == 403 && refused.text == "operators only")
            #expect(gauge.entries == 0)

            let operatorClient = MutualTLSClient(to: port, as: ada)
            #expect(
                try await operatorClient.send("POST", "/v1/studies", body: [1], timeout: .seconds(60)).status
                    == 200)
        }
    }

    @Test func `a ninth connection of one party is told so, others are served`() async throws {
        let limits = ServerLimits(connectionsPerIdentityMax: 2)
        let other = try consortium.party(.node("hospital-2"))
        try await withServer(coordinator, limits: limits) { [node] port in
            let texts = try await onThread {
                let connections = try (0..<3).map { _ in try RawConnection(port: port, as: node) }
                return try connections.map { connection in
                    try connection.send("GET / HTTP/1.1\r\n\r\n")
                    return try connection.receive { $0.contains("bytes") || $0.contains("too many") }.text
                }
            }
            #expect(texts.filter { $0.hasPrefix("HTTP/1.1 200 OK\r\n") }.count == 2)
            #expect(texts.filter { $0.hasPrefix("HTTP/1.1 429 Too Many Requests\r\n") }.count == 1)
            #expect(
                try await MutualTLSClient(to: port, as: other).send("GET", "/", timeout: .seconds(20)).status
                    == 200)
        }
    }

    @Test func `a connection that has ended counts no more`() async throws {
        try await withServer(coordinator, limits: ServerLimits(connectionsPerIdentityMax: 1)) { [node] port in
            let served = try await onThread {
                // The server may hear of an end a little later than we: refusals are fine, for ever is not.
                var served = 0
                for _ in 0..<200 where served < 3 {
                    let connection = try RawConnection(port: port, as: node)
                    try connection.send("GET / HTTP/1.1\r\nConnection: close\r\n\r\n")
                    if try connection.receive().text.hasPrefix("HTTP/1.1 200 OK\r\n") { served += 1 }
                }
                return served
            }
            #expect(served == 3)
        }
    }

    @Test func `connections beyond the limit are closed and logged`() async throws {
        let log = LogBook()
        try await withServer(coordinator, limits: ServerLimits(connectionsMax: 1), log: log) { [node] port in
            try await onThread {
                let first = try RawConnection(port: port, as: node)
                let second = try RawConnection(port: port)
                #expect(try second.receiveBytes().isEmpty)
                try first.sayGoodbye()
            }
            #expect(await log.line(with: "1 connections are open").hasPrefix("warning: refused 127.0.0.1:"))
        }
    }

    @Test func `a graceful shutdown finishes the answer under way, which hears of it`() async throws {
        let (asked, sawRequest) = AsyncStream.makeStream(of: Void.self)
        let (ports, bound) = AsyncStream.makeStream(of: Int.self)
        let server = MutualTLSServer(
            host: "127.0.0.1", port: 0, identity: coordinator, limits: ServerLimits(),
            logger: LogBook().logger,
            authorize: { _ in nil }, onBound: { bound.yield($0) },
            respond: { _ in
                sawRequest.yield()
                try? await gracefulShutdown()  // a long poll that nothing else ends
                return HTTPAnswer(status: 200, contentType: "text/plain", body: Array("stopping".utf8))
            })
        let group = ServiceGroup(
            configuration: .init(services: [.init(service: server)], logger: LogBook().logger))
        async let run: Void = group.run()
        let port = try #require(await ports.first { _ in true })
        let client = MutualTLSClient(to: port, as: node)
        async let answer = client.send("GET", "/", timeout: .seconds(60))
        _ = await asked.first { true }
        await group.triggerGracefulShutdown()
        #expect(try await answer.text == "stopping")
        try await run
        let afterwards = await client.failure()
        #expect(afterwards != nil)  // usually: connection refused
    }

    @Test func `an answer that nobody waits for any more is given up`() async throws {
        let (asked, sawRequest) = AsyncStream.makeStream(of: Void.self)
        let (cancelled, sawCancellation) = AsyncStream.makeStream(of: Void.self)
        let respond: @Sendable (HTTPCall) async -> HTTPAnswer = { call in
            sawRequest.yield()
            if call.head.path == "/long" {
                await untilCancelled()
                sawCancellation.yield()
            }
            return await echo(call)
        }
        try await withServer(coordinator, respond: respond) { port in
            let client = MutualTLSClient(to: port, as: node)
            let long = Task { await client.failure("GET", "/long", timeout: .seconds(60)) }
            _ = await asked.first { true }
            long.cancel()
            #expect(await long.value == TransportError.cancelled.description)
            _ = await cancelled.first { true }
            let short = try await client.send("GET", "/short", timeout: .seconds(20))
            #expect(short.status == 200)
        }
    }

    @Test func `an answer without content has none on the wire`() async throws {
        let respond: @Sendable (HTTPCall) async -> HTTPAnswer = { _ in
            HTTPAnswer(status: 204, contentType: "text/plain", body: [1, 2, 3])
        }
        try await withServer(coordinator, respond: respond) { port in
            let client = MutualTLSClient(to: port, as: node)
            for _ in 0..<2 {
                let answer = try await client.send("DELETE", "/", timeout: .seconds(20))
                #expect(answer.status == 204 && answer.body.isEmpty)
            }
        }
    }

    @Test func `a server takes only a certificate that is for servers`() async throws {
        await #expect {
            try await withServer(node) { _ in }
        } throws: {
            "\($0)".hasSuffix(
                "hospital-1.pem: the certificate of spiffe://liver/node/hospital-1 is not for a server")
        }
    }
}
