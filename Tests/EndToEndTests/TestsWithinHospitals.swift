import Foundation
import Testing

extension EndToEnd {
    /// Log-rank tests stratified by hospital, from four hospitals whose policy is that of the examples: no exact time leaves them.
    @Suite
    struct TestsWithinHospitals {
        private static let study = """
            study: within
            title: Survival by sex, within hospitals
            dictionary: lung@1
            sites: [site-1, site-2, site-3, site-4]
            endpoint: {time: days, event: died, unit: day}
            define: {died: status == 2, limited: ecog >= 1}
            analyses:
              - survival: {id: sex, by: sex, curves: false, test: log-rank, strata: [site]}
              - survival: {id: peto, by: limited, curves: false, test: {rho: 1}, strata: [site, sex]}
              - survival: {id: year, by: sex, curves: false, test: log-rank, strata: [site], censor-at: 360}
            patience: 2 minutes

            """

        /// R 4.2.2, survival 3.5-3, d being the rows of `Data/lung` with their site:
        /// `survdiff(Surv(time, died) ~ sex + strata(site), d)`; `survdiff(Surv(time, died) ~ (ph.ecog >= 1) + strata(site, sex),
        /// d, rho = 1)`; `survdiff(Surv(pmin(time, 360), died & time <= 360) ~ sex + strata(site), d)`.
        private static let expected:
            [(id: String, n: [Double], observed: [Double], expected: [Double], chisq: Double)] = [
                ("sex", [137, 90], [111, 53], [91.5789840461293, 72.4210159538707], 9.7864618619662),
                (
                    "peto", [63, 163], [19.3561240286090, 80.5244828263925],
                    [31.5140932464054, 68.3665136085961],
                    10.0307079146638
                ),
                ("year", [137, 90], [], [], 9.95535981318072),
            ]

        @Test
        func `a policy that lets no exact time leave answers them, and they are R's`() async throws {
            var scenario = try Scenario.lung()
            scenario.study = Self.study
            scenario.policy = try Repository.text("Config/policy.yaml")
            try #require(scenario.policy.contains("times-exact: refuse"))
            try await Consortium.with(scenario) { consortium in
                try await consortium.submit()
                try await poll("the study to arrive") {
                    try await consortium.node("site-1", "studies").output.contains("within")
                }
                let shown = try await consortium.node("site-1", "show", "within").succeeded()
                #expect(shown.contains("This hospital's policy has no objection to this study."))
                #expect(
                    shown.contains(
                        "Analysis sex: log-rank test within hospitals, by sex, at each hospital's own exact times"
                    ))
                try await consortium.forEachSite { site, _ in try await consortium.approve(site) }
                try await consortium.study("watch", "within", "--decisions").succeeded()
                try await consortium.launch()
                try await consortium.watch().succeeded()
                let analyses = try JSON(text: try await consortium.results())["analyses"]
                for want in Self.expected {
                    let test = analyses[want.id]["test"]
                    #expect(analyses[want.id]["groups"].elements.isEmpty && test["within"].string == "sites")
                    #expect(test["n"].elements.map(\.number) == want.n)
                    Self.expectClose(test["observed"].elements.map(\.number), want.observed)
                    Self.expectClose(test["expected"].elements.map(\.number), want.expected)
                    Self.expectClose([test["statistic"].number], [want.chisq])
                }
                // Counts, then the sums of the tests: two rounds, and no position of a time axis in them.
                let stored = try await consortium.rows(
                    "coordinator/coordinator.sqlite", "SELECT max(round) FROM message WHERE type = 'answer'")
                #expect(stored == ["2"])
            }
        }

        private static func expectClose(_ found: [Double?], _ expected: [Double]) {
            for (found, expected) in zip(found, expected) {
                #expect(abs((found ?? .nan) / expected - 1) < 1e-9, "\(found ?? .nan), R \(expected)")
            }
        }

        /// The same question over all hospitals needs times, which the policy refuses by name.
        @Test
        func `study check says which of two tests such a policy refuses`() async throws {
            let folder = try Folder.temporary()
            defer { folder.remove() }
            let dictionary = "\(Repository.root)/Tests/EndToEndTests/Data/dictionaries/lung.yaml"
            func check(_ study: String) async throws -> Outcome {
                try folder.write(study, to: "study.yaml")
                return try await run(
                    Repository.coxswain,
                    [
                        "study", "check", "study.yaml", "--dictionary", dictionary, "--policy",
                        "\(Repository.root)/Config/policy.yaml",
                    ], in: folder)
            }
            let within = try await check(Self.study).succeeded()
            #expect(within.contains("sex: test of survival by sex, log-rank within hospitals\n"), "\(within)")
            let pooled = try await check(
                Self.study.replacingOccurrences(of: "strata: [site]", with: "times: exact"))
            #expect(pooled.status == 1 && "\(pooled)".contains("times-exact"), "\(pooled)")
        }
    }
}
