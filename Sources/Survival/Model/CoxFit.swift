/// A fitted Cox model on the scale of the covariates it was fitted with (standardised ones, as a rule).
///
/// An aliased covariate (a combination of earlier ones, or constant) has coefficient 0 and zero rows in `covariance`; its
/// coefficient is reported as NA.
package struct CoxFit: Sendable, Hashable {
    package var beta: [Double]
    package var isAliased: [Bool]
    /// Inverse of `information`.
    package var covariance: SymmetricMatrix
    /// At `beta`; with a ridge penalty the information and the penalty's curvature together.
    package var information: SymmetricMatrix
    /// The degrees of freedom of a test of the whole model: `rank`, or less under a ridge penalty.
    package var degreesOfFreedom: Double
    /// What the fit has under a penalty besides; nil without one.
    package var penalised: Penalised?
    /// What profile likelihoods say of the coefficients, if they were asked for or one is infinite; else empty.
    package var profiles: [CoxProfile] = []
    package var profileWishes = ProfileSurvey.Wishes(limits: false, tests: false)
    /// At β = 0 and at `beta`.
    package var logLikelihoodNull: Double
    package var logLikelihood: Double
    /// UᵀI⁻¹U at β = 0.
    package var scoreStatistic: Double
    /// Evaluations of the likelihood, the one at 0 included.
    package var iterations: Int
    /// Covariates whose coefficient runs to infinity (separation): the likelihood has no maximum.
    package var infinite: [Int]
    package var warnings: [String]

    package struct Penalised: Sendable, Hashable {
        package var penalty: Penalty
        /// The penalised log-likelihood at β = 0 and at `beta`.
        package var logLikelihoodNull: Double
        package var logLikelihood: Double
    }

    mutating func add(_ penalty: Penalty, null: Double, value: Double) {
        guard penalty != .none else { return }
        penalised = Penalised(penalty: penalty, logLikelihoodNull: null, logLikelihood: value)
    }

    /// The degrees of freedom of some of the coefficients under a ridge, as R counts them (Gray, JASA 1992): the trace of
    /// (V_bb)⁻¹(VIV)_bb, V = (I + P)⁻¹, over the block of those that are not aliased.
    package func degreesOfFreedom(of block: [Int]) -> Double {
        let block = block.filter { !isAliased[$0] }
        guard case .ridge(let weights)? = penalised?.penalty else { return Double(block.count) }
        // Of the block's columns in the whitened basis, (V_bb)⁻¹(VPV)_bb has the trace of WPWᵀ, W = L⁻¹.
        guard let basis = WhitenedBasis(information, isAliased: isAliased, choosing: block) else {
            return Double(block.count)
        }
        let inverse = basis.inverse
        let freedom = basis.chosen.reduce(Double(block.count)) { sum, row in
            basis.columns.indices.reduce(sum) {
                $0 - inverse[row][$1] * inverse[row][$1] * weights[basis.columns[$1]]
            }
        }
        // What is left of a block on which there is no information is rounding.
        return freedom > 1e-12 ? freedom : 0
    }

    /// The robust covariance I⁻¹BI⁻¹ (Lin and Wei, JASA 1989), B being the sum of squares of score residuals by cluster.
    package func robustCovariance(squares: SymmetricMatrix) -> CoefficientCovariance {
        CoefficientCovariance(self, squares: squares)
    }

    /// Coefficients that are not aliased: the degrees of freedom of the tests.
    package var rank: Int { isAliased.count { !$0 } }

    package init(
        beta: [Double], isAliased: [Bool], covariance: SymmetricMatrix, information: SymmetricMatrix,
        logLikelihoodNull: Double, logLikelihood: Double, scoreStatistic: Double, iterations: Int,
        infinite: [Int], warnings: [String]
    ) {
        (self.beta, self.isAliased, self.covariance) = (beta, isAliased, covariance)
        (self.information, self.logLikelihoodNull) = (information, logLikelihoodNull)
        (self.logLikelihood, self.scoreStatistic) = (logLikelihood, scoreStatistic)
        (self.iterations, self.infinite, self.warnings) = (iterations, infinite, warnings)
        degreesOfFreedom = Double(isAliased.count { !$0 })
    }

    /// The sentences a reader must see: aliased covariates, infinite coefficients, no events.
    static func warnings(parameterNames: [String], isAliased: [Bool], infinite: [Int]) -> [String] {
        if !isAliased.isEmpty, !isAliased.contains(false), parameterNames.count > 1 {
            return [
                "no covariate can be estimated: there is no event, or no variation in those at risk at any event"
            ]
        }
        let aliased = isAliased.indices.filter { isAliased[$0] }.map {
            "\(parameterNames[$0]) is constant or a combination of the covariates before it among those at risk; "
                + "its coefficient is not available"
        }
        let separated = infinite.map {
            "the coefficient of \(parameterNames[$0]) runs to infinity (separation): the events leave it no finite estimate, "
                + "standard error or Wald test; its finite limit and its p are those of the profile likelihood, "
                + "and penalty: firth gives it a finite estimate"
        }
        return aliased + separated
    }
}
