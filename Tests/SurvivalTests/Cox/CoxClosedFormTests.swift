import Foundation
import ReferenceStudies
import Testing

@testable import Survival

/// The seven-row example of Therneau and Grambsch, Modeling Survival Data (2000), appendix E.1, and its (entry, exit] one, E.2.
///
/// One of the seven rows has no event code and drops out. With r = e^β the log-likelihoods of the six rows are
/// Breslow 2β − log(3r + 3) − 2 log(r + 3), Efron 2β − log(3r + 3) − log(r + 3) − log((r + 5)/2).
struct CoxClosedFormTests {
    static func sevenRows() throws -> SurvivalData {
        try SurvivalData(
            entry: nil, exit: [9, 1, 1, 6, 6, 8], event: [true, true, false, true, true, false], weight: nil,
            offset: nil, stratum: nil, columns: [[0, 1, 1, 1, 0, 0]])
    }

    static func tenIntervals() throws -> SurvivalData {
        try SurvivalData(
            entry: [1, 2, 5, 2, 1, 7, 3, 4, 8, 8], exit: [2, 3, 6, 7, 8, 9, 9, 9, 14, 17],
            event: [true, true, true, true, true, true, true, false, false, false], weight: nil, offset: nil,
            stratum: nil, columns: [[1, 0, 0, 1, 0, 1, 1, 1, 0, 0]])
    }

    static func fit(_ data: SurvivalData, ties: Ties, names: [String] = ["x"]) throws -> CoxFit {
        let likelihood = PartialLikelihood(data, ties: ties)
        var iteration = NewtonIteration(parameterNames: names)
        while true {
            if case .finished(let fit) = try iteration.receive(likelihood.evaluate(at: iteration.beta)) {
                return fit
            }
        }
    }

    @Test func `Breslow's hazard ratio of the seven rows is (3 + sqrt 33)/2`() throws {
        // The score is 2 − r/(r + 1) − 2r/(r + 3) = 0, that is r² − 3r − 6 = 0.
        let r = (3 + 33.0.squareRoot()) / 2
        let fit = try Self.fit(Self.sevenRows(), ties: .breslow)
        expectClose(fit.beta[0], log(r), relative: 1e-12, "beta")
        expectClose(
            fit.logLikelihood, 2 * log(r) - log(3 * r + 3) - 2 * log(r + 3), relative: 1e-14, "loglik")
        expectClose(fit.logLikelihoodNull, -log(6.0) - 2 * log(4.0), relative: 1e-14, "loglik at 0")
        let information = r / ((r + 1) * (r + 1)) + 6 * r / ((r + 3) * (r + 3))
        expectClose(fit.covariance[0, 0], 1 / information, relative: 1e-12, "variance")
        // At β = 0: U = 2 − 1/2 − 2/4 = 1, I = 1/4 + 6/16 = 5/8, so UI⁻¹U = 1.6.
        expectClose(fit.scoreStatistic, 1.6, relative: 1e-14, "score test")
    }

    @Test func `Efron's hazard ratio of the seven rows is the root of r³ − 23r − 30`() throws {
        // The score is 2 − r/(r + 1) − r/(r + 3) − r/(r + 5) = 0; the root by Viète's formula.
        let r = 2 * (23.0 / 3).squareRoot() * cos(acos(15 * pow(3.0 / 23, 1.5)) / 3)
        let fit = try Self.fit(Self.sevenRows(), ties: .efron)
        expectClose(fit.beta[0], log(r), relative: 1e-11, "beta")
        expectClose(
            fit.logLikelihood, 2 * log(r) - log(3 * r + 3) - log(r + 3) - log((r + 5) / 2), relative: 1e-14,
            "loglik")
        let information = r / ((r + 1) * (r + 1)) + 3 * r / ((r + 3) * (r + 3)) + 5 * r / ((r + 5) * (r + 5))
        expectClose(fit.covariance[0, 0], 1 / information, relative: 1e-11, "variance")
    }

    /// R 4.2.2, survival 3.5-3: `coxph(Surv(start, stop, event) ~ x)`, eps 1e-12.
    @Test(arguments: [
        (Ties.breslow, -0.084526080661309164, -9.3926619287701367, -9.3870151183663353, 0.63014587003454747),
        (Ties.efron, -0.021105209580175213, -9.1695183774559279, -9.1691664647247588, 0.63230626065795981),
    ])
    func `the ten intervals give R's fit`(
        ties: Ties, beta: Double, logLikelihoodNull: Double, logLikelihood: Double, variance: Double
    ) throws {
        let fit = try Self.fit(Self.tenIntervals(), ties: ties)
        expectClose(fit.beta[0], beta, relative: 1e-9, "beta")
        expectClose(fit.logLikelihoodNull, logLikelihoodNull, relative: 1e-14, "loglik at 0")
        expectClose(fit.logLikelihood, logLikelihood, relative: 1e-14, "loglik")
        expectClose(fit.covariance[0, 0], variance, relative: 1e-9, "variance")
    }

    @Test func `two groups of one tie each have their hazard ratio in closed form`() throws {
        // Deaths at 1 (x = 1) and 2 (x = 0), one censored of each at 3: U = 1 − 2r/(2r + 2) − r/(r + 2) = 0 gives r = √2.
        let data = try SurvivalData(
            entry: nil, exit: [1, 2, 3, 3], event: [true, true, false, false], weight: nil, offset: nil,
            stratum: nil,
            columns: [[1, 0, 1, 0]])
        expectClose(try Self.fit(data, ties: .efron).beta[0], log(2) / 2, relative: 1e-12, "beta")
    }
}
