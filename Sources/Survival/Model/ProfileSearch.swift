/// One search on the profile likelihood of a coefficient, as a value: it is given sums, and says where it wants the next.
///
/// The profile likelihood of βⱼ is the largest (penalised) log-likelihood with βⱼ held there. Every step solves the quadratic
/// model at the last point for the goal and for the other coefficients together (Venzon and Moolgavkar, Applied Statistics
/// 1988), so that a limit takes about as many evaluations as a fit.
struct ProfileSearch: Sendable, Hashable {
    enum Goal: Sendable, Hashable {
        /// Where the profile likelihood falls to `value`, above or below its maximum.
        case limit(value: Double, isUpper: Bool)
        /// The profile likelihood at βⱼ = 0.
        case null
    }

    let index: Int
    let goal: Goal
    /// Where the likelihood is wanted.
    private(set) var beta: [Double]
    /// The limit, or the profile likelihood; nil until found.
    private(set) var answer: Double?
    private(set) var evaluations = 0

    private let isAliased: [Bool]
    private let reach: [Double]
    /// What is known of the curvature besides that of the sums; nil if the sums have all of it.
    private var secants: SecantPairs?
    private var last: CoxPoint
    private var lastLength = Double.infinity
    /// Of βⱼ: the point nearest to the limit on either side of it.
    private var (inside, outside) = (Double?.none, Double?.none)

    /// Starts from a point that is known; `reach` bounds the steps (see `NewtonIteration`).
    init(index: Int, goal: Goal, from point: CoxPoint, reach: [Double], secants: SecantPairs?) {
        (self.index, self.goal, self.secants) = (index, goal, secants)
        (last, beta, isAliased, self.reach) = (point, point.beta, point.isAliased, reach)
        take(step: step(from: point), from: point)
    }

    /// Takes the penalised sums at `beta`.
    mutating func receive(_ sums: LikelihoodSums) {
        evaluations += 1
        guard sums.isFinite else {
            beta = zip(beta, last.beta).map { ($0 + $1) / 2 }
            return
        }
        secants?.add(from: last.beta, gradient: last.sums.score, to: beta, gradient: sums.score)
        let point = CoxPoint(beta: beta, sums: sums, isAliased: isAliased)
        let step = step(from: point)
        let isDone =
            switch goal {
            case .limit: step.length <= tolerance(step.length)
            // The value of the quadratic model at its maximum is off by less than the square of what is left.
            case .null: step.length <= 1e-6
            }
        guard isDone else {
            lastLength = step.length
            return take(step: step, from: point)
        }
        answer = goal == .null ? step.profile : beta[index] + step.change[index]
    }

    /// A step of this length (in standard errors) is the last: what it leaves is the square of it, or with a curvature known in
    /// part its product with the factor by which steps have become shorter.
    private func tolerance(_ length: Double) -> Double {
        guard secants != nil else { return 1e-6 }
        let rate = min(1, length / lastLength)
        return rate > 0.5 && length < 1e-8 ? length : 1e-12 / max(rate, 1e-6)
    }

    private struct Step {
        var change: [Double]
        /// √(sᵀBs).
        var length: Double
        /// The profile likelihood at the present βⱼ, by the quadratic model.
        var profile: Double
    }

    private func step(from point: CoxPoint) -> Step {
        let metric = secants?.corrected(point.sums.information) ?? point.sums.information
        let score = point.sums.score
        var held = isAliased
        held[index] = true
        let others = RankRevealingCholesky(metric, leavingOut: held)
        let cross = score.indices.map { metric[$0, index] }
        let (free, tied) = (others.solve(score), others.solve(cross))
        let profile = point.sums.logLikelihood + dot(score, free) / 2
        let slope = score[index] - dot(cross, free)
        let curvature = max(metric[index, index] - dot(cross, tied), metric[index, index] * 1e-12)
        let own = ownStep(from: point.beta[index], profile: profile, slope: slope, curvature: curvature)
        var change = score.indices.map { free[$0] - own * tied[$0] }
        change[index] = own
        return Step(
            change: change, length: max(0, metric.quadraticForm(change)).squareRoot(), profile: profile)
    }

    /// The root of ℓ + aδ − ½qδ² = goal on the goal's side, written without cancellation; the maximum if there is no root.
    private func ownStep(
        from present: Double, profile: Double, slope: Double, curvature: Double
    ) -> Double {
        guard case .limit(let value, let isUpper) = goal else { return -present }
        let height = profile - value
        let side = isUpper ? 1.0 : -1
        let square = slope * slope + 2 * curvature * height
        guard square > 0 else { return slope / curvature }
        let root = square.squareRoot()
        return side * slope < 0
            ? side * 2 * height / (root - side * slope) : side * (root + side * slope) / curvature
    }

    /// Goes a step, shortened where it would change hazard ratios between rows by more than e⁴, and between the points on
    /// either side of a limit that are known already.
    private mutating func take(step: Step, from point: CoxPoint) {
        last = point
        var change = step.change
        if case .limit(let value, let isUpper) = goal {
            if step.profile > value { inside = point.beta[index] } else { outside = point.beta[index] }
            let next = point.beta[index] + change[index]
            if let inside, let outside, isUpper ? inside < outside : outside < inside,
                !(min(inside, outside)...max(inside, outside)).contains(next)
            {
                let middle = (inside + outside) / 2 - point.beta[index]
                let factor = change[index] == 0 ? 0 : middle / change[index]
                change = change.map { $0 * factor }
            }
            let longest = zip(change, reach).reduce(0) { max($0, abs($1.0) * $1.1) }
            if longest > 4 { change = change.map { $0 * 4 / longest } }
        }
        beta = zip(point.beta, change).map { $0 + $1 }
    }
}
