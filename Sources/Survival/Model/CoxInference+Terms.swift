extension CoxInference {
    /// Wald tests of the terms with more than one column, and of the curved columns of splines.
    ///
    /// βⱼᵀ(Vⱼⱼ)⁻¹βⱼ over a term's columns J, V being the robust covariance if there is one; aliased columns do not take part. A
    /// test is not available where Vⱼⱼ is singular (fewer clusters than coefficients).
    package static func termTests(
        of fit: CoxFit, terms: [ModelSpecification.Term], robust: CoefficientCovariance?
    ) -> [CoxResult.WaldTest] {
        let covariance = robust ?? CoefficientCovariance(fit)
        func test(_ term: ModelSpecification.Term, _ columns: [Int], isNonlinear: Bool) -> CoxResult.WaldTest?
        {
            let kept = columns.filter { !fit.isAliased[$0] }
            guard !kept.isEmpty else { return nil }
            return .init(
                term: term.name, isNonlinear: isNonlinear,
                test: covariance.waldStatistic(kept).map { Self.test($0, df: kept.count) }
                    ?? unavailable(degreesOfFreedom: kept.count))
        }
        return terms.flatMap { term in
            [
                term.columns.count > 1 ? test(term, Array(term.columns), isNonlinear: false) : nil,
                test(term, term.nonlinear, isNonlinear: true),
            ].compactMap(\.self)
        }
    }

    /// β̂ + share·V·r in the study's units: what scaled Schoenfeld residuals with the sum r show of the coefficients.
    package static func effects(
        of fit: CoxFit, residuals: [Double], share: Double, scale: [Double]
    ) -> [Reported] {
        let moved = RankRevealingCholesky(fit.information, leavingOut: fit.isAliased).solve(residuals)
        return fit.beta.indices.map { index in
            let divisor = scale[index] == 0 ? 1 : scale[index]
            return fit.isAliased[index]
                ? .notAvailable : Reported((fit.beta[index] + share * moved[index]) / divisor)
        }
    }

    /// A test that cannot be made.
    static func unavailable(degreesOfFreedom: Int) -> TestResult {
        TestResult(
            statistic: .notAvailable, degreesOfFreedom: Double(degreesOfFreedom), p: .notAvailable,
            logP: .notAvailable)
    }
}

extension SymmetricMatrix {
    /// The rows and columns with these indices.
    func part(_ indices: [Int]) -> SymmetricMatrix {
        var part = SymmetricMatrix(order: indices.count)
        for row in indices.indices {
            for column in row..<indices.count { part[row, column] = self[indices[row], indices[column]] }
        }
        return part
    }
}
