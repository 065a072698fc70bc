/// The score test of proportional hazards, against coefficients that change along g(t).
///
/// The model is extended by γ·x·g(t); all of β stay free. At γ = 0 the score is u = Σ g(x − x̄) and the information is
/// [ΣV, ΣgV; ΣgV, Σg²V], hence u_J(S_JJ)⁻¹u_J for the terms J, S = Σg²V − ΣgV·(ΣV)⁻¹·ΣgV. As `cox.zph` since R's survival 3.0
/// (Grambsch and Therneau, Biometrika 1994, without their approximation of a constant V).
package enum ProportionalHazardsTest {
    /// One test for each term and one for all; aliased columns do not take part, and a term without others is left out.
    ///
    /// Nor does one coefficient for each direction of separation, of which the events tell nothing at any time (`CoxFit.held`).
    ///
    /// A test is not available where g does not vary over the events at which a term's covariates do.
    package static func tests(
        of fit: CoxFit, trend: TimeTrendSums, terms: [ModelSpecification.Term]
    ) -> (terms: [CoxResult.TermTest], global: TestResult) {
        let held = fit.held
        let kept = { (columns: Range<Int>) -> [Int] in columns.filter { !held[$0] } }
        let test = { (columns: [Int]) in Self.test(trend, given: fit, columns: columns) }
        let tests = terms.compactMap { term -> CoxResult.TermTest? in
            let columns = kept(term.columns)
            if columns.isEmpty, term.columns.allSatisfy({ fit.isAliased[$0] }) { return nil }
            return CoxResult.TermTest(
                name: term.name,
                test: columns.isEmpty ? TestResult.unavailable(degreesOfFreedom: 0) : test(columns))
        }
        return (tests, test(kept(fit.beta.indices)))
    }

    /// Less of Σg²V than this is left by rounding alone.
    private static let tolerance = 1e-12

    /// u_J(S_JJ)⁻¹u_J, in coordinates in which the information on β, and that on β_J alone, is 1.
    ///
    /// So nearly collinear columns, such as those of a spline, cost their digits once, not once more in the inversion of S_JJ.
    private static func test(_ trend: TimeTrendSums, given fit: CoxFit, columns: [Int]) -> TestResult {
        let all = InformationFrame(fit.information, holding: fit.held)
        let own = InformationFrame(fit.information, holding: fit.beta.indices.map { !columns.contains($0) })
        let square = own.whitened(trend.square)
        var schur = square
        let cross = fit.beta.indices.map { index in
            all.whitened(gradient: fit.beta.indices.map { trend.information[$0, index] })
        }
        for row in all.free.indices {
            schur.add(-1, outer: own.whitened(gradient: cross.map { $0[row] }))
        }
        let varies = columns.indices.allSatisfy { schur[$0, $0] > Self.tolerance * square[$0, $0] }
        let factored = RankRevealingCholesky(schur)
        guard varies, factored.rank == columns.count, factored.rank > 0 else {
            return .unavailable(degreesOfFreedom: columns.count)
        }
        let score = own.whitened(gradient: trend.score)
        return TestResult(chiSquared: dot(score, factored.solve(score)), df: columns.count)
    }
}
