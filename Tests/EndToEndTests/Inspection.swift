import Foundation
import Testing

extension EndToEnd {
    /// A hospital's folder can be looked into with ordinary tools, proves what left, and keeps nothing it should not.
    @Suite
    struct Inspection {
        @Test
        func `patients stand in typed columns under the dictionary's names, and only an import changes them`()
            async throws
        {
            try await Consortium.with(try Scenario.brief(), started: false) { consortium in
                let file = "site-1/cohort.sqlite"
                let columns = try await consortium.rows(
                    file, "SELECT name, type FROM pragma_table_info('lung@1')")
                #expect(
                    columns == [
                        "patient|TEXT", "age|REAL", "sex|TEXT", "ecog|REAL", "karno_physician|REAL",
                        "karno_patient|REAL",
                        "calories|REAL", "weight_loss|REAL", "days|REAL", "status|TEXT",
                    ])
                let first = try await consortium.rows(file, "SELECT * FROM \"lung@1\" LIMIT 1")
                #expect(
                    first == ["5|60.0|1|0.0|100.0|90.0||0.0|883.0|2"], "the first line of lung/site-1.csv")
                #expect(try await consortium.rows(file, "SELECT count(*) FROM \"lung@1\"") == ["56"])
                for change in ["DELETE FROM \"lung@1\"", "UPDATE \"lung@1\" SET age = 1"] {
                    let outcome = try await run("sqlite3", [file, change], in: consortium.folder)
                    #expect(outcome.status != 0)
                    #expect(outcome.error.contains("patients are changed by importing a file"))
                }
            }
        }

        @Test
        func `the audit log has an entry for every step and every round, and shows each change to it`()
            async throws
        {
            try await Consortium.with(try Scenario.brief()) { consortium in
                _ = try await consortium.runStudy()
                try await poll("the session to end") {
                    try await consortium.rows("site-2/ledger.sqlite", "SELECT outcome FROM sessions") == [
                        "finished"
                    ]
                }
                let entries = try await auditLog(consortium)
                let kinds = entries.compactMap { $0["kind"].string }
                let rounds =
                    try JSON(text: try await consortium.results())["rounds"].number.map { Int($0) } ?? 0
                #expect(
                    kinds == [
                        "patients-imported", "study-received", "study-approved", "session-joined",
                        "roster-verified",
                    ]
                        + Array(repeating: "round-answered", count: rounds) + ["session-ended"])
                try requireAccount(of: entries, rounds: rounds)
                try await requireDigests(of: entries, consortium)
                let verified = try await consortium.node("site-2", "audit", "verify").succeeded()
                #expect(verified.hasPrefix("\(kinds.count) entries, chain intact"))
                try await requireTamperingSeen(consortium)
            }
        }

        @Test
        func `files are for their owner alone, and every secret is gone once the session is over`()
            async throws
        {
            try await Consortium.with(try Scenario.brief()) { consortium in
                try await consortium.submitAndApprove()
                try await consortium.launch()
                try await consortium.hold("site-4", fromRound: 3)
                var secrets: [String: Data] = [:]
                for site in consortium.scenario.siteNames {
                    let digits = try await consortium.rows(
                        "\(site)/ledger.sqlite", "SELECT hex(secret) FROM sessions")
                    let secret = Data(hex: try #require(digits.first))
                    try #require(secret.count == 32)
                    #expect(try ledgerHolds(secret, site, consortium), "the search finds what is there")
                    secrets[site] = secret
                }
                #expect(Set(secrets.values).count == 4)
                try requirePrivateFiles(consortium)
                try consortium.process("site-4").signal(SIGCONT)
                try await consortium.watch().succeeded()
                for (site, secret) in secrets {
                    try await poll("\(site) to end its session") {
                        try await consortium.rows(
                            "\(site)/ledger.sqlite", "SELECT secret IS NULL FROM sessions") == ["1"]
                    }
                    try await poll("\(site)'s file to be rid of the bytes") {
                        try !ledgerHolds(secret, site, consortium)
                    }
                    for other in consortium.scenario.siteNames + ["coordinator"] where other != site {
                        for name in consortium.folder.names()
                        where name.hasPrefix("\(other)/") && name.contains("sqlite") {
                            #expect(!(try consortium.folder.bytes(name)).contains(secret), "\(name)")
                        }
                    }
                }
                try requirePrivateFiles(consortium)
            }
        }

        @Test
        func `the numbers that nodes show before the approval add up to the study's`() async throws {
            try await Consortium.with(try Scenario.brief()) { consortium in
                try await consortium.submit()
                var sums = [0.0, 0, 0]
                for site in consortium.scenario.siteNames {
                    try await poll("the study to arrive") {
                        try await consortium.node(site, "studies").output.contains("brief")
                    }
                    let preview = try await consortium.node(site, "preview", "brief", "--rounds", "1")
                        .succeeded()
                    let lines = preview.split(separator: "\n").map { $0.trimmingCharacters(in: .whitespaces) }
                    let start = try #require(lines.firstIndex(of: "by-sex, counts:"))
                    for (index, label) in ["rows", "people", "events"].enumerated() {
                        let line = try #require(lines[start...].first { $0.hasPrefix("\(label): ") })
                        sums[index] += try #require(Double(line.dropFirst(label.count + 2)))
                    }
                }
                let shown = try await consortium.node("site-1", "show", "brief").succeeded()
                #expect(shown.contains("This hospital's policy has no objection to this study."))
                #expect(shown.contains("asked by    spiffe://demo-consortium/operator/study-lead"))
                #expect(shown.contains("here: 56 people, 41 of them with the event"))
                for words in ["ties: efron", "confidence level 0.95", "survival at 365.0", "limits: log"] {
                    #expect(shown.contains("  \(words)\n"))
                }
                let text = consortium.scenario.study
                let quoted = text.split(separator: "\n", omittingEmptySubsequences: false).map { "    \($0)" }
                #expect(
                    shown.contains("\nThe study file, word for word:\n\(quoted.joined(separator: "\n"))"),
                    "an admin sees what is approved to the letter")
                #expect(
                    try await consortium.node("site-1", "show", "brief", "--text").succeeded() == text + "\n")
                #expect(
                    try await consortium.rows("site-1/ledger.sqlite", "SELECT count(*) FROM rounds") == ["0"])
                let result = try JSON(text: try await consortium.runStudy())["analyses"]["by-sex"]
                #expect(sums == ["n", "people", "events"].map { result[$0].number })
            }
        }

        // MARK: -

        private func auditLog(_ consortium: Consortium) async throws -> [JSON] {
            try JSON(
                text: try await consortium.node("site-2", "audit", "export", "--format", "json").succeeded()
            ).elements
        }

        /// Each answered round says under which study, session and policy, what was asked and what left.
        private func requireAccount(of entries: [JSON], rounds: Int) throws {
            let bodies = try entries.compactMap { entry in
                entry["kind"].string == "round-answered"
                    ? try JSON(text: try #require(entry["body"].string)) : nil
            }
            #expect(bodies.compactMap { $0["round"].number } == (1...rounds).map(Double.init))
            for body in bodies {
                for key in ["study", "session", "policy", "request", "answer"] {
                    #expect(body[key].string?.count == 64, "\(key)")
                }
                #expect(body["statements"].elements.isEmpty == false)
                #expect((body["answerBytes"].number ?? 0) > 100)
            }
            #expect(Set(bodies.map { $0["answer"] }).count == rounds)
        }

        /// The digests in the log are those of the bytes that the coordinator has.
        private func requireDigests(of entries: [JSON], _ consortium: Consortium) async throws {
            let answers = entries.compactMap { $0["body"].string }.compactMap {
                try? JSON(text: $0)["answer"].string
            }
            let sent = try await consortium.rows(
                "coordinator/coordinator.sqlite",
                "SELECT body ->> 'payload' FROM message WHERE type = 'answer' AND site = 'site-2' ORDER BY round"
            )
            for (digest, payload) in zip(answers, sent) {
                let sum = try await run("sha256sum", [], in: consortium.folder, input: payload).succeeded()
                #expect(sum.hasPrefix(digest))
            }
            #expect(answers.count == sent.count)
        }

        private func requireTamperingSeen(_ consortium: Consortium) async throws {
            let site = "site-2"
            #expect(await (try consortium.process(site)).stop() == 0)
            let file = "\(site)/ledger.sqlite"
            try consortium.folder.copy(file, to: "ledger.copy")
            let changes = [
                (
                    "UPDATE audit SET body = '{}' WHERE seq = 4",
                    "audit entry 4 was changed after it was written"
                ),
                ("DELETE FROM audit WHERE seq = 5", "audit entry 5 is missing"),
                (
                    "UPDATE audit SET at = at - 1 WHERE seq = 2",
                    "audit entry 2 was changed after it was written"
                ),
                ("DELETE FROM audit WHERE seq = (SELECT max(seq) FROM audit)", "is missing"),
            ]
            for (change, sentence) in changes {
                let plain = try await run("sqlite3", [file, change], in: consortium.folder)
                #expect(plain.error.contains("the audit log is only appended to"))
                // Whoever owns the file can drop the trigger. Then the chain tells.
                let forced = "DROP TRIGGER audit_update; DROP TRIGGER audit_delete; \(change);"
                try await run("sqlite3", [file, forced], in: consortium.folder).succeeded()
                let verify = try await consortium.node(site, "audit", "verify")
                #expect(verify.status == 1, "\(change)")
                #expect(verify.error.contains(sentence), "\(verify)")
                for name in ["-wal", "-shm"] { unlink(consortium.folder("\(file)\(name)")) }
                try consortium.folder.copy("ledger.copy", to: file)
                try await run("chmod", ["600", file], in: consortium.folder).succeeded()
            }
            try await consortium.node(site, "audit", "verify").succeeded()
        }

        private func ledgerHolds(_ secret: Data, _ site: String, _ consortium: Consortium) throws -> Bool {
            try consortium.folder.names().filter { $0.hasPrefix("\(site)/ledger.sqlite") }
                .contains { try consortium.folder.bytes($0).contains(secret) }
        }

        private func requirePrivateFiles(_ consortium: Consortium) throws {
            let folder = consortium.folder
            for name in folder.names() {
                let mode = try folder.permissions(name)
                if name.contains(".sqlite") || name.hasSuffix(".key") {
                    #expect(mode == 0o600, "\(name)")
                } else if name.hasSuffix("/identity") || name == "office" {
                    #expect(mode == 0o700, "\(name)")
                }
            }
        }
    }
}

extension Data {
    /// Bytes of hex digits.
    fileprivate init(hex: String) {
        let digits = Array(hex)
        self = Data(
            stride(from: 0, to: digits.count - 1, by: 2).compactMap {
                UInt8(String(digits[$0...($0 + 1)]), radix: 16)
            })
    }
}
