import Foundation
import Testing

extension EndToEnd {
    /// Somebody with access to one machine tries to change what the others believe.
    @Suite
    struct Tampering {
        /// A coordinator whose database alters each result as it is stored.
        @Test
        func `an altered result is not confirmed by any hospital`() async throws {
            try await Consortium.with(try Scenario.brief()) { consortium in
                let trigger = """
                    CREATE TRIGGER forger AFTER UPDATE OF result ON study WHEN NEW.result IS NOT NULL BEGIN
                        UPDATE study SET result = CAST(
                            replace(CAST(NEW.result AS TEXT), 'A brief study', 'A forged study') AS BLOB)
                        WHERE hash = NEW.hash;
                    END
                    """
                try await run("sqlite3", ["coordinator/coordinator.sqlite", trigger], in: consortium.folder)
                    .succeeded()
                #expect(try await consortium.runStudy().contains("A forged study"))
                for site in consortium.scenario.siteNames {
                    try await poll("\(site) to end the session") {
                        try await consortium.rows(
                            "\(site)/ledger.sqlite",
                            "SELECT outcome FROM sessions WHERE outcome LIKE 'result not confirmed: %' AND secret IS NULL"
                        ).count == 1
                    }
                    #expect(
                        consortium.folder.text("\(site)/log").contains(
                            "the result does not follow from the sums"))
                }
            }
        }

        @Test
        func `a stored answer that was altered is noticed when the coordinator starts again`() async throws {
            try await Consortium.with(try Scenario.brief()) { consortium in
                try await consortium.submitAndApprove()
                try await consortium.launch()
                try await consortium.hold("site-4", fromRound: 3)
                try await consortium.kill("coordinator")
                let change = """
                    UPDATE message SET body = replace(body, '\\"round\\":2', '\\"round\\":3')
                    WHERE type = 'answer' AND site = 'site-2' AND round = 2
                    """
                let count = try await run(
                    "sqlite3", ["coordinator/coordinator.sqlite", "\(change); SELECT changes(), 'x'"],
                    in: consortium.folder
                ).succeeded()
                #expect(count == "1|x\n")
                try await consortium.startCoordinator()
                let watch = try await consortium.watch()
                #expect(watch.status == 2)
                #expect(
                    watch.error.contains(
                        "brief: failed: its session cannot be taken up again: the signature of "
                            + "spiffe://demo-consortium/node/site-2 on its answer does not fit the text"))
                #expect(try await consortium.study("results", "brief").status == 1)
            }
        }

        @Test
        func `patients changed outside of an import are not answered from`() async throws {
            try await Consortium.with(try Scenario.brief()) { consortium in
                try await consortium.submitAndApprove()
                let change =
                    "DROP TRIGGER \"lung@1 refuses UPDATE\"; UPDATE \"lung@1\" SET age = 40 WHERE patient = '5'"
                try await run("sqlite3", ["site-1/cohort.sqlite", change], in: consortium.folder).succeeded()
                try await consortium.launch()
                let watch = try await consortium.watch()
                #expect(watch.status == 2)
                let sentence = "this hospital's patients are not those that were imported"
                #expect(watch.error.contains("brief: failed: site-1 refused: \(sentence)\n"))
                for command in [
                    ["check"], ["approve", "brief", "--until", Consortium.day(in: 9), "--by", "me"],
                ] {
                    let outcome = try await consortium.coxswain(
                        ["node"] + command + ["--config", "site-1/node.yaml"])
                    #expect(outcome.status == 1)
                    #expect(outcome.error.contains(sentence))
                }
                #expect(
                    try await consortium.rows("site-1/ledger.sqlite", "SELECT count(*) FROM rounds") == ["0"])
            }
        }

        /// An office that was broken into can sign a new "site-3", but not change what the hospitals told each other by telephone.
        @Test
        func `a hospital that pinned its peers takes no other's word, whoever signed the certificate`()
            async throws
        {
            try await Consortium.with(try Scenario.brief()) { consortium in
                var pins = "peers:\n"
                for site in consortium.scenario.siteNames {
                    let own = try await consortium.node(site, "peers").succeeded().split(separator: "\n")
                    let fields = try #require(own.first { $0.hasSuffix("this hospital") }).split(
                        separator: " ")
                    pins += "  \(fields[0]): \(fields[1])\n"
                }
                let folder = consortium.folder
                try folder.write(folder.text("site-1/node.yaml") + pins, to: "site-1/node.yaml")
                #expect(await (try consortium.process("site-1")).stop() == 0)
                try await consortium.restart("site-1")
                _ = try await consortium.runStudy()

                try await consortium.office("issue", "node", "site-3", "--out", "impostor").succeeded()
                #expect(await (try consortium.process("site-3")).stop() == 0)
                for file in ["identity.pem", "identity.key"] {
                    try folder.copy("impostor/\(file)", to: "site-3/identity/\(file)")
                }
                try await run("chmod", ["600", "site-3/identity/identity.key"], in: folder).succeeded()
                try await consortium.restart("site-3")
                try folder.write(
                    try replaced("study: brief", by: "study: second", in: consortium.scenario.study),
                    to: "study.yaml")
                try await consortium.submit()
                try await consortium.forEachSite { site, _ in try await consortium.approve(site, "second") }
                try await consortium.study("watch", "second", "--decisions").succeeded()
                try await consortium.study("launch", "second").succeeded()
                let watch = try await consortium.study("watch", "second")
                #expect(watch.status == 2)
                #expect(
                    watch.error.contains(
                        "site-1 refused: the certificate of site-3 is not the one pinned in peers:"))
            }
        }
    }
}
