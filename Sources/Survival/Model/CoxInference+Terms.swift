extension CoxInference {
    /// Wald tests of the terms with more than one column, and of the curved columns of splines.
    ///
    /// βⱼᵀ(Vⱼⱼ)⁻¹βⱼ over a term's columns J, V being the robust covariance if there is one; aliased columns do not take part. A
    /// test is not available where a column's coefficient is infinite, or Vⱼⱼ is singular (fewer clusters than coefficients).
    package static func termTests(
        of fit: CoxFit, terms: [ModelSpecification.Term], robust: CoefficientCovariance?
    ) -> [CoxResult.WaldTest] {
        let covariance = robust ?? CoefficientCovariance(fit)
        func test(_ term: ModelSpecification.Term, _ columns: [Int], isNonlinear: Bool) -> CoxResult.WaldTest?
        {
            let kept = columns.filter { !fit.isAliased[$0] }
            guard !kept.isEmpty else { return nil }
            guard kept.allSatisfy({ !fit.infinite.contains($0) }) else {
                return .init(
                    term: term.name, isNonlinear: isNonlinear,
                    test: unavailable(degreesOfFreedom: kept.count))
            }
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

    /// The finite differences between coefficients of one term that run to infinity together, each against the first such level
    /// that it keeps step with: the rows of a level without events tell nothing of how the others differ.
    package static func differences(
        of fit: CoxFit, terms: [ModelSpecification.Term], names: [String], scale: [Double], level: Double,
        robust: CoefficientCovariance?
    ) -> [CoxResult.Term] {
        guard let separation = fit.separation else { return [] }
        let covariance = CoefficientCovariance(fit)
        let quantile = Normal.quantile(0.5 + level / 2)
        func difference(_ index: Int, _ other: Int) -> CoxResult.Term? {
            var weights = fit.beta.map { _ in 0.0 }
            weights[index] = 1 / (scale[index] == 0 ? 1 : scale[index])
            weights[other] = -1 / (scale[other] == 0 ? 1 : scale[other])
            guard separation.keeps(weights) else { return nil }
            return term(
                "\(names[index]) against \(names[other])", coef: dot(weights, fit.beta),
                se: covariance.variance(of: weights).squareRoot(),
                robustSE: robust.map { $0.variance(of: weights).squareRoot() }, quantile: quantile)
        }
        return terms.flatMap { term in
            let infinite = term.columns.filter { fit.infinite.contains($0) }
            return infinite.enumerated().compactMap { place, index in
                infinite[..<place].lazy.compactMap { difference(index, $0) }.first
            }
        }
    }

    /// β̂ + share·V·r in the study's units: what scaled Schoenfeld residuals with the sum r show of the coefficients that are finite.
    package static func effects(
        of fit: CoxFit, residuals: [Double], share: Double, scale: [Double]
    ) -> [Reported] {
        let moved =
            fit.separation == nil
            ? RankRevealingCholesky(fit.information, leavingOut: fit.isAliased).solve(residuals)
            : InformationFrame(fit.information, holding: fit.held).solve(residuals)
        let infinite = fit.infinite
        return fit.beta.indices.map { index in
            let divisor = scale[index] == 0 ? 1 : scale[index]
            return fit.isAliased[index] || infinite.contains(index)
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
