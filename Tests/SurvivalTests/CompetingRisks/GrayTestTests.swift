import ReferenceStudies
import Testing

@testable import Survival

/// Properties of Gray's test; whole studies are compared with R's in FederationTests.
struct GrayTestTests {
    private let groups = [
        TransitionCounts(
            times: [1, 2, 3, 4], events: [[2, 0, 1, 0], [1, 0, 1, 0]], censored: [0, 1, 0, 2]),
        TransitionCounts(
            times: [1, 2, 3, 4], events: [[0, 3, 1, 1], [0, 1, 0, 1]], censored: [1, 0, 1, 0]),
        TransitionCounts(
            times: [1, 2, 3, 4], events: [[1, 0, 2, 0], [2, 0, 0, 0]], censored: [0, 0, 3, 1]),
    ]

    @Test func `the order of the groups changes nothing`() {
        let want = GrayTest.test(strata: [groups], cause: 0)
        #expect(want.degreesOfFreedom == 2)
        for order in [[2, 0, 1], [1, 0, 2]] {
            let got = GrayTest.test(strata: [order.map { groups[$0] }], cause: 0)
            expectClose(
                got.statistic.value ?? .nan, want.statistic.value ?? .nan, relative: 1e-12, "chi-square")
        }
    }

    @Test func `groups alike do not differ, and an empty group is not compared`() {
        let alike = GrayTest.test(strata: [[groups[0], groups[0]]], cause: 1)
        expectClose(alike.statistic.value ?? .nan, 0, relative: 0, absolute: 1e-25, "chi-square")
        let nobody = TransitionCounts(
            times: [1, 2, 3, 4], events: [[0, 0, 0, 0], [0, 0, 0, 0]], censored: [0, 0, 0, 0])
        let two = GrayTest.test(strata: [[groups[0], groups[1]]], cause: 0)
        #expect(GrayTest.test(strata: [[groups[0], nobody, groups[1]]], cause: 0) == two)
        #expect(GrayTest.test(strata: [[groups[0], nobody]], cause: 0).statistic == .notAvailable)
        #expect(GrayTest.test(strata: [[groups[0]]], cause: 0).statistic == .notAvailable)
    }

    @Test func `groups that are never at risk together are not compared`() {
        let early = TransitionCounts(times: [1, 2], events: [[2, 0], [0, 0]], censored: [0, 0])
        let late = TransitionCounts(times: [1, 2], events: [[0, 0], [0, 3]], censored: [0, 1])
        #expect(GrayTest.test(strata: [[early, late]], cause: 1).statistic == .notAvailable)
    }

    /// R 4.2.2, cmprsk 2.2-11: `cuminc(c(rep(0.5, 50), rep(1, 49), 100, 2:21), c(rep(1, 50), rep(0, 49), rep(1, 20), 2), rep(1:2,
    /// c(100, 20)), rho = rho)$Tests`, which stops at rho 0.5: F is 1.32 when the last of the second group leave.
    @Test(
        arguments: [(0, 2.74986030601273), (1, 14.6875268671676), (3, 16.7380839197168), (0.5, nil)]
            as [(Double, Double?)])
    func `where the common incidence exceeds 1, only whole numbers weigh`(
        _ rho: Double, _ statistic: Double?
    ) {
        let times = [0.5, 1] + (2...21).map { Double($0) } + [100]
        func counts(
            _ own: (Double) -> Double, others: [Double: Double] = [:], censored: [Double: Double] = [:]
        ) -> TransitionCounts {
            TransitionCounts(
                times: times, events: [times.map(own), times.map { others[$0] ?? 0 }],
                censored: times.map { censored[$0] ?? 0 })
        }
        let early = counts({ $0 == 0.5 ? 50 : $0 == 100 ? 1 : 0 }, censored: [1: 49])
        let late = counts({ (2...20).contains($0) ? 1 : 0 }, others: [21: 1])
        let got = GrayTest.test(strata: [[early, late]], cause: 0, rho: rho).statistic
        guard let statistic else { return #expect(got == .notAvailable) }
        expectClose(got.value ?? .nan, statistic, relative: 1e-10, "chi-square")
    }
}
