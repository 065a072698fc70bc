import Foundation
import Testing

extension EndToEnd {
    /// What a study's lead sees: results that can be fetched whatever is in them, the state of each hospital, and beforehand what
    /// a policy would say.
    @Suite
    struct LeadsView {
        /// Profile limits that are not found are NA, and nobody is older than 109: what once made a result that nobody could read.
        ///
        /// At one hospital alone too few are old for a table.
        private static let study = """
            study: unreadable
            dictionary: lung@1
            sites: [site-1, site-2, site-3, site-4]
            endpoint: {time: days, event: died, unit: day}
            define: {died: status == 2, oldest: age > 109, old: age > 74}
            analyses:
              - cox: {id: firth, terms: [age, sex, ecog], baseline: site, penalty: firth, evaluations: 10}
              - describe: {id: nobody, variables: [age, sex], by: oldest}
              - describe: {id: too-few, variables: [sex], by: old}

            """

        @Test
        func
            `a result with NA everywhere is fetched in every format, confirmed by the nodes, and is that of a fit`()
            async throws
        {
            var scenario = try Scenario.brief()
            scenario.study = Self.study.replacing(
                "  - describe: {id: too-few, variables: [sex], by: old}\n",
                with: "")
            try await Consortium.with(scenario) { consortium in
                let json = try JSON(text: try await consortium.runStudy())["analyses"]
                #expect(json["firth"]["lower"].elements.contains(.null))
                #expect(json["nobody"]["variables"][0]["smd"] == .null)
                for format in ["text", "csv"] {
                    #expect(try await consortium.results(format: format).contains("firth"))
                }
                for site in scenario.siteNames {
                    try await poll("\(site) to close its session") {
                        try await consortium.rows(
                            "\(site)/ledger.sqlite", "SELECT outcome, secret IS NULL FROM sessions")
                            == ["finished|1"]
                    }
                    #expect(consortium.folder.text("\(site)/log").contains("the result was confirmed here"))
                }
                let stacked = try consortium.writeStacked(scenario.siteNames)
                let fit = try await consortium.coxswain([
                    "fit", "study.yaml", "--data", stacked, "--sites", "site", "--dictionary",
                    "dictionary.yaml",
                    "--format", "json",
                ])
                #expect(
                    try JSON(text: fit.succeeded())["analyses"].differences(from: json, tolerance: 0) == [])
            }
        }

        @Test
        func `an analysis without a result has an exit status of its own, after all else was written`()
            async throws
        {
            let folder = try Folder.temporary()
            defer { folder.remove() }
            try folder.write(Self.study, to: "study.yaml")
            try folder.write(try Scenario.brief().dictionary, to: "dictionary.yaml")
            let patients = try String(contentsOfFile: Repository.data("lung/site-1.csv"), encoding: .utf8)
            try folder.write(patients, to: "patients.csv")
            for format in ["text", "json", "csv"] {
                let outcome = try await run(
                    Repository.coxswain,
                    [
                        "fit", "study.yaml", "--data", "patients.csv", "--dictionary", "dictionary.yaml",
                        "--format",
                        format,
                    ], in: folder)
                #expect(outcome.status == 3)
                #expect(outcome.error.contains("coxswain: note: of 3 analyses, one has no result: too-few"))
                #expect(outcome.output.contains("firth") && outcome.output.contains("too-few"))
                if format == "json" { _ = try JSON(text: outcome.output) }
            }
        }

        @Test
        func `pending, unknown, declined, lapsed and offline are different words`() async throws {
            try await Consortium.with(try Scenario.brief(), started: false) { consortium in
                func list() async throws -> String { try await consortium.study("list").succeeded() }
                func expectList(_ words: String) async throws {
                    try await poll("\"\(words)\" in the list of studies") { try await list().contains(words) }
                }
                try await consortium.startCoordinator()
                for site in ["site-1", "site-2", "site-3"] { try consortium.startNode(site) }
                try await consortium.submit()
                try await expectList("pending: site-1, site-2, site-3; unknown hospital: site-4")
                let launch = try await consortium.study("launch", "brief")
                #expect(launch.error.contains("site-1 (pending)"))
                #expect(launch.error.contains("site-4 (unknown hospital)"))
                try await consortium.approve("site-1")
                try await consortium.approve("site-2")
                try await consortium.node(
                    "site-3", "decline", "brief", "--reason", "no ethics vote yet", "--by", "admin"
                ).succeeded()
                try await expectList("declined: site-3; unknown hospital: site-4")
                let watched = try await consortium.study("watch", "brief", "--decisions")
                #expect(watched.status == 2)
                #expect(watched.error.contains("site-1: approved\n"))
                #expect(watched.error.contains("site-3: declined: «no ethics vote yet»\n"))
                #expect(
                    watched.error.contains("site-4: unknown hospital: no node of that name has ever called"))

                // Another policy: the approval under the old one does not hold any more, and the lead is told.
                try await consortium.kill("site-1")
                let policy = try replaced(
                    "people-min: 20", by: "people-min: 21", in: consortium.scenario.policy)
                try consortium.folder.write(policy, to: "site-1/policy.yaml")
                try consortium.startNode("site-1")
                try await expectList("lapsed: site-1; declined: site-3")
                try await consortium.approve("site-1")
                try await poll("the new approval to be known") { try await !list().contains("lapsed") }

                // A coordinator that starts again knows whom it knew.
                try await consortium.kill("site-2")
                try await consortium.kill("coordinator")
                let undo = "UPDATE hospital SET seen = seen - 3600 WHERE site = 'site-2'"
                try await run("sqlite3", ["coordinator/coordinator.sqlite", undo], in: consortium.folder)
                    .succeeded()
                try await consortium.startCoordinator()
                try await expectList("unknown hospital: site-4")
                #expect(try await !list().contains("pending"))
            }
        }

        @Test
        func `a check says beforehand what a policy's rules say of a study's text`() async throws {
            let folder = try Folder.temporary()
            defer { folder.remove() }
            let scenario = try Scenario.brief()
            try folder.write(scenario.study, to: "study.yaml")
            try folder.write(scenario.dictionary, to: "dictionary.yaml")
            try folder.write(scenario.policy, to: "policy.yaml")
            try folder.write(
                try replaced("times-exact: allow", by: "times-exact: refuse", in: scenario.policy),
                to: "strict.yaml")
            func check(_ options: String...) async throws -> Outcome {
                try await run(
                    Repository.coxswain,
                    ["study", "check", "study.yaml", "--dictionary", "dictionary.yaml"] + options, in: folder)
            }
            let allowed = try await check("--policy", "policy.yaml", "--operator", "study-lead").succeeded()
            #expect(
                allowed.contains("policy.yaml: nothing in the study's text is against it; a person decides"))
            let refused = try await check("--policy", "policy.yaml", "--policy", "strict.yaml")
            #expect(refused.status == 1)
            // All of them, not the first.
            for id in ["by-sex", "common-baseline"] {
                #expect(
                    refused.output.contains(
                        "strict.yaml: would refuse: policy rule times-exact, analysis \"\(id)\""))
            }
            #expect(refused.error == "coxswain: error: the study would be refused under strict.yaml\n")
            let stranger = try await check("--policy", "policy.yaml", "--operator", "mallory")
            #expect(stranger.output.contains("studies of operator mallory are not considered here"))
            try folder.write(
                try replaced("[site-1, site-2, site-3, site-4]", by: "[site-1, site-2]", in: scenario.study),
                to: "study.yaml")
            let two = try await check()
            #expect(two.status == 1)
            #expect(two.error.contains("the study names 2 hospitals, and needs three at least"))
        }
    }
}
