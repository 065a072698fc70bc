import ReferenceStudies
import Testing

@testable import Survival

/// Log-rank tests against R 4.2.2, survival 3.5-3: see Reference/README.md.
struct LogRankTests {
    static let cases = ReferenceCase.of(kind: "logrank").filter(\.isWellPosed)

    @Test(arguments: cases, [1, 3])
    func `tests on counts summed over sites are R's`(reference: ReferenceCase, siteCount: Int) throws {
        let frame = ModelFrame(reference).withMergedTimes()
        var generator = SeededGenerator(9)
        let site = (0..<frame.rowCount).map { _ in Int.random(in: 0..<siteCount, using: &generator) }
        let groups = reference.expected["groups"].strings
        let strata = try frame.rows(by: frame.stratum).map { stratum in
            let times = ExitCounts.times(of: try frame.data(rows: stratum.rows, mergesNearTies: false))
            return try groups.map { group in
                let sites = try (0..<siteCount).map { number in
                    let rows = stratum.rows.filter { frame.group[$0] == group && site[$0] == number }
                    return try ExitCounts(frame.data(rows: rows, mergesNearTies: false), times: times)
                }
                return sites.dropFirst().reduce(sites[0], +)
            }
        }
        let rho = reference.model["rho"].double
        check(LogRank.test(groups: groups, strata: strata, rho: rho), reference.expected)
    }

    @Test(arguments: cases)
    func `a test formed of rows is R's, and travels as a vector`(_ reference: ReferenceCase) throws {
        let frame = ModelFrame(reference)
        let groups = reference.expected["groups"].strings
        let sums = try LogRankSums(
            frame.withMergedTimes().data(mergesNearTies: false),
            group: frame.group.map { Int32(groups.firstIndex(of: $0) ?? -1) }, groupCount: groups.count,
            rho: reference.model["rho"].double)
        let rho = reference.model["rho"].double
        check(sums.result(groups: groups, rho: rho, hasTrend: false), reference.expected)
        #expect(sums.vector.count == LogRankSums.vectorCount(groupCount: groups.count))
        #expect(LogRankSums(vector: sums.vector, groupCount: groups.count) == sums)
        #expect(sums.fit(events: frame.event.count { $0 }, rho: rho))
        #expect(!sums.fit(events: frame.event.count { $0 } + (rho == 0 ? 1 : -1_000), rho: rho))
    }

    private func check(_ result: SurvivalResult.LogRank, _ expected: JSONValue) {
        expectClose(
            result.observed.map { $0.value ?? .nan }, expected["observed"].doubles, relative: 1e-11,
            "observed")
        expectClose(
            result.expected.map { $0.value ?? .nan }, expected["expected"].doubles, relative: 1e-11,
            "expected")
        // Without any event R gives -1 degrees of freedom and no p.
        guard expected["df"].double > 0 else {
            #expect(result.test.statistic == .notAvailable && result.test.p == .notAvailable)
            return
        }
        #expect(result.test.degreesOfFreedom == expected["df"].double)
        expectClose(result.test.statistic.value ?? .nan, expected["chisq"].double, relative: 1e-10, "chisq")
        expectClose(result.test.p.value ?? .nan, expected["p"].double, relative: 1e-9, absolute: 1e-14, "p")
    }

    @Test func `a trend over three groups is R's score, and over two the log-rank test`() throws {
        // R 4.2.2, survival 3.5-3: a <- survdiff(Surv(time, status) ~ ph.ecog, lung, subset = ph.ecog < 3); g <- 1:3;
        // sum(g * (a$obs - a$exp))^2 / drop(g %*% a$var %*% g)
        let rows = ModelFrame(try ReferenceCase.named("lr-lung-ecog"))
        let names = (0..<3).map { "ph.ecog=\($0)" }
        let kept = (0..<rows.rowCount).filter { names.contains(rows.group[$0]) }
        let times = ExitCounts.times(of: try rows.data(rows: kept))
        let groups = try names.map { name in
            try ExitCounts(rows.data(rows: kept.filter { rows.group[$0] == name }), times: times)
        }
        let three = LogRank.test(groups: names, strata: [groups], hasTrend: true)
        expectClose(three.trend?.statistic.value ?? .nan, 16.4465432271889, relative: 1e-11, "trend")
        #expect(three.trend?.degreesOfFreedom == 1 && three.test.degreesOfFreedom == 2)
        let two = LogRank.test(groups: Array(names[..<2]), strata: [Array(groups[..<2])], hasTrend: true)
        expectClose(
            two.trend?.statistic.value ?? .nan, two.test.statistic.value ?? 0, relative: 1e-12, "two groups")
    }

    @Test func `one group has no test`() {
        let counts = ExitCounts(times: [1, 2], events: [1, 1], censored: [0, 1])
        let result = LogRank.test(groups: ["all"], strata: [[counts]])
        #expect(result.test.statistic == .notAvailable)
        #expect(result.observed == [.value(2)])
    }
}
