import Federation
import ReferenceStudies
import Survival
import Testing

/// What is asked together: weights with diagnostics, checks and concordance, Fine and Gray's model with strata, curves and
/// grids; beside R's (`Reference/terms/terms.R`).
struct CombinationTests {
    // MARK: Weights

    private static let lung: DataDictionary = {
        var dictionary = Lung.dictionary
        dictionary.variables.append(
            .init(name: "share", kind: .number(lower: 0.01, upper: 10, resolution: nil), column: "w_frac"))
        return dictionary
    }()

    private static func weighted(_ keys: String) throws -> StudyResult {
        try ReferenceTables.result(
            Lung.study(
                """
                analyses:
                  - cox: {id: m, terms: [age, sex], cohort: karno >= 0, weights: share, \(keys)}
                """), dictionary: lung, tables: ReferenceTables.tables("lung", lung))
    }

    @Test(arguments: ["site", "common"], TimeTransform.allCases)
    func `a weighted fit's check of proportional hazards is R's`(
        _ baseline: String, _ transform: TimeTransform
    ) throws {
        let cox = try Self.weighted(
            "baseline: \(baseline), times: exact, check: proportional-hazards, transform: \(transform.rawValue)"
        ).cox("m")
        let want = try ReferenceTables.expected("weighted")[baseline]
        expectClose(cox.coefficients, want["coef"].doubles, relative: 1e-9, "coef")
        let check = try #require(cox.proportionalHazards)
        let (tests, zph) = (check.terms.map(\.test) + [check.global], want["zph"][transform.rawValue])
        expectClose(
            tests.map { $0.statistic.value ?? .nan }, zph["statistic"].doubles, relative: 1e-8, "chi-square")
        expectClose(tests.map { $0.p.value ?? .nan }, zph["p"].doubles, relative: 1e-7, "p")
    }

    @Test(arguments: ["site", "common"])
    func `a weighted fit's residuals by bins are R's`(_ baseline: String) throws {
        let cox = try Self.weighted(
            "baseline: \(baseline), times: exact, diagnostics: {functional-form: [age, karno], schoenfeld: true}"
        ).cox("m")
        let want = try ReferenceTables.expected("weighted")[baseline]
        let forms = try #require(cox.diagnostics).functionalForm
        #expect(forms.map(\.covariate) == ["age", "karno"])
        for form in forms {
            let (bins, want) = (form.bins, want[form.covariate])
            #expect(bins.map(\.lower) == want["lower"].doubles)
            #expect(bins.map { Double($0.events) } == want["events"].doubles)
            expectClose(
                bins.map { $0.expected.value ?? .nan }, want["expected"].doubles, relative: 1e-9, "expected")
            expectClose(
                bins.map { $0.residual.value ?? .nan }, want["residual"].doubles, relative: 1e-8, "residual")
        }
        try expectEffects(of: cox, want["time"])
    }

    /// Schoenfeld residuals times their weights.
    private func expectEffects(of cox: CoxResult, _ want: JSONValue) throws {
        let bins = try #require(cox.diagnostics?.effectOverTime).bins
        #expect(bins.map(\.lower) == want["lower"].doubles)
        #expect(bins.map { Double($0.events) } == want["events"].doubles)
        for (bin, effects) in zip(bins, want["effect"].elements) {
            expectClose(
                bin.effects.map { $0.value ?? .nan }, effects.doubles, relative: 1e-8, "to \(bin.upper)")
        }
    }

    @Test func `a weighted fit's concordance within sites is R's`() throws {
        let pairs = try #require(try Self.weighted("concordance: true").cox("m").concordance)
        let want = try ReferenceTables.expected("weighted")["site"]["concordance"]
        expectClose(pairs.estimate.value ?? .nan, want["c"].double, relative: 1e-11, "C")
        expectClose(pairs.se.value ?? .nan, want["se"].double, relative: 1e-9, "se")
    }

    // MARK: Fine and Gray's model

    private static func subdistribution(
        _ keys: String, sites: Int = 3, privacy: String = "", turn: Int = 0
    ) throws -> CoxResult {
        let study = """
            study: mgus2
            dictionary: mgus2@1
            sites: [\(Ward.names(sites).joined(separator: ", "))]
            endpoint: {time: etime, causes: {pcm: event == 1, death: event == 2}, unit: month}
            analyses:
              - cox: {id: m, cause: pcm, hazard: subdistribution, baseline: common, \(keys)}
            \(privacy)
            """
        return try ReferenceTables.result(
            study, dictionary: CompetingRisksTests.mgus2,
            tables: ReferenceTables.tables(
                "mgus2", CompetingRisksTests.mgus2, sites: sites, site: { ($0 + turn) / (turn + 1) % sites })
        ).cox("m")
    }

    private func expectFit(_ cox: CoxResult, _ want: JSONValue) {
        #expect(Double(cox.counts.rows) == want["n"].double)
        expectClose(cox.coefficients, want["coef"].doubles, relative: 1e-9, "coef")
        expectClose(cox.standardErrors, want["se"].doubles, relative: 1e-9, "se")
        expectClose(
            cox.terms.map { $0.robustSE?.value ?? .nan }, want["robust_se"].doubles, relative: 1e-9,
            "robust se")
        expectClose(
            [cox.logLikelihoodNull, cox.logLikelihood], want["loglik"].doubles, relative: 1e-11, "loglik")
    }

    @Test(arguments: [("plain", "age, mspike, sex", ""), ("strata", "age, mspike, strata(sex)", ", sex: M")])
    func `Fine and Gray's model and its predicted curves are R's, also with strata`(
        _ name: String, _ terms: String, _ stratum: String
    ) throws {
        let profile = "{age: 70, mspike: 1.2, sex: M}"
        let cox = try Self.subdistribution(
            "terms: [\(terms)], times: exact, predict: [\(profile)], at: [24, 60, 120, 240]")
        let want = try ReferenceTables.expected("subdistribution")[name]
        expectFit(cox, want)
        let (points, curve) = (try #require(cox.predictions?.first).at, want["curve"])
        let columns: [(String, KeyPath<CoxResult.CurvePoint, Reported>)] = [
            ("survival", \.survival), ("lower", \.lower), ("upper", \.upper),
            ("cumulative_hazard", \.hazard), ("cumulative_hazard_se", \.hazardSE),
        ]
        for (name, path) in columns {
            expectClose(
                points.map { $0[keyPath: path].value ?? .nan }, curve[name].doubles, relative: 1e-9, name)
        }
    }

    /// Cells that stand alone are the times rounded up to them.
    @Test func `on a grid Fine and Gray's model is R's on rounded times`() throws {
        let cox = try Self.subdistribution(
            "terms: [age, mspike, sex], ties: breslow",
            privacy: "privacy: {time-grid: 6, smallest-interval: 1}")
        expectFit(cox, try ReferenceTables.expected("subdistribution")["half_years"])
    }

    @Test func `on a merged grid it is the same however patients are dealt, and near the exact one`() throws {
        let privacy = "privacy: {time-grid: 3, smallest-interval: 20}"
        let one = try Self.subdistribution("terms: [age, mspike, sex]", sites: 1, privacy: privacy)
        for turn in 0..<3 {
            let other = try Self.subdistribution("terms: [age, mspike, sex]", privacy: privacy, turn: turn)
            expectClose(other.numbers, one.numbers, relative: 1e-9, absolute: 1e-9, "deal \(turn)")
        }
        // 115 events and 409 censorings in some 26 intervals, of a year and more.
        let exact = try ReferenceTables.expected("subdistribution")["plain"]
        for (index, se) in exact["se"].doubles.enumerated() {
            expectClose(
                one.coefficients[index], exact["coef"].doubles[index], relative: 0, absolute: 0.1 * se,
                "coefficient \(index)")
            expectClose(one.standardErrors[index], se, relative: 0.01, "se \(index)")
        }
    }
}
