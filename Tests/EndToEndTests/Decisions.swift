import Foundation
import Testing

extension EndToEnd {
    /// What people decide, and what happens when somebody stays away: nothing runs without its hospitals' consent.
    @Suite
    struct Decisions {
        /// The study with the answer to a missing site and, for tests that wait for it, an impatient one.
        private static func scenario(
            missingSite: String = "fail", patience: String = "2 minutes"
        ) throws -> Scenario {
            var scenario = try Scenario.brief()
            try scenario.replaceInStudy("missing-site: fail", by: "missing-site: \(missingSite)")
            try scenario.replaceInStudy("patience: 2 minutes", by: "patience: \(patience)")
            return scenario
        }

        // MARK: Approval

        @Test
        func `a hospital that declines keeps the study from being launched, and its reason is told`()
            async throws
        {
            try await Consortium.with(try Self.scenario()) { consortium in
                try await consortium.submit()
                for site in ["site-1", "site-2", "site-4"] { try await consortium.approve(site) }
                try await decline("site-3", consortium)
                let watch = try await consortium.study("watch", "brief", "--decisions")
                #expect(watch.status == 2)
                #expect(watch.error.contains("site-3: declined: «no consent for this use»\n"))
                let launch = try await consortium.study("launch", "brief")
                #expect(launch.status == 1)
                #expect(
                    launch.error.hasPrefix(
                        "coxswain: error: not every hospital has approved the study: site-3 (declined)\n"))
                #expect(try await sessions(at: "coordinator/coordinator.sqlite", consortium) == 0)
                try await consortium.approve("site-3")
                try await poll("the coordinator to hear of the change of mind") {
                    try await consortium.study("list").output.contains("4/4")
                }
                try await consortium.launch()
                try await consortium.watch().succeeded()
            }
        }

        @Test
        func `a study that goes on without a hospital that declined says so, with the others' numbers`()
            async throws
        {
            try await Consortium.with(try Self.scenario(missingSite: "continue")) { consortium in
                try await consortium.submit()
                for site in ["site-1", "site-2", "site-4"] { try await consortium.approve(site) }
                try await decline("site-3", consortium)
                _ = try await consortium.study("watch", "brief", "--decisions")
                try await consortium.launch()
                try await consortium.watch().succeeded()
                try await requireResults(of: ["site-1", "site-2", "site-4"], consortium)
                #expect(try await sessions(at: "site-3/ledger.sqlite", consortium) == 0)
            }
        }

        @Test
        func `an approval is of one text: a changed study needs another`() async throws {
            try await Consortium.with(try Self.scenario()) { consortium in
                try await consortium.submitAndApprove()
                let changed = try replaced(
                    "[age, sex, ecog], baseline: site", by: "[age, sex], baseline: site",
                    in: consortium.scenario.study)
                try consortium.folder.write(changed, to: "study.yaml")
                let submitted = try await consortium.study(
                    "submit", "study.yaml", "--dictionary", "dictionary.yaml"
                ).succeeded()
                let hash = try #require(submitted.split(separator: " ").last).prefix(12)
                for command in ["launch", "cancel", "results", "watch"] {
                    let outcome = try await consortium.study(command, "brief")
                    #expect(outcome.status == 1)
                    #expect(outcome.error.hasPrefix("coxswain: error: \"brief\" means several studies: "))
                    #expect(outcome.error.contains("\(hash) (submitted)"))
                }
                let launch = try await consortium.study("launch", "\(hash)")
                #expect(launch.status == 1)
                for site in consortium.scenario.siteNames {
                    #expect(launch.error.contains("\(site) (pending)"))
                }
            }
        }

        @Test
        func `a study submitted again is the same study, and once finished is not run again`() async throws {
            try await Consortium.with(try Self.scenario()) { consortium in
                try await consortium.submitAndApprove()
                try await consortium.submit()
                let list = try await consortium.study("list").succeeded()
                #expect(list.components(separatedBy: "brief").count == 2, "it is listed once")
                #expect(list.contains("4/4"), "its approvals stand")
                try await consortium.launch()
                try await consortium.watch().succeeded()
                let results = try await consortium.results()
                try await consortium.submit()
                let launch = try await consortium.study("launch", "brief")
                #expect(launch.status == 1)
                #expect(launch.error.hasPrefix("coxswain: error: the study is finished\ncoxswain: hint: "))
                #expect(try await consortium.results() == results)
            }
        }

        @Test
        func
            `a policy changed under a running node is one truth for node, admin and lead, and needs a new approval`()
            async throws
        {
            try await Consortium.with(try Self.scenario()) { consortium in
                try await consortium.submitAndApprove()
                func said(_ words: String, by party: String = "site-3") -> Bool {
                    consortium.folder.text("\(party)/log").contains(words)
                }
                // A file that cannot be used: nothing is answered, and the log says why.
                try consortium.folder.write("people-min: 1\n", to: "site-3/policy.yaml")
                try await poll("site-3 to refuse the file") { said("policy.yaml:") }
                #expect(try await consortium.node("site-3", "check").status == 1)
                let policy = try replaced(
                    "people-min: 20", by: "people-min: 21", in: consortium.scenario.policy)
                try consortium.folder.write(policy, to: "site-3/policy.yaml")
                try await poll("site-3 to heed it") { said("the policy was changed, and is in force: ") }
                try await poll("the lead to see that the approval lapsed") {
                    try await consortium.study("list").output.contains("lapsed: site-3")
                }
                let hash = try await consortium.node("site-3", "policy").succeeded().suffix(65)
                #expect(try await consortium.node("site-3", "check").succeeded().contains(hash))
                #expect(
                    try await consortium.node("site-3", "studies").succeeded().contains(
                        "does not hold: the approval was given under another policy; it must be given again"))
                let launch = try await consortium.study("launch", consortium.scenario.name)
                #expect(launch.status == 1)
                #expect(launch.error.contains("not every hospital has approved the study: site-3 (lapsed)"))
                try await consortium.approve("site-3")
                try await poll("the new approval to be known") {
                    try await consortium.study("list").output.contains("4/4")
                }
                try await consortium.launch()
                try await consortium.watch().succeeded()
                let policies = try JSON(text: try await consortium.results())["policies"]
                #expect(policies["site-3"] != policies["site-2"])
            }
        }

        @Test
        func
            `only the operator who submitted a study can run, cancel or read it, and a policy can name operators`()
            async throws
        {
            try await Consortium.with(try Self.scenario()) { consortium in
                try await consortium.addOperator("rival")
                try await consortium.submitAndApprove()
                for command in ["launch", "cancel", "results"] {
                    let outcome = try await consortium.study(command, "brief", by: "rival")
                    #expect(outcome.status == 1)
                    #expect(
                        outcome.error.hasPrefix(
                            "coxswain: error: only the operator who submitted the study may do this\n"),
                        "\(command)")
                }
                let other = try replaced("study: brief", by: "study: rival", in: consortium.scenario.study)
                try consortium.folder.write(other, to: "rival.yaml")
                try await consortium.study(
                    "submit", "rival.yaml", "--dictionary", "dictionary.yaml", by: "rival"
                )
                .succeeded()
                try await poll("the rival's study to arrive") {
                    try await consortium.node("site-1", "studies").output.contains("rival")
                }
                let approval = try await consortium.node(
                    "site-1", "approve", "rival", "--until", Consortium.day(in: 30), "--by", "admin")
                #expect(approval.status == 1)
                #expect(approval.error.contains("policy rule operators"))
            }
        }

        // MARK: During a session

        @Test
        func `patients replaced during a session are refused by their own hospital`() async throws {
            try await Consortium.with(try Self.scenario()) { consortium in
                try await consortium.submitAndApprove()
                try await consortium.launch()
                try await consortium.hold("site-4", fromRound: 3)
                let rows = try String(contentsOfFile: consortium.scenario.sites[1].csv, encoding: .utf8)
                let fewer = rows.split(separator: "\n").dropLast().joined(separator: "\n") + "\n"
                try consortium.folder.write(fewer, to: "fewer.csv")
                try await consortium.node(
                    "site-2", "import", "fewer.csv", "--dictionary", "dictionary.yaml", "--replace"
                ).succeeded()
                try consortium.process("site-4").signal(SIGCONT)
                let watch = try await consortium.watch()
                #expect(watch.status == 2)
                #expect(
                    watch.error.contains(
                        "brief: failed: site-2 refused: this hospital's patients changed during the session\n"
                    ))
                #expect(try await consortium.study("results", "brief").status == 1)
                try await requireSecretsErased(consortium)
            }
        }

        @Test
        func `an approval taken back during a session ends the study`() async throws {
            try await Consortium.with(try Self.scenario()) { consortium in
                try await consortium.submitAndApprove()
                try await consortium.launch()
                try await consortium.hold("site-4", fromRound: 3)
                try await consortium.node(
                    "site-1", "revoke", "brief", "--reason", "an error", "--by", "admin"
                ).succeeded()
                try consortium.process("site-4").signal(SIGCONT)
                let watch = try await consortium.watch()
                #expect(watch.status == 2)
                #expect(watch.error.contains("site-1 refused: the study is not approved here\n"))
                try await requireSecretsErased(consortium)
                let log = try await consortium.rows(
                    "site-1/ledger.sqlite", "SELECT kind FROM audit ORDER BY seq DESC LIMIT 3")
                #expect(log == ["session-ended", "refused", "approval-revoked"])
            }
        }

        @Test
        func `a cancelled study stops at every hospital, and can be launched anew`() async throws {
            try await Consortium.with(try Self.scenario()) { consortium in
                try await consortium.submitAndApprove()
                try await consortium.launch()
                try await consortium.hold("site-4", fromRound: 3)
                try await consortium.study("cancel", "brief").succeeded()
                let watch = try await consortium.watch()
                #expect(watch.status == 2)
                #expect(
                    watch.error.contains(
                        "brief: cancelled: cancelled by spiffe://demo-consortium/operator/study-lead"))
                #expect(try await consortium.study("cancel", "brief").status == 1)
                try consortium.process("site-4").signal(SIGCONT)
                try await requireSecretsErased(consortium)
                try await consortium.launch()
                try await consortium.watch().succeeded()
                try await requireResults(of: consortium.scenario.siteNames, consortium)
            }
        }

        /// A revoked operator's study stays in the list: a node that has not seen it yet can never accept it.
        @Test
        func `a study that a hospital can do nothing with does not slow the others`() async throws {
            try await Consortium.with(try Self.scenario()) { consortium in
                try await consortium.addOperator("rival")
                try await poll("site-4 to run") {
                    consortium.folder.text("site-4/log").contains("node site-4:")
                }
                #expect(await (try consortium.process("site-4")).stop() == 0)
                let other = try replaced("study: brief", by: "study: rival", in: consortium.scenario.study)
                try consortium.folder.write(other, to: "rival.yaml")
                try await consortium.study(
                    "submit", "rival.yaml", "--dictionary", "dictionary.yaml", by: "rival"
                )
                .succeeded()
                try await consortium.office("revoke", "spiffe://demo-consortium/operator/rival").succeeded()
                try consortium.folder.copy("office/revocations.pem", to: "site-4/identity/revocations.pem")
                try await consortium.restart("site-4")
                try await poll("site-4 to have tried") {
                    consortium.folder.text("site-4/log").contains("it is revoked")
                }
                _ = try await consortium.runStudy()
            }
        }

        // MARK: Silence

        @Test
        func `a silent hospital is named when the patience is over, and the study can be launched again`()
            async throws
        {
            try await Consortium.with(try Self.scenario(patience: "4 seconds")) { consortium in
                try await consortium.submitAndApprove()
                try consortium.process("site-4").signal(SIGSTOP)
                try await consortium.launch()
                let watch = try await consortium.watch()
                #expect(watch.status == 2)
                #expect(
                    watch.error.contains("brief: failed: no answer from site-4 within the study's patience\n")
                )
                try consortium.process("site-4").signal(SIGCONT)
                try await requireSecretsErased(consortium)
                try await consortium.launch()
                try await consortium.watch().succeeded()
            }
        }

        @Test
        func `a study goes on without a hospital that is silent from the start, and restates sites and n`()
            async throws
        {
            let scenario = try Self.scenario(missingSite: "continue", patience: "4 seconds")
            try await Consortium.with(scenario) { consortium in
                try await consortium.submitAndApprove()
                try consortium.process("site-4").signal(SIGSTOP)
                try await consortium.launch()
                try await consortium.watch().succeeded()
                try await requireResults(of: ["site-1", "site-2", "site-3"], consortium)
                try consortium.process("site-4").signal(SIGCONT)
                try await requireSecretsErased(consortium)
            }
        }

        /// Sums with and without the silent hospital would give its own sums away, by difference.
        @Test
        func `a hospital that falls silent after answers were sent is not left out: the others refuse`()
            async throws
        {
            let scenario = try Self.scenario(missingSite: "continue", patience: "4 seconds")
            try await Consortium.with(scenario) { consortium in
                try await consortium.submitAndApprove()
                try await consortium.launch()
                try await consortium.hold("site-4", fromRound: 2)
                let watch = try await consortium.watch()
                #expect(watch.status == 2)
                #expect(
                    watch.error.contains(
                        "refused: the session's hospitals differ by fewer than three from a session answered before"
                    ))
                try consortium.process("site-4").signal(SIGCONT)
                try await requireSecretsErased(consortium)
            }
        }

        @Test
        func `a hospital whose certificate is revoked during a study is shut out, and named`() async throws {
            try await Consortium.with(try Self.scenario(patience: "4 seconds")) { consortium in
                try await consortium.submitAndApprove()
                try await consortium.launch()
                try await consortium.hold("site-4", fromRound: 2)
                try await consortium.office("revoke", "spiffe://demo-consortium/node/site-4").succeeded()
                for party in ["coordinator", "site-1", "site-2", "site-3"] {
                    try consortium.folder.copy(
                        "office/revocations.pem", to: "\(party)/identity/revocations.pem")
                }
                try consortium.process("site-4").signal(SIGCONT)
                let watch = try await consortium.watch()
                #expect(watch.status == 2)
                // Whoever meets its certificate first says so: a hospital that is shown its answer, or the coordinator.
                #expect(watch.error.contains("brief: failed: "))
                #expect(watch.error.contains("site-4"))
                try await poll("site-4 to say why") {
                    consortium.folder.text("site-4/log").contains(
                        "our certificate is revoked, says the other side")
                }
                for party in ["coordinator", "site-1"] {
                    try await consortium.kill(party)
                    try await consortium.restart(party)
                }
                try await consortium.node("site-1", "check").succeeded()
                let list = try await consortium.study("list").succeeded()
                #expect(list.contains("failed"))
            }
        }

        // MARK: -

        /// What the coordinator tells an operator about all studies, as bare JSON.
        private func list(as name: String, _ consortium: Consortium) async throws -> String {
            let files = ["--cacert", "office/authority.pem", "--cert", "\(name)/identity/identity.pem"]
            return try await run(
                "curl",
                [
                    "-sS", "-f", "-m", "20", "https://\(consortium.address)/v1/studies", "--key",
                    "\(name)/identity/identity.key",
                ]
                    + files, in: consortium.folder
            ).succeeded()
        }

        private func decline(_ site: String, _ consortium: Consortium) async throws {
            try await poll("the study to arrive at \(site)") {
                try await consortium.node(site, "studies").output.contains("brief")
            }
            try await consortium.node(
                site, "decline", "brief", "--reason", "no consent for this use", "--by", "admin of \(site)"
            ).succeeded()
        }

        private func sessions(at file: String, _ consortium: Consortium) async throws -> Int {
            Int(
                try await consortium.rows(
                    file, "SELECT count(*) FROM session\(file.contains("ledger") ? "s" : "")")[0])
                ?? -1
        }

        /// The results name these sites, and their numbers are those of a fit on these sites' patients alone.
        private func requireResults(of sites: [String], _ consortium: Consortium) async throws {
            let found = try JSON(text: try await consortium.results())
            #expect(found["sites"].elements.map(\.string) == sites)
            #expect(found["policies"].members.keys.sorted() == sites)
            let csv = try consortium.writeStacked(sites)
            let fit = try await consortium.coxswain([
                "fit", "study.yaml", "--data", csv, "--dictionary", "dictionary.yaml", "--sites", "site",
                "--format", "json",
            ])
            let expected = try JSON(text: fit.succeeded())["analyses"]
            #expect(expected.differences(from: found["analyses"], tolerance: 0) == [])
            #expect(expected.numberCount > 500)
        }

        private func requireSecretsErased(_ consortium: Consortium) async throws {
            for site in consortium.scenario.siteNames {
                try await poll("\(site) to erase its sessions' secrets") {
                    try await consortium.rows(
                        "\(site)/ledger.sqlite", "SELECT count(*) FROM sessions WHERE secret IS NOT NULL")
                        == ["0"]
                }
            }
        }
    }
}
