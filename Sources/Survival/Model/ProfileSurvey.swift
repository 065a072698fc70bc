/// What a profile likelihood says of one coefficient, on the scale of the covariates as they are fitted.
///
/// A limit is infinite where the coefficient itself runs there, and nil if it was not asked for or not found.
package struct CoxProfile: Sendable, Hashable {
    package var lower: Double?
    package var upper: Double?
    /// Twice the fall of the log-likelihood from its maximum to the profile at 0: a chi-squared statistic on 1 df.
    package var statistic: Double?

    package init(lower: Double? = nil, upper: Double? = nil, statistic: Double? = nil) {
        (self.lower, self.upper, self.statistic) = (lower, upper, statistic)
    }
}

/// The profile likelihoods of a fit's coefficients as a value: searches side by side, within a number of evaluations.
package struct ProfileSurvey: Sendable, Hashable {
    /// What is asked of the coefficients that are finite; of infinite ones it is always both.
    package struct Wishes: Sendable, Hashable {
        package var limits: Bool
        package var tests: Bool

        package init(limits: Bool, tests: Bool) { (self.limits, self.tests) = (limits, tests) }
    }

    private let fit: CoxFit
    private let parameterNames: [String]
    private let wishes: Wishes
    private var profiles: [CoxProfile]
    private var waiting: [ProfileSearch] = []
    private var active: [ProfileSearch] = []
    private var evaluationsLeft: Int
    /// What the profiles at 0 are compared with.
    private var maxima: [Int: Double] = [:]
    /// Places of coefficients of which something was not found.
    private var missed: Set<Int> = []

    /// A search that has not ended after so many evaluations is given up.
    private static let searchMax = 20
    /// Evaluations that a search takes as a rule: one is begun only if that many are left.
    private static let searchUsual = 6

    /// `path` are the points of the fit, the last one first; `secants` its pairs, if their curvature is known in part.
    package init(
        _ fit: CoxFit, path: [CoxPoint], parameterNames: [String], level: Double, wishes: Wishes,
        reach: [Double], secants: SecantPairs?, evaluationsMax: Int
    ) {
        (self.fit, self.parameterNames, self.wishes) = (fit, parameterNames, wishes)
        evaluationsLeft = evaluationsMax
        profiles = Array(repeating: CoxProfile(), count: fit.beta.count)
        guard let end = path.first else { return }
        let quantile = Normal.quantile(0.5 + level / 2)
        let order = fit.infinite + fit.beta.indices.filter { !fit.infinite.contains($0) }
        for index in order where !fit.isAliased[index] {
            let isInfinite = fit.infinite.contains(index)
            let others = fit.infinite.filter { $0 != index }
            let target = maximum(at: end, holding: others) - quantile * quantile / 2
            func search(_ goal: ProfileSearch.Goal, from point: CoxPoint) {
                var point = point
                for other in others { (point.isAliased[other], point.beta[other]) = (true, end.beta[other]) }
                waiting.append(
                    ProfileSearch(index: index, goal: goal, from: point, reach: reach, secants: secants))
            }
            if isInfinite {
                let isUpper = fit.beta[index] < 0
                if isUpper { profiles[index].lower = -.infinity } else { profiles[index].upper = .infinity }
                search(
                    .limit(value: target, isUpper: isUpper), from: Self.nearest(to: target, among: path))
            } else if wishes.limits {
                for isUpper in [false, true] { search(.limit(value: target, isUpper: isUpper), from: end) }
            }
            guard isInfinite || wishes.tests else { continue }
            if fit.rank == 1 {
                profiles[index].statistic = max(0, 2 * (maximum - nullLogLikelihood))
            } else {
                maxima[index] = target + quantile * quantile / 2
                search(.null, from: isInfinite && others.isEmpty ? path.last ?? end : end)
            }
        }
        begin()
    }

    /// Where the likelihood is wanted next; empty once all is found, or the evaluations are used up.
    package var betas: [[Double]] { active.map(\.beta) }

    /// Takes the sums at `betas`, in their order.
    package mutating func receive(_ answers: [LikelihoodSums]) {
        precondition(answers.count == active.count, "sums for each point asked")
        evaluationsLeft -= answers.count
        let penalty = fit.penalised?.penalty ?? .none
        for (place, sums) in answers.enumerated() {
            active[place].receive(
                sums.penalised(by: penalty, at: active[place].beta, isAliased: fit.isAliased))
        }
        for search in active { note(search) }
        active.removeAll { $0.answer != nil || $0.evaluations >= Self.searchMax }
        while active.count > evaluationsLeft, let last = active.popLast() { missed.insert(last.index) }
        begin()
    }

    /// The fit with what was found, and a sentence for what was not.
    package var result: CoxFit {
        var result = fit
        result.profiles = profiles
        result.profileWishes = wishes
        let names = missed.sorted().map { parameterNames[$0] }
        if !names.isEmpty {
            result.warnings.append(
                "the profile likelihood of \(names.joined(separator: ", ")) was not followed to its end within the "
                    + "evaluations that the study allows; allow more (evaluations:), as far as the hospitals' policies do"
            )
        }
        return result
    }

    /// Begins searches as long as the evaluations left are enough for them as a rule.
    private mutating func begin() {
        func taken(_ search: ProfileSearch) -> Int { max(1, Self.searchUsual - search.evaluations) }
        var free = evaluationsLeft - active.reduce(0) { $0 + taken($1) }
        while let next = waiting.first, free >= Self.searchUsual {
            waiting.removeFirst()
            active.append(next)
            free -= Self.searchUsual
        }
        if active.isEmpty, !waiting.isEmpty {
            missed.formUnion(waiting.map(\.index))
            waiting = []
        }
    }

    private mutating func note(_ search: ProfileSearch) {
        guard let answer = search.answer else {
            if search.evaluations >= Self.searchMax { missed.insert(search.index) }
            return
        }
        switch search.goal {
        case .limit(_, let isUpper):
            if isUpper {
                profiles[search.index].upper = answer
            } else {
                profiles[search.index].lower = answer
            }
        case .null: profiles[search.index].statistic = max(0, 2 * (maxima[search.index, default: 0] - answer))
        }
    }

    private var maximum: Double { fit.penalised?.logLikelihood ?? fit.logLikelihood }

    private var nullLogLikelihood: Double { fit.penalised?.logLikelihoodNull ?? fit.logLikelihoodNull }

    /// The maximum while the infinite coefficients `others` are held where the fit has left them: without what each of them
    /// would still add.
    private func maximum(at end: CoxPoint, holding others: [Int]) -> Double {
        let step = fit.covariance.times(end.sums.score)
        return others.reduce(maximum) { $0 - end.sums.score[$1] * step[$1] }
    }

    /// The point whose log-likelihood is nearest to a value.
    private static func nearest(to value: Double, among path: [CoxPoint]) -> CoxPoint {
        path.dropFirst().reduce(path[0]) {
            abs($1.sums.logLikelihood - value) < abs($0.sums.logLikelihood - value) ? $1 : $0
        }
    }
}
