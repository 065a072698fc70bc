import Foundation
import Testing

extension EndToEnd {
    /// A program that is updated while a session is under way: the session ends with a sentence, and the study can begin anew.
    @Suite
    struct Upgrades {
        /// What today's openings carry, and those of protocol 1 did not.
        private static func withoutVersions(_ column: String) -> String {
            (2...9).reduce(column) { text, engine in
                #"replace(\#(text), ',\"versions\":{\"engine\":\#(engine),\"protocol\":2}', '')"#
            }
        }

        /// Makes the stored opening of a session one of protocol 1, as it would be had the program been updated just now.
        private func age(_ file: String, _ column: String, in consortium: Consortium) async throws {
            let table = column == "opening" ? "session" : "sessions"
            let aged = Self.withoutVersions("CAST(\(column) AS TEXT)")
            let value = column == "opening" ? aged : "CAST(\(aged) AS BLOB)"
            let change = """
                UPDATE \(table) SET \(column) = \(value); SELECT count(*) FROM \(table)
                WHERE instr(CAST(\(column) AS TEXT), 'protocol') = 0
                """
            let changed = try await run("sqlite3", [file, change], in: consortium.folder).succeeded()
            #expect(
                changed.trimmingCharacters(in: .whitespacesAndNewlines) == "1", "\(file) has one old session")
        }

        @Test
        func `a coordinator that was updated ends its sessions, says so, and the study is launched again`()
            async throws
        {
            try await Consortium.with(try Scenario.brief()) { consortium in
                try await consortium.submitAndApprove()
                try await consortium.launch()
                try await consortium.hold("site-1", fromRound: 2)
                try await consortium.kill("coordinator")
                try await age("coordinator/coordinator.sqlite", "opening", in: consortium)
                try await consortium.restart("coordinator")
                try consortium.process("site-1").signal(SIGCONT)
                let ended = try await consortium.watch()
                #expect(ended.status == 2)
                #expect(ended.error.contains("a session does not outlive an update; launch the study again"))
                #expect(consortium.folder.text("coordinator/log").contains("does not outlive an update"))
                try await consortium.launch()
                try await consortium.watch().succeeded()
                _ = try await consortium.results()
            }
        }

        @Test
        func `a node that was updated refuses its session by name, and the study is launched again`()
            async throws
        {
            try await Consortium.with(try Scenario.brief()) { consortium in
                try await consortium.submitAndApprove()
                try await consortium.launch()
                try await consortium.hold("site-2", fromRound: 2)
                try await consortium.kill("site-2")
                try await age("site-2/ledger.sqlite", "hello", in: consortium)
                try await consortium.restart("site-2")
                let ended = try await consortium.watch()
                #expect(ended.status == 2)
                #expect(
                    ended.error.contains(
                        "site-2 refused: site-2 was updated: the session began under another version of coxswain (protocol 1)"
                    ))
                #expect(consortium.folder.text("site-2/log").contains("site-2 was updated"))
                let rows = try await consortium.rows(
                    "site-2/ledger.sqlite", "SELECT outcome IS NOT NULL, secret IS NULL FROM sessions")
                #expect(rows == ["1|1"], "the session is over and its secret gone")
                try await consortium.launch()
                try await consortium.watch().succeeded()
            }
        }
    }
}
