/// The fit of a Cox model with a common baseline as a value: it is given sums, and says what it needs next.
///
/// The exact score costs S₀ alone, the exact information S₁ as well, which says more about rows. So the information is asked for
/// only at β = 0 (for the score test, the first step, and to find aliased covariates), at the end, and on the way wherever
/// the fit is slow, had to halve a step, or runs along a direction of separation. In between it is estimated (`CurvatureEstimate`) from
/// H = XᵀGX − mmᵀ/Σω, m = Xᵀg (the Gram matrix about one centre for all times; never less than the information), and from the
/// steps taken so far.
package struct CommonBaselineIteration: Sendable, Hashable {
    package enum Step: Sendable, Hashable {
        /// Give log-likelihood, score and XᵀGX here.
        case evaluate([Double])
        /// Give the exact information here, where the likelihood was evaluated last.
        case information([Double])
        case finished(CoxFit)
    }

    /// Where the likelihood or the information is wanted.
    package private(set) var beta: [Double]

    private let parameterNames: [String]
    private let penalty: Penalty
    private let reach: [Double]
    private let eventSums: [Double]
    private let eventWeight: Double
    private let iterationMax: Int
    private let logLikelihoodMax: Double
    /// The sums where the likelihood was evaluated last, without the penalty.
    private var present: LikelihoodSums?
    /// Of those of the last point that was kept.
    private var logLikelihood = 0.0
    private var ascent: LikelihoodAscent?
    private var start: Start?
    private var awaited = Awaited.start
    /// How often the information was asked for because the fit seemed to have ended.
    private var endings = 0

    /// What the information is awaited for.
    private enum Awaited: Sendable, Hashable {
        case start, onTheWay, end
        case blockedEnd(Separation)
    }

    private struct Start: Sendable, Hashable {
        var logLikelihood: Double
        var scoreStatistic: Double
        var isAliased: [Bool]
    }

    /// Of one step the linear predictor changes by so many of its standard deviations at β = 0, at most.
    private static let stepMax = 5.0

    /// `eventSums` are the sums over sites of `CommonBaseline.eventSums` (the offset's sum may be there or not), `eventWeight` is
    /// the sum of the deaths' weights.
    ///
    /// `reach` is that of `NewtonIteration`, `logLikelihoodMax` that of `EventGrid`; Firth's penalty needs a baseline hazard for each
    /// site.
    package init(
        parameterNames: [String], eventSums: [Double], eventWeight: Double, penalty: Penalty = .none,
        reach: [Double] = [], logLikelihoodMax: Double = .infinity, iterationMax: Int = 40
    ) {
        precondition(eventSums.count >= parameterNames.count, "an event sum per coefficient")
        precondition(penalty != .firth, "a penalty that needs third derivatives")
        (self.parameterNames, self.iterationMax) = (parameterNames, iterationMax)
        (self.penalty, self.reach, self.logLikelihoodMax) = (penalty, reach, logLikelihoodMax)
        (self.eventSums, self.eventWeight) = (Array(eventSums.prefix(parameterNames.count)), eventWeight)
        beta = Array(repeating: 0, count: parameterNames.count)
    }

    /// The fit's points, which profile likelihoods start from; nil before the first information.
    package var track: FitTrack? {
        ascent.map { FitTrack(points: $0.path, estimate: $0.estimate) }
    }

    /// Takes the evaluation at `beta`; `gram` is XᵀGX.
    ///
    /// Throws if the sums at the start are not numbers, or after `iterationMax` evaluations.
    package mutating func receive(
        logLikelihood: Double, score: [Double], gram: SymmetricMatrix
    ) throws(FitError) -> Step {
        guard score.count == beta.count, gram.order == beta.count else {
            throw .wrongShape(expected: beta.count, got: score.count)
        }
        let raw = LikelihoodSums(logLikelihood: logLikelihood, score: score, information: gram)
        present = raw
        guard var ascent else {
            guard raw.isFinite else { throw .notFinite(covariates: raw.notFinite(among: parameterNames)) }
            return .information(beta)
        }
        if case .blockedEnd = awaited { return .information(beta) }
        let outcome = try ascent.receive(known(raw))
        if ascent.path.first?.beta == beta { self.logLikelihood = logLikelihood }
        self.ascent = ascent
        return step(after: outcome, ascent)
    }

    /// Takes that the likelihood cannot be had at `beta`.
    package mutating func receiveNothing() throws(FitError) -> Step {
        guard var ascent else { throw .outOfRange(covariates: [], isAtStart: true) }
        let outcome = try ascent.receive(nil)
        self.ascent = ascent
        return step(after: outcome, ascent)
    }

    /// Takes the exact information at `beta`.
    package mutating func receive(information unpenalised: SymmetricMatrix) throws(FitError) -> Step {
        guard let present else { throw .wrongShape(expected: beta.count, got: 0) }
        let information = curvature(unpenalised)
        guard var ascent else { return try begin(present, unpenalised: unpenalised) }
        let isEnd = awaited == .end
        let outcome = try ascent.receive(exact: information)
        self.ascent = ascent
        guard let point = ascent.path.first else { return step(after: outcome, ascent) }
        if case .ended(let ending) = outcome { return .finished(fit(point, information, ending)) }
        if case .blockedEnd(let estimated) = awaited {
            return .finished(fit(point, information, .blocked(point.separation ?? estimated)))
        }
        if isEnd, point.decrement <= ConvergenceRule.finalDecrementMax {
            return .finished(fit(point, information, .maximum))
        }
        if isEnd, endings > 1, point.decrement <= ConvergenceRule.nearDecrementMax {
            return .finished(fit(point, information, .rounding))
        }
        return step(after: outcome, ascent)
    }

    /// The first information: score test, aliased covariates, an exact Newton step.
    private mutating func begin(
        _ present: LikelihoodSums, unpenalised: SymmetricMatrix
    ) throws(FitError) -> Step {
        let information = curvature(unpenalised)
        // The information is what is left of XᵀGX: where nothing is, rounding of that.
        let rounding = present.information.diagonal.map { $0 * RankRevealingCholesky.tolerance }
        let empty = RankRevealingCholesky.empty(unpenalised, rounding: rounding)
        let isAliased = RankRevealingCholesky(information, leavingOut: empty, rounding: rounding).isAliased
        let sums = known(present)
        var estimate = CurvatureEstimate(holding: isAliased, isUpperBound: true)
        estimate.learn(exact: information, known: sums.information)
        var ascent = LikelihoodAscent(
            from: beta, holding: isAliased, information: information, estimate: estimate,
            demands: .init(
                names: parameterNames, reach: reach, evaluationsMax: iterationMax, stepMax: Self.stepMax,
                eventWeight: eventWeight, asksForCurvature: true, logLikelihoodMax: logLikelihoodMax))
        let outcome = try ascent.receive(sums)
        self.ascent = ascent
        logLikelihood = present.logLikelihood
        start = Start(
            logLikelihood: present.logLikelihood,
            scoreStatistic: penalty == .none ? ascent.path.first?.decrement ?? .nan : .nan,
            isAliased: isAliased)
        if case .ended(let ending) = outcome, let point = ascent.path.first {
            return .finished(fit(point, information, ending))
        }
        return step(after: outcome, ascent)
    }

    private mutating func step(after outcome: LikelihoodAscent.Outcome, _ ascent: LikelihoodAscent) -> Step {
        beta = ascent.beta
        switch outcome {
        case .evaluate: return .evaluate(beta)
        case .curvature: awaited = .onTheWay
        case .ended(.blocked(let separation)):
            // The likelihood is at hand where it could not be evaluated last: back to the point before.
            awaited = .blockedEnd(separation)
            beta = ascent.path.first?.beta ?? beta
            return .evaluate(beta)
        case .ended:
            awaited = .end
            endings += 1
        }
        beta = ascent.path.first?.beta ?? beta
        return .information(beta)
    }

    /// The penalised sums with H in place of XᵀGX.
    private func known(_ raw: LikelihoodSums) -> LikelihoodSums {
        centred(raw).penalised(by: penalty, at: beta, isAliased: [])
    }

    /// The information with the penalty's curvature.
    private func curvature(_ information: SymmetricMatrix) -> SymmetricMatrix {
        var sums = LikelihoodSums.zero(parameterCount: beta.count)
        sums.information = information
        return sums.penalised(by: penalty, at: beta, isAliased: []).information
    }

    /// The sums with H = XᵀGX − mmᵀ/Σω in place of XᵀGX, m = Xᵀg being the event sums less the score.
    package func centred(_ sums: LikelihoodSums) -> LikelihoodSums {
        var sums = sums
        let means = zip(eventSums, sums.score).map { $0 - $1 }
        if eventWeight > 0 { sums.information.add(-1 / eventWeight, outer: means) }
        return sums
    }

    private func fit(
        _ point: LikelihoodAscent.Point, _ information: SymmetricMatrix, _ ending: LikelihoodAscent.Ending
    ) -> CoxFit {
        let isAliased = start?.isAliased ?? RankRevealingCholesky(information).isAliased
        var fit = CoxFit(
            beta: point.beta, isAliased: isAliased,
            covariance: InformationFrame(information, holding: isAliased).inverse(),
            information: information, logLikelihoodNull: start?.logLikelihood ?? logLikelihood,
            logLikelihood: logLikelihood, scoreStatistic: start?.scoreStatistic ?? 0,
            iterations: ascent?.evaluations ?? 0)
        fit.add(penalty, null: start?.logLikelihood ?? logLikelihood, value: point.sums.logLikelihood)
        fit.end(ending, at: point, names: parameterNames)
        return fit
    }
}
