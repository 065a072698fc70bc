import Cryptography
import Federation
import ReferenceStudies
import Survival
import Testing

/// A finished result can be fetched: whatever number is NA, infinite, suppressed or not there.
///
/// `.some(.notAvailable)` once became `null`, then nil, then a missing key: no longer the bytes that were signed.
struct ResultRoundTripTests {
    /// Every kind of analysis with every option that adds to its result.
    private static let studies = [
        Ward.study(
            """
            define: {nobody: age > 99, old: age > 65}
            privacy: {smallest-cell: 2}
            analyses:
              - survival: {id: km, by: stage, at: [12], test: {rho: 1, trend: true}, strata: [frail], quantiles: [0.25], rmst: [24], follow-up: true, times: exact, landmark: 2}
              - survival: {id: test, by: stage, test: {rho: 1, trend: true}, strata: [site, frail], curves: false}
              - survival: {id: weighted, robust: true, event: response, weights: share, times: exact, at: [12]}
              - cox: {id: rich, terms: [age, stage, "rcs(marker, -2, 0, 2)"], robust: true, concordance: {weight: n, ymin: 2, ymax: 40}, times: exact, check: proportional-hazards, heterogeneity: true, landmark: 2, event: response}
              - cox: {id: binned, terms: [age, frail], times: exact, diagnostics: {functional-form: [marker], schoenfeld: true, bins: 4, smallest-bin: 10}}
              - cox: {id: curves, terms: [age, frail], baseline: common, times: exact, predict: [{age: 60, frail: yes}], at: [12], baseline-hazard: true}
              - cox: {id: ridge, terms: [age, frail], penalty: {ridge: 1, terms: [age]}}
              - cox: {id: firth, terms: [age, frail, stage], penalty: firth, evaluations: 12}
              - cox: {id: profile, terms: [age, frail], limits: profile}
              - concordance: {id: marker, of: age, robust: true, weights: share, event: response, landmark: 2}
              - compare: {id: exactly, by: stage, at: [12], rmst: [24], event: response, times: exact}
              - describe: {id: table, variables: [age, stage, frail], by: old, bins: {age: 10}}
              - describe: {id: whole, variables: [age, stage], bins: exact}
              - describe: {id: nobody, variables: [age, stage, frail], by: nobody, bins: {age: 10}}
            """),
        Ward.study(
            """
            privacy: {time-grid: 1, smallest-interval: 5}
            people: first-row
            analyses:
              - compare: {id: grid-groups, by: stage, at: [12.5], rmst: [24]}
              - survival: {id: grid, by: frail, at: [12.5], quantiles: [0.25], rmst: [24.5], censor-at: 30}
              - cox: {id: grid-curves, terms: [age, frail], baseline: common, predict: [{age: 60, frail: yes}], at: [12.5], baseline-hazard: true}
              - cox: {id: infinite, terms: [stage, age], event: 'died and stage != "I"', evaluations: 60}
            """),
        """
        study: causes
        dictionary: ward@1
        sites: [site-1, site-2, site-3]
        endpoint: {time: months, causes: {death: died, relapse: response and not died}, unit: month}
        privacy: {time-grid: 1, smallest-interval: 5}
        analyses:
          - incidence: {id: grid, at: [12.5]}
          - incidence: {id: gray, by: stage, test: {rho: 1}, strata: [frail], at: [12], times: exact}
          - incidence: {id: weighted, weights: share, at: [12], times: exact}
          - cox: {id: fine-gray, terms: [age], cause: relapse, hazard: subdistribution, baseline: common, times: exact}
        """,
    ]

    private static let results = Result {
        try studies.map { study in
            try result(of: study, (1...3).map { Patient.random(60, seed: UInt64($0)) })
        }
    }

    private static func analyses() throws -> [AnalysisResult] {
        let all = try results.get().flatMap(\.analyses)
        return all + all.compactMap(labelled)
    }

    /// A table of variables with words of the dictionary, which the ward's has none of.
    private static func labelled(_ analysis: AnalysisResult) -> AnalysisResult? {
        guard case .describe(var table) = analysis else { return nil }
        for index in table.variables.indices {
            (table.variables[index].label, table.variables[index].unit) = ("a label", "a unit")
            guard case .levels(var levels) = table.variables[index].summary else { continue }
            for level in levels.indices { levels[level].label = "a label" }
            table.variables[index].summary = .levels(levels)
        }
        return .describe(table)
    }

    @Test func `every kind of analysis is among those that are tried`() throws {
        let kinds = try Self.analyses().map { analysis in
            switch analysis {
            case .cox: "cox"
            case .survival: "survival"
            case .describe: "describe"
            case .incidence: "incidence"
            case .concordance: "concordance"
            case .compare: "compare"
            case .failed(let id, _, let reason): "\(id) failed: \(reason)"
            }
        }
        #expect(Set(kinds) == ["cox", "survival", "describe", "incidence", "concordance", "compare"])
    }

    @Test
    func `a number that is NA, infinite, suppressed or absent comes back, in every field of every result`()
        throws
    {
        var accepted: [String: Set<String>] = [:]
        for analysis in try Self.analyses() {
            accepted.merge(try Mutations.expectRoundTrips(of: analysis)) { $0.union($1) }
        }
        accepted.merge(
            try Mutations.expectRoundTrips(of: AnalysisResult.failed(id: "a", kind: "cox", reason: "r"))
        ) { $0.union($1) }
        let reported = try #require(accepted["suppressed"])
        #expect(reported.count > 60, "the sweep sees the fields that can be suppressed")
        for change in ["NA", "Inf", "-Inf", "number"] {
            #expect(
                reported.subtracting(accepted[change] ?? []) == [], "what can be suppressed can be \(change)")
        }
        #expect((accepted["absent"] ?? []).isSuperset(of: Self.optionalNumbers))
    }

    /// Optional numbers of today: each is three things, absent, NA and a value.
    private static let optionalNumbers: Set<String> = [
        "terms.robustSE", "terms.likelihoodRatio", "variables.difference",
    ]

    @Test func `whole results come back, with every combination of what can be absent on top`() throws {
        for result in try Self.results.get() {
            #expect(try CanonicalJSON.sent(result) == result)
            for place in ["versions", "warnings", "rounds", "sites"] {
                let accepted = try Mutations.expectRoundTrips(of: Self.withoutAnalyses(result))
                #expect(place != "versions" || accepted["absent"]?.contains(place) == true)
            }
        }
    }

    private static func withoutAnalyses(_ result: StudyResult) -> StudyResult {
        var result = result
        result.analyses = []
        return result
    }

    /// By reflection over the values: an optional that is nil everywhere was not tried.
    @Test func `no optional field of a result is nil in all that are tried`() throws {
        var fields: [String: Bool] = [:]
        for result in try Self.results.get() { Self.collect(result, into: &fields) }
        for analysis in try Self.analyses() { Self.collect(analysis, into: &fields) }
        #expect(fields.count > 30)
        #expect(fields.filter { !$0.value }.keys.sorted() == [])
    }

    private static func collect(_ value: Any, into fields: inout [String: Bool]) {
        let mirror = Mirror(reflecting: value)
        for child in mirror.children {
            let inner = Mirror(reflecting: child.value)
            guard inner.displayStyle == .optional else {
                collect(child.value, into: &fields)
                continue
            }
            let name = "\(mirror.subjectType).\(child.label ?? "")"
            fields[name] = (fields[name] ?? false) || !inner.children.isEmpty
            for some in inner.children { collect(some.value, into: &fields) }
        }
    }

    @Test func `NaN is not available, wherever it comes from`() throws {
        #expect(
            try CanonicalJSON.sent([Reported.value(.nan), Reported(.nan)]) == [.notAvailable, .notAvailable])
        #expect(throws: ProtocolError.self) {
            try CanonicalJSON.decode([Reported].self, from: Array(#"["NaN"]"#.utf8))
        }
    }
}
