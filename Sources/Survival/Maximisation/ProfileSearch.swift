/// The search for a limit of a coefficient by its profile likelihood, as a value: it is given sums, and says where it wants the
/// next.
///
/// The profile likelihood of βⱼ is the largest (penalised) log-likelihood with βⱼ held there. Every step solves the quadratic
/// model at the last point for the limit and for the other coefficients together (Venzon and Moolgavkar, Applied Statistics
/// 1988), so that a limit takes about as many evaluations as a fit. Other coefficients that run to infinity while βⱼ is held
/// count with all that they still gain (`Separation`).
struct ProfileSearch: Sendable, Hashable {
    let index: Int
    let isUpper: Bool
    /// Where the likelihood is wanted.
    private(set) var beta: [Double]
    /// The limit, infinite if the profile likelihood does not fall so far; nil until found.
    private(set) var answer: Double?
    private(set) var evaluations = 0

    /// The value that the profile likelihood falls to at the limit.
    private let value: Double
    private let held: [Bool]
    private let reach: [Double]
    private let start: InformationFrame
    /// Coordinates of the information at β = 0 with nothing held but what is aliased, and the weight of all events.
    private let (whole, eventWeight): (InformationFrame, Double)
    /// What is known of the curvature besides that of the sums; nil if the sums have all of it.
    private var estimate: CurvatureEstimate?
    private var last: Point
    private var lastLength = Double.infinity
    /// Of the profile likelihood where the search began.
    private let firstCurvature: Double
    /// Of βⱼ: the point nearest to the limit on either side of it.
    private var (inside, outside) = (Double?.none, Double?.none)

    private struct Point: Sendable, Hashable {
        var beta: [Double]
        var sums: LikelihoodSums
        var curvature: SymmetricMatrix
        var decrement: Double
        var separation: Separation?
    }

    /// A step is no longer than a factor of e⁴ between hazards of rows.
    private static let movementMax = 4.0
    /// Rows lie no further from the mean of a linear predictor, in its standard deviations.
    private static let reachMax = 10.0

    /// Starts from a point that is known.
    ///
    /// `information` is that at β = 0, `isAliased` what has no coefficient there.
    init(
        index: Int, falling value: Double, isUpper: Bool, from known: LikelihoodAscent.Point,
        information: SymmetricMatrix, isAliased: [Bool], reach: [Double], eventWeight: Double,
        estimate: CurvatureEstimate?
    ) {
        (whole, self.eventWeight) = (InformationFrame(information, holding: isAliased), eventWeight)
        (self.index, self.value, self.isUpper) = (index, value, isUpper)
        (self.reach, self.estimate, beta) = (reach, estimate, known.beta)
        var held = isAliased
        held[index] = true
        self.held = held
        start = InformationFrame(information, holding: held)
        last = Point(
            beta: known.beta, sums: known.sums, curvature: known.curvature, decrement: .infinity,
            separation: nil)
        let step = Self.step(
            from: &last, after: nil, index: index, goal: (value, isUpper), held: held, start: start,
            reach: reach)
        firstCurvature = step.curvature
        take(step)
    }

    /// Takes the penalised sums at `beta`; nil if they cannot be had there.
    mutating func receive(_ sums: LikelihoodSums?) {
        evaluations += 1
        guard let sums, sums.isFinite else {
            beta = zip(beta, last.beta).map { ($0 + $1) / 2 }
            return
        }
        estimate?.learn(
            step: zip(beta, last.beta).map { $0 - $1 },
            change: zip(last.sums.score, sums.score).map { $0 - $1 }, known: sums.information)
        var point = Point(
            beta: beta, sums: sums,
            curvature: estimate?.curvature(known: sums.information) ?? sums.information,
            decrement: .infinity, separation: nil)
        let step = Self.step(
            from: &point, after: last, index: index, goal: (value, isUpper), held: held, start: start,
            reach: reach)
        last = point
        if step.length <= tolerance(step.length) {
            answer = beta[index] + step.change[index]
        } else if isRunningAway(step) {
            answer = isUpper ? .infinity : -.infinity
        } else {
            lastLength = step.length
            take(step)
        }
    }

    /// A step of this length (in standard errors) is the last: what it leaves is the square of it, or with a curvature known in
    /// part its product with the factor by which steps have become shorter.
    private func tolerance(_ length: Double) -> Double {
        guard estimate != nil else { return 1e-5 }
        let rate = min(1, length / lastLength)
        return rate > 0.5 && length < 1e-8 ? length : 1e-10 / max(rate, 1e-5)
    }

    /// Whether the profile likelihood has become flat above the value: the coefficient has no limit on this side.
    private func isRunningAway(_ step: Step) -> Bool {
        step.curvature <= 1e-3 * firstCurvature && step.profile - value > 1e-3
            && step.slope * step.slope <= 1e-6 * step.curvature
            && movement(step.change) > Self.movementMax
    }

    private struct Step {
        var change: [Double]
        /// √(sᵀBs), without what separation leaves.
        var length: Double
        /// The profile likelihood at the present βⱼ, its slope and curvature, by the quadratic model.
        var profile: Double
        var slope: Double
        var curvature: Double
    }

    /// The step of the quadratic model at a point; takes up how near the others are to their maximum.
    private static func step(
        from point: inout Point, after last: Point?, index: Int, goal: (value: Double, isUpper: Bool),
        held: [Bool], start: InformationFrame, reach: [Double]
    ) -> Step {
        let (score, metric) = (point.sums.score, point.curvature)
        let others = InformationFrame(metric, holding: held)
        let cross = score.indices.map { metric[$0, index] }
        var (free, tied) = (others.solve(score), others.solve(cross))
        if !others.isDefinite || last?.separation != nil {
            let spectrum = CurvatureSpectrum(metric, score: score, start: start)
            (free, tied) = (spectrum.step, spectrum.solve(cross, start: start))
        }
        point.decrement = max(0, dot(score, free) - score[index] * free[index])
        if let last, point.decrement <= ConvergenceRule.fadingDecrementMax,
            last.separation != nil || point.decrement > 0.1 * last.decrement
        {
            point.separation = Separation(
                score: score, curvature: metric, previous: last.curvature, start: start, reach: reach)
        }
        let (gain, regular) = (point.separation?.gain ?? 0, point.separation?.regular ?? point.decrement)
        let profile = point.sums.logLikelihood + gain + regular / 2
        let slope = score[index] - dot(cross, free)
        let curvature = max(metric[index, index] - dot(cross, tied), metric[index, index] * 1e-12)
        let own = ownStep(toward: goal, profile: profile, slope: slope, curvature: curvature)
        var direct = free
        if let separation = point.separation, !separation.isNearlyComplete, own * own * curvature < 0.01,
            regular <= 0.1 * gain
        {
            direct = separation.leap
        }
        var change = score.indices.map { direct[$0] - own * tied[$0] }
        change[index] = own
        let rest = gain > Separation.gainMax ? gain : 0
        return Step(
            change: change, length: (own * own * curvature + regular + rest).squareRoot(), profile: profile,
            slope: slope, curvature: curvature)
    }

    /// The root of ℓ + aδ − ½qδ² = value on the limit's side, written without cancellation; the maximum if there is no root.
    private static func ownStep(
        toward goal: (value: Double, isUpper: Bool), profile: Double, slope: Double, curvature: Double
    ) -> Double {
        let height = profile - goal.value
        let side = goal.isUpper ? 1.0 : -1
        let square = slope * slope + 2 * curvature * height
        guard square > 0 else { return slope / curvature }
        let root = square.squareRoot()
        return side * slope < 0
            ? side * 2 * height / (root - side * slope) : side * (root + side * slope) / curvature
    }

    /// How far a change moves linear predictors: by single coefficients, or where nearly collinear ones cancel by all of them.
    private func movement(_ change: [Double]) -> Double {
        let single = zip(change, reach).reduce(0) { max($0, abs($1.0) * $1.1) }
        return min(single, Self.reachMax * whole.deviation(of: change, events: eventWeight))
    }

    /// Goes a step, shortened where it would change hazard ratios between rows by more than e⁴, and between the points on
    /// either side of the limit that are known already.
    private mutating func take(_ step: Step) {
        var change = step.change
        if step.profile > value { inside = last.beta[index] } else { outside = last.beta[index] }
        let next = last.beta[index] + change[index]
        if let inside, let outside, isUpper ? inside < outside : outside < inside,
            !(min(inside, outside)...max(inside, outside)).contains(next)
        {
            let middle = (inside + outside) / 2 - last.beta[index]
            let factor = change[index] == 0 ? 0 : middle / change[index]
            change = change.map { $0 * factor }
        }
        // A leap along a direction of separation is as long as it must be.
        let longest = last.separation == nil ? movement(change) : 0
        if longest > Self.movementMax { change = change.map { $0 * Self.movementMax / longest } }
        beta = zip(last.beta, change).map { $0 + $1 }
    }
}
