import Foundation
import ReferenceStudies
import Testing

@testable import Survival

/// The discrete partial likelihood against all sets written out; against R in `CoxReferenceTests` and `SiteSumsTests`.
struct ExactTiesTests {
    private static let risks: [Double] = [0.3, 2, 1.1, 0.05, 4, 0.7, 1.9]
    /// Two covariates, row-major.
    private static let covariates: [Double] = [1, -0.2, 0, 3, 2, 2, -1, 0.5, 0.3, 0.1, 7, -4, 1.5, 0]

    @Test(arguments: 1...7)
    func `the recursion gives the sums over all sets`(_ deaths: Int) {
        let (count, x) = (Self.risks.count, { (row: Int, index: Int) in Self.covariates[2 * row + index] })
        var (weight, first, second) = (0.0, [0.0, 0], [0.0, 0, 0])
        for set in 0..<(1 << count) where set.nonzeroBitCount == deaths {
            let rows = (0..<count).filter { set >> $0 & 1 == 1 }
            let product = rows.reduce(1) { $0 * Self.risks[$1] }
            let sum = (0..<2).map { index in rows.reduce(0) { $0 + x($1, index) } }
            weight += product
            for index in 0..<2 { first[index] += product * sum[index] }
            for (cell, pair) in [(0, 0), (0, 1), (1, 1)].enumerated() {
                second[cell] += product * sum[pair.0] * sum[pair.1]
            }
        }
        let mean = first.map { $0 / weight }
        let exact = ExactTies(
            rows: Array(0..<count), deaths: deaths, risks: Self.risks, covariates: Self.covariates,
            parameterCount: 2)
        expectClose(exact.logTerm, log(weight), relative: 1e-14, absolute: 1e-14, "log")
        expectClose(exact.mean, mean, relative: 1e-13, absolute: 1e-14, "mean")
        expectClose(
            exact.covariance.packedUpper,
            [
                second[0] / weight - mean[0] * mean[0], second[1] / weight - mean[0] * mean[1],
                second[2] / weight - mean[1] * mean[1],
            ], relative: 1e-11, absolute: 1e-12, "covariance")
    }

    @Test func `a death time with hundreds of ties stays within range`() {
        // With equal risks e_d is a binomial coefficient, and Σx of a random set of d out of n has a known variance.
        let (count, deaths) = (2000, 600)
        let exact = ExactTies(
            rows: Array(0..<count), deaths: deaths, risks: Array(repeating: 3e4, count: count),
            covariates: (0..<count).map { Double($0 % 2) }, parameterCount: 1)
        let binomial =
            lgamma(Double(count + 1)) - lgamma(Double(deaths + 1)) - lgamma(Double(count - deaths + 1))
        expectClose(exact.logTerm, binomial + Double(deaths) * log(3e4), relative: 1e-12, "log")
        expectClose(exact.mean[0], 300, relative: 1e-12, "mean")
        // Hypergeometric: d·p(1 − p)(n − d)/(n − 1).
        expectClose(exact.covariance[0, 0], 600 * 0.25 * 1400 / 1999, relative: 1e-10, "variance")
    }

    @Test func `score and information are the derivatives of the log-likelihood`() throws {
        let weighted = try PartialLikelihoodTests.rows()
        let data = try SurvivalData(
            entry: weighted.entry, exit: weighted.exit, event: weighted.event, weight: nil,
            offset: weighted.offset, stratum: weighted.stratum, columns: weighted.columns)
        let (likelihood, beta) = (PartialLikelihood(data, ties: .exact), PartialLikelihoodTests.beta)
        let (here, step) = (try likelihood.evaluate(at: beta), 1e-5)
        for index in beta.indices {
            var (up, down) = (beta, beta)
            up[index] += step
            down[index] -= step
            let (above, below) = (try likelihood.evaluate(at: up), try likelihood.evaluate(at: down))
            let slope = (above.logLikelihood - below.logLikelihood) / (2 * step)
            expectClose(here.score[index], slope, relative: 1e-6, absolute: 1e-7, "score")
            for other in beta.indices {
                let curvature = (below.score[other] - above.score[other]) / (2 * step)
                expectClose(
                    here.information[index, other], curvature, relative: 1e-6, absolute: 1e-7, "information")
            }
        }
    }

    @Test func `where all at risk die at once there is nothing to learn`() throws {
        let data = try SurvivalData(
            entry: nil, exit: [2, 2, 2], event: [true, true, true], weight: nil, offset: nil, stratum: nil,
            columns: [[1, 5, 2]])
        let sums = try PartialLikelihood(data, ties: .exact).evaluate(at: [0.8])
        expectClose(sums.logLikelihood, 0, relative: 0, absolute: 1e-13, "log-likelihood")
        expectClose(sums.score[0], 0, relative: 0, absolute: 1e-13, "score")
        #expect(sums.information[0, 0] == 0)
    }
}
