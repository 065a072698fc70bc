import Federation
import ReferenceStudies
import Survival
import Testing

/// The discrete partial likelihood as a study asks for it.
struct ExactTiesTests {
    /// The patients with times in half years, so that several die at once at a hospital.
    private static func tables() -> [PatientTable] {
        Ovarian.tables().map { table in
            var table = table
            if case .number(let days) = table.columns["futime"] {
                table.columns["futime"] = .number(days.map { ($0 / 180).rounded(.up) })
            }
            return table
        }
    }

    private static func result(_ keys: String) throws -> CoxResult {
        try Ovarian.result(["cox: {id: m, terms: [age, rx], ties: exact\(keys)}"], tables: tables()).cox("m")
    }

    /// R 4.2.2, survival 3.5-3: `d$m <- ceiling(d$futime/180)`; `coxph(Surv(m, fustat) ~ age + factor(rx) + strata(site), d,
    /// ties = "exact", control = coxph.control(eps = 1e-12, iter.max = 50))`.
    @Test func `a study of two hospitals gives R's exact fit`() throws {
        let cox = try Self.result("")
        expectClose(cox.coefficients, [0.1555810058110475, -1.0235046771932257], relative: 1e-9, "coef")
        expectClose(cox.standardErrors, [0.0568318717580454, 0.7222713501774308], relative: 1e-9, "se")
        expectClose(
            [cox.logLikelihoodNull, cox.logLikelihood], [-24.1828039732081237, -17.2510681477564169],
            relative: 1e-12, "log-likelihood")
        expectClose(cox.score.statistic.value ?? .nan, 14.6908133331477372, relative: 1e-9, "score test")
        #expect(cox.ties == .exact)
    }

    @Test(arguments: [
        (", baseline: common, times: exact", "ties: exact needs baseline: site"),
        (
            ", robust: true",
            "ties: exact goes with none of weights:, robust:, cluster(), check: and diagnostics:"
        ),
        (
            ", weights: age",
            "ties: exact goes with none of weights:, robust:, cluster(), check: and diagnostics:"
        ),
        (
            ", check: proportional-hazards, transform: log",
            "ties: exact goes with none of weights:, robust:, cluster(), check: and diagnostics:"
        ),
    ])
    func `what the discrete likelihood does not have is refused`(_ keys: String, _ reason: String) {
        let error = sentence { _ = try Self.result(keys) }
        #expect(error?.contains(reason) == true, "\(error ?? "none")")
    }
}
