import Cryptography
import Foundation
import Testing

extension EndToEnd {
    /// Who is let in, seen with `curl` and `openssl s_client`: refusals come before a body is read, and the log says why.
    @Suite
    struct Certificates {
        static let now = Int(Date().timeIntervalSince1970)

        /// A stranger at the door: how `curl` is called, and what the coordinator's log has to say.
        struct Stranger: Sendable, CustomTestStringConvertible {
            var testDescription: String
            var arguments: [String] = []
            /// Folder of the identity that is presented, if any.
            var identity: String?
            var reason: String
        }

        private static let strangers = [
            Stranger(
                testDescription: "no certificate", reason: "no certificate: the other side presents none"),
            Stranger(
                testDescription: "another authority's certificate", identity: "stranger",
                reason: "unknown CA: its issuer"),
            Stranger(testDescription: "an expired certificate", identity: "expired", reason: "it expired on"),
            Stranger(
                testDescription: "a certificate that is not valid yet", identity: "early",
                reason: "it is not valid before"
            ),
            Stranger(testDescription: "a revoked certificate", identity: "revoked", reason: "it is revoked"),
            Stranger(
                testDescription: "TLS 1.2", arguments: ["--tls-max", "1.2"], identity: "site-1/identity",
                reason: "TLS version: the other side does not offer TLS 1.3"),
        ]

        @Test
        func `strangers are refused in the handshake, for a reason that the log names`() async throws {
            try await withDoor { consortium in
                for stranger in Self.strangers {
                    let before = log(consortium).count
                    let call = try await curl(stranger, "/v1/studies", consortium)
                    #expect(call.status != 0, "\(stranger.testDescription)")
                    #expect(call.output == "000", "\(stranger.testDescription) is given no HTTP answer")
                    try await poll("the log to name \(stranger.reason)") {
                        log(consortium).dropFirst(before).contains {
                            $0.contains("refused 127.0.0.1") && $0.contains(stranger.reason)
                        }
                    }
                }
                let plain = try await run(
                    "curl", ["-sS", "-m", "20", "http://\(consortium.address)/v1/work"], in: consortium.folder
                )
                #expect(plain.status != 0)
                try await poll("the log to name plain HTTP") {
                    log(consortium).contains { $0.contains("refused") && $0.contains("does not speak TLS") }
                }
                try await requireGoodClient(consortium)
            }
        }

        /// The same with the other tool, which shows the alert that a stranger's own IT gets to see.
        @Test
        func `a stranger's own tools say why`() async throws {
            try await withDoor { consortium in
                let alerts = [
                    ("revoked", "certificate revoked"), ("expired", "certificate expired"),
                    ("stranger", "unknown ca"),
                ]
                for (identity, alert) in alerts {
                    let call = try await client(
                        identity, "GET /v1/work HTTP/1.1\r\nhost: x\r\n\r\n", consortium)
                    #expect(call.error.contains(alert), "\(identity): \(call.error)")
                    #expect(!call.output.contains("HTTP/1.1"))
                }
                let old = try await run(
                    "openssl",
                    [
                        "s_client", "-connect", consortium.address, "-tls1_2", "-cert",
                        "site-1/identity/identity.pem",
                        "-key", "site-1/identity/identity.key",
                    ], in: consortium.folder)
                #expect(old.status != 0)
                #expect(old.error.contains("protocol version"))
                try await requireGoodClient(consortium)
            }
        }

        private static let hash = String(repeating: "ab", count: 32)

        /// A role at an endpoint that is not its own.
        private static let trespasses = [
            ("site-1/identity", "POST /v1/studies"), ("site-1/identity", "GET /v1/studies"),
            ("site-1/identity", "GET /v1/studies/\(hash)/status"),
            ("site-1/identity", "POST /v1/studies/\(hash)/launch"),
            ("site-1/identity", "POST /v1/studies/\(hash)/cancel"),
            ("study-lead/identity", "GET /v1/work"), ("study-lead/identity", "GET /v1/studies/\(hash)"),
            ("study-lead/identity", "POST /v1/studies/\(hash)/decision"),
            ("study-lead/identity", "GET /v1/sessions/\(hash)/opening"),
            ("study-lead/identity", "GET /v1/sessions/\(hash)/roster"),
            ("study-lead/identity", "POST /v1/sessions/\(hash)/messages"),
            ("study-lead/identity", "GET /v1/sessions/\(hash)/rounds/1"),
            ("study-lead/identity", "POST /v1/sessions/\(hash)/rounds/1"),
            ("coordinator/identity", "POST /v1/studies"), ("coordinator/identity", "GET /v1/work"),
            ("coordinator/identity", "POST /v1/sessions/\(hash)/rounds/1"),
        ]

        @Test
        func `a role at another role's endpoint is refused by its request's head alone`() async throws {
            try await withDoor { consortium in
                for (identity, request) in Self.trespasses {
                    let before = log(consortium).count
                    // A body is announced, and none is sent: an answer can only come from the head.
                    let head =
                        "\(request) HTTP/1.1\r\nhost: x\r\ncontent-length: 100000\r\nexpect: 100-continue\r\n\r\n"
                    let call = try await client(identity, head, consortium)
                    #expect(call.output.hasPrefix("HTTP/1.1 403"), "\(identity) \(request): \(call.output)")
                    #expect(call.output.contains("may not use this endpoint"))
                    let path = request.split(separator: " ")[1]
                    #expect(
                        log(consortium).dropFirst(before).contains {
                            $0.contains("is answered 403 (\(path))")
                        },
                        "\(identity) \(request)")
                }
                try await requireGoodClient(consortium)
            }
        }

        @Test
        func `a certificate that is revoked while its connection is open ends there`() async throws {
            try await withDoor { consortium in
                let pipe = Pipe()
                let connection = try ChildProcess(
                    "openssl", arguments("site-2/identity", consortium), name: "s_client",
                    in: consortium.folder,
                    output: "open.out", log: "open.err", input: pipe.fileHandleForReading.fileDescriptor)
                let request = Data("GET /v1/work HTTP/1.1\r\nhost: x\r\n\r\n".utf8)
                func answers() -> Int {
                    consortium.folder.text("open.out").components(separatedBy: "HTTP/1.1 200").count - 1
                }
                for count in 1...2 {
                    try pipe.fileHandleForWriting.write(contentsOf: request)
                    try await poll("answer \(count)") { answers() == count }
                }
                try await consortium.office("revoke", "spiffe://demo-consortium/node/site-2").succeeded()
                try consortium.folder.copy(
                    "office/revocations.pem", to: "coordinator/identity/revocations.pem")
                try pipe.fileHandleForWriting.write(contentsOf: request)
                _ = await connection.waitForEnd(within: .seconds(30))
                #expect(answers() == 2)
                #expect(
                    log(consortium).contains {
                        $0.contains("closed the connection") && $0.contains("it is revoked")
                    })
                try await requireGoodClient(consortium)
            }
        }

        /// A consortium with a coordinator only, and identities of strangers beside it.
        private func withDoor(_ body: (Consortium) async throws -> Void) async throws {
            try await Consortium.with(try Scenario.brief(), started: false) { consortium in
                try await consortium.startCoordinator()
                try await consortium.coxswain([
                    "ca", "init", "--ca", "other-office", "--consortium", "demo-consortium",
                ]).succeeded()
                try await consortium.coxswain([
                    "ca", "issue", "node", "site-1", "--ca", "other-office", "--out", "stranger",
                ]).succeeded()
                try issue("expired", from: -10, days: 9, consortium)
                try issue("early", from: 2, days: 9, consortium)
                try await consortium.office("issue", "node", "gone", "--out", "revoked").succeeded()
                try await consortium.office("revoke", "spiffe://demo-consortium/node/gone").succeeded()
                try consortium.folder.copy(
                    "office/revocations.pem", to: "coordinator/identity/revocations.pem")
                try await body(consortium)
            }
        }

        /// Has the consortium's own authority issue a node's certificate that holds from another day than today.
        private func issue(_ name: String, from day: Int, days: Int, _ consortium: Consortium) throws {
            let folder = consortium.folder
            let authority = try CertificateAuthority(
                key: PrivateKey(pem: folder.text("office/authority.key")),
                certificate: Certificate(pem: folder.text("office/authority.pem")))
            let key = try PrivateKey.generate()
            let certificate = try authority.issue(
                for: SPIFFEID(consortium: "demo-consortium", role: .node("site-1")), key: key, dnsNames: [],
                ipAddresses: [], at: Self.now + day * 86_400, days: days)
            try folder.write(certificate.pem, to: "\(name)/identity.pem")
            try folder.write(try key.pem, to: "\(name)/identity.key")
        }

        /// Posts a large body with `curl`; its output is the status that it was answered with, 000 for none.
        private func curl(_ stranger: Stranger, _ path: String, _ consortium: Consortium) async throws
            -> Outcome
        {
            try consortium.folder.write(String(repeating: "x", count: 1 << 20), to: "body")
            var arguments = [
                "-sS", "-m", "20", "-o", "/dev/null", "-w", "%{http_code}", "--data-binary", "@body",
            ]
            arguments += ["--cacert", "office/authority.pem"] + stranger.arguments
            if let identity = stranger.identity {
                arguments += ["--cert", "\(identity)/identity.pem", "--key", "\(identity)/identity.key"]
            }
            return try await run(
                "curl", arguments + ["https://\(consortium.address)\(path)"], in: consortium.folder)
        }

        private func arguments(_ identity: String, _ consortium: Consortium) -> [String] {
            [
                "s_client", "-connect", consortium.address, "-quiet", "-verify_return_error", "-CAfile",
                "office/authority.pem", "-cert", "\(identity)/identity.pem", "-key",
                "\(identity)/identity.key",
            ]
        }

        /// Sends bytes over TLS and waits until the coordinator hangs up.
        private func client(_ identity: String, _ bytes: String, _ consortium: Consortium) async throws
            -> Outcome
        {
            try await run("openssl", arguments(identity, consortium), in: consortium.folder, input: bytes)
        }

        private func log(_ consortium: Consortium) -> [Substring] {
            consortium.folder.text("coordinator/log").split(separator: "\n")
        }

        /// The coordinator is none the worse: a node and an operator come through.
        private func requireGoodClient(_ consortium: Consortium) async throws {
            try await consortium.node("site-1", "check").succeeded()
            try await consortium.study("list").succeeded()
            #expect(try consortium.process("coordinator").status == nil)
        }
    }
}
