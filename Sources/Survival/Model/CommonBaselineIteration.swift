/// The fit of a Cox model with a common baseline as a value: it is given sums, and says what it needs next.
///
/// The exact score costs S₀ alone, the exact information S₁ as well, which says more about rows. So the information is asked for
/// only at β = 0 (for the score test, the first step, and to find aliased covariates) and at the end. In between it is
/// approximated by H = XᵀGX − mmᵀ/Σω, m = Xᵀg (the Gram matrix about one centre for all times; never less than the
/// information), updated by the BFGS formula for the steps taken so far.
///
/// Covariates must be standardised: no coefficient changes by more than `stepMax` at once, since exp(xβ) has no shift here that
/// would keep it within range (a shift would have to be common to all sites).
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

    /// A hazard ratio of e⁵ per standard deviation.
    private static let stepMax = 5.0

    /// The points that were kept, the last one first, with H in place of the information; where a fit ends once it is finished.
    package private(set) var path: [CoxPoint] = []

    private let parameterNames: [String]
    private let penalty: Penalty
    private let reach: [Double]
    private let eventSums: [Double]
    private let eventWeight: Double
    private let iterationMax: Int
    private var iterations = 0
    /// The sums at `beta`, while the information there is awaited.
    private var present = Evaluation()
    /// What the information at β = 0 has told; nil before it came.
    private var start: Start?
    /// The point before, and the step taken from it.
    private var last: Point?
    /// The coefficients seen running to infinity, while the information there is awaited.
    private var running: [Int] = []
    /// (s, y): changes of β and of minus the score.
    private var pairs: [Pair] = []
    /// The exact information where it was asked for at the end; steps use it from there on.
    private var exact: SymmetricMatrix?

    private struct Evaluation: Sendable, Hashable {
        /// Without a penalty.
        var raw = LikelihoodSums.zero(parameterCount: 0)
        /// With it; the information is XᵀGX and the penalty's curvature.
        var penalised = LikelihoodSums.zero(parameterCount: 0)

        var logLikelihood: Double { penalised.logLikelihood }
        var score: [Double] { penalised.score }
    }

    private struct Start: Sendable, Hashable {
        var logLikelihood: Double
        var scoreStatistic: Double
        var isAliased: [Bool]
    }

    private struct Point: Sendable, Hashable {
        var beta: [Double]
        var logLikelihood: Double
        var score: [Double]
        var step: [Double]
        var decrement: Double

        var next: [Double] { zip(beta, step).map { $0 + $1 } }
    }

    private struct Pair: Sendable, Hashable {
        var step: [Double]
        var change: [Double]
    }

    /// `eventSums` are the sums over sites of `CommonBaseline.eventSums` (the offset's sum may be there or not), `eventWeight` is
    /// the sum of the deaths' weights.
    ///
    /// `reach` is that of `NewtonIteration`; Firth's penalty needs a baseline hazard for each site.
    package init(
        parameterNames: [String], eventSums: [Double], eventWeight: Double, penalty: Penalty = .none,
        reach: [Double] = [], iterationMax: Int = 40
    ) {
        precondition(eventSums.count >= parameterNames.count, "an event sum per coefficient")
        precondition(penalty != .firth, "a penalty that needs third derivatives")
        (self.parameterNames, self.iterationMax) = (parameterNames, iterationMax)
        (self.penalty, self.reach) = (penalty, reach)
        (self.eventSums, self.eventWeight) = (Array(eventSums.prefix(parameterNames.count)), eventWeight)
        beta = Array(repeating: 0, count: parameterNames.count)
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
        iterations += 1
        let raw = LikelihoodSums(logLikelihood: logLikelihood, score: score, information: gram)
        let sums = raw.penalised(by: penalty, at: beta, isAliased: [])
        guard let start, let last else {
            guard sums.isFinite else { throw .notFinite(covariates: sums.notFinite(among: parameterNames)) }
            present = Evaluation(raw: raw, penalised: sums)
            return .information(beta)
        }
        guard sums.isAcceptable(afterLogLikelihood: last.logLikelihood, decrement: last.decrement) else {
            return try evaluate(at: zip(beta, last.beta).map { ($0 + $1) / 2 })
        }
        present = Evaluation(raw: raw, penalised: sums)
        remember(from: last)
        return try advance(from: try point(metric: metric(), start: start), previous: last)
    }

    /// Takes the exact information at `beta`.
    package mutating func receive(information unpenalised: SymmetricMatrix) throws(FitError) -> Step {
        let information = curvature(unpenalised)
        guard let start else { return try begin(information: information, unpenalised) }
        let point = try point(metric: information, start: start)
        let infinite =
            running.isEmpty
            ? last.map { ConvergenceRule.infinite(beta: point.beta, step: point.step, previousStep: $0.step) }
            : running
        let isStuck = exact != nil
        if point.decrement <= ConvergenceRule.finalDecrementMax || infinite?.isEmpty == false || isStuck {
            return .finished(fit(point, unpenalised, start: start, infinite: infinite ?? []))
        }
        exact = information
        last = point
        return try evaluate(at: point.next)
    }

    /// The first information: score test, aliased covariates, an exact Newton step.
    private mutating func begin(
        information: SymmetricMatrix, _ unpenalised: SymmetricMatrix
    ) throws(FitError) -> Step {
        let factored = RankRevealingCholesky(information)
        let score = present.score
        let start = Start(
            logLikelihood: present.logLikelihood,
            scoreStatistic: penalty == .none ? max(0, dot(score, factored.solve(score))) : .nan,
            isAliased: factored.isAliased)
        let point = try point(metric: information, start: start)
        if point.decrement <= ConvergenceRule.decrementMax {
            return .finished(fit(point, unpenalised, start: start, infinite: []))
        }
        (self.start, self.last) = (start, point)
        return try evaluate(at: point.next)
    }

    private mutating func advance(from point: Point, previous: Point) throws(FitError) -> Step {
        let isNear = point.decrement <= ConvergenceRule.nearDecrementMax
        let isFlat = ConvergenceRule.isFlat(from: previous.logLikelihood, to: point.logLikelihood)
        let infinite = ConvergenceRule.infinite(
            beta: point.beta, step: point.step, previousStep: previous.step)
        let isStuck = isNear && isFlat && point.decrement > 0.25 * previous.decrement
        running = ConvergenceRule.running(
            beta: point.beta, step: point.step, previousStep: previous.step, reach: reach,
            decrement: point.decrement, previousDecrement: previous.decrement)
        if point.decrement <= ConvergenceRule.decrementMax || isStuck || isNear && isFlat && !infinite.isEmpty
            || !running.isEmpty
        {
            return .information(beta)
        }
        last = point
        return try evaluate(at: point.next)
    }

    private mutating func evaluate(at next: [Double]) throws(FitError) -> Step {
        guard iterations < iterationMax else { throw .notConverged(iterations: iterations) }
        beta = next
        return .evaluate(next)
    }

    /// The information with the penalty's curvature.
    private func curvature(_ information: SymmetricMatrix) -> SymmetricMatrix {
        var sums = present.raw
        sums.information = information
        return sums.penalised(by: penalty, at: beta, isAliased: []).information
    }

    /// The present point, its step by `metric` (not longer than `stepMax`), and UᵀH⁻¹U.
    private mutating func point(metric: SymmetricMatrix, start: Start) throws(FitError) -> Point {
        let step = RankRevealingCholesky(metric, leavingOut: start.isAliased).solve(present.score)
        guard dot(present.score, step).isFinite, step.allSatisfy(\.isFinite) else {
            throw .noStep(covariates: step.indices.filter { !step[$0].isFinite }.map { parameterNames[$0] })
        }
        path.insert(CoxPoint(beta: beta, sums: centredAndPenalised, isAliased: start.isAliased), at: 0)
        let longest = step.reduce(0) { max($0, abs($1)) }
        return Point(
            beta: beta, logLikelihood: present.logLikelihood, score: present.score,
            step: longest > Self.stepMax ? step.map { $0 * Self.stepMax / longest } : step,
            decrement: max(0, dot(present.score, step)))
    }

    private mutating func remember(from last: Point) {
        let step = zip(beta, last.beta).map { $0 - $1 }
        let change = zip(last.score, present.score).map { $0 - $1 }
        pairs.append(Pair(step: step, change: change))
    }

    private var centredAndPenalised: LikelihoodSums {
        centred(present.raw).penalised(by: penalty, at: beta, isAliased: [])
    }

    /// The exact information of the end, if it came; else H with every pair's BFGS update H − Hs(Hs)ᵀ/(sᵀHs) + yyᵀ/(yᵀs).
    ///
    /// The information is never more than H. A pair that says otherwise tells of where the likelihood was more curved than it is
    /// here, as all do while a coefficient runs to infinity; it is left out.
    private func metric() -> SymmetricMatrix {
        if let exact { return exact }
        let centred = centredAndPenalised.information
        var metric = centred
        for pair in pairs {
            let curvature = dot(pair.change, pair.step)
            guard curvature > 0, curvature <= centred.quadraticForm(pair.step) else { continue }
            let product = metric.times(pair.step)
            metric.add(-1 / dot(pair.step, product), outer: product)
            metric.add(1 / curvature, outer: pair.change)
        }
        return metric
    }

    /// The sums with H = XᵀGX − mmᵀ/Σω in place of XᵀGX, m = Xᵀg being the event sums less the score.
    package func centred(_ sums: LikelihoodSums) -> LikelihoodSums {
        var sums = sums
        let means = zip(eventSums, sums.score).map { $0 - $1 }
        if eventWeight > 0 { sums.information.add(-1 / eventWeight, outer: means) }
        return sums
    }

    private func fit(
        _ point: Point, _ information: SymmetricMatrix, start: Start, infinite: [Int]
    ) -> CoxFit {
        let curvature = curvature(information)
        let factored = RankRevealingCholesky(curvature, leavingOut: start.isAliased)
        let rest = infinite.isEmpty ? 0 : point.decrement
        var fit = CoxFit(
            beta: point.beta, isAliased: factored.isAliased, covariance: factored.inverse(),
            information: curvature, logLikelihoodNull: start.logLikelihood,
            logLikelihood: present.raw.logLikelihood + rest, scoreStatistic: start.scoreStatistic,
            iterations: iterations, infinite: infinite,
            warnings: CoxFit.warnings(
                parameterNames: parameterNames, isAliased: factored.isAliased, infinite: infinite))
        fit.add(penalty, null: start.logLikelihood, value: point.logLikelihood + rest)
        return fit
    }
}
