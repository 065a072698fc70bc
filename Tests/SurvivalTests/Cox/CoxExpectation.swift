import ReferenceStudies
import Testing

@testable import Survival

/// A fit and its inference, as a test compares it.
struct FittedTable {
    let fit: CoxFit
    let terms: [CoxResult.Term]
    let covariance: [Reported]
    let likelihoodRatio: TestResult
    let wald: TestResult
    let score: TestResult

    init(_ fit: CoxFit, names: [String], scale: [Double]) {
        self.fit = fit
        (terms, covariance, likelihoodRatio, wald, score) = CoxInference.summarize(
            fit, names: names, scale: scale, level: 0.95)
    }

    func column(_ value: KeyPath<CoxResult.Term, Reported>) -> [Double] {
        terms.map { $0[keyPath: value].value ?? .nan }
    }
}

/// What R says of a Cox model, and how near to it a fit must be.
struct CoxExpectation {
    let expected: JSONValue
    let hasModelVariance: Bool
    /// The tolerance of the coefficients; the reference loosens it where digits are lost in the data.
    let relative: Double
    private let waldIsWrongInR: Bool

    init(_ reference: ReferenceCase) {
        expected = reference.expected
        waldIsWrongInR = reference.id.hasPrefix("nasty-scale-big-tiny-")
        hasModelVariance = expected["robust_se"].isNull
        relative = reference.compare["tolerance"].isNull ? 1e-9 : reference.compare["tolerance"].double
    }

    func check(_ table: FittedTable) {
        #expect(table.terms.map(\.name) == expected["coef_names"].strings)
        expectClose(
            [table.fit.logLikelihoodNull, table.fit.logLikelihood],
            [expected["loglik_null"].double, expected["loglik"].double], relative: 1e-11, "loglik")
        checkTerms(table)
        check(table.likelihoodRatio, "lr_test")
        check(table.score, "score_test")
        // R takes one of two covariates of very different scale (1e6 and 1e-6) for aliased when it inverts the covariance for
        // the Wald test, and prints 0.32 where z of one coefficient alone is 5.98. Ours is compared with R's vcov below.
        if waldIsWrongInR {
            checkWaldOfTwo(table.wald)
        } else if hasModelVariance {
            check(table.wald, "wald_test")
        }
    }

    private func checkTerms(_ table: FittedTable) {
        let (coef, se) = (expected["coef"].doubles, expected["se"].doubles)
        for (index, term) in table.terms.enumerated() {
            guard !coef[index].isNaN else {
                #expect(term.coef == .notAvailable && term.se == .notAvailable && term.p == .notAvailable)
                continue
            }
            let nearZero = relative * se[index]
            expectClose(
                term.coef.value ?? .nan, coef[index], relative: relative, absolute: nearZero,
                "coef of \(term.name)")
            expectClose(term.se.value ?? .nan, se[index], relative: relative, "se of \(term.name)")
        }
        checkCovariance(table, se: se)
        guard hasModelVariance else { return }
        expectClose(table.column(\.z), expected["z"].doubles, relative: relative, absolute: relative, "z")
        expectClose(
            table.column(\.p), expected["p"].doubles, relative: max(relative, 1e-8), absolute: 1e-14, "p")
        for (name, path) in [("hr", \CoxResult.Term.hr), ("hr_lower95", \.lower), ("hr_upper95", \.upper)] {
            expectClose(table.column(path), expected[name].doubles, relative: max(relative, 1e-9), name)
        }
    }

    private func checkCovariance(_ table: FittedTable, se: [Double]) {
        let matrix = expected[hasModelVariance ? "vcov" : "naive_vcov"].elements.map(\.doubles)
        for row in se.indices {
            for column in se.indices where se[row] > 0 && se[column] > 0 {
                expectClose(
                    table.covariance[row * se.count + column].value ?? .nan, matrix[row][column], relative: 0,
                    absolute: max(relative, 2e-9) * se[row] * se[column], "vcov[\(row), \(column)]")
            }
        }
    }

    private func check(_ test: TestResult, _ name: String) {
        let want = expected[name]
        #expect(test.degreesOfFreedom == want["df"].double, "df of \(name)")
        // R's test of no coefficient is 0, and its p is 1.
        guard test.degreesOfFreedom > 0 else {
            #expect(test == TestResult.unavailable(degreesOfFreedom: 0))
            return
        }
        expectClose(
            test.statistic.value ?? .nan, want["stat"].double, relative: max(relative, 1e-9), absolute: 1e-12,
            name)
        expectClose(
            test.p.value ?? .nan, want["p"].double, relative: max(relative, 1e-8), absolute: 1e-14,
            "p of \(name)")
    }

    /// βᵀV⁻¹β = (z₁² − 2ρz₁z₂ + z₂²)/(1 − ρ²), from R's coefficients and covariance.
    private func checkWaldOfTwo(_ test: TestResult) {
        let (coef, se) = (expected["coef"].doubles, expected["se"].doubles)
        let z = zip(coef, se).map { $0 / $1 }
        let correlation = expected["vcov"].elements[0].doubles[1] / (se[0] * se[1])
        let wald =
            (z[0] * z[0] - 2 * correlation * z[0] * z[1] + z[1] * z[1]) / (1 - correlation * correlation)
        expectClose(test.statistic.value ?? .nan, wald, relative: 1e-8, "wald test from R's vcov")
    }
}
