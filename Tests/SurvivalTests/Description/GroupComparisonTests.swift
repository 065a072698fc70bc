import Foundation
import ReferenceStudies
import Testing

@testable import Survival

/// Tests between groups, standardised differences and quantiles against R; see Reference/description.R.
struct GroupComparisonTests {
    static let numbers = DescriptionReference.cases("numbers")
    static let shares = DescriptionReference.cases("shares")

    @Test(arguments: numbers)
    func `tests and differences of means are R's, from sums alone`(reference: DescriptionReference) {
        let moments = reference.moments
        let json = reference.json
        expectClose(moments.map(\.mean), json["mean"].doubles, relative: 1e-13, "mean")
        expectClose(moments.map(\.standardDeviation), json["sd"].doubles, relative: 1e-12, "sd")
        let all = GroupMoments.pooled(moments)
        expectClose(all.mean, json["all_mean"].double, relative: 1e-13, "mean of all")
        expectClose(all.standardDeviation, json["all_sd"].double, relative: 1e-12, "sd of all")
        reference.check(GroupComparison.means(moments), "means")
        expectClose(
            GroupComparison.difference(ofMeans: moments) ?? .nan, json["smd"].double, relative: 1e-11, "smd")
    }

    @Test(arguments: numbers)
    func `rank tests with ties are R's, from counts by value`(reference: DescriptionReference) {
        reference.check(GroupComparison.ranks(reference.countsByValue.counts), "ranks")
    }

    @Test(arguments: numbers)
    func `quartiles are R's type 7, from counts by value`(reference: DescriptionReference) {
        let (values, counts) = reference.countsByValue
        let shares = [0.25, 0.5, 0.75]
        for (group, counts) in counts.enumerated() {
            expectClose(
                shares.map { Quantile.ofValues(values, counts: counts, share: $0) },
                reference.json["quantiles"].elements.map { $0.doubles[group] }, relative: 1e-14, "quartiles")
        }
        let all = counts.dropFirst().reduce(counts[0]) { zip($0, $1).map { $0 + $1 } }
        expectClose(
            shares.map { Quantile.ofValues(values, counts: all, share: $0) },
            reference.json["all_quantiles"].doubles, relative: 1e-14, "quartiles of all")
    }

    @Test(arguments: shares)
    func `chi-squared tests and differences of shares are R's`(reference: DescriptionReference) {
        let counts = reference.json["counts"].elements.map(\.doubles)
        reference.check(GroupComparison.shares(counts), "shares")
        expectClose(
            GroupComparison.difference(ofShares: counts) ?? .nan, reference.json["smd"].double,
            relative: 1e-11, "smd")
    }

    @Test func `levels and groups without anybody change nothing`() {
        let table = [[12.0, 7], [3, 9], [5, 5]]
        let padded = [[12.0, 0, 7], [0, 0, 0], [3, 0, 9], [5, 0, 5]]
        #expect(GroupComparison.shares(padded) == GroupComparison.shares(table))
        #expect(GroupComparison.difference(ofShares: padded) == GroupComparison.difference(ofShares: table))
    }

    @Test func `what cannot be compared is not available`() {
        let one = GroupMoments(count: 4, mean: 1, squares: 2)
        let nobody = GroupMoments(count: 0, mean: 0, squares: 0)
        #expect(GroupComparison.means([one, nobody]).p == .notAvailable)
        #expect(
            GroupComparison.means([one, nobody, nobody]).degreesOfFreedom == [.notAvailable, .notAvailable])
        #expect(GroupComparison.difference(ofMeans: [one, nobody]) == nil)
        #expect(GroupComparison.ranks([[1, 2], [0, 0]]).statistic == .notAvailable)
        // All values are equal.
        #expect(GroupComparison.ranks([[0, 3], [0, 4]]).p == .notAvailable)
        #expect(GroupComparison.shares([[3, 4], [0, 0]]).p == .notAvailable)
        #expect(GroupComparison.difference(ofShares: [[3, 6], [1, 2]]) == 0)
    }

    /// People of a bin are spread evenly: of 4 in [0, 10) and 12 in [10, 30) the median is 4/12 of the way through the second.
    @Test func `quartiles in bins are interpolated`() {
        let edges = [0.0, 10, 30]
        #expect(Quantile.inBins(edges, counts: [4, 12], share: 0.25) == 10)
        expectClose(
            Quantile.inBins(edges, counts: [4, 12], share: 0.5), 10 + 20.0 / 3, relative: 1e-15, "median")
        #expect(Quantile.inBins(edges, counts: [0, 0], share: 0.5).isNaN)
        #expect(Quantile.ofValues([1, 2], counts: [0, 0], share: 0.5).isNaN)
    }

    // MARK: - Tails

    @Test func `t tails are R's`() {
        for tail in DescriptionReference.document["tails"]["t"].elements {
            let found = StudentT.twoSidedP(tail["t"].double, df: tail["df"].double)
            let what = "t = \(tail["t"].double), df = \(tail["df"].double)"
            expectClose(found.p, tail["p"].double, relative: 1e-12, absolute: 1e-290, what)
            expectClose(found.logP, tail["log_p"].double, relative: 1e-12, what)
        }
    }

    @Test func `F tails are R's`() {
        for tail in DescriptionReference.document["tails"]["f"].elements {
            let found = FDistribution.upperTail(
                tail["f"].double, df1: tail["df1"].double, df2: tail["df2"].double)
            // R's logarithm is wrong where the probability underflows here: -755.58. By continued fraction with 60 digits:
            let isWrongInR = tail["f"].double == 50 && tail["df1"].double == 40 && tail["df2"].double == 5000
            let logP = isWrongInR ? -755.571139520491923 : tail["log_p"].double
            let what = "F = \(tail["f"].double), df = \(tail["df1"].double), \(tail["df2"].double)"
            expectClose(found.p, tail["p"].double, relative: 1e-12, absolute: 1e-290, what)
            expectClose(found.logP, logP, relative: 1e-12, absolute: 1e-15, what)
        }
        #expect(FDistribution.upperTail(0, df1: 2, df2: 3) == (1, 0))
        #expect(FDistribution.upperTail(.infinity, df1: 2, df2: 3).p == 0)
        #expect(FDistribution.upperTail(.nan, df1: 2, df2: 3).p.isNaN)
    }

    /// With two degrees of freedom above, P(F ≥ f) = (1 + 2f/d)^(−d/2).
    @Test func `F tails agree with their closed form far out`() {
        for d in [1.0, 7, 1000, 1e6] {
            for f in [1e-6, 0.3, 12, 1e4, 1e12] {
                expectClose(
                    FDistribution.upperTail(f, df1: 2, df2: d).logP, -d / 2 * log1p(2 * f / d),
                    relative: 1e-12, "f = \(f), d = \(d)")
            }
        }
    }
}
