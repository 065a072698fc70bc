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
    /// Where the likelihood has no maximum: the directions in which it rises to its supremum, `logLikelihood`.
    package var separation: Separation?
    /// Whether hospitals did not evaluate the likelihood far enough out for the last digits.
    package var isBlocked = false
    package var warnings: [String] = []

    /// Covariates whose coefficient runs to infinity, ascending.
    package var infinite: [Int] { separation?.moved ?? [] }

    /// Coefficients that are held where only what is finite is looked at: the aliased ones, and for each direction of separation one.
    ///
    /// With these held all others have a maximum, at which they are what they are relative to them.
    package var held: [Bool] {
        var held = isAliased
        for index in separation?.pivots ?? [] { held[index] = true }
        return held
    }

    /// Coefficients, or differences of them, that have a finite estimate: the degrees of freedom of tests that leave out directions.
    package var finiteRank: Int { held.count { !$0 } }

    /// Whether the coefficient of a covariate in `infinite` runs to +∞.
    func risesToInfinity(_ index: Int) -> Bool { (separation?.step[index] ?? 0) > 0 }

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
        let basis = InformationFrame(information, holding: isAliased, choosing: block)
        guard basis.isDefinite else { return Double(block.count) }
        let inverse = basis.inverseFactor
        let freedom = basis.chosen.reduce(Double(block.count)) { sum, row in
            basis.free.indices.reduce(sum) {
                $0 - inverse[row][$1] * inverse[row][$1] * weights[basis.free[$1]]
            }
        }
        // What is left of a block on which there is no information is rounding.
        return freedom > 1e-12 ? freedom : 0
    }

    /// Coordinates in which the covariance is the identity, and in which score residuals are squared.
    package var frame: InformationFrame { InformationFrame(information, holding: held) }

    /// The robust covariance (Lin and Wei, JASA 1989) from the sum of squares of score residuals by cluster, in the fit's `frame`.
    package func robustCovariance(squares: SymmetricMatrix) -> CoefficientCovariance {
        CoefficientCovariance(self, squares: squares)
    }

    /// Coefficients that are not aliased: the degrees of freedom of the tests.
    package var rank: Int { isAliased.count { !$0 } }

    package init(
        beta: [Double], isAliased: [Bool], covariance: SymmetricMatrix, information: SymmetricMatrix,
        logLikelihoodNull: Double, logLikelihood: Double, scoreStatistic: Double, iterations: Int
    ) {
        (self.beta, self.isAliased, self.covariance) = (beta, isAliased, covariance)
        (self.information, self.logLikelihoodNull) = (information, logLikelihoodNull)
        (self.logLikelihood, self.scoreStatistic) = (logLikelihood, scoreStatistic)
        self.iterations = iterations
        degreesOfFreedom = Double(isAliased.count { !$0 })
    }

    /// Takes up how the way to the fit ended, and the sentences a reader must see: aliased covariates, infinite coefficients.
    mutating func end(
        _ ending: LikelihoodAscent.Ending, at point: LikelihoodAscent.Point, names: [String]
    ) {
        switch ending {
        case .maximum, .rounding: separation = nil
        case .separation(let found): separation = found
        case .blocked(let found): (separation, isBlocked) = (found, true)
        }
        if let separation {
            let rest = point.limit - point.sums.logLikelihood
            logLikelihood += rest
            penalised?.logLikelihood += rest
            beta = zip(beta, separation.remainder).map { $0 + $1 }
            covariance = InformationFrame(information, holding: held).inverse()
        }
        tellWarnings(names)
    }

    /// The sentences a reader must see; of infinite coefficients they say more once their profile likelihoods are known.
    mutating func tellWarnings(_ names: [String]) {
        warnings = aliasWarnings(names) + separationWarnings(names)
    }

    private func aliasWarnings(_ names: [String]) -> [String] {
        if !isAliased.isEmpty, !isAliased.contains(false), names.count > 1 {
            return [
                "no covariate can be estimated: there is no event, or no variation in those at risk at any event"
            ]
        }
        return isAliased.indices.filter { isAliased[$0] }.map {
            "\(names[$0]) is constant or a combination of the covariates before it among those at risk; "
                + "its coefficient is not available"
        }
    }

    /// Coefficients in `infinite` of which nothing is known, not even the sign: the likelihood is the same whatever they are.
    package var undetermined: [Int] {
        infinite.filter {
            profiles.indices.contains($0) && profiles[$0].lower == -.infinity
                && profiles[$0].upper == .infinity
        }
    }

    /// Whether it is known to which side an infinite coefficient runs: with several directions only its likelihood ratio tells.
    func hasSign(_ index: Int) -> Bool {
        if undetermined.contains(index) { return false }
        let isTested = profiles.indices.contains(index) && profiles[index].statistic != nil
        return isTested || separation?.hasOneDirection == true
    }

    private func separationWarnings(_ names: [String]) -> [String] {
        guard let separation else { return [] }
        let unknown = undetermined
        let running = infinite.filter(hasSign)
        let untold = infinite.filter { !unknown.contains($0) && !hasSign($0) }
        let isOne = running.count == 1
        let list = running.map { names[$0] }.joined(separator: ", ")
        var warnings: [String] = []
        if !running.isEmpty {
            warnings.append(
                "\(isOne ? "the coefficient of \(list) runs" : "the coefficients of \(list) run together") to infinity (separation): "
                    + "the events leave \(isOne ? "it" : "them") no finite estimate, standard error or Wald test; the finite limit and the p "
                    + "are those of the profile likelihood, and penalty: firth gives finite estimates")
        }
        if !unknown.isEmpty {
            let them = unknown.map { names[$0] }.joined(separator: ", ")
            warnings.append(
                "nothing is known of the \(unknown.count == 1 ? "coefficient" : "coefficients") of \(them), not even a sign (separation): "
                    + "the likelihood is the same whatever \(unknown.count == 1 ? "it is" : "they are"), since others run to infinity; "
                    + "penalty: firth gives finite estimates")
        }
        if !untold.isEmpty {
            warnings.append(
                "no finite estimate, standard error or Wald test is known of the \(untold.count == 1 ? "coefficient" : "coefficients") of "
                    + "\(untold.map { names[$0] }.joined(separator: ", ")) (separation): to which side \(untold.count == 1 ? "it runs" : "they run"), "
                    + "if to any, only the p would tell")
        }
        guard isBlocked else { return warnings }
        return warnings + [
            "a hospital's linear-predictor-max, the range of the numbers or the evaluations allowed ended the fit early: its log-likelihood may be off by "
                + (separation.gain < 1e-4 ? "less than 0.0001" : "up to \(separation.gain.roundedUp)")
        ]
    }

    /// Whether a model says anything of the hazard at some covariates, which are in the fit's coordinates.
    ///
    /// An aliased column (that of a level nobody has, or a combination of others) has no coefficient: the hazard is known only
    /// where its value is what the other columns make of it, as it is in all rows that were fitted. Within strata such a
    /// combination may differ from stratum to stratum, and only columns without any variation are judged.
    package func tellsOfHazard(at covariates: [Double], withinStrata: Bool) -> Bool {
        let estimated = isAliased.indices.filter { !isAliased[$0] }
        var known = SymmetricMatrix(order: estimated.count)
        for (row, first) in estimated.enumerated() {
            for (column, second) in estimated.enumerated() where column >= row {
                known[row, column] = information[first, second]
            }
        }
        let factored = RankRevealingCholesky(known)
        // A column without variation is scaled by next to nothing, so that any other value lies far out.
        let limit = withinStrata ? 1e4 : 1e-4
        return isAliased.indices.filter { isAliased[$0] }.allSatisfy { column in
            let shares = factored.solve(estimated.map { information[$0, column] })
            let expected = zip(estimated, shares).reduce(0) { $0 + covariates[$1.0] * $1.1 }
            let distance = abs(covariates[column] - expected)
            return distance <= limit * max(1, abs(expected))
        }
    }
}

extension Double {
    /// One significant digit, not less than the number.
    fileprivate var roundedUp: Double {
        var unit = 1.0
        while unit > self, unit > 1e-12 { unit /= 10 }
        while unit * 10 <= self { unit *= 10 }
        return (self / unit).rounded(.up) * unit
    }
}
