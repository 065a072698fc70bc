/// Newton's method for a Cox model as a value: it is given sums, and says where to evaluate next or that it is finished.
///
/// It starts by asking for β = 0, where aliased covariates are found: the directions without information are the same at every β.
/// From there it is a `LikelihoodAscent`; the information it reports is that at the returned β. It evaluates nothing itself, so
/// that the same code fits local rows and sums over sites.
package struct NewtonIteration: Sendable, Hashable {
    package enum Step: Sendable, Hashable {
        /// Evaluate the likelihood here.
        case evaluate([Double])
        case finished(CoxFit)
    }

    /// Where the likelihood is wanted.
    package var beta: [Double] { ascent?.beta ?? origin }
    private let parameterNames: [String]
    private let penalty: Penalty
    private let reach: [Double]
    private let iterationMax: Int
    private var ascent: LikelihoodAscent?
    private var start: Start?
    /// The log-likelihood without the penalty at the last point that was kept.
    private var logLikelihood = 0.0

    private struct Start: Sendable, Hashable {
        var logLikelihood: Double
        var penalised: Double
        var scoreStatistic: Double
        var isAliased: [Bool]
    }

    private var origin: [Double] { parameterNames.map { _ in 0 } }

    /// `reach` is how far each covariate goes from its mean, at most: by it a step that moves no linear predictor is told from
    /// one that does; empty if it is not known.
    package init(
        parameterNames: [String], penalty: Penalty = .none, reach: [Double] = [], iterationMax: Int = 40
    ) {
        (self.parameterNames, self.penalty, self.reach) = (parameterNames, penalty, reach)
        self.iterationMax = iterationMax
    }

    /// The fit's points, which profile likelihoods start from; nil before the first sums.
    package var track: FitTrack? {
        ascent.map { FitTrack(points: $0.path, estimate: $0.estimate) }
    }

    /// Takes the sums at `beta`; nil if they cannot be had there.
    ///
    /// Throws if the sums at the start are not numbers, if they leave no step, or after `iterationMax` evaluations.
    package mutating func receive(_ sums: LikelihoodSums?) throws(FitError) -> Step {
        if let sums, sums.score.count != parameterNames.count {
            throw .wrongShape(expected: parameterNames.count, got: sums.score.count)
        }
        var ascent: LikelihoodAscent
        if let present = self.ascent { ascent = present } else { ascent = try begin(sums) }
        let penalised = sums?.penalised(by: penalty, at: ascent.beta, isAliased: start?.isAliased ?? [])
        let asked = ascent.beta
        let outcome = try ascent.receive(penalised)
        self.ascent = ascent
        if let sums, ascent.path.first?.beta == asked { logLikelihood = sums.logLikelihood }
        if let point = ascent.path.first, ascent.path.count == 1 {
            start?.scoreStatistic = penalty == .none ? point.decrement : .nan
            start?.penalised = point.sums.logLikelihood
        }
        guard case .ended(let ending) = outcome, let point = ascent.path.first else {
            return .evaluate(ascent.beta)
        }
        return .finished(fit(point, ending, evaluations: ascent.evaluations))
    }

    private mutating func begin(_ sums: LikelihoodSums?) throws(FitError) -> LikelihoodAscent {
        guard let sums else { throw .outOfRange(covariates: [], isAtStart: true) }
        guard sums.isFinite else {
            throw .notFinite(covariates: sums.notFinite(among: parameterNames))
        }
        let redundant = RankRevealingCholesky(sums.information).isAliased
        let information = sums.penalised(by: penalty, at: origin, isAliased: redundant).information
        let empty = RankRevealingCholesky.empty(sums.information)
        let isAliased = RankRevealingCholesky(information, leavingOut: empty).isAliased
        start = Start(
            logLikelihood: sums.logLikelihood, penalised: sums.logLikelihood, scoreStatistic: .nan,
            isAliased: isAliased)
        var demands = LikelihoodAscent.Demands(
            names: parameterNames, reach: reach, evaluationsMax: iterationMax)
        // An estimated curvature may come nearer by less at one step than at the next.
        if penalty == .firth { demands.stallDecrementMax = ConvergenceRule.finalDecrementMax }
        return LikelihoodAscent(
            from: origin, holding: isAliased, information: information,
            estimate: penalty == .firth ? CurvatureEstimate(holding: isAliased, isUpperBound: false) : nil,
            demands: demands)
    }

    private func fit(
        _ point: LikelihoodAscent.Point, _ ending: LikelihoodAscent.Ending, evaluations: Int
    ) -> CoxFit {
        let curvature = point.sums.information
        let isAliased = start?.isAliased ?? []
        var fit = CoxFit(
            beta: point.beta, isAliased: isAliased,
            covariance: InformationFrame(curvature, holding: isAliased).inverse(),
            information: curvature, logLikelihoodNull: start?.logLikelihood ?? 0,
            logLikelihood: logLikelihood, scoreStatistic: start?.scoreStatistic ?? 0, iterations: evaluations)
        fit.add(penalty, null: start?.penalised ?? 0, value: point.sums.logLikelihood)
        fit.end(ending, at: point, names: parameterNames)
        return fit
    }
}

/// The way that a fit has taken: where profile likelihoods start, and what was learnt of the curvature.
package struct FitTrack: Sendable, Hashable {
    /// The last point first; the one at β = 0 last.
    var points: [LikelihoodAscent.Point]
    /// Nil if sums have all of the curvature.
    var estimate: CurvatureEstimate?
}
