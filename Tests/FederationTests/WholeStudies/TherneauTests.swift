import Foundation
import ReferenceStudies
import Survival
import Testing

/// Seven rows whose estimates have closed forms: Therneau and Grambsch, Modeling Survival Data (2000), appendix E.1.
///
/// One row has no status and is dropped. With r = e^β, Breslow's score is zero at r = (3 + √33)/2, Efron's at the positive root
/// of r³ − 23r − 30.
struct TherneauTests {
    private static let rows: [Patient] = zip(
        [9, 3, 1, 1, 6, 6, 8], zip([1, .nan, 1, 0, 1, 1, 0], [0, 2, 1, 1, 1, 0, 0])
    ).enumerated().map { index, row in
        Patient(person: index, months: row.0, died: row.1.0, marker: row.1.1)
    }

    private static func study(_ ties: Ties, sites: Int, baseline: CoxResult.Baseline) -> String {
        Ward.study(
            sites: sites,
            """
            analyses:
              - cox: {id: seven, terms: [marker], ties: \(ties), baseline: \(baseline), times: exact}
            """)
    }

    private static func expectation(_ ties: Ties) -> (
        risk: Double, logLikelihood: (Double) -> Double, information: Double
    ) {
        switch ties {
        case .breslow:
            let r = (3 + 33.0.squareRoot()) / 2
            return (
                r, { 2 * log($0) - log(3 * $0 + 3) - 2 * log($0 + 3) },
                r / ((r + 1) * (r + 1)) + 6 * r / ((r + 3) * (r + 3))
            )
        default:
            let r = 2 * (23.0 / 3).squareRoot() * cos(acos(45.0 / 23 * (3.0 / 23).squareRoot()) / 3)
            let information = [1.0, 3, 5].reduce(0) { $0 + $1 * r / ((r + $1) * (r + $1)) }
            return (r, { 2 * log($0) - log(3 * $0 + 3) - log($0 + 3) - log($0 / 2 + 2.5) }, information)
        }
    }

    @Test(
        arguments: [Ties.breslow, .efron],
        [[0, 0, 0, 0, 0, 0, 0], [0, 1, 1, 0, 0, 1, 0], [0, 1, 2, 0, 1, 2, 0]])
    func `one baseline hazard over the hospitals gives the closed form`(_ ties: Ties, _ deal: [Int]) throws {
        let siteCount = (deal.max() ?? 0) + 1
        let hospitals = (0..<siteCount).map { site in Self.rows.filter { deal[$0.person] == site } }
        let study = Self.study(ties, sites: siteCount, baseline: .common)
        try expectClosedForm(try result(of: study, hospitals).cox("seven"), ties)
    }

    @Test(arguments: [Ties.breslow, .efron])
    func `a single hospital's own baseline hazard gives the closed form`(_ ties: Ties) throws {
        let study = Self.study(ties, sites: 1, baseline: .site)
        try expectClosedForm(try result(of: study, [Self.rows]).cox("seven"), ties)
    }

    private func expectClosedForm(_ fit: CoxResult, _ ties: Ties) throws {
        let (risk, logLikelihood, information) = Self.expectation(ties)
        // The iteration stops within 1e-11 standard errors of the maximum.
        expectClose(fit.coefficients, [log(risk)], relative: 2e-11, "β")
        expectClose(fit.standardErrors, [1 / information.squareRoot()], relative: 2e-11, "se")
        expectClose(fit.logLikelihoodNull, logLikelihood(1), relative: 1e-14, "log-likelihood at 0")
        expectClose(fit.logLikelihood, logLikelihood(risk), relative: 1e-14, "log-likelihood")
        #expect(fit.counts.rows == 6 && fit.counts.events == 4 && fit.counts.dropped == 1)
        #expect(fit.counts.droppedByVariable == ["died": 1, "marker": 0, "months": 0])
    }
}
