/// Newton's method for a Cox model as a value: it is given sums, and says where to evaluate next or that it is finished.
///
/// It starts by asking for β = 0. A step that lowers the (penalised) log-likelihood, or leaves the range of the numbers, is
/// halved. It stops by `ConvergenceRule`, and the information it reports is that at the returned β. It evaluates nothing itself,
/// so that the same code fits local rows and sums over sites.
package struct NewtonIteration: Sendable, Hashable {
    package enum Step: Sendable, Hashable {
        /// Evaluate the likelihood here.
        case evaluate([Double])
        case finished(CoxFit)
    }

    /// Where the likelihood is wanted.
    package private(set) var beta: [Double]
    /// The points that were kept, the last one first; where a fit ends once it is finished.
    package private(set) var path: [CoxPoint] = []
    package private(set) var secants = SecantPairs()

    private let parameterNames: [String]
    private let penalty: Penalty
    private let reach: [Double]
    private let iterationMax: Int
    private var iterations = 0
    private var start: Start?
    /// The best point so far and the step taken from it; nil before the first sums.
    private var last: Point?

    private struct Start: Sendable, Hashable {
        var logLikelihood: Double
        var penalised: Double
        var scoreStatistic: Double
    }

    private struct Point: Sendable, Hashable {
        var at: CoxPoint
        var step: [Double]
        var decrement: Double

        var beta: [Double] { at.beta }
        var value: Double { at.sums.logLikelihood }
    }

    /// `reach` is how far each covariate goes from its mean, at most: by it coefficients are told that run to infinity; empty
    /// to wait until the likelihood is flat.
    package init(
        parameterNames: [String], penalty: Penalty = .none, reach: [Double] = [], iterationMax: Int = 30
    ) {
        (self.parameterNames, self.penalty, self.reach) = (parameterNames, penalty, reach)
        self.iterationMax = iterationMax
        beta = Array(repeating: 0, count: parameterNames.count)
    }

    /// Takes the sums at `beta`.
    ///
    /// Throws if the sums at the start are not numbers, if they leave no step, or after `iterationMax` evaluations.
    package mutating func receive(_ sums: LikelihoodSums) throws(FitError) -> Step {
        guard sums.score.count == beta.count else {
            throw .wrongShape(expected: beta.count, got: sums.score.count)
        }
        iterations += 1
        guard let last else { return try begin(sums) }
        let penalised = sums.penalised(by: penalty, at: beta, isAliased: last.at.isAliased)
        guard penalised.isAcceptable(afterLogLikelihood: last.value, decrement: last.decrement) else {
            return try halve(after: last)
        }
        let present = CoxPoint(beta: beta, sums: penalised, isAliased: last.at.isAliased)
        secants.add(
            from: last.beta, gradient: last.at.sums.score, to: beta, gradient: penalised.score)
        return try advance(from: point(present), sums: sums, previous: last)
    }

    private mutating func begin(_ sums: LikelihoodSums) throws(FitError) -> Step {
        guard sums.isFinite else {
            throw .notFinite(covariates: sums.notFinite(among: parameterNames))
        }
        let isAliased = RankRevealingCholesky(sums.information).isAliased
        let penalised = sums.penalised(by: penalty, at: beta, isAliased: isAliased)
        let point = try point(CoxPoint(beta: beta, sums: penalised, isAliased: isAliased))
        start = Start(
            logLikelihood: sums.logLikelihood, penalised: penalised.logLikelihood,
            scoreStatistic: penalty == .none ? point.decrement : .nan)
        return try advance(from: point, sums: sums, previous: nil)
    }

    /// The point with its Newton step I⁻¹U and decrement UᵀI⁻¹U.
    private func point(_ at: CoxPoint) throws(FitError) -> Point {
        let factored =
            penalty == .firth
            ? RankRevealingCholesky(secants.corrected(at.sums.information), leavingOut: at.isAliased)
            : RankRevealingCholesky(at.sums.information)
        let step = factored.solve(at.sums.score)
        let decrement = dot(at.sums.score, step)
        guard decrement.isFinite, step.allSatisfy(\.isFinite) else {
            throw .noStep(covariates: step.indices.filter { !step[$0].isFinite }.map { parameterNames[$0] })
        }
        return Point(at: at, step: step, decrement: max(0, decrement))
    }

    private mutating func halve(after last: Point) throws(FitError) -> Step {
        guard iterations < iterationMax else { throw .notConverged(iterations: iterations) }
        beta = zip(beta, last.beta).map { ($0 + $1) / 2 }
        return .evaluate(beta)
    }

    private mutating func advance(
        from point: Point, sums: LikelihoodSums, previous: Point?
    ) throws(FitError) -> Step {
        path.insert(point.at, at: 0)
        if point.decrement <= ConvergenceRule.decrementMax {
            return .finished(fit(point, sums: sums, infinite: []))
        }
        if let previous, let infinite = ending(point, previous) {
            return .finished(fit(point, sums: sums, infinite: infinite))
        }
        guard iterations < iterationMax else { throw .notConverged(iterations: iterations) }
        last = point
        beta = zip(point.beta, point.step).map { $0 + $1 }
        return .evaluate(beta)
    }

    /// The infinite coefficients (or none) if the iteration ends here although steps are still left; nil if it goes on.
    private func ending(_ point: Point, _ previous: Point) -> [Int]? {
        let isStuck = point.decrement > 0.25 * previous.decrement
        if penalty == .firth {
            return isStuck && point.decrement <= ConvergenceRule.finalDecrementMax ? [] : nil
        }
        let running = ConvergenceRule.running(
            beta: point.beta, step: point.step, previousStep: previous.step, reach: reach,
            decrement: point.decrement, previousDecrement: previous.decrement)
        if !running.isEmpty { return running }
        guard point.decrement <= ConvergenceRule.nearDecrementMax,
            ConvergenceRule.isFlat(from: previous.value, to: point.value)
        else { return nil }
        let infinite = ConvergenceRule.infinite(
            beta: point.beta, step: point.step, previousStep: previous.step)
        return isStuck || !infinite.isEmpty ? infinite : nil
    }

    private func fit(_ point: Point, sums: LikelihoodSums, infinite: [Int]) -> CoxFit {
        let curvature = point.at.sums.information
        let factored = RankRevealingCholesky(
            curvature, leavingOut: penalty == .firth ? point.at.isAliased : nil)
        // Where a coefficient runs to infinity, the likelihood nears its limit like e^(-β), of which λ² is what is left.
        let rest = infinite.isEmpty ? 0 : point.decrement
        var fit = CoxFit(
            beta: point.beta, isAliased: factored.isAliased, covariance: factored.inverse(),
            information: curvature, logLikelihoodNull: start?.logLikelihood ?? 0,
            logLikelihood: sums.logLikelihood + rest, scoreStatistic: start?.scoreStatistic ?? 0,
            iterations: iterations, infinite: infinite,
            warnings: CoxFit.warnings(
                parameterNames: parameterNames, isAliased: factored.isAliased, infinite: infinite))
        fit.add(penalty, null: start?.penalised ?? 0, value: point.value + rest)
        return fit
    }
}

/// The sums of a (penalised) likelihood, and where they were taken.
package struct CoxPoint: Sendable, Hashable {
    package var beta: [Double]
    package var sums: LikelihoodSums
    /// The covariates that were redundant at β = 0.
    package var isAliased: [Bool]

    package init(beta: [Double], sums: LikelihoodSums, isAliased: [Bool]) {
        (self.beta, self.sums, self.isAliased) = (beta, sums, isAliased)
    }
}
