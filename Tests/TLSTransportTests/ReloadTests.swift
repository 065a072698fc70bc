import Cryptography
import Foundation
import TestConsortia
import Testing

@testable import TLSTransport

/// Certificates, keys and revocation lists that change while programs run.
@Suite(.timeLimit(.minutes(2))) struct ReloadTests {
    let consortium: TestConsortium
    let coordinator: TLSIdentityFiles
    let node: TLSIdentityFiles
    let log = LogBook()

    init() throws {
        consortium = try TestConsortium()
        coordinator = try consortium.party(.coordinator)
        node = try consortium.party(.node("hospital-1"))
    }

    @Test func `a party that is revoked loses its open connection at its next request`() async throws {
        try await withServer(coordinator, log: log) { [node, consortium, log] port in
            let client = MutualTLSClient(to: port, as: node)
            let before = try await client.send("GET", "/", timeout: .seconds(20))
            #expect(before.status == 200)
            let raw = try await onThread {
                let connection = try RawConnection(port: port, as: node)
                try connection.send("GET / HTTP/1.1\r\n\r\n")
                _ = try connection.receive { $0.hasSuffix("bytes") }
                try consortium.revoke([consortium.certificate(node)])
                try connection.send("GET / HTTP/1.1\r\n\r\n")
                return try connection.receive()
            }
            #expect(raw.text == "" && raw.end == .goodbye)
            let line = await log.line(with: "closed the connection of 127.0.0.1:")
            #expect(
                line.hasSuffix("the certificate of spiffe://liver/node/hospital-1 is refused: it is revoked"))

            // The client tries its open connection, and then a new one, where it hears why.
            #expect(await client.failure() == "our certificate is revoked, says the other side")
        }
    }

    @Test func `a client leaves a server that is revoked`() async throws {
        try await withServer(coordinator) { port in
            let client = MutualTLSClient(to: port, as: node)
            _ = try await client.send("GET", "/", timeout: .seconds(20))
            try consortium.revoke([consortium.certificate(coordinator)])
            let said = await client.failure()
            #expect(said == "the certificate of spiffe://liver/coordinator is refused: it is revoked")
        }
    }

    @Test func `a renewed certificate is presented to the next connection`() async throws {
        let seen: @Sendable (HTTPCall) async -> HTTPAnswer = { call in
            HTTPAnswer(status: 200, contentType: "text/plain", body: Array(call.head.certificate.serial.utf8))
        }
        try await withServer(coordinator, log: log, respond: seen) { port in
            let client = MutualTLSClient(to: port, as: node)
            let first = try await client.send("GET", "/", timeout: .seconds(20)).text
            #expect(first == (try consortium.certificate(node).serial))
            try consortium.party(.node("hospital-1"))
            await client.close()
            let second = try await MutualTLSClient(to: port, as: node).send("GET", "/", timeout: .seconds(20))
                .text
            #expect(second == (try consortium.certificate(node).serial))
            #expect(second != first)
        }
    }

    @Test func `a source reads changed files, and keeps the former ones if the new are not usable`() throws {
        let source = try IdentitySource(coordinator, .server, logger: log.logger)
        let first = source.current()
        #expect(source.current() === first)

        try consortium.revoke([])
        let second = source.current()
        #expect(second !== first)
        #expect(
            log.lines.last?.hasPrefix(
                "info: read the changed TLS files: certificate of spiffe://liver/coordinator until") == true)

        try consortium.write("not a list", "crl.pem")
        #expect(source.current() === second)
        #expect(source.current() === second)
        let complaints = log.lines.filter { $0.hasPrefix("error: the changed TLS files are not usable") }
        #expect(complaints.count == 1)

        try FileManager.default.removeItem(atPath: consortium.path("crl.pem"))
        #expect(source.current() === second)
        try consortium.revoke([])
        #expect(source.current() !== second)
    }

    @Test func `a key that others can read, and dates that are near, are warned of`() throws {
        let soon = try consortium.party(.coordinator, file: "soon", days: 20)
        try consortium.revoke([], days: 6)
        try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: soon.privateKey)
        let source = try IdentitySource(soon, .server, logger: log.logger)
        _ = source.current()
        _ = source.current()
        let listEnd = calendarDay(consortium.now + 6 * Consortium.day)
        let certificateEnd = calendarDay(consortium.now + 20 * Consortium.day)
        #expect(
            log.lines == [
                "warning: everybody on this computer can read the private key \(soon.privateKey); "
                    + "chmod it to 600",
                "warning: the revocation list expires on \(listEnd), and then nobody is trusted; "
                    + "get the consortium office's current one",
                "warning: the certificate of spiffe://liver/coordinator expires on \(certificateEnd); "
                    + "ask the consortium office for a new one",
            ])
    }
}
