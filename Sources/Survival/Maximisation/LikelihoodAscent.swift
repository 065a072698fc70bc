/// The way up a (penalised) log-likelihood over the coefficients that are free, as a value: it is given sums, and says where it
/// wants the next.
///
/// Each step is Newton's, with the curvature of the sums or, where that is known in part, with an estimate. A step that lowers
/// the likelihood, or that leads where it cannot be evaluated, is halved. The way ends at a maximum (`ConvergenceRule`), or
/// where the likelihood has nothing more to gain though it has no maximum (`Separation`).
package struct LikelihoodAscent: Sendable, Hashable {
    /// Why a way has ended.
    enum Ending: Sendable, Hashable {
        case maximum
        /// Rounding stops all progress, close to the maximum.
        case rounding
        case separation(Separation)
        /// A hospital does not evaluate the likelihood further out.
        case blocked(Separation)
    }

    enum Outcome: Sendable, Hashable {
        /// The likelihood is wanted at `beta`.
        case evaluate
        /// The exact curvature at `beta` would help; see `receive(exact:)`.
        case curvature
        case ended(Ending)
    }

    /// A point on the way.
    struct Point: Sendable, Hashable {
        var beta: [Double]
        var sums: LikelihoodSums
        /// That of the sums, or the estimate.
        var curvature: SymmetricMatrix
        var step: [Double]
        /// Sᵀ·curvature·S of the step S.
        var decrement: Double
        var separation: Separation?

        /// The log-likelihood where the way leads: what is left to gain is half of the decrement at a maximum, all of it along a
        /// direction of separation.
        var limit: Double {
            guard let separation else { return sums.logLikelihood + decrement / 2 }
            return sums.logLikelihood + separation.gain + separation.regular / 2
        }
    }

    /// What a way is asked for.
    struct Demands: Sendable, Hashable {
        /// Names in messages, one for each coefficient.
        var names: [String]
        /// See `NewtonIteration`.
        var reach: [Double] = []
        var evaluationsMax: Int
        /// The squared distance from the maximum, in standard errors, at which the way ends.
        var decrementMax = ConvergenceRule.decrementMax
        /// The same where a way that hardly comes nearer ends.
        var stallDecrementMax = ConvergenceRule.nearDecrementMax
        /// Longest step, in standard deviations of the linear predictor at β = 0; infinite if the sums have a shift of their own
        /// at each point.
        var stepMax = Double.infinity
        /// The weight of all events.
        var eventWeight = 1.0
        /// Whether the exact curvature can be had on the way.
        var asksForCurvature = false
        /// No (penalised) log-likelihood exceeds this: sums that say so are rounding, or no sums of patients.
        var logLikelihoodMax = Double.infinity
    }

    /// Where the likelihood is wanted.
    private(set) var beta: [Double]
    /// Of the likelihood, the one at the start included.
    private(set) var evaluations = 0
    /// The points that were kept, the last one first.
    private(set) var path: [Point] = []
    private(set) var estimate: CurvatureEstimate?

    private let demands: Demands
    private let held: [Bool]
    /// Coordinates of the information at β = 0.
    private let start: InformationFrame
    /// Steps from the last point that had to be halved, and those of them that led where there is no likelihood.
    private var (setbacks, blocks) = (0, 0)
    /// Whether the step that is being tried is a leap: only a plain Newton step after it tells how far the rest still goes.
    private var isLeap = false
    /// Whether a leap has led where the likelihood cannot be evaluated: none is tried again.
    private var hasOverleapt = false
    /// The evaluation after which the exact curvature was asked for last.
    private var lastAsked = 1

    private static let blocksMax = 12
    private static let setbacksMax = 30
    /// An estimate may show for so many evaluations that it leads to the maximum.
    private static let estimateMax = 4
    /// Of one step the linear predictor of a row changes by so much, at most.
    private static let movementMax = 30.0

    /// `information` is that at β = 0, whatever is held; `estimate` nil if the sums have all of the curvature.
    init(
        from beta: [Double], holding held: [Bool], information: SymmetricMatrix,
        estimate: CurvatureEstimate? = nil, demands: Demands
    ) {
        (self.beta, self.held, self.demands, self.estimate) = (beta, held, demands, estimate)
        start = InformationFrame(information, holding: held)
    }

    /// Takes the sums at `beta`; nil if they cannot be had there.
    ///
    /// Throws if the sums at the start are no numbers, if no step follows from them, or after `evaluationsMax` evaluations.
    mutating func receive(_ sums: LikelihoodSums?) throws(FitError) -> Outcome {
        evaluations += 1
        guard let last = path.first else {
            guard let sums else { throw .outOfRange(covariates: [], isAtStart: true) }
            guard sums.isFinite else { throw .notFinite(covariates: sums.notFinite(among: demands.names)) }
            return try arrive(at: sums, from: nil)
        }
        guard let sums, sums.isFinite, isPlausible(sums.logLikelihood) else {
            return try retreat(to: last, isBlocked: true)
        }
        guard sums.isAcceptable(afterLogLikelihood: last.sums.logLikelihood, decrement: last.decrement) else {
            return try retreat(to: last, isBlocked: false)
        }
        estimate?.learn(
            step: zip(beta, last.beta).map { $0 - $1 },
            change: zip(last.sums.score, sums.score).map { $0 - $1 }, known: sums.information)
        let hadSetbacks = setbacks > 0
        (setbacks, blocks) = (0, 0)
        return try arrive(at: sums, from: last, afterSetbacks: hadSetbacks)
    }

    private func isPlausible(_ logLikelihood: Double) -> Bool {
        logLikelihood <= demands.logLikelihoodMax + 1e-9 * (1 + abs(demands.logLikelihoodMax))
    }

    /// Takes the exact curvature at the last point, in place of the estimate there, and judges that point anew.
    mutating func receive(exact: SymmetricMatrix) throws(FitError) -> Outcome {
        guard let present = path.first else { throw .wrongShape(expected: held.count, got: 0) }
        estimate?.learn(exact: exact, known: present.sums.information)
        path.removeFirst()
        return try arrive(at: present.sums, from: path.first, exact: exact)
    }

    /// Whether the curvature of the last point is the exact one.
    private(set) var isExact = false

    private mutating func arrive(
        at sums: LikelihoodSums, from last: Point?, exact: SymmetricMatrix? = nil, afterSetbacks: Bool = false
    ) throws(FitError) -> Outcome {
        isExact = estimate == nil || exact != nil
        let curvature = exact ?? estimate?.curvature(known: sums.information) ?? sums.information
        var point = try point(sums, curvature)
        if let last, isFading(point, after: last) {
            point.separation = Separation(
                score: sums.score, curvature: curvature, previous: last.curvature, start: start,
                reach: demands.reach)
            if !isPlausible(point.limit) { point.separation = nil }
        }
        path.insert(point, at: 0)
        if let ending = ending(at: point, after: last) { return .ended(ending) }
        if demands.asksForCurvature, !isExact, afterSetbacks || isSlow(point, after: last) {
            lastAsked = evaluations
            return .curvature
        }
        return try goOn(from: point)
    }

    /// The next step from the last point.
    mutating func goOn(from point: Point) throws(FitError) -> Outcome {
        guard evaluations < demands.evaluationsMax else { return try exhausted(at: point) }
        let step: [Double]
        isLeap = false
        if let separation = point.separation, !separation.isNearlyComplete, !hasOverleapt,
            separation.regular <= 0.1 * separation.gain
        {
            isLeap = true
            step = separation.leap
        } else {
            step = bounded(point)
        }
        beta = zip(point.beta, step).map { $0 + $1 }
        return .evaluate
    }

    /// Whether an estimated curvature does not lead to a maximum as fast as it should.
    private func isSlow(_ point: Point, after last: Point?) -> Bool {
        if point.separation != nil { return true }
        guard let last, point.decrement > ConvergenceRule.slowDecrementMin else { return false }
        return evaluations >= lastAsked + Self.estimateMax
            || evaluations > Self.estimateMax && point.decrement > 0.3 * last.decrement
    }

    private func point(_ sums: LikelihoodSums, _ curvature: SymmetricMatrix) throws(FitError) -> Point {
        var step = InformationFrame(curvature, holding: held).solve(sums.score)
        var decrement = start.free.reduce(0) { $0 + sums.score[$1] * step[$1] }
        // Where rounding has taken the curvature of some direction, what is left there is no more than rounding.
        if !decrement.isFinite || !step.allSatisfy(\.isFinite) || decrement < 0
            || movement(of: step) > Self.movementMax
        {
            let spectrum = CurvatureSpectrum(curvature, score: sums.score, start: start)
            (step, decrement) = (spectrum.step, spectrum.decrement)
        }
        guard decrement.isFinite, step.allSatisfy(\.isFinite) else {
            throw .noStep(covariates: step.indices.filter { !step[$0].isFinite }.map { demands.names[$0] })
        }
        return Point(
            beta: beta, sums: sums, curvature: curvature, step: step, decrement: max(0, decrement))
    }

    /// How far a step may move the linear predictor of a row, as far as is known.
    private func movement(of step: [Double]) -> Double {
        zip(step, demands.reach).reduce(0) { $0 + abs($1.0) * $1.1 }
    }

    /// Near a maximum the decrement falls quadratically; where there is none, by a factor of e with each step.
    private func isFading(_ point: Point, after last: Point) -> Bool {
        point.decrement <= ConvergenceRule.fadingDecrementMax
            && (last.separation != nil || point.decrement > 0.1 * last.decrement)
            && point.decrement > demands.decrementMax
    }

    private func ending(at point: Point, after last: Point?) -> Ending? {
        if point.decrement <= demands.decrementMax { return .maximum }
        guard let last else { return nil }
        if let separation = point.separation, !isLeap, separation.isComplete(exactly: isExact) {
            return .separation(separation)
        }
        guard point.separation == nil, point.decrement <= demands.stallDecrementMax,
            point.decrement > 0.25 * last.decrement,
            ConvergenceRule.isFlat(from: last.sums.logLikelihood, to: point.sums.logLikelihood)
        else { return nil }
        return .rounding
    }

    private mutating func retreat(to last: Point, isBlocked: Bool) throws(FitError) -> Outcome {
        setbacks += 1
        if isLeap {
            hasOverleapt = true
            return try goOn(from: last)
        }
        if isBlocked { blocks += 1 }
        if let separation = last.separation, isBlocked ? separation.isKnown || blocks > 2 : setbacks > 3 {
            let isComplete = separation.isComplete(exactly: isExact)
            return .ended(isComplete ? .separation(separation) : .blocked(separation))
        }
        if blocks >= Self.blocksMax {
            throw .outOfRange(covariates: widest(between: last), isAtStart: false)
        }
        if setbacks >= Self.setbacksMax { return try exhausted(at: last) }
        guard evaluations < demands.evaluationsMax else { return try exhausted(at: last) }
        beta = zip(beta, last.beta).map { ($0 + $1) / 2 }
        return .evaluate
    }

    /// No evaluation is left: what is known of a separation is told.
    private func exhausted(at point: Point) throws(FitError) -> Outcome {
        guard let separation = point.separation else { throw .notConverged(iterations: evaluations) }
        return .ended(.blocked(separation))
    }

    /// The covariate whose coefficient moves linear predictors most.
    private func widest(between last: Point) -> [String] {
        let moves = demands.reach.indices.map { abs(beta[$0]) * demands.reach[$0] }
        return moves.indices.max { moves[$0] < moves[$1] }.map { [demands.names[$0]] } ?? []
    }

    /// Measured by the spread of the linear predictor at β = 0 or at the point, whichever is less: an outlying row that risk sets have
    /// lost weighs nothing any more.
    private func bounded(_ point: Point) -> [Double] {
        let step = point.step
        guard demands.stepMax.isFinite, demands.eventWeight > 0 else { return step }
        let length = min(
            start.deviation(of: step, events: demands.eventWeight),
            (point.decrement / demands.eventWeight).squareRoot())
        return length > demands.stepMax ? step.map { $0 * demands.stepMax / length } : step
    }
}

extension LikelihoodSums {
    /// Whether a step has led uphill, from a point with Newton decrement λ².
    ///
    /// Close to the maximum the log-likelihood's own rounding exceeds the gain of a step, so that only the score can tell.
    fileprivate func isAcceptable(afterLogLikelihood previous: Double, decrement: Double) -> Bool {
        guard isFinite else { return false }
        return decrement < ConvergenceRule.nearDecrementMax
            || logLikelihood >= previous - 1e-12 * abs(previous)
    }
}
