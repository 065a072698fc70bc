import Survival
import Testing

@testable import Federation

/// What a study lead may write, and the sentences that answer what they may not.
struct StudyFileTests {
    private static func parse(_ text: String) throws -> StudyFile {
        try StudyFile(yaml: text, file: "study.yaml")
    }

    private static let smallest = """
        study: ward
        dictionary: ward@1
        sites: [site-1, site-2, site-3]
        endpoint: {time: months, event: died, unit: month}
        analyses:
          - cox: {id: m, terms: [age]}

        """

    @Test func `a study may say no more than it must`() throws {
        let study = try Self.parse(Self.smallest)
        #expect(study.name == "ward" && study.title == "ward" && study.purpose == nil && study.lead == nil)
        #expect(study.dictionary == "ward@1" && study.sites == ["site-1", "site-2", "site-3"])
        #expect(study.cohort == nil && study.definitions.isEmpty)
        #expect(study.endpoint == .init(time: "months", start: nil, event: "died", unit: .month))
        #expect(study.privacy == .init(timeGrid: nil, smallestInterval: 10))
        #expect(study.missingSite == .fail && study.patienceSeconds == 3600)
        #expect(study.analyses.count == 1)
        let cox = try #require(study.analyses.first)
        #expect(
            cox.id == "m" && cox.cohort == nil && cox.times == .exact && cox.level == 0.95 && cox.line == 6)
        #expect(
            cox.kind as? CoxRequest == CoxRequest(terms: ["age"], baseline: .site, ties: .efron, weights: nil)
        )
    }

    /// What a statistician tries out alone; hospitals are asked a study that says all of it.
    @Test func `a draft may leave out study, dictionary and sites`() throws {
        let text = """
            endpoint: {time: months, event: died, unit: month}
            analyses: [{cox: {id: m, terms: [age]}}]
            """
        let draft = try StudyFile(yaml: text, file: "try.yaml", draft: "try")
        #expect(
            draft.name == "try" && draft.title == "try" && draft.dictionary == "try@1" && draft.sites.isEmpty)
        #expect(!draft.namesDictionary)
        let whole = try StudyFile(yaml: Self.smallest, file: "study.yaml", draft: "try")
        #expect(try String(reflecting: whole) == String(reflecting: Self.parse(Self.smallest)))
        for key in ["study", "dictionary", "sites"] {
            let lines = Self.smallest.split(separator: "\n").filter { !$0.hasPrefix(key) }.joined(
                separator: "\n")
            #expect(throws: DocumentError.self) { try Self.parse(lines) }
        }
    }

    @Test func `a study may use every key`() throws {
        let study = try Self.parse(
            """
            study: ward-2
            title: "Survival on the ward: a study"
            purpose: To know.
            lead: Dr. Li
            dictionary: ward@1
            sites: [site-1, site-2]
            cohort: age >= 18
            endpoint: {time: months, start: entered, event: died, unit: day}
            define:
              old: age > 70
              older: old and frail
            analyses:
              - survival:
                  id: a
                  by: stage
                  at: [24, 12]
                  test: {rho: 1, trend: true}
                  strata: [frail]
                  quantiles: [0.75, 0.25]
                  rmst: [24, 12]
                  follow-up: true
                  limits: log-log
                  level: 0.9
                  cohort: frail
                  times: exact
              - cox:
                  id: b
                  each: [age, stage]
                  baseline: common
                  ties: breslow
                  weights: share
                  level: 0.99
                  times: exact
                  cohort: old
                  check: proportional-hazards
                  transform: identity
                  robust: true
            privacy: {time-grid: 0.5, smallest-interval: 20}
            missing-site: continue
            patience: 2 days
            """)
        #expect(
            study.title == "Survival on the ward: a study" && study.purpose == "To know."
                && study.lead == "Dr. Li")
        #expect(study.cohort == "age >= 18")
        #expect(study.endpoint == .init(time: "months", start: "entered", event: "died", unit: .day))
        #expect(
            study.definitions == [
                .init(name: "old", text: "age > 70"), .init(name: "older", text: "old and frail"),
            ])
        #expect(study.privacy == .init(timeGrid: 0.5, smallestInterval: 20))
        #expect(study.missingSite == .continue && study.patienceSeconds == 172_800)
        #expect(study.analyses.map(\.id) == ["a", "b/age", "b/stage"])
        #expect(study.analyses.map(\.cohort) == ["frail", "old", "old"])
        #expect(study.analyses.map(\.level) == [0.9, 0.99, 0.99])
        #expect(study.analyses.allSatisfy { $0.times == .exact })
        #expect(
            study.analyses[0].kind as? SurvivalRequest
                == SurvivalRequest(
                    by: "stage", at: [12, 24], limits: .logLog, logRank: true,
                    options: .init(
                        quantiles: [0.25, 0.75], restrictedMeans: [12, 24], hasFollowUp: true, rho: 1,
                        hasTrend: true,
                        strata: ["frail"])))
        for (analysis, term) in zip(study.analyses.dropFirst(), ["age", "stage"]) {
            #expect(
                analysis.kind as? CoxRequest
                    == CoxRequest(
                        terms: [term], baseline: .common, ties: .breslow, weights: "share",
                        options: .init(check: .identity, isRobust: true)))
        }
    }

    @Test func `sums over time are on the study's grid unless exact times are asked for`() throws {
        let study = try Self.parse(
            Self.smallest
                + "  - survival: {id: a}\n  - survival: {id: b, times: exact}\n  - cox: {id: c, terms: [age], baseline: common}\n"
        )
        #expect(study.analyses.map(\.times) == [.exact, .grid, .exact, .grid])
    }

    @Test(arguments: [
        ("1 second", 1), ("90 seconds", 90), ("1 minute", 60), ("24 hours", 86_400), ("60 days", 5_184_000),
    ])
    func `patience is a number and a unit`(_ text: String, _ seconds: Int) throws {
        #expect(try Self.parse(Self.smallest + "patience: \(text)\n").patienceSeconds == seconds)
    }

    /// What stands in place of a line of the smallest study, and what is said about it.
    @Test(arguments: [
        ("study: ward\n", "", #"1:1: the key "study" is missing"#),
        (
            "study: ward", "study: Ward",
            #"1:8: "Ward" cannot be a name; use lower-case letters, digits and hyphens"#
        ),
        (
            "study: ward", "study: -ward",
            #"1:8: "-ward" cannot be a name; use lower-case letters, digits and hyphens"#
        ),
        ("study: ward", "study: [ward]", #"1:8: "study" needs a single value, not a list"#),
        ("study: ward", "study: ward\ntitel: x", #"2:1: unknown key "titel"; did you mean "title"?"#),
        ("study: ward", "study: ward\npolicy: x", #"2:1: unknown key "policy""#),
        ("dictionary: ward@1\n", "", #"1:1: the key "dictionary" is missing"#),
        ("[site-1, site-2, site-3]", "[]", "3:8: no sites are listed; name the hospitals that are asked"),
        ("[site-1, site-2, site-3]", "site-1", #"3:8: "sites" needs a list, [...], not a single value"#),
        ("[site-1, site-2, site-3]", "[site-1, site-1]", "3:8: a site is listed twice"),
        (
            "[site-1, site-2, site-3]", "[a, b/c]",
            #"3:8: "b/c" cannot be a site's name; use lower-case letters, digits and hyphens"#
        ),
        ("unit: month", "unit: months", #"4:45: "months" is not one of: day, week, month, year"#),
        (", unit: month", "", "4:11: the endpoint needs a unit: day, week, month or year"),
        ("time: months", "times: months", #"4:12: unknown key "times"; did you mean "time"?"#),
        ("event: died", "died: died", #"4:11: the key "event" is missing"#),
        (
            "{time: months, event: died, unit: month}", "months",
            #"4:11: "endpoint" needs a mapping of keys to values, not a single value"#
        ),
        ("analyses:\n  - cox: {id: m, terms: [age]}\n", "", #"1:1: the key "analyses" is missing"#),
        (
            "analyses:\n  - cox: {id: m, terms: [age]}\n", "analyses: []\n",
            "5:11: a study needs at least one analysis"
        ),
        (
            "cox: {id", "coxph: {id",
            "6:5: each item of analyses: is one of survival, incidence, cox, concordance, describe, compare, not coxph"
        ),
        (
            "- cox: {id: m, terms: [age]}", "- cox",
            #"6:5: "analyses" lists mappings of keys to values, not a single value"#
        ),
        (
            "- cox: {id: m, terms: [age]}", "- cox: m",
            #"6:10: "cox" needs a mapping of keys to values, not a single value"#
        ),
        (
            "- cox: {id: m, terms: [age]}", "- cox: {id: m, terms: [age]}\n    survival: {id: s}",
            "6:5: each item of analyses: is one of survival, incidence, cox, concordance, describe, compare, not cox and survival"
        ),
        ("{id: m, ", "{", #"6:10: the key "id" is missing"#),
        ("id: m", "id: M 1", #"6:15: "M 1" cannot be a name; use lower-case letters, digits and hyphens"#),
        (
            "terms: [age]", "term: [age]",
            "6:10: cox takes either terms: (one model) or each: (one model per term)"
        ),
        (
            "terms: [age]", "terms: [age], each: [age]",
            "6:10: cox takes either terms: (one model) or each: (one model per term)"
        ),
        ("terms: [age]", "each: []", "6:24: each: lists no term; name the covariates"),
        ("terms: [age]", "terms: age", #"6:25: "terms" needs a list, [...], not a single value"#),
        ("terms: [age]", "terms: [age], tie: efron", #"6:32: unknown key "tie"; did you mean "ties"?"#),
        ("terms: [age]", "terms: [age], ties: cox", #"6:38: "cox" is not one of: efron, breslow, exact"#),
        ("terms: [age]", "terms: [age], baseline: shared", #"6:42: "shared" is not one of: site, common"#),
        (
            "terms: [age]", "terms: [age], times: grid",
            "6:39: under baseline: site no time leaves a hospital and exact times are used; drop times:"
        ),
        (
            "terms: [age]", "terms: [age], baseline: common, times: day",
            #"6:57: "day" is not one of: exact, grid"#
        ),
        (
            "terms: [age]", "terms: [age], level: 95",
            "6:39: the confidence level must lie between 0 and 1, e.g. 0.95"
        ),
        (
            "terms: [age]", "terms: [age], level: 1",
            "6:39: the confidence level must lie between 0 and 1, e.g. 0.95"
        ),
        ("terms: [age]", "terms: [age], level: high", #"6:39: "high" is not a number"#),
        (
            "terms: [age]", "terms: [age], at: [12]",
            "6:36: at: belongs to predict:; add profiles of covariates"
        ),
        ("terms: [age]", "each: [age, age]", #"6:3: two analyses have the id "m/age""#),
        (
            "cox: {id: m, terms: [age]}", "survival: {id: s}\n  - survival: {id: s}",
            #"6:3: two analyses have the id "s""#
        ),
        (
            "cox: {id: m, terms: [age]}", "survival: {id: s, at: 12}",
            #"6:27: "at" needs a list, [...], not a single value"#
        ),
        ("cox: {id: m, terms: [age]}", "survival: {id: s, at: [.inf]}", #"6:28: ".inf" is not a number"#),
        (
            "cox: {id: m, terms: [age]}", "survival: {id: s, test: log-rank}",
            "6:29: a log-rank test compares groups; add by:"
        ),
        (
            "cox: {id: m, terms: [age]}", "survival: {id: s, by: stage, test: logrank}",
            #"6:40: "logrank" is not a test; use "log-rank""#
        ),
        (
            "cox: {id: m, terms: [age]}", "survival: {id: s, limits: loglog}",
            #"6:31: "loglog" is not one of: log, log-log, plain"#
        ),
        ("cox: {id: m, terms: [age]}", "survival: {id: s, baseline: site}", #"6:23: unknown key "baseline""#),
        (
            "analyses:", "define: [old]\nanalyses:",
            #"5:9: "define" needs a mapping of keys to values, not a list"#
        ),
        ("analyses:", "define: {old: }\nanalyses:", #"5:15: "old" has no value"#),
        ("analyses:", "cohort: [age]\nanalyses:", #"5:9: "cohort" needs a single value, not a list"#),
        (
            "analyses:", "privacy: 3\nanalyses:",
            #"5:10: "privacy" needs a mapping of keys to values, not a single value"#
        ),
        (
            "analyses:", "privacy: {timegrid: 1}\nanalyses:",
            #"5:11: unknown key "timegrid"; did you mean "time-grid"?"#
        ),
        (
            "analyses:", "privacy: {time-grid: 0}\nanalyses:",
            "5:22: the width of the time grid must be greater than 0"
        ),
        (
            "analyses:", "privacy: {smallest-interval: 0}\nanalyses:",
            "5:30: the fewest exits in an interval must be 1 or more"
        ),
        ("analyses:", "privacy: {smallest-interval: 2.5}\nanalyses:", #"5:30: "2.5" is not a whole number"#),
        ("analyses:", "missing-site: wait\nanalyses:", #"5:15: "wait" is not one of: fail, continue"#),
        (
            "analyses:", "patience: 10\nanalyses:",
            #"5:11: "10" is not a duration; write for instance "10 minutes""#
        ),
        (
            "analyses:", "patience: one day\nanalyses:",
            #"5:11: "one day" is not a duration; write for instance "10 minutes""#
        ),
        (
            "analyses:", "patience: 90 days\nanalyses:",
            "5:11: a study's patience must be from 1 second to 60 days, not 90 days"
        ),
        (
            "analyses:", "patience: -1 days\nanalyses:",
            "5:11: a study's patience must be from 1 second to 60 days, not -1 days"
        ),
        (
            "analyses:", "patience: 999999999999999999 days\nanalyses:",
            "5:11: a study's patience must be from 1 second to 60 days, not 999999999999999999 days"
        ),
    ])
    func `a fault is named with its line, its column and what to do`(
        _ honest: String, _ wrong: String, _ words: String
    ) {
        let text = Self.smallest.replacing(honest, with: wrong)
        #expect(text != Self.smallest)
        #expect(sentence { _ = try Self.parse(text) } == "study.yaml:\(words)")
    }
}
