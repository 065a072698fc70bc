/// Newton's method for a Cox model as a value: it is given sums, and says where to evaluate next or that it is finished.
///
/// It starts by asking for β = 0. A step that lowers the log-likelihood (or leaves the range of the numbers) is halved. It stops
/// by `ConvergenceRule`, and the information it reports is that at the returned β. It evaluates nothing itself, so that the same
/// code fits local rows and sums over sites.
package struct NewtonIteration: Sendable, Hashable {
    package enum Step: Sendable, Hashable {
        /// Evaluate the likelihood here.
        case evaluate([Double])
        case finished(CoxFit)
    }

    /// Where the likelihood is wanted.
    package private(set) var beta: [Double]

    private let parameterNames: [String]
    private let iterationMax: Int
    private var iterations = 0
    private var logLikelihoodNull = 0.0
    private var scoreStatistic = 0.0
    /// The best point so far and the step taken from it; nil before the first sums.
    private var last: Point?

    private struct Point: Sendable, Hashable {
        var beta: [Double]
        var logLikelihood: Double
        var step: [Double]
        var decrement: Double
    }

    package init(parameterNames: [String], iterationMax: Int = 30) {
        (self.parameterNames, self.iterationMax) = (parameterNames, iterationMax)
        beta = Array(repeating: 0, count: parameterNames.count)
    }

    /// Takes the sums at `beta`.
    ///
    /// Throws if the sums at the start are not numbers, or after `iterationMax` evaluations.
    package mutating func receive(_ sums: LikelihoodSums) throws(FitError) -> Step {
        guard sums.score.count == beta.count else {
            throw .wrongShape(expected: beta.count, got: sums.score.count)
        }
        iterations += 1
        guard let last else { return try start(sums) }
        guard sums.isAcceptable(afterLogLikelihood: last.logLikelihood, decrement: last.decrement) else {
            return try halve(after: last)
        }
        return try advance(from: point(sums), sums: sums, previous: last)
    }

    private mutating func start(_ sums: LikelihoodSums) throws(FitError) -> Step {
        guard sums.isFinite else {
            throw .notFinite(covariates: sums.notFinite(among: parameterNames))
        }
        let point = point(sums)
        (logLikelihoodNull, scoreStatistic) = (sums.logLikelihood, point.decrement)
        return try advance(from: point, sums: sums, previous: nil)
    }

    /// The sums' point with its Newton step I⁻¹U and decrement UᵀI⁻¹U.
    private func point(_ sums: LikelihoodSums) -> Point {
        let step = RankRevealingCholesky(sums.information).solve(sums.score)
        return Point(
            beta: beta, logLikelihood: sums.logLikelihood, step: step,
            decrement: max(0, dot(sums.score, step)))
    }

    private mutating func halve(after last: Point) throws(FitError) -> Step {
        guard iterations < iterationMax else { throw .notConverged(iterations: iterations) }
        beta = zip(beta, last.beta).map { ($0 + $1) / 2 }
        return .evaluate(beta)
    }

    private mutating func advance(
        from point: Point, sums: LikelihoodSums, previous: Point?
    ) throws(FitError) -> Step {
        if point.decrement <= ConvergenceRule.decrementMax {
            return .finished(fit(point, sums: sums, infinite: []))
        }
        if let previous, point.decrement <= ConvergenceRule.nearDecrementMax,
            ConvergenceRule.isFlat(from: previous.logLikelihood, to: point.logLikelihood)
        {
            let infinite = ConvergenceRule.infinite(
                beta: point.beta, step: point.step, previousStep: previous.step)
            let isStuck = point.decrement > 0.25 * previous.decrement
            if isStuck || !infinite.isEmpty { return .finished(fit(point, sums: sums, infinite: infinite)) }
        }
        guard iterations < iterationMax else { throw .notConverged(iterations: iterations) }
        last = point
        beta = zip(point.beta, point.step).map { $0 + $1 }
        return .evaluate(beta)
    }

    private func fit(_ point: Point, sums: LikelihoodSums, infinite: [Int]) -> CoxFit {
        let factored = RankRevealingCholesky(sums.information)
        return CoxFit(
            beta: point.beta, isAliased: factored.isAliased, covariance: factored.inverse(),
            information: sums.information, logLikelihoodNull: logLikelihoodNull,
            logLikelihood: point.logLikelihood, scoreStatistic: scoreStatistic, iterations: iterations,
            infinite: infinite,
            warnings: CoxFit.warnings(
                parameterNames: parameterNames, isAliased: factored.isAliased, infinite: infinite))
    }
}
