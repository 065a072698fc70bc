/// Why a model could not be fitted to the sums.
package enum FitError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The sums at the start (all coefficients 0) are not numbers.
    case notFinite(covariates: [String])
    case notConverged(iterations: Int)
    /// Sums from which no step follows: they are of a size that no rows have.
    case noStep(covariates: [String])
    /// Sums of a size that does not fit the model.
    case wrongShape(expected: Int, got: Int)
    /// The likelihood cannot be evaluated: at the start, or where the fit leads.
    case outOfRange(covariates: [String], isAtStart: Bool)
    /// A death at a time when nobody is at risk.
    case nobodyAtRisk

    package var description: String {
        switch self {
        case .notFinite(let covariates) where covariates.isEmpty:
            "the log-likelihood is not a number at the start; check offset and weights"
        case .notFinite(let covariates):
            "the sums are not numbers for \(covariates.joined(separator: ", ")); check the scale of these covariates"
        case .noStep(let covariates):
            "no step follows from the sums\(covariates.isEmpty ? "" : " for \(covariates.joined(separator: ", "))"), which are of a size that no patients have; ask the hospitals to check their software"
        case .notConverged(let iterations):
            "the fit did not converge in \(iterations) evaluations; allow more (evaluations:), or check for a covariate that few patients vary in"
        case .outOfRange(_, true):
            "e^(x*beta + offset) or a sum of it is out of range already with all coefficients 0; check the scale of offset and weights"
        case .outOfRange(let covariates, false):
            "the fit leads where hospitals cannot evaluate it: a linear predictor beyond linear-predictor-max, or out of the range of the numbers\(covariates.isEmpty ? "" : ", above all by \(covariates.joined(separator: ", "))"); regroup or rescale covariates, or use baseline: site with penalty: firth"
        case .wrongShape(let expected, let got):
            "a sum has \(counted(got, "number")) where the model needs \(expected); the sites do not fit the same model"
        case .nobodyAtRisk:
            "a death is recorded at a time when nobody is at risk; check entry and exit times and the time grid"
        }
    }
}
