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
}
