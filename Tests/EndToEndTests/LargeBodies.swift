import Foundation
import Testing

extension EndToEnd {
    /// Members that send more than there is a place for.
    @Suite
    struct LargeBodies {
        /// Eight connections each of two members, with 60 MB on every one, at every endpoint that takes something.
        @Test func `large bodies of members are refused unread, and the coordinator's memory stays small`()
            async throws
        {
            try await Consortium.with(try Scenario.brief()) { consortium in
                try await consortium.submitAndApprove()
                try await consortium.launch()
                try await consortium.hold("site-4", fromRound: 2)
                let session = try #require(
                    try await consortium.rows("coordinator/coordinator.sqlite", "SELECT id FROM session")
                        .first)
                let study = try #require(
                    try await consortium.rows("coordinator/coordinator.sqlite", "SELECT hash FROM study")
                        .first)
                let nowhere = String(repeating: "ab", count: 32)
                try consortium.folder.write("", to: "large")
                truncate(consortium.folder("large"), 60_000_000)
                let process = try consortium.process("coordinator")
                let before = try Self.peakMegabytes(process)
                for (party, path, statuses) in [
                    ("site-1", "/v1/sessions/\(nowhere)/messages", ["404"]),
                    ("site-2", "/v1/sessions/\(nowhere)/rounds/1", ["404"]),
                    ("site-1", "/v1/sessions/\(session)/messages", ["413"]),
                    ("site-2", "/v1/sessions/\(session)/rounds/1", ["413"]),
                    ("site-1", "/v1/sessions/\(session)/rounds/99", ["409"]),
                    ("site-2", "/v1/studies/\(study)/decision", ["413"]),
                    ("study-lead", "/v1/studies", ["413"]),
                    ("study-lead", "/v1/studies/\(study)/launch", ["413"]),
                    ("site-1", "/v1/studies", ["403"]),
                ] {
                    for replies in try await Self.flood(path, as: party, consortium) {
                        #expect(
                            statuses.contains(replies) || replies == "429", "\(path) as \(party): \(replies)")
                    }
                }
                // A body whose size is not said is read up to its limit.
                let chunked = try await Self.flood(
                    "/v1/studies", as: "study-lead", consortium, "Transfer-Encoding: chunked")
                #expect(chunked.allSatisfy { ["413", "429"].contains($0) }, "\(chunked)")
                let after = try Self.peakMegabytes(process)
                #expect(after - before < 100, "from \(before) to \(after) MB")
                try consortium.process("site-4").signal(SIGCONT)
                try await consortium.watch().succeeded()
            }
        }

        /// The status of each of eight requests at once.
        private static func flood(
            _ path: String, as party: String, _ consortium: Consortium, _ field: String = "X-Nothing: 1"
        ) async throws -> [String] {
            try await withThrowingTaskGroup(of: String.self) { group in
                for _ in 0..<8 {
                    group.addTask {
                        try await run(
                            "curl",
                            [
                                "-s", "-o", "/dev/null", "-w", "%{http_code}", "-X", "POST", "-T", "large",
                                "-H", field,
                                "-H", "Expect:", "--cacert", "\(party)/identity/authority.pem",
                                "--cert", "\(party)/identity/identity.pem", "--key",
                                "\(party)/identity/identity.key",
                                "https://\(consortium.address)\(path)",
                            ], in: consortium.folder
                        ).output
                    }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
        }

        private static func peakMegabytes(_ process: ChildProcess) throws -> Int {
            let text = try String(contentsOfFile: "/proc/\(process.identifier)/status", encoding: .utf8)
            let line = try #require(text.split(separator: "\n").first { $0.hasPrefix("VmHWM:") })
            return try #require(Int(line.split(whereSeparator: { !$0.isNumber })[0])) / 1024
        }
    }
}
