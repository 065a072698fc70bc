import Cryptography
import TestConsortia
import Testing

@testable import TLSTransport

/// Who gets in, and what both sides say if not.
@Suite(.timeLimit(.minutes(2))) struct HandshakeTests {
    let consortium: TestConsortium
    let coordinator: TLSIdentityFiles

    init() throws {
        consortium = try TestConsortium()
        coordinator = try consortium.party(.coordinator)
    }

    /// Tries one request with `client`'s certificate; returns what the client says and what the server logs.
    private func refusal(of client: TLSIdentityFiles) async throws -> (client: String?, log: String) {
        let log = LogBook()
        return try await withServer(coordinator, log: log) { port in
            let said = await MutualTLSClient(to: port, as: client).failure("POST", "/", body: [1, 2, 3])
            return (said, await log.line(with: "refused 127.0.0.1:"))
        }
    }

    @Test func `an expired certificate is refused`() async throws {
        let said = try await refusal(of: consortium.party(.node("old"), start: -20, days: 10))
        #expect(
            said.client == "our certificate has expired, says the other side (or its revocation list has)")
        let expiry = calendarDay(consortium.now - 10 * Consortium.day)
        #expect(
            said.log.hasSuffix(
                ": the certificate of spiffe://liver/node/old is refused: it expired on \(expiry); "
                    + "ask the consortium office for a new one"))
    }

    @Test func `a certificate that is not valid yet is refused`() async throws {
        let said = try await refusal(of: consortium.party(.node("new"), start: 10))
        #expect(said.client == "the other side finds our certificate bad (not valid yet, or malformed)")
        let start = calendarDay(consortium.now + 10 * Consortium.day - 300)
        #expect(
            said.log.hasSuffix(
                "node/new is refused: it is not valid before \(start); check this computer's clock"
            ))
    }

    @Test func `a revoked certificate is refused`() async throws {
        let node = try consortium.party(.node("gone"))
        try consortium.revoke([consortium.certificate(node)])
        let said = try await refusal(of: node)
        #expect(said.client == "our certificate is revoked, says the other side")
        #expect(said.log.hasSuffix(": the certificate of spiffe://liver/node/gone is refused: it is revoked"))
    }

    @Test func `a certificate of another authority is refused, even of the same name`() async throws {
        let other = try CertificateAuthority.create(consortium: "liver", at: consortium.now, days: 3650)
        let said = try await refusal(of: consortium.party(.node("hospital-1"), authority: other))
        #expect(
            said.client
                == "unknown CA: the other side does not know the authority that signed our certificate")
        #expect(
            said.log.hasSuffix(
                "unknown CA: its issuer CN=liver,O=liver is not the consortium's authority"))
    }

    @Test func `nobody gets in once the revocation list is out of date`() async throws {
        let node = try consortium.party(.node("hospital-1"))
        try consortium.revoke([], days: -1)
        let log = LogBook()
        try await withServer(coordinator, log: log) { port in
            let said = await MutualTLSClient(to: port, as: node).failure()
            #expect(said?.contains("the revocation list expired on") == true)
            // The client judges first, and hangs up.
            #expect(await log.line(with: " refuses us: ").contains("our certificate has expired"))
            #expect(log.lines.contains { $0.contains("warning: the revocation list expired on") })
        }
    }

    @Test(.enabled(if: Command.isThere("openssl"))) func `TLS 1.2 is refused`() async throws {
        let node = try consortium.party(.node("hospital-1"))
        let log = LogBook()
        try await withServer(coordinator, log: log) { port in
            let old = try await openssl(port, node, ["-tls1_2"])
            #expect(old.status != 0)
            #expect(old.output.contains("alert protocol version"))
            #expect(
                await log.line(with: "TLS version: the other side does not offer TLS 1.3").hasPrefix(
                    "notice: refused"))
            let new = try await openssl(port, node, ["-tls1_3"])
            #expect(new.output.contains("Verify return code: 0 (ok)"))
            #expect(new.output.contains("TLSv1.3"))
        }
    }

    @Test(.enabled(if: Command.isThere("openssl"))) func `a client without a certificate is refused`()
        async throws
    {
        let log = LogBook()
        try await withServer(coordinator, log: log) { port in
            _ = try await Command.run("openssl", ["s_client", "-connect", "127.0.0.1:\(port)", "-brief"])
            #expect(
                await log.line(with: "no certificate: the other side presents none").hasPrefix(
                    "notice: refused"))
        }
    }

    @Test(.enabled(if: Command.isThere("openssl"))) func `sessions are not resumed`() async throws {
        let node = try consortium.party(.node("hospital-1"))
        try await withServer(coordinator) { port in
            let first = try await openssl(port, node, ["-sess_out", consortium.path("session.pem")])
            #expect(first.output.contains("Verify return code: 0 (ok)"))
            #expect(!first.output.contains("New Session Ticket arrived"))
        }
    }

    private func openssl(_ port: Int, _ files: TLSIdentityFiles, _ more: [String]) async throws -> Command {
        try await Command.run(
            "openssl",
            [
                "s_client", "-connect", "127.0.0.1:\(port)", "-cert", files.certificateChain, "-key",
                files.privateKey,
                "-CAfile", files.trustRoots,
            ] + more)
    }

    @Test(.enabled(if: Command.isThere("curl")))
    func `curl gets an answer with a certificate, and none without`() async throws {
        let ada = try consortium.party(.operator("ada"))
        try await withServer(coordinator) { port in
            let url = "https://localhost:\(port)/v1/studies?state=open"
            let common = ["-sS", "-4", "--cacert", ada.trustRoots, "--data-binary", "@\(ada.trustRoots)"]
            let known = try await Command.run(
                "curl", common + ["--cert", ada.certificateChain, "--key", ada.privateKey, url])
            let size = consortium.authority.certificate.pem.utf8.count
            #expect(known.output == "spiffe://liver/operator/ada POST /v1/studies [state=open] \(size) bytes")
            let unknown = try await Command.run("curl", common + [url])
            #expect(unknown.status != 0)
        }
    }

    @Test func `plain HTTP is refused`() async throws {
        let log = LogBook()
        try await withServer(coordinator, log: log) { port in
            try await onThread {
                let connection = try RawConnection(port: port)
                try connection.sendBytes(Array("GET / HTTP/1.1\r\nHost: c\r\n\r\n".utf8))
                while try !connection.receiveBytes().isEmpty {}
            }
            #expect(
                await log.line(with: "the other side does not speak TLS").hasPrefix(
                    "notice: refused 127.0.0.1:"))
        }
    }

    @Test func `who says nothing, or says it too slowly, is hung up on`() async throws {
        let log = LogBook()
        try await withServer(coordinator, limits: ServerLimits(handshakeSeconds: 1), log: log) { port in
            try await onThread {
                let silent = try RawConnection(port: port)
                #expect(try silent.receiveBytes().isEmpty)
            }
            #expect(
                await log.line(with: "the TLS handshake took too long").hasPrefix(
                    "notice: refused 127.0.0.1:"))
        }
    }

    // MARK: The client judges the server

    private func clientSays(
        of server: TLSIdentityFiles, _ node: TLSIdentityFiles, expecting id: SPIFFEID? = nil
    ) async throws -> String? {
        let listener = try RawListener()
        async let accepted: String = onThread {
            do {
                _ = try listener.accept(as: server)
                return "accepted"
            } catch { return "\(error)" }
        }
        let client = MutualTLSClient(
            host: "127.0.0.1", port: listener.port, serverName: nil, expectedPeer: id, identity: node,
            proxy: nil)
        let said = await client.failure()
        _ = try await accepted
        return said
    }

    @Test func `a server with another name is refused`() async throws {
        let node = try consortium.party(.node("hospital-1"))
        let elsewhere = try consortium.party(
            .coordinator, dnsNames: ["elsewhere.example.org"], ipAddresses: ["192.0.2.1"])
        #expect(
            try await clientSays(of: elsewhere, node)
                == "the certificate of spiffe://liver/coordinator is refused: it is not for 127.0.0.1")
    }

    @Test func `a node that plays server is refused`() async throws {
        let node = try consortium.party(.node("hospital-1"))
        let impostor = try consortium.party(.node("hospital-2"))
        let said = try await clientSays(of: impostor, node)
        #expect(said?.hasPrefix("the certificate of spiffe://liver/node/hospital-2 is refused: ") == true)
    }

    @Test func `a server of another role than expected is refused`() async throws {
        let node = try consortium.party(.node("hospital-1"))
        let expected = SPIFFEID(consortium: "liver", role: .operator("ada"))
        #expect(
            try await clientSays(of: coordinator, node, expecting: expected)
                == "the certificate of spiffe://liver/coordinator is refused: it is not for \(expected)"
        )
    }

    @Test func `a certificate needs a usage and our consortium's name`() throws {
        let authority = consortium.authority.certificate
        let stranger = try CertificateAuthority.create(consortium: "lung", at: consortium.now, days: 10)
            .issue(
                for: SPIFFEID(consortium: "lung", role: .coordinator), key: .generate(), dnsNames: [],
                ipAddresses: [],
                at: consortium.now, days: 1)
        let server = PeerExpectation.server(name: "c", id: nil)
        #expect(PeerExpectation.anyParty.refusal(of: authority, consortium: "liver") == .missingUsage)
        #expect(server.refusal(of: authority, consortium: "liver") == .missingUsage)
        #expect(
            PeerExpectation.anyParty.refusal(of: stranger, consortium: "liver")
                == .wrongName(expected: "a party of the consortium liver"))
        #expect(
            server.refusal(of: stranger, consortium: "liver")
                == .wrongName(expected: "spiffe://liver/coordinator"))
        #expect(server.refusal(of: stranger, consortium: "lung") == nil)
    }

    @Test func `a revoked, an expired and a foreign server are refused`() async throws {
        let node = try consortium.party(.node("hospital-1"))
        let old = try consortium.party(.coordinator, file: "old", start: -20, days: 10)
        #expect(try await clientSays(of: old, node)?.contains("is refused: it expired on") == true)
        let other = try CertificateAuthority.create(consortium: "liver", at: consortium.now, days: 3650)
        let foreign = try consortium.party(.coordinator, file: "foreign", authority: other)
        #expect(try await clientSays(of: foreign, node)?.contains("is refused: unknown CA") == true)
        try consortium.revoke([consortium.certificate(coordinator)])
        #expect(try await clientSays(of: coordinator, node)?.hasSuffix("is refused: it is revoked") == true)
    }
}
