extension CoxResult {
    /// Whether some term has a likelihood-ratio test of its own.
    package var hasLikelihoodRatios: Bool { terms.contains { $0.likelihoodRatio != nil } }

    /// Where the limits of a coefficient come from: its standard error, or the profile likelihood.
    package enum Limits: String, Hashable, Sendable, Codable, CaseIterable { case wald, profile }

    /// Limits and p of a coefficient by the normal approximation.
    package struct Wald: Hashable, Sendable, Codable {
        package var lower: Reported
        package var upper: Reported
        package var p: Reported
        package var logP: Reported

        package init(lower: Reported, upper: Reported, p: Reported, logP: Reported) {
            (self.lower, self.upper, self.p, self.logP) = (lower, upper, p, logP)
        }
    }

    /// The penalty that a model was fitted under.
    package struct Penalised: Hashable, Sendable, Codable {
        package var kind: Kind
        /// The penalised log-likelihood, with all coefficients 0 and at the estimate.
        package var logLikelihoodNull: Double
        package var logLikelihood: Double
        /// Only for a ridge.
        package var ridge: Ridge?

        package enum Kind: String, Hashable, Sendable, Codable { case ridge, firth }

        package init(kind: Kind, logLikelihoodNull: Double, logLikelihood: Double, ridge: Ridge? = nil) {
            (self.kind, self.logLikelihoodNull, self.logLikelihood) = (kind, logLikelihoodNull, logLikelihood)
            self.ridge = ridge
        }
    }

    /// θ/2 Σ bⱼ², or θ/2 Σ bⱼ² var(xⱼ); arrays have an element for each coefficient.
    package struct Ridge: Hashable, Sendable, Codable {
        package var theta: Double
        package var isScaled: Bool
        /// Which coefficients are penalised.
        package var isPenalised: [Bool]
        /// var(xⱼ) where it was used, else NA.
        package var variances: [Reported]
        /// Of the penalised coefficients together.
        package var degreesOfFreedom: Double
        /// The penalty at the estimate.
        package var amount: Double

        /// Those of the terms' names that are penalised.
        package func penalised(_ names: [String]) -> [String] {
            zip(names, isPenalised).filter(\.1).map(\.0)
        }

        package init(
            theta: Double, isScaled: Bool, isPenalised: [Bool], variances: [Reported],
            degreesOfFreedom: Double, amount: Double
        ) {
            (self.theta, self.isScaled, self.isPenalised) = (theta, isScaled, isPenalised)
            (self.variances, self.degreesOfFreedom, self.amount) = (variances, degreesOfFreedom, amount)
        }
    }
}
