import ReferenceStudies
import Testing

@testable import Survival

/// Tails against R 4.2.2: pnorm, qnorm, pchisq.
struct DistributionTests {
    /// `pnorm(z, lower = FALSE, log = TRUE)` and `2 * pnorm(-abs(z))`.
    @Test(arguments: [
        (-3.0, -0.0013508099647481938, 0.0026997960632601892), (0, -0.69314718055994529, 1),
        (0.1, -0.77615459273027332, 0.92034432544594202), (1, -1.8410216450092636, 0.31731050786291409),
        (1.96, -3.6889636517296385, 0.049995790296440856), (5, -15.064998393988725, 5.7330314375838782e-07),
        (10, -53.23128515051247, 1.5239706048321054e-23), (37, -689.03058557689064, 1.1451142445049154e-299),
        (50, -1254.8313611394199, 0),
    ])
    func `normal tails are R's`(z: Double, logTail: Double, p: Double) {
        expectClose(Normal.logUpperTail(z), logTail, relative: 1e-13, "log tail")
        expectClose(Normal.twoSidedP(z).p, p, relative: 1e-13, "p")
        if z > 0 {
            expectClose(Normal.twoSidedP(z).logP, logTail + 0.69314718055994529, relative: 1e-13, "log p")
        }
    }

    @Test(arguments: [
        (1e-300, -37.047096299361201), (1e-10, -6.3613409024040557), (0.025, -1.9599639845400538),
        (0.3, -0.52440051270804067), (0.5, 0), (0.9, 1.2815515655446008), (0.975, 1.9599639845400536),
        (0.995, 2.5758293035488999), (1 - 1e-12, 7.0344869100478356),
    ])
    func `normal quantiles are R's`(p: Double, z: Double) {
        expectClose(Normal.quantile(p), z, relative: 1e-14, absolute: 1e-15, "quantile")
    }

    /// `pchisq(x, df, lower = FALSE)` and its logarithm.
    @Test(arguments: [
        (0.1, 1, 0.75182963404584935, -0.28524553116967688),
        (3.84, 1, 0.050043521248705224, -2.9948622271800254),
        (1, 2, 0.60653065971263342, -0.5), (5, 3, 0.17179714429673321, -1.7614408918243054),
        (30, 4, 4.8944371280292126e-06, -12.227411277760218),
        (0.5, 7, 0.99944648139042513, -0.00055367185755362234),
        (100, 10, 5.4497019829205302e-17, -37.448385655751672), (2000, 5, 0, -989.92155032737344),
        (2000, 6, 0, -986.87563662392699), (150, 101, 0.0011287104830542999, -6.7866794633216276),
        (90, 100, 0.75319796559982977, -0.28342718321204158),
    ])
    func `chi-squared tails are R's`(x: Double, df: Int, p: Double, logP: Double) {
        let tail = ChiSquared.upperTail(x, df: df)
        expectClose(tail.p, p, relative: 1e-12, "p")
        expectClose(tail.logP, logP, relative: 1e-12, absolute: 1e-15, "log p")
    }

    /// `pchisq(x, df, lower = FALSE)` and its logarithm.
    @Test(arguments: [
        (3.0, 0.5, 0.033416444158979097, -3.398707160069903),
        (29.394276018796631, 3.5354400334389471, 3.7129398104440315e-06, -12.5036865933925),
        (184.62822061337397, 4.519101561377834, 2.1534318499334625e-38, -86.731170754950767),
        (1, 5.9, 0.98411857834542782, -0.016008882741596935),
        (0.001, 0.3, 0.65729812232655793, -0.41961760036272677), (2000, 2.5, 0, -998.17453956220345),
        (0.8, 0.05, 0.017715731165703952, -4.0333022676974215),
        (12, 11.7, 0.42091820531254465, -0.86531675084439552), (40000, 7.25, 0, -19975.34462850061),
        (30, 4, 4.8944371280292126e-06, -12.227411277760218),
    ])
    func `chi-squared tails of fractional degrees of freedom are R's`(
        x: Double, df: Double, p: Double, logP: Double
    ) {
        let tail = ChiSquared.upperTail(x, degreesOfFreedom: df)
        expectClose(tail.p, p, relative: 1e-12, "p")
        expectClose(tail.logP, logP, relative: 1e-12, "log p")
    }

    @Test func `a test without degrees of freedom says nothing`() {
        #expect(ChiSquared.upperTail(0, df: 0) == (1, 0))
        #expect(ChiSquared.upperTail(.infinity, df: 2).p == 0)
        #expect(ChiSquared.upperTail(.nan, df: 2).p.isNaN)
    }
}
