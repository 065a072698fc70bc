import Cryptography
import Federation
import Foundation
import Testing
import TLSTransport

@testable import Coordinator

/// Every kind of caller at every endpoint of a running coordinator, over TLS and with `curl`: the matrix of roles, with those
/// who get no further than the handshake.
@Suite(.timeLimit(.minutes(5)), .enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/curl")))
struct CallerTests {
    enum Caller: String, CaseIterable {
        case anonymous, revokedNode, revokedOperator, expired, notYet, foreign
        case node, otherNode, lead, otherOperator, coordinator

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
        /// Who has the right role goes on to the desk, which misses a body, a roster or a result.
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
            consortium: "trial", at: trial.authority.time, days: 20)
        try trial.files(.node("north"), as: "foreign", by: stranger)
        try trial.revoke(revoked)
    }

    private struct Reply {
        /// 0 if there was none.
        var status: Int
        var exit: Int32
        var error: String
    }

    private func call(
        _ operation: Operation, _ path: String, as caller: Caller, _ port: Int, _ trial: TrialConsortium
    ) async throws -> Reply {
        let folder = trial.path
        var arguments = [
            "-sS", "-4", "-X", operation.method, "-o", "/dev/null", "-w", "%{http_code}", "--cacert",
            "\(folder)/authority.pem",
        ]
        if caller != .anonymous {
            arguments += ["--cert", "\(folder)/\(caller).pem", "--key", "\(folder)/\(caller).key"]
        }
        let process = Process()
        let (output, error) = (Pipe(), Pipe())
        process.executableURL = URL(fileURLWithPath: "/usr/bin/curl")
        process.arguments = arguments + ["https://localhost:\(port)\(path)"]
        (process.standardOutput, process.standardError) = (output, error)
        try process.run()
        // curl ends by itself, and says less than a pipe holds.
        let exit = await withCheckedContinuation { done in
            DispatchQueue.global().async {
                process.waitUntilExit()
                done.resume(returning: process.terminationStatus)
            }
        }
        func text(_ pipe: Pipe) throws -> String {
            String(decoding: try pipe.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
        }
        return Reply(status: Int(try text(output)) ?? 0, exit: exit, error: try text(error))
    }

    @Test func `each caller is refused in the handshake or answered by role, at every endpoint`() async throws
    {
        let trial = try TrialConsortium(at: Int(Date().timeIntervalSince1970))
        try prepare(trial)
        let desk = try await trial.desk()
        let study = try await desk.submit(trial.submission(), by: trial.operatorID).study
        try await trial.approve(study, at: desk)
        let launched = try await desk.launch(study, by: trial.operatorID)
        let session = try #require(launched.session).id
        // "cancel" ends the study, so it is called last.
        let operations = Operation.all.sorted { $1.path.hasSuffix("cancel") && !$0.path.hasSuffix("cancel") }
        #expect(operations.count == 15)
        try await trial.withCoordinator { port in
            for operation in operations {
                let path = operation.at(study: study.hex, session: session.hex)
                for caller in Caller.allCases {
                    let reply = try await call(operation, path, as: caller, port, trial)
                    let place = "\(operation.testDescription) as \(caller): \(reply)"
                    if let alert = caller.alert {
                        #expect(reply.status == 0 && reply.exit != 0, "\(place)")
                        #expect(reply.error.lowercased().contains(alert), "\(place)")
                    } else {
                        #expect(caller.statuses(operation).contains(reply.status), "\(place)")
                    }
                }
            }
        }
    }
}
