import Cryptography
import Federation
import Foundation
import Glibc
import Testing
import TLSTransport

@testable import Coordinator

/// Every kind of caller at every endpoint of a running coordinator, over TLS and with `curl`: the matrix of roles, with those
/// who get no further than the handshake.
@Suite(.timeLimit(.minutes(5)), .enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/curl")))
struct CallerTests {
    enum Caller: String, CaseIterable {
        case anonymous, revokedNode, revokedOperator, expired, notYet, foreign
        case node, otherNode, otherOperator, coordinator, lead

        /// The words of TLS's alert with which the handshake ends; nil if the caller is let in.
        var alert: String? {
            switch self {
            case .anonymous: "certificate required"
            case .revokedNode, .revokedOperator: "certificate revoked"
            case .expired: "certificate expired"
            case .notYet: "bad certificate"
            case .foreign: "unknown ca"
            case .node, .otherNode, .lead, .otherOperator, .coordinator: nil
            }
        }

        /// The statuses with which a call without a body is answered.
        ///
        /// Who has the right role goes on to the coordinator, which misses a body, a roster or a result.
        func statuses(_ operation: Operation) -> Set<Int> {
            let onward: Set<Int> = [200, 204, 400, 409]
            let isNode = operation.roles.contains("node")
            let isOperator = operation.roles.contains("operator")
            return switch self {
            case .anonymous, .revokedNode, .revokedOperator, .expired, .notYet, .foreign: []
            case .node: isNode ? onward : [403]
            // A message is judged before whose session it is for.
            case .otherNode where isNode && operation.scope == "any": onward
            case .otherNode where isNode && operation.method == "POST": [400, 404]
            case .otherNode: isNode ? [404] : [403]
            case .lead: isOperator ? onward : [403]
            case .otherOperator: isOperator && operation.scope != "submitter" ? onward : [403]
            case .coordinator: [403]
            }
        }
    }

    /// Certificates for all callers; those that were revoked are otherwise good.
    private func prepare(_ trial: TrialConsortium) throws {
        try trial.files(.coordinator, as: "server")
        try trial.files(.node("north"), as: "node")
        try trial.files(.node("elsewhere"), as: "otherNode")
        try trial.files(.operator("jane"), as: "lead")
        try trial.files(.operator("joe"), as: "otherOperator")
        try trial.files(.coordinator, as: "coordinator")
        let revoked = [
            try trial.files(.node("north"), as: "revokedNode"),
            try trial.files(.operator("jane"), as: "revokedOperator"),
        ]
        try trial.files(.node("north"), as: "expired", start: -8, days: 5)
        try trial.files(.node("north"), as: "notYet", start: 3)
        let stranger = try CertificateAuthority.create(
            consortium: "trial", at: trial.trustView.time, days: 20)
        try trial.files(.node("north"), as: "foreign", by: stranger)
        try trial.revoke(revoked)
    }

    private struct Reply {
        /// 0 if there was none.
        var status: Int
        /// What `curl` says of it.
        var words: Substring
    }

    /// Calls every operation with one caller's certificate, or with none, in one run of `curl`.
    ///
    /// By `popen`: Foundation's `Process` crashes now and then (see `EndToEndTests/Harness/ChildProcess`).
    private func call(_ urls: [(method: String, url: String)], as caller: Caller, in folder: String)
        async throws
        -> [Reply]
    {
        let certificate =
            caller == .anonymous ? "" : "cert = \(folder)/\(caller).pem\nkey = \(folder)/\(caller).key\n"
        let calls = urls.map { method, url in
            """
            url = "\(url)"
            request = \(method)
            cacert = \(folder)/authority.pem
            \(certificate)output = /dev/null
            write-out = "%{http_code} %{errormsg}\\n"
            silent
            ipv4

            """
        }
        try Data(calls.joined(separator: "next\n").utf8).write(to: URL(fileURLWithPath: "\(folder)/calls"))
        let output = try await withCheckedThrowingContinuation { done in
            DispatchQueue.global().async {
                done.resume(with: Result { try text(of: "curl -K '\(folder)/calls'") })
            }
        }
        return output.split(separator: "\n").map { line in
            Reply(status: Int(line.prefix { $0 != " " }) ?? -1, words: line.drop { $0 != " " })
        }
    }

    /// What a shell's command writes to its output.
    private func text(of command: String) throws -> String {
        let pipe = try #require(popen(command, "r"))
        defer { pclose(pipe) }
        var bytes: [UInt8] = []
        while true {
            let byte = fgetc(pipe)
            guard byte != EOF else { return String(decoding: bytes, as: UTF8.self) }
            bytes.append(UInt8(truncatingIfNeeded: byte))
        }
    }

    @Test func `each caller is refused in the handshake or answered by role, at every endpoint`() async throws
    {
        let trial = try TrialConsortium(at: Int(Date().timeIntervalSince1970))
        try prepare(trial)
        let coordinator = try await trial.coordinator()
        let (study, session) = try await trial.running(at: coordinator)
        // The lead's "cancel" ends the study: it is the last call of the last caller.
        let operations = Operation.all.sorted { $1.path.hasSuffix("cancel") && !$0.path.hasSuffix("cancel") }
        #expect(operations.count == 15)
        try await trial.withCoordinator { port in
            let urls = operations.map {
                ($0.method, "https://localhost:\(port)\($0.at(study: study.hex, session: session.hex))")
            }
            for caller in Caller.allCases {
                let replies = try await call(urls, as: caller, in: trial.path)
                #expect(replies.count == operations.count)
                for (operation, reply) in zip(operations, replies) {
                    let place = "\(operation.testDescription) as \(caller): \(reply)"
                    if let alert = caller.alert {
                        #expect(reply.status == 0 && reply.words.lowercased().contains(alert), "\(place)")
                    } else {
                        #expect(caller.statuses(operation).contains(reply.status), "\(place)")
                    }
                }
            }
        }
    }
}
