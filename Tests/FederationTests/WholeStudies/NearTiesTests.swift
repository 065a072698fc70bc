import Federation
import Foundation
import ReferenceStudies
import Survival
import TestConsortia
import Testing

/// Times that differ by rounding are told by the size of all times, whichever hospitals have them; see
/// `SurvivalTests/Reference/ties/ties.R`.
struct NearTiesTests {
    private static let regions = ["a", "b", "c", "d"]

    private static let dictionary = DataDictionary(
        name: "heavy", version: 1, person: "patient",
        variables: [
            .init(name: "patient", kind: .identifier),
            .init(name: "time", kind: .number(lower: 0, upper: 1e12, resolution: nil)),
            .init(name: "status", kind: .boolean),
            .init(name: "x", kind: .number(lower: -10, upper: 10, resolution: nil)),
            .init(name: "region", kind: .category(levels: regions, reference: "a")),
        ])

    /// Rows at hospitals; a row is a person.
    private struct Row {
        var time: Double
        var status: Double
        var x: Double
        var region: Int
    }

    private static func table(_ rows: [Row]) -> PatientTable {
        PatientTable(
            rowCount: rows.count, person: rows.indices.map { Int32($0) },
            columns: [
                "time": .number(rows.map(\.time)), "status": .boolean(rows.map(\.status)),
                "x": .number(rows.map(\.x)),
                "region": .category(rows.map { Int32($0.region) }),
            ])
    }

    private static func result(_ hospitals: [[Row]], _ analyses: String) throws -> StudyResult {
        let study = """
            study: heavy
            dictionary: heavy@1
            sites: [\(Ward.names(hospitals.count).joined(separator: ", "))]
            endpoint: {time: time, event: status, unit: day}
            analyses:
            \(analyses)
            """
        let federation = try InProcessFederation(
            plan: Ward.plan(study, dictionary: dictionary),
            tables: zip(Ward.names(hospitals.count), hospitals).map { (site: $0, table: table($1)) },
            time: Consortium.now)
        var random = SeededGenerator(12)
        return try federation.run { random.bytes(32) }
    }

    private static let bySite = """
          - cox: {id: site, terms: [x, strata(region)], concordance: true, check: proportional-hazards, transform: log}
          - concordance: {id: c, of: x, strata: [region]}
        """
    private static let byTime = """
          - cox: {id: common, terms: [x], baseline: common, times: exact}
          - cox: {id: strata, terms: [x, strata(region)], baseline: common, times: exact}
          - survival: {id: s, times: exact, rmst: [100]}
        """

    private static func reference() throws -> [Row] {
        let file = try CSVTable(reference: "../ties/heavy.csv")
        func number(_ row: Int, _ column: String) -> Double { Double(file[row, column]) ?? .nan }
        return file.rows.indices.map { row in
            Row(
                time: number(row, "time"), status: number(row, "status"), x: number(row, "x"),
                region: regions.firstIndex(of: file[row, "region"]) ?? 0)
        }
    }

    /// Each region's rows at one hospital.
    private static func grouped(_ rows: [Row], into count: Int) -> [[Row]] {
        (0..<count).map { site in rows.filter { $0.region % count == site } }
    }

    @Test(arguments: 1...4)
    func `what R takes for tied is tied, wherever the rows are`(_ sites: Int) throws {
        let want = try ReferenceFiles.answers("ties/ties.json")
        let hospitals = Self.grouped(try Self.reference(), into: sites)
        let result = try Self.result(hospitals, Self.bySite + "\n" + Self.byTime)
        for (id, key) in [("site", "strata"), ("strata", "strata"), ("common", "pooled")] {
            let cox = try result.cox(id)
            expectClose(cox.coefficients[0], want[key]["coef"].double, relative: 1e-9, id)
            expectClose(cox.standardErrors[0], want[key]["se"].double, relative: 1e-9, id)
            expectClose(cox.logLikelihood, want[key]["loglik"].double, relative: 1e-11, id)
        }
        let concordance = try result.cox("site").concordance?.estimate.value ?? .nan
        let pairs = max(concordance, 1 - concordance)
        let expected = want["concordance"].double
        expectClose(pairs, max(expected, 1 - expected), relative: 1e-9, "concordance")
        let curve = try result.survival("s").groups[0].curve
        expectClose(curve.time, want["curve"]["times"].doubles, relative: 1e-12, "times")
        expectClose(
            curve.survival.map { $0.value ?? .nan }, want["curve"]["survival"].doubles, relative: 1e-9, "S")
        // The tied and the untied answers of R are different ones.
        #expect(abs(want["strata"]["coef"].double - want["strata_untied"]["coef"].double) > 1e-3)
    }

    /// Log-normal times over many orders of magnitude, each region on a scale of its own.
    private static func random(_ count: Int, seed: UInt64) -> [Row] {
        var random = SeededGenerator(seed)
        return (0..<count).map { _ in
            let (first, second) = (
                Double.random(in: 0..<1, using: &random), Double.random(in: 0..<1, using: &random)
            )
            let normal = (-2 * log(1 - first)).squareRoot() * cos(2 * .pi * second)
            let region = Int.random(in: 0..<4, using: &random)
            return Row(
                time: exp(min(4.5 * normal + 2 * Double(region), 27)),
                status: Double.random(in: 0..<1, using: &random) < 0.8 ? 1 : 0,
                x: (normal + Double.random(in: -2..<2, using: &random)).rounded(), region: region)
        }
    }

    @Test(arguments: 1...4 as ClosedRange<UInt64>)
    func `how heavy-tailed rows are divided among hospitals changes no tie`(_ seed: UInt64) throws {
        let rows = Self.random(160, seed: seed)
        // Where hospitals have own baselines, their strata stay whole.
        let whole = try (1...4).map { try Self.result(Self.grouped(rows, into: $0), Self.bySite) }
        for result in whole.dropFirst() {
            expectSame(try result.cox("site"), try whole[0].cox("site"))
            #expect(try pairs(result) == pairs(whole[0]))
        }
        let dealt = try [1, 2, 5].map { count in
            var random = SeededGenerator(seed + 20)
            let places = rows.map { _ in Int.random(in: 0..<count, using: &random) }
            let hospitals = (0..<count).map { site in zip(rows, places).filter { $1 == site }.map(\.0) }
            return try Self.result(hospitals, Self.byTime)
        }
        for result in dealt.dropFirst() {
            for id in ["common", "strata"] { expectSame(try result.cox(id), try dealt[0].cox(id)) }
            #expect(try result.survival("s").groups == dealt[0].survival("s").groups)
        }
        #expect(try dealt[0].survival("s").groups[0].curve.time.count < rows.count, "some times are tied")
    }

    private func pairs(_ result: StudyResult) throws -> [Double] {
        guard case .concordance(let concordance) = result["c"] else { return [] }
        let estimate = concordance.estimate
        return [
            estimate.concordant, estimate.discordant, estimate.tiedMarker, estimate.tiedTime,
            estimate.tiedBoth,
        ]
    }

    private func expectSame(_ got: CoxResult, _ want: CoxResult) {
        #expect(got.counts == want.counts)
        expectClose(got.numbers, want.numbers, relative: 1e-8, absolute: 1e-10, got.id)
    }
}
