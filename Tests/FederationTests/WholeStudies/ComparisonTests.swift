import ReferenceStudies
import Survival
import Testing

@testable import Federation

/// Differences and ratios between groups, against R by hand and for any way of dealing the patients to hospitals.
///
/// In R (4.2.2, survival 3.5-3): `f <- survfit(Surv(futime, fustat) ~ rx, ovarian)`; restricted means m and their errors s from
/// `summary(f, rmean = t)$table`, survival from `summary(f, times = t)`; difference m2 - m1 with sqrt(s1^2 + s2^2), ratio m2/m1 with
/// sqrt((s1/m1)^2 + (s2/m2)^2) on the log scale, `2 * pnorm(-abs(z))`.
struct ComparisonTests {
    private static let analysis = "compare: {id: c, by: rx, at: [365, 500], rmst: [365, 500], times: exact}"

    private static func result(
        _ analysis: String = analysis, tables: [PatientTable] = Ovarian.tables(), privacy: String = ""
    ) throws -> ComparisonResult {
        let result = try Ovarian.result([analysis], tables: tables, privacy: privacy)
        guard case .compare(let comparison)? = result.analyses.first else {
            throw StudyError.sums("no comparison: \(result.analyses)")
        }
        return comparison
    }

    private static func numbers(_ contrast: ComparisonResult.Contrast) -> [Double] {
        [contrast.estimate, contrast.se, contrast.lower, contrast.upper, contrast.p].map { $0.value ?? .nan }
    }

    private static func isNear(_ got: [Double], _ want: [Double]) -> Bool {
        zip(got, want).allSatisfy { abs($0 - $1) <= 1e-12 * max(1, abs($1)) }
    }

    @Test func `differences and ratios are R's`() throws {
        let result = try Self.result()
        let (first, second) = (result.groups[0], result.groups[1])
        #expect(result.reference == "1" && result.groups.map(\.rows) == [13, 13])
        #expect(
            first.meanDifferences.isEmpty && first.meanRatios.isEmpty && first.survivalDifferences.isEmpty)
        let means = [
            [
                68.1538461538461888, 29.6552026182666708, 10.0307170678056110, 126.2769752398867666,
                0.0215499109088398,
            ],
            [
                98.8803418803419163, 47.0605013769242078, 6.6434540871728700, 191.1172296735109626,
                0.0356293497798136,
            ],
        ]
        let ratios = [
            [
                1.2303093319469718, 0.1001973296428214, 1.0109418991645089, 1.4972779875151743,
                0.0385860459307630,
            ],
            [
                1.2646036320387906, 0.1238482035990606, 0.9920524700695266, 1.6120340349070665,
                0.0580214160733065,
            ],
        ]
        let survival = [
            [
                0.2307692307692308, 0.1679889889535904, -0.0984831373791032, 0.5600215989175649,
                0.1695297404636559,
            ],
            [0.119658119658120, 0.197292952811633, -0.267028962256242, 0.506345201572481, 0.544182971523519],
        ]
        for place in 0..<2 {
            #expect(Self.isNear(Self.numbers(second.meanDifferences[place]), means[place]))
            #expect(Self.isNear(Self.numbers(second.meanRatios[place]), ratios[place]))
            #expect(Self.isNear(Self.numbers(second.survivalDifferences[place]), survival[place]))
        }
    }

    @Test func `any dealing of the patients gives the same bits, and another reference the mirror image`()
        throws
    {
        let whole = try Self.result()
        var random = SeededGenerator(5)
        for _ in 0..<3 {
            let deal = Ovarian.rows.indices.map { _ in Int(random.next() % 3) }
            #expect(try Self.result(tables: Ovarian.tables(deal)) == whole)
        }
        let other = try Self.result(
            "compare: {id: c, by: rx, at: [365, 500], rmst: [365, 500], times: exact, reference: \"2\"}")
        let (mirrored, plain) = (other.groups[0], whole.groups[1])
        for (a, b) in zip(mirrored.meanDifferences, plain.meanDifferences) {
            #expect(a.estimate.value.map { -$0 } == b.estimate.value && a.p == b.p)
        }
        for (a, b) in zip(mirrored.meanRatios, plain.meanRatios) {
            #expect(Self.isNear([1 / (a.estimate.value ?? 0)], [b.estimate.value ?? .nan]))
        }
    }

    @Test func `on a grid the exact numbers lie between the bounds`() throws {
        let exact = try Self.result()
        let grid = try Self.result(
            "compare: {id: c, by: rx, at: [365, 500], rmst: [365, 500]}",
            privacy: "privacy: {time-grid: 50, smallest-interval: 1}")
        #expect(grid.gridWidth == 50)
        func contrasts(_ result: ComparisonResult) -> [ComparisonResult.Contrast] {
            result.groups.flatMap { $0.survivalDifferences + $0.meanDifferences + $0.meanRatios }
        }
        for (coarse, fine) in zip(contrasts(grid), contrasts(exact)) {
            let bounds = try #require(coarse.bounds)
            let (value, slack) = (try #require(fine.estimate.value), 1e-9)
            #expect(bounds.lowest.value.map { $0 <= value + slack } == true)
            #expect(bounds.highest.value.map { $0 >= value - slack } == true)
        }
    }

    @Test func `what nobody's data tell is not available`() throws {
        let result = try Self.result(
            "compare: {id: c, by: rx, at: [10, 1400], rmst: [10, 1400], times: exact}")
        let second = result.groups[1]
        // Before the first death both curves are 1, without an error.
        #expect(second.survivalDifferences[0].estimate == .value(0))
        #expect(second.survivalDifferences[0].p == .notAvailable)
        #expect(second.survivalDifferences[1].estimate == .notAvailable)
        #expect(second.meanRatios[0].estimate == .value(1) && second.meanRatios[0].p == .notAvailable)
        #expect(
            result.warnings.contains {
                $0
                    == "nobody in the group 2 is followed to the end of the restricted mean; the curve is continued flat"
            })
    }

    @Test func `it asks what curves ask, and nothing else`() throws {
        let plan = try Ovarian.plan([Self.analysis])
        let analysis = try #require(plan.analysis("c"))
        #expect(analysis.questions.map { $0.name } == ["counts", "exits"])
    }

    @Test(arguments: [
        ("compare: {id: c, at: [3]}", "by"),
        ("compare: {id: c, by: rx}", "add at: (times of survival) or rmst: (restricted means)"),
        ("compare: {id: c, by: rx, rmst: [0]}", "must be later than 0"),
        ("compare: {id: c, by: age, rmst: [3], times: exact}", "define cut-points"),
        (
            "compare: {id: c, by: rx, reference: none, rmst: [3], times: exact}",
            #"reference: "none" is no level of "rx", whose levels are 1, 2"#
        ),
        ("compare: {id: c, by: rx, rmst: [3], weights: age, times: exact}", "weights"),
    ])
    func `a key that makes no sense is refused`(_ analysis: String, _ reason: String) {
        let error = sentence { _ = try Ovarian.plan([analysis]) }
        #expect(error?.contains(reason) == true, "\(error ?? "none")")
    }
}
