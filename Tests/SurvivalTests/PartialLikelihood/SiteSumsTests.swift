import ReferenceStudies
import Testing

@testable import Survival

/// What each site sends, against R's log-likelihood, gradient and information of the site's rows alone.
struct SiteSumsTests {
    static let cases = ReferenceCase.of(kind: "cox").filter {
        $0.json["error"].isNull && !$0.expected["total_at"].isNull && !$0.isSeparated
    }

    @Test(arguments: cases)
    func `the sums at zero and at the estimate are R's, in total and by site`(reference: ReferenceCase) throws
    {
        let frame = ModelFrame(reference)
        for (name, beta) in [("beta_zero", frame.columns.map { _ in 0 }), ("beta_hat", estimate(reference))] {
            let whole = try sums(frame, rows: nil, beta: beta, ties: reference.ties)
            check(whole, reference.expected["total_at"][name], beta: beta, whole: whole)
            for (site, rows) in sites(of: frame, reference) {
                let expected = try #require(
                    reference.expected["sites"].elements.first { $0["site"].string == site })
                #expect(rows.count == Int(expected["n"].double))
                #expect(rows.count { frame.event[$0] } == Int(expected["events"].double))
                check(
                    try sums(frame, rows: rows, beta: beta, ties: reference.ties), expected[name], beta: beta,
                    whole: whole)
            }
        }
    }

    private func sites(of frame: ModelFrame, _ reference: ReferenceCase) -> [(site: String, rows: [Int])] {
        reference.expected["sites"].isNull ? [] : frame.rowsBySite
    }

    /// R takes an aliased coefficient for 0.
    private func estimate(_ reference: ReferenceCase) -> [Double] {
        reference.expected["coef"].doubles.map { $0.isNaN ? 0 : $0 }
    }

    private func sums(_ frame: ModelFrame, rows: [Int]?, beta: [Double], ties: Ties) throws -> LikelihoodSums
    {
        try PartialLikelihood(frame.data(rows: rows), ties: ties).evaluate(at: beta)
    }

    private func check(_ got: LikelihoodSums, _ want: JSONValue, beta: [Double], whole: LikelihoodSums) {
        // R's file leaves the total at the estimate out for more than 12 coefficients.
        if want.isNull { return }
        expectClose(got.logLikelihood, want["loglik"].double, relative: 1e-11, absolute: 1e-11, "loglik")
        // A gradient is as large as its standard error, the root of the information, or may be 0.
        let sizes = whole.information.diagonal.map { $0.squareRoot() }
        for (index, gradient) in want["gradient"].doubles.enumerated() {
            expectClose(got.score[index], gradient, relative: 1e-9, absolute: 1e-8 * sizes[index], "gradient")
        }
        for (row, values) in want["information"].elements.map(\.doubles).enumerated() {
            for (column, value) in values.enumerated() {
                expectClose(
                    got.information[row, column], value, relative: 1e-8,
                    absolute: 1e-9 * sizes[row] * sizes[column],
                    "information[\(row), \(column)]")
            }
        }
        // And gives only the diagonal and the sum of all elements.
        for (index, value) in want["information_diagonal"].doubles.enumerated() {
            expectClose(
                got.information[index, index], value, relative: 1e-8,
                absolute: 1e-9 * sizes[index] * sizes[index],
                "information[\(index), \(index)]")
        }
        if !want["information_sum"].isNull {
            let sum = got.information.quadraticForm(beta.map { _ in 1 })
            expectClose(sum, want["information_sum"].double, relative: 1e-9, "sum of the information")
        }
    }
}

extension ReferenceCase {
    /// R stopped on its way to infinity; where, depends on rounding.
    fileprivate var isSeparated: Bool { !isWellPosed }
}
