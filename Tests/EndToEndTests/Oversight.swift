import Foundation
import Testing

extension EndToEnd {
    /// What a site admin holds in hand: approvals that nobody can enter by hand, rounds that wait, a memory of whose rows were
    /// summed, and a log that others vouch for.
    @Suite
    struct Oversight {
        private static let model = "  - cox: {id: m, terms: [age, sex], baseline: site}\n"

        /// A study of one model, with its own baseline hazard at each site.
        private static func study(_ name: String, _ analyses: String = model) -> String {
            """
            study: \(name)
            dictionary: lung@1
            sites: [site-1, site-2, site-3, site-4]
            endpoint: {time: days, event: died, unit: day}
            define: {died: status == 2}
            analyses:
            \(analyses)patience: 2 minutes

            """
        }

        private static func scenario() throws -> Scenario {
            var scenario = try Scenario.brief()
            scenario.study = study("brief")
            return scenario
        }

        /// Submits a further study under a name of its own.
        private func submit(_ name: String, _ analyses: String = model, _ consortium: Consortium) async throws
        {
            try consortium.folder.write(Self.study(name, analyses), to: "\(name).yaml")
            try await consortium.submit("\(name).yaml")
            for site in consortium.scenario.siteNames {
                try await poll("study \(name) to arrive at \(site)") {
                    try await consortium.node(site, "studies").output.contains(name)
                }
            }
        }

        // MARK: Decisions

        @Test
        func `an approval entered into the ledger by hand is neither told nor acted upon`() async throws {
            try await Consortium.with(try Self.scenario()) { consortium in
                try await consortium.submit()
                for site in ["site-1", "site-2", "site-4"] { try await consortium.approve(site) }
                try await poll("the study to arrive at site-3") {
                    try await consortium.node("site-3", "studies").output.contains("brief")
                }
                let policy = try await consortium.node("site-3", "policy").succeeded().suffix(65).prefix(64)
                try await run(
                    "sqlite3",
                    [
                        consortium.folder("site-3/ledger.sqlite"),
                        """
                        UPDATE studies SET decision = 'approved', decided_by = 'me', decided_at = 1,
                        approved_until = 4000000000, policy_hash = '\(policy)'
                        """,
                    ], in: consortium.folder
                ).succeeded()
                let words = "is not the one in its audit log; it must be given again"
                try await poll("site-3 to say so") { consortium.folder.text("site-3/log").contains(words) }
                #expect(try await consortium.node("site-3", "studies").succeeded().contains(words))
                let launch = try await consortium.study("launch", "brief")
                #expect(launch.error.contains("not every hospital has approved the study: site-3 (pending)"))
                try await consortium.approve("site-3")
                try await poll("the coordinator to hear of it") {
                    try await consortium.study("list").output.contains("4/4")
                }
                try await consortium.launch()
                try await consortium.watch().succeeded()
            }
        }

        @Test
        func
            `patients imported after the approval need another, and the study's lead is told that it lapsed`()
            async throws
        {
            try await Consortium.with(try Self.scenario()) { consortium in
                try await consortium.submitAndApprove()
                let rows = try String(contentsOfFile: consortium.scenario.sites[1].csv, encoding: .utf8)
                let fewer = rows.split(separator: "\n").dropLast().joined(separator: "\n") + "\n"
                try consortium.folder.write(fewer, to: "fewer.csv")
                let words = "the patients were imported anew since the approval; it must be given again\n"
                let imported = try await consortium.node(
                    "site-2", "import", "fewer.csv", "--dictionary", "dictionary.yaml", "--replace"
                ).succeeded()
                #expect(imported.contains(words))
                try await poll("the lapse to be known") {
                    try await consortium.study("list").output.contains("lapsed: site-2")
                }
                // Why it lapsed stays at the hospital.
                let launch = try await consortium.study("launch", consortium.scenario.name)
                #expect(launch.error.contains("not every hospital has approved the study: site-2 (lapsed)"))
                #expect(!launch.error.contains("imported"))
                try await consortium.approve("site-2")
                try await poll("the new approval to be known") {
                    try await consortium.study("list").output.contains("4/4")
                }
                try await consortium.launch()
            }
        }

        @Test
        func `studies that meet a policy's stricter rules run without a person`() async throws {
            var scenario = try Self.scenario()
            try scenario.replaceInPolicy(
                "unattended: none",
                by: "unattended: {operators: [study-lead], until: \(Consortium.day(in: 30)), people-min: 30, "
                    + "events-min: 20, level-people-min: 10, events-per-parameter-min: 5}")
            try await Consortium.with(scenario) { consortium in
                try await consortium.submit()
                try await consortium.study("watch", "brief", "--decisions").succeeded()
                try await consortium.launch()
                try await consortium.watch().succeeded()
                let kinds = try await consortium.rows(
                    "site-1/ledger.sqlite", "SELECT kind FROM audit WHERE kind LIKE '%approved%'")
                #expect(kinds == ["study-approved-unattended"])
                // Sums at exact times are never without a person.
                try await submit("exact", "  - survival: {id: s, times: exact}\n", consortium)
                #expect(try await consortium.study("list").succeeded().contains("0/4"))
            }
        }

        // MARK: Rounds

        @Test
        func `a held round waits for a person, who sees what would be sent`() async throws {
            try await Consortium.with(try Self.scenario()) { consortium in
                try await consortium.submit()
                for site in ["site-1", "site-3", "site-4"] { try await consortium.approve(site) }
                try await poll("the study to arrive") {
                    try await consortium.node("site-2", "studies").output.contains("brief")
                }
                try await consortium.node(
                    "site-2", "approve", "brief", "--until", Consortium.day(in: 30), "--by", "admin", "--hold"
                ).succeeded()
                try await consortium.study("watch", "brief", "--decisions").succeeded()
                #expect(try await consortium.node("site-2", "release", "brief").status == 1)
                try await consortium.launch()
                let watching = try consortium.startWatching()
                // A round that was released a moment ago may still be shown as waiting, and the next one by the time of the
                // release: what was released is what the release itself shows.
                var released: Set<Substring> = []
                while watching.status == nil {
                    let shown = try await consortium.node("site-2", "release", "brief")
                    guard shown.status == 0, shown.output.contains("it waits; release it with --by NAME")
                    else { continue }
                    if released.isEmpty {
                        #expect(
                            shown.output.hasPrefix("round 1 of brief, masked, as sums over all hospitals:\n"))
                        #expect(shown.output.contains("m         counts"))
                        let answered = try await consortium.rows(
                            "site-2/ledger.sqlite", "SELECT count(*) FROM rounds")
                        #expect(answered == ["0"], "nothing left before the release")
                        try await consortium.kill("site-2")
                        try await consortium.restart("site-2")
                    }
                    let release = try await consortium.node("site-2", "release", "brief", "--by", "admin")
                    if release.status == 0 { released.insert(release.output.prefix { $0 != "," }) }
                }
                #expect(watching.status == 0)
                let answered = try await consortium.rows(
                    "site-2/ledger.sqlite", "SELECT count(*) FROM rounds")
                #expect(released.count > 2 && answered == ["\(released.count)"], "\(released)")
                let told = try await consortium.rows(
                    "coordinator/coordinator.sqlite", "SELECT DISTINCT site FROM message WHERE type = 'held'")
                #expect(told == ["site-2"], "the coordinator knows where a round waits for a person")
            }
        }

        // MARK: Overlapping studies

        @Test
        func `a second study on nearly the same patients is refused, before and after it is approved`()
            async throws
        {
            try await Consortium.with(try Self.scenario()) { consortium in
                let rule = "policy rule cohort-difference-min"
                let few = "  - cox: {id: m, terms: [age, sex], cohort: age > 41}\n"
                try await submit("approved-before", few, consortium)
                for site in consortium.scenario.siteNames {
                    try await consortium.approve(site, "approved-before")
                }
                _ = try await consortium.runStudy()
                try await consortium.study("launch", "approved-before").succeeded()
                let watch = try await consortium.study("watch", "approved-before")
                #expect(
                    watch.status == 2
                        && watch.error.contains(" refused: this hospital's policy does not allow the study\n")
                )
                #expect(!watch.error.contains(rule), "the rule stays at the hospital")
                let logs = consortium.scenario.siteNames.map { consortium.folder.text("\($0)/log") }
                #expect(logs.contains { $0.contains("\(rule), analysis \"m\": ") }, "in its own log")
                #expect(!watch.error.contains("round 1"), "it is refused before anything is asked")
                try await submit("but-few", few, consortium)
                let shown = try await consortium.node("site-1", "show", "but-few").succeeded()
                #expect(
                    shown.contains(
                        "  - \(rule), analysis \"m\": its people at this hospital are nearly those of"))
                let approval = try await consortium.node(
                    "site-1", "approve", "but-few", "--until", Consortium.day(in: 30), "--by", "admin")
                #expect(approval.status == 1 && approval.error.contains(rule))
                let ledger = try await consortium.node("site-1", "ledger").succeeded()
                #expect(ledger.contains("brief") && ledger.contains("  m  "))
                #expect(
                    !ledger.contains("but-few") && !ledger.contains("approved-before"),
                    "what was not answered is not in it")
            }
        }

        // MARK: The log

        @Test
        func `a log that was set back is found by what others kept, and its node joins no session`()
            async throws
        {
            try await Consortium.with(try Self.scenario()) { consortium in
                try await consortium.submitAndApprove()
                #expect(await (try consortium.process("site-1")).stop() == 0)
                try await run(
                    "sqlite3",
                    [
                        consortium.folder("site-1/ledger.sqlite"),
                        ".backup \(consortium.folder("backup.sqlite"))",
                    ], in: consortium.folder
                ).succeeded()
                try await consortium.restart("site-1")
                try await consortium.launch()
                try await consortium.watch().succeeded()
                let peers = try await consortium.node("site-2", "audit", "checkpoints").succeeded()
                try consortium.folder.write(peers, to: "peers.json")
                let kept = try await consortium.study("checkpoints", "--format", "json").succeeded()
                try consortium.folder.write(kept, to: "kept.json")
                #expect(
                    try await consortium.study("checkpoints").succeeded().split(separator: "\n").count == 5)
                for file in ["peers.json", "kept.json"] {
                    let verified = try await consortium.node("site-1", "audit", "verify", "--against", file)
                        .succeeded()
                    #expect(verified.contains("\(file): 1 checkpoint of this node, as in the log\n"))
                }
                try await consortium.node("site-1", "audit", "verify", "--online").succeeded()
                try await requirePage(consortium)

                #expect(await (try consortium.process("site-1")).stop() == 0)
                for end in ["-wal", "-shm"] { unlink(consortium.folder("site-1/ledger.sqlite\(end)")) }
                try consortium.folder.copy("backup.sqlite", to: "site-1/ledger.sqlite")
                chmod(consortium.folder("site-1/ledger.sqlite"), 0o600)
                let words = "as this node signed it once: it was cut or rewritten\n"
                for file in ["peers.json", "kept.json"] {
                    let verified = try await consortium.node("site-1", "audit", "verify", "--against", file)
                    #expect(verified.output.contains("chain intact"), "by itself it looks whole")
                    #expect(verified.status == 1 && verified.error.contains(words))
                }
                try await consortium.restart("site-1")
                try await submit("another", Self.model, consortium)
                for site in consortium.scenario.siteNames { try await consortium.approve(site, "another") }
                try await consortium.study("watch", "another", "--decisions").succeeded()
                try await consortium.study("launch", "another").succeeded()
                let watch = try await consortium.study("watch", "another")
                #expect(
                    watch.status == 2
                        && watch.error.contains("site-1 refused: the audit log does not have entry "))
            }
        }

        @Test
        func `a node does not start on a broken log or without its ledger`() async throws {
            try await Consortium.with(try Self.scenario(), started: false) { consortium in
                try await run(
                    "sqlite3",
                    [
                        consortium.folder("site-1/ledger.sqlite"),
                        "DROP TRIGGER audit_update; UPDATE audit SET at = at + 1",
                    ], in: consortium.folder
                ).succeeded()
                let broken = try await consortium.node("site-1", "run")
                #expect(broken.status == 1)
                #expect(
                    broken.error.hasPrefix("coxswain: error: audit entry 1 was changed after it was written"))
                #expect(
                    broken.error.contains("coxswain: hint: keep the ledger for the data-protection officer"))
                for end in ["", "-wal", "-shm"] { unlink(consortium.folder("site-2/ledger.sqlite\(end)")) }
                for command in ["run", "check", "studies"] {
                    let gone = try await consortium.node("site-2", command)
                    #expect(gone.status == 1 && gone.error.contains("there is no ledger "))
                }
                #expect(!FileManager.default.fileExists(atPath: consortium.folder("site-2/ledger.sqlite")))
            }
        }

        /// The page names every round, with the digest that the ledger has, and is complete in itself.
        private func requirePage(_ consortium: Consortium) async throws {
            let page = try await consortium.node("site-1", "audit", "export", "--format", "html").succeeded()
            let digests = try await consortium.rows(
                "site-1/ledger.sqlite",
                "SELECT json_extract(body, '$.answer') FROM audit WHERE kind = 'round-answered'")
            #expect(digests.count > 3 && digests.allSatisfy { page.contains("<code>\($0)</code>") })
            #expect(page.contains("<h3>Rounds answered: \(digests.count)</h3>"))
            #expect(page.contains("by admin of site-1") && page.hasSuffix("</html>\n"))
            #expect(!page.contains("http") && !page.contains("<script"))
        }
    }
}
