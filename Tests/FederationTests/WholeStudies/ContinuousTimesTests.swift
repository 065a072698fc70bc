import Federation
import ReferenceStudies
import Survival
import TestConsortia
import Testing

/// Exact times without a resolution in the dictionary: found by sums over cells, against R 4.2.2, survival 3.5-3 on the stacked
/// rows (`SurvivalTests/Reference`).
struct ContinuousTimesTests {
    private static func dictionary(_ name: String, time: String, _ range: ClosedRange<Double>)
        -> DataDictionary
    {
        DataDictionary(
            name: name, version: 1, person: "patient",
            variables: [
                .init(name: "patient", kind: .identifier),
                .init(
                    name: time,
                    kind: .number(lower: range.lowerBound, upper: range.upperBound, resolution: nil)),
                .init(name: "status", kind: .number(lower: 0, upper: 2, resolution: 1)),
                .init(name: "x", kind: .number(lower: -10, upper: 10, resolution: nil)),
                .init(name: "sex", kind: .number(lower: 1, upper: 2, resolution: 1)),
                .init(name: "age", kind: .number(lower: 18, upper: 100, resolution: 1)),
                .init(name: "grp", kind: .category(levels: ["a", "b"], reference: "a")),
            ])
    }

    private static func result(
        _ file: String, _ dictionary: DataDictionary, endpoint: String, sites: Int, _ analyses: [String]
    ) throws -> StudyResult {
        let study = """
            study: times
            dictionary: \(dictionary.identifier)
            sites: [\(Ward.names(sites).joined(separator: ", "))]
            endpoint: {\(endpoint), unit: year}
            analyses:
            \(analyses.map { "  - \($0)\n" }.joined())
            """
        let tables = try CSVTable(reference: file).dealt(dictionary, sites: sites)
        let federation = try InProcessFederation(
            plan: Ward.plan(study, dictionary: dictionary),
            tables: zip(Ward.names(sites), tables).map { (site: $0, table: $1) }, time: Consortium.now)
        var random = SeededGenerator(12)
        return try federation.run { random.bytes(32) }
    }

    @Test(arguments: ["efron", "breslow"], [1, 3])
    func `times that differ by rounding are tied, as in R`(ties: String, sites: Int) throws {
        let cox = try Self.result(
            "nasty_timefix.csv", Self.dictionary("timefix", time: "time", 0...10),
            endpoint: "time: time, event: status == 1", sites: sites,
            ["cox: {id: m, terms: [x], baseline: common, times: exact, ties: \(ties)}"]
        ).cox("m")
        try expect(cox, "nasty-timefix-pooled-\(ties)")
    }

    @Test(arguments: [1, 4])
    func `negative times are ordinary times`(sites: Int) throws {
        let cox = try Self.result(
            "nasty_ties.csv", Self.dictionary("ties", time: "t_neg", -100...100),
            endpoint: "time: t_neg, event: status == 1", sites: sites,
            ["cox: {id: m, terms: [x], baseline: common, times: exact, check: proportional-hazards}"]
        ).cox("m")
        try expect(cox, "nasty-time-negative")
        #expect(cox.proportionalHazards != nil)
    }

    /// The unit of the times changes no coefficient, and no curve but its times: days as decimal days, as years, as
    /// seconds of an epoch.
    @Test(arguments: ["time / 365.25", "time * 1.1", "time * 86400", "1.6e9 + time * 86400", "time - 500"])
    func `the curve and the model of days are those of any other unit`(_ unit: String) throws {
        let analyses = [
            "survival: {id: s, times: exact}",
            "cox: {id: m, terms: [age, sex], baseline: common, times: exact}",
        ]
        func result(_ time: String, resolution: Double?) throws -> StudyResult {
            var dictionary = Self.dictionary("lung", time: "time", 0...1100)
            dictionary.variables[1].kind = .number(lower: 0, upper: 1100, resolution: resolution)
            return try Self.result(
                "lung.csv", dictionary, endpoint: "time: \(time), event: status == 2", sites: 3, analyses)
        }
        let (days, other) = (try result("time", resolution: 1), try result(unit, resolution: nil))
        expectClose(
            try other.cox("m").numbers, try days.cox("m").numbers, relative: 1e-9, "model of \(unit)")
        let (curve, same) = (try days.survival("s").groups[0].curve, try other.survival("s").groups[0].curve)
        #expect(curve.survival == same.survival && curve.atRisk == same.atRisk)
    }

    @Test func `found times are the recorded ones, to the last digit that is written`() throws {
        let result = try Self.result(
            "lung.csv", Self.dictionary("lung", time: "time", 0...1100),
            endpoint: "time: time / 10, event: status == 2", sites: 3, ["survival: {id: s, times: exact}"])
        let times = try result.survival("s").groups[0].curve.time
        #expect(times.prefix(4) == [0.5, 1.1, 1.2, 1.3] && times.count == 186)
        // Counts, some rounds of cells, exits.
        #expect(result.rounds <= 8, "\(result.rounds) rounds")
    }

    private func expect(_ cox: CoxResult, _ id: String) throws {
        let expected = try ReferenceCase.named(id).expected
        expectClose(cox.coefficients, expected["coef"].doubles, relative: 1e-9, "coef")
        expectClose(cox.standardErrors, expected["se"].doubles, relative: 1e-9, "se")
        expectClose(cox.logLikelihood, expected["loglik"].double, relative: 1e-11, "loglik")
    }

    @Test func `a site that allows no exact times is not searched`() throws {
        var policy = DisclosurePolicy.local
        policy.allowsExactTimes = false
        let study = """
            study: ward
            dictionary: ward@1
            sites: [site-1]
            endpoint: {time: months / 12, event: died, unit: year}
            analyses:
              - survival: {id: s, times: exact}
            """
        let federation = try InProcessFederation(
            plan: Ward.plan(study), tables: [("site-1", PatientTable(Patient.random(30, seed: 2)))],
            policy: policy, time: Consortium.now)
        var random = SeededGenerator(12)
        let error = sentence { _ = try federation.run { random.bytes(32) } }
        #expect(error?.contains("times-exact") == true, "\(error ?? "none")")
    }

    @Test func `cells that differ in any number have different statements`() throws {
        let plan = try #require(
            try Ward.plan(Ward.study("analyses: [{survival: {id: s, times: exact}}]")).analysis("s"))
        let cells = [(0.0, 1.0, 4), (0, 2, 4), (0, 1, 5), (-1, 1, 4)].map {
            TimeCells(cells: [.init(lower: $0, upper: $1, parts: $2)])
        }
        let asks = cells.map { Query(analysis: "s", TimesQuestion($0)) }
        let axes = [[1.0, 2], [1, 3], [1]].map {
            Query(analysis: "s", ExitsQuestion(), axis: TimeAxis(FoundTimes($0)))
        }
        let statements = (asks + axes).map { QueryStatement($0, in: plan) }
        #expect(Set(statements).count == statements.count)
    }
}
