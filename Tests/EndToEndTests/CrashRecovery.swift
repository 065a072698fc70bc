import Foundation
import Testing

extension EndToEnd {
    /// Any process, killed at any moment and started again: the study ends with the same bytes.
    @Suite
    struct CrashRecovery {
        /// The results of the same study when nothing happens.
        ///
        /// Sessions, ephemeral keys and masks differ from run to run, and nothing of the result may depend on them.
        private static let undisturbed = Task {
            try await Consortium.with(try Scenario.brief()) { try await $0.runStudy() }
        }

        @Test
        func `each party killed in the middle of rounds changes no byte of the results`() async throws {
            try await Consortium.with(try Scenario.brief()) { consortium in
                try await consortium.submitAndApprove()
                try await consortium.launch()
                for round in [1, 6, 13] {
                    try await consortium.hold("site-4", fromRound: round)
                    for party in ["coordinator", "site-2", "site-4"] {
                        try await consortium.kill(party)
                        try await consortium.restart(party)
                    }
                }
                try await requireSameResults(consortium)
            }
        }

        @Test
        func `a power cut everywhere at once changes no byte of the results`() async throws {
            try await Consortium.with(try Scenario.brief()) { consortium in
                try await consortium.submitAndApprove()
                try await consortium.launch()
                try await consortium.hold("site-3", fromRound: 4)
                let parties = consortium.scenario.siteNames + ["coordinator"]
                for party in parties { try consortium.process(party).signal(SIGKILL) }
                for party in parties { try await consortium.kill(party) }
                for party in parties { try await consortium.restart(party) }
                try await requireSameResults(consortium)
            }
        }

        @Test
        func `a party killed every few answers changes no byte of the results`() async throws {
            try await Consortium.with(try Scenario.brief()) { consortium in
                try await consortium.submitAndApprove()
                try await consortium.launch()
                let victims = [
                    "coordinator", "site-1", "site-4", "coordinator", "site-2", "site-3", "coordinator",
                ]
                for (kill, victim) in victims.enumerated() {
                    try await poll("answer \(7 * kill + 3)") {
                        try await answerCount(consortium) >= 7 * kill + 3
                    }
                    try await consortium.kill(victim)
                    try await consortium.restart(victim)
                }
                try await requireSameResults(consortium)
            }
        }

        @Test
        func `each party killed between the steps before the first round changes no byte of the results`()
            async throws
        {
            try await Consortium.with(try Scenario.brief()) { consortium in
                try await consortium.submit()
                try await consortium.kill("coordinator")
                try await consortium.restart("coordinator")
                try await consortium.forEachSite { site, _ in try await consortium.approve(site) }
                try await consortium.kill("site-1")
                try await consortium.restart("site-1")
                try await consortium.study("watch", "brief", "--decisions").succeeded()
                try consortium.process("site-4").signal(SIGSTOP)
                try await consortium.launch()
                try await poll("the keys of three sites") { try await count(of: "hello", consortium) == 3 }
                for party in ["coordinator", "site-2", "site-4"] {
                    try await consortium.kill(party)
                    try await consortium.restart(party)
                }
                try await poll("the last key") { try await count(of: "hello", consortium) == 4 }
                for party in ["site-3", "coordinator"] {
                    try await consortium.kill(party)
                    try await consortium.restart(party)
                }
                try await requireSameResults(consortium)
            }
        }

        @Test
        func `a finished study survives restarts, and every node confirms its result`() async throws {
            try await Consortium.with(try Scenario.brief()) { consortium in
                try await consortium.submitAndApprove()
                try await consortium.launch()
                try await poll("the end") {
                    try await consortium.rows("coordinator/coordinator.sqlite", "SELECT state FROM study")
                        == ["finished"]
                }
                for party in ["site-4", "coordinator", "site-1"] {
                    try await consortium.kill(party)
                    try await consortium.restart(party)
                }
                try await requireSameResults(consortium)
            }
        }

        /// The last answer and the end of the study are two commits; a power cut can come between them.
        @Test
        func `a study whose last answer was stored, and its end not, is ended after a restart`() async throws
        {
            try await Consortium.with(try Scenario.brief()) { consortium in
                _ = try await consortium.runStudy()
                try await consortium.kill("coordinator")
                let undo = "UPDATE study SET state = 'running', result = NULL"
                try await run("sqlite3", ["coordinator/coordinator.sqlite", undo], in: consortium.folder)
                    .succeeded()
                try await consortium.restart("coordinator")
                try await requireSameResults(consortium)
            }
        }

        @Test
        func `a coordinator that was away for longer than a study's patience does not blame the hospitals`()
            async throws
        {
            let scenario = try Scenario.brief()
            try await Consortium.with(scenario) { consortium in
                try await consortium.submitAndApprove()
                try await consortium.launch()
                try await poll("round 2") {
                    consortium.folder.text("site-4/log").contains("round 2 answered")
                }
                try await consortium.kill("coordinator")
                // As if an hour had gone by: the study's patience is two minutes.
                let aging = "UPDATE session SET since = since - 3600; SELECT changes()"
                let aged = try await run(
                    "sqlite3", ["coordinator/coordinator.sqlite", aging], in: consortium.folder)
                #expect(try aged.succeeded() == "1\n")
                for site in scenario.siteNames { try await consortium.kill(site) }
                for party in ["coordinator"] + scenario.siteNames { try await consortium.restart(party) }
                try await consortium.watch().succeeded()
            }
        }

        /// What was signed before a certificate ended stays signed.
        @Test
        func `a member whose certificate ends after a study does not keep anybody from starting again`()
            async throws
        {
            try await Consortium.with(try Scenario.brief()) { consortium in
                try await consortium.submitAndApprove()
                try await consortium.launch()
                try await consortium.watch().succeeded()
                try await requireSameResults(consortium)
                for member in ["node/site-4", "operator/study-lead"] {
                    try await consortium.office("revoke", "spiffe://demo-consortium/\(member)").succeeded()
                }
                try await consortium.addOperator("successor")
                for party in consortium.scenario.siteNames + ["coordinator"] {
                    try consortium.folder.copy(
                        "office/revocations.pem", to: "\(party)/identity/revocations.pem")
                    try await consortium.kill(party)
                }
                for party in ["coordinator", "site-1", "site-2"] { try await consortium.restart(party) }
                try await consortium.node("site-1", "check").succeeded()
                // Of another operator's study only that it is over.
                let list = try await consortium.study("list", by: "successor").succeeded()
                #expect(list.contains(consortium.scenario.name) && list.contains("over"))
            }
        }

        @Test
        func `a second program on the same databases is turned away, and the study runs on`() async throws {
            try await Consortium.with(try Scenario.brief()) { consortium in
                try await consortium.submitAndApprove()
                try await consortium.launch()
                try await consortium.hold("site-4", fromRound: 2)
                let twins = [
                    try await consortium.node("site-2", "run"),
                    try await consortium.coxswain([
                        "coordinator", "run", "--config", "coordinator/coordinator.yaml",
                    ]),
                ]
                for twin in twins {
                    #expect(twin.status == 1)
                    #expect(twin.error.hasPrefix("coxswain: error: another program runs on "))
                }
                try consortium.process("site-4").signal(SIGCONT)
                try await requireSameResults(consortium)
            }
        }

        @Test
        func `every program ends cleanly when asked to, in the middle of a study, and takes it up again`()
            async throws
        {
            try await Consortium.with(try Scenario.brief()) { consortium in
                try await consortium.submitAndApprove()
                try await consortium.launch()
                try await consortium.hold("site-4", fromRound: 3)
                for party in consortium.scenario.siteNames + ["coordinator"] {
                    #expect(await (try consortium.process(party)).stop() == 0, "\(party)")
                }
                for party in ["coordinator"] + consortium.scenario.siteNames {
                    try await consortium.restart(party)
                }
                try await requireSameResults(consortium)
            }
        }

        @Test
        func `a study lead who watches hears of a coordinator that is away, and then of the end`()
            async throws
        {
            try await Consortium.with(try Scenario.brief()) { consortium in
                try await consortium.submitAndApprove()
                try await consortium.launch()
                try await consortium.hold("site-4", fromRound: 3)
                let watch = try consortium.startWatching()
                try await poll("the watcher to see the study") {
                    consortium.folder.text("study-lead/watch").contains("brief: running")
                }
                try await consortium.kill("coordinator")
                try await poll("the watcher to miss the coordinator") {
                    consortium.folder.text("study-lead/watch").contains("waiting for it\n")
                }
                try await consortium.restart("coordinator")
                try consortium.process("site-4").signal(SIGCONT)
                #expect(await watch.waitForEnd() == 0)
                #expect(
                    consortium.folder.text("study-lead/watch").hasSuffix("brief: finished after 16 rounds\n"))
                try await requireSameResults(consortium)
            }
        }

        private func answerCount(_ consortium: Consortium) async throws -> Int {
            try await count(of: "answer", consortium)
        }

        /// Messages of a kind that the coordinator holds.
        private func count(of type: String, _ consortium: Consortium) async throws -> Int {
            let rows = try await consortium.rows(
                "coordinator/coordinator.sqlite", "SELECT count(*) FROM message WHERE type = '\(type)'")
            return Int(rows[0]) ?? 0
        }

        private func requireSameResults(_ consortium: Consortium) async throws {
            try await consortium.watch().succeeded()
            let results = try await consortium.results()
            #expect(results == (try await Self.undisturbed.value))
            let rounds = try #require(try JSON(text: results)["rounds"].number)
            for site in consortium.scenario.siteNames {
                let ledger = "\(site)/ledger.sqlite"
                try await poll("\(site) to confirm the result") {
                    try await consortium.rows(ledger, "SELECT outcome, secret IS NULL FROM sessions") == [
                        "finished|1"
                    ]
                }
                let answered = try await consortium.rows(
                    ledger, "SELECT body ->> 'round' FROM audit WHERE kind = 'round-answered' ORDER BY seq")
                #expect(
                    answered == (1...Int(rounds)).map(String.init), "each round is answered and logged once")
                try await consortium.node(site, "check").succeeded()
            }
        }
    }
}
