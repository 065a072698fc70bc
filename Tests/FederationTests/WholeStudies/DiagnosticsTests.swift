import Cryptography
import ReferenceStudies
import Survival
import Testing

@testable import Federation

/// Residuals added up over bins, beside R's residuals in the same bins (`Reference/terms/terms.R`).
struct DiagnosticsTests {
    private static let study = """
        analyses:
          - cox: {id: site, terms: [age, sex], diagnostics: {functional-form: [age, karno], schoenfeld: true}}
          - cox: {id: common, terms: [age, sex], baseline: common, times: exact, diagnostics: {functional-form: [age, karno]}}
          - cox: {id: common-times, terms: [age, sex], baseline: common, times: exact, cohort: karno >= 0, diagnostics: {schoenfeld: true}}
        privacy: {time-grid: 30}
        """

    @Test func `martingale residuals by bins of a covariate are R's`() throws {
        let (result, expected) = (try Lung.result(Self.study), try ReferenceTables.expected("diagnostics"))
        for id in ["site", "common"] {
            let cox = try result.cox(id)
            let forms = try #require(cox.diagnostics).functionalForm
            #expect(forms.map(\.covariate) == ["age", "karno"] && cox.warnings.isEmpty)
            for form in forms {
                let (bins, want, what) = (form.bins, expected[id][form.covariate], "\(id) \(form.covariate)")
                #expect(bins.map(\.lower) == want["lower"].doubles)
                #expect(zip(bins, bins.dropFirst()).allSatisfy { $0.upper == $1.lower })
                #expect(
                    bins.map { Double($0.rows) } == want["n"].doubles
                        && bins.map(\.people) == bins.map(\.rows))
                #expect(bins.map { Double($0.events) } == want["events"].doubles)
                expectClose(
                    bins.map { $0.expected.value ?? .nan }, want["expected"].doubles, relative: 1e-9, what)
                expectClose(
                    bins.map { $0.residual.value ?? .nan }, want["residual"].doubles, relative: 1e-8, what)
            }
        }
    }

    @Test func `scaled Schoenfeld residuals by bins of time are R's`() throws {
        let (result, expected) = (try Lung.result(Self.study), try ReferenceTables.expected("diagnostics"))
        let effects = try #require(try result.cox("site").diagnostics?.effectOverTime)
        let want = expected["site"]["time"]
        #expect(effects.times == .grid && effects.terms == ["age", "sex=2"])
        #expect(effects.bins.map(\.lower) == want["lower"].doubles)
        #expect(effects.bins.map { Double($0.events) } == want["events"].doubles)
        for (bin, want) in zip(effects.bins, want["effect"].elements) {
            expectClose(bin.effects.map { $0.value ?? .nan }, want.doubles, relative: 1e-8, "\(bin.lower)")
        }
    }

    /// Over all events the residuals of a fit are 0, so that the mean effect is the coefficient.
    @Test func `weighted by events, the effects of all bins average to the coefficients`() throws {
        let cox = try Lung.result(Self.study).cox("common-times")
        let effects = try #require(cox.diagnostics?.effectOverTime)
        #expect(effects.times == .exact && effects.bins.count > 5)
        let events = effects.bins.map { Double($0.events) }
        let means = cox.terms.indices.map { index in
            zip(events, effects.bins).reduce(0) { $0 + $1.0 * ($1.1.effects[index].value ?? .nan) }
                / events.reduce(0, +)
        }
        expectClose(means, cox.coefficients, relative: 1e-9, "mean effect")
    }

    @Test(arguments: ["baseline: site", "baseline: common", "baseline: common, times: exact"])
    func `how patients are dealt does not matter, and expected events add up to the events`(_ keys: String)
        throws
    {
        let patients = Patient.random(240, seed: 40)
        let strata = keys == "baseline: site" ? ", strata(hospital)" : ""
        func tables(_ sites: [Int]) throws -> CoxResult {
            let hospitals = (0..<5).map { site in zip(patients, sites).filter { $0.1 == site }.map(\.0) }
            let diagnostics = "{functional-form: [age, marker], schoenfeld: true, bins: 4}"
            let study = Ward.study(
                sites: 5,
                """
                analyses:
                  - cox: {id: m, terms: [age, stage\(strata)], \(keys), diagnostics: \(diagnostics)}
                privacy: {time-grid: 3, smallest-interval: 8}
                """)
            return try result(of: study, hospitals).cox("m")
        }
        // Under a baseline for each site the same strata remain if all rows are at one.
        let others = patients.indices.map { keys == "baseline: site" ? 0 : $0 % 5 }
        let (own, other) = (try tables(patients.map(\.hospital)), try tables(others))
        let (first, second) = (try #require(own.diagnostics), try #require(other.diagnostics))
        for (form, same) in zip(first.functionalForm, second.functionalForm) {
            #expect(form.bins.map(\.events) == same.bins.map(\.events) && form.bins.count > 1)
            let expected = form.bins.map { $0.expected.value ?? .nan }
            expectClose(expected, same.bins.map { $0.expected.value ?? .nan }, relative: 1e-9, form.covariate)
            expectClose(expected.reduce(0, +), Double(own.counts.events), relative: 1e-9, "expected events")
        }
        let (effects, same) = (try #require(first.effectOverTime), try #require(second.effectOverTime))
        for (bin, same) in zip(effects.bins, same.bins) {
            expectClose(
                bin.effects.map { $0.value ?? .nan }, same.effects.map { $0.value ?? .nan }, relative: 1e-8,
                "effects")
        }
    }

    // MARK: Bins

    @Test(arguments: [
        (0.0, 100.0, 10.0 as Double?, 10.0, 11), (18, 110, 1, 2, 47), (-10, 10, nil, 0.4, 50),
        (0, 4, 1, 1, 5),
        (0, 1, 0.1, 0.1, 11),
    ])
    func `cells follow from the dictionary alone`(
        _ lower: Double, _ upper: Double, _ resolution: Double?, _ width: Double, _ count: Int
    ) throws {
        let cells = try #require(CovariateCells(bounds: lower...upper, resolution: resolution))
        #expect(cells.width == width && cells.count == count)
        #expect(cells.cell(of: lower) == 0 && cells.cell(of: upper) == Int32(count - 1))
        for index in 0..<count { #expect(cells.cell(of: cells.edge(index)) == Int32(index)) }
        #expect(CovariateCells(bounds: lower...(.infinity), resolution: resolution) == nil)
    }

    @Test func `where there are too few people or events for a bin, the model says so and stands`() throws {
        let result = try Lung.result(
            """
            analyses:
              - cox: {id: m, terms: [age], diagnostics: {functional-form: [age], schoenfeld: true, smallest-bin: 300}}
            privacy: {time-grid: 30}
            """)
        let cox = try result.cox("m")
        #expect(
            cox.warnings == [
                "residuals by age are not given: fewer than 300 people",
                "effects over time are not given: fewer than 300 events",
            ])
        #expect(cox.diagnostics == nil && cox.terms[0].coef.value != nil)
    }

    @Test(arguments: [
        ("{}", "asks for nothing"), ("{functional-form: [sex]}", "must be a number"),
        ("{functional-form: [age], bins: 1}", "from 2 to 50"), ("{schoenfeld: true}", "need a grid"),
        ("{functional-form: [age], smallest-bin: 0}", "must be 1 or more"),
        ("{functional-form: [age]}, ties: exact", "ties: exact goes with none of"),
        ("{functional-form: [age], bin: 3}", "bin"),
    ])
    func `what cannot be binned is refused`(_ diagnostics: String, _ reason: String) {
        let error = sentence {
            let lines = "analyses: [{cox: {id: m, terms: [age], diagnostics: \(diagnostics)}}]"
            _ = try Ward.plan(Lung.study(lines), dictionary: Lung.dictionary)
        }
        #expect(error?.contains(reason) == true, "\(error ?? "none")")
    }

    // MARK: Policy

    /// The study's bins hold 5 people and 5 events or more, which is less than these policies want.
    @Test(arguments: [("level-people-min", 12, 0), ("interval-exits-min", 0, 12)])
    func `a hospital refuses bins with fewer people or events than its rules say`(
        _ rule: String, _ people: Int, _ exits: Int
    ) throws {
        let lines = """
            analyses:
              - cox: {id: m, terms: [age], times: exact, diagnostics: {functional-form: [karno], schoenfeld: true, bins: 40, smallest-bin: SMALLEST}}
            """
        var policy = DisclosurePolicy.local
        (policy.levelPeopleMin, policy.intervalExitsMin) = (people, exits)
        let error = sentence {
            _ = try Lung.result(lines.replacing("SMALLEST", with: "5"), policy: policy)
        }
        #expect(error?.contains(rule) == true, "\(error ?? "none")")
        #expect(
            sentence { _ = try Lung.result(lines.replacing("SMALLEST", with: "24"), policy: policy) } == nil)
    }

    @Test func `every number of the bins is in the statement`() throws {
        let plan = try #require(
            try Ward.plan(
                Ward.study(
                    "analyses: [{cox: {id: m, terms: [age], diagnostics: {functional-form: [age, marker]}}}]"
                )
            ).analysis("m"))
        let coordinates = Coordinates(center: [0], scale: [1])
        let (one, two) = (
            DiagnosticBins.Merged([9, 9], bins: 2, smallest: 5),
            DiagnosticBins.Merged([9, 8], bins: 2, smallest: 5)
        )
        let (wide, none) = (
            DiagnosticBins.Merged([9, 0, 9], bins: 2, smallest: 5),
            DiagnosticBins.Merged([1], bins: 2, smallest: 5)
        )
        let bins: [DiagnosticBins] = [
            .init(covariates: [one], times: nil), .init(covariates: [two], times: nil),
            .init(covariates: [wide], times: nil), .init(covariates: [none], times: nil),
            .init(covariates: [one, none], times: nil), .init(covariates: [none, one], times: nil),
            .init(covariates: [], times: one), .init(covariates: [one], times: none),
        ]
        let statements = bins.map { bins in
            let ask = BinnedResidualsQuestion(coordinates, beta: [0], bins, nil)
            return QueryStatement(Query(analysis: "m", ask), in: plan)
        }
        #expect(Set(statements).count == bins.count)
    }
}
