/// What a profile likelihood says of one coefficient, on the scale of the covariates as they are fitted.
///
/// A limit is infinite where the profile likelihood does not fall so far, and nil if it was not asked for or not found.
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
    private var waiting: [Search] = []
    private var active: [Search] = []
    private var evaluationsLeft: Int
    /// Places of coefficients of which something was not found.
    private var missed: Set<Int> = []

    private enum Search: Sendable, Hashable {
        case limit(ProfileSearch)
        /// The fit with the coefficient held at 0, all others free.
        case null(index: Int, LikelihoodAscent, evaluations: Int)

        var index: Int {
            switch self {
            case .limit(let search): search.index
            case .null(let index, _, _): index
            }
        }

        var beta: [Double] {
            switch self {
            case .limit(let search): search.beta
            case .null(_, let ascent, _): ascent.beta
            }
        }

        var evaluations: Int {
            switch self {
            case .limit(let search): search.evaluations
            case .null(_, _, let evaluations): evaluations
            }
        }
    }

    /// A search that has not ended after so many evaluations is given up.
    private static let searchMax = 25
    /// So many evaluations must be left for each search that goes on: the others wait, so that some come to their end.
    private static let reserve = 3

    /// `track` is the way of the fit; its estimate is that of a curvature known in part.
    package init(
        _ fit: CoxFit, track: FitTrack, parameterNames: [String], level: Double, wishes: Wishes,
        reach: [Double], evaluationsMax: Int
    ) {
        (self.fit, self.parameterNames, self.wishes) = (fit, parameterNames, wishes)
        evaluationsLeft = evaluationsMax
        profiles = Array(repeating: CoxProfile(), count: fit.beta.count)
        guard let end = track.points.first, let origin = track.points.last else { return }
        let quantile = Normal.quantile(0.5 + level / 2)
        let target = maximum - quantile * quantile / 2
        let infinite = fit.infinite
        let finite = fit.beta.indices.filter { !fit.isAliased[$0] && !infinite.contains($0) }
        func limit(_ index: Int, isUpper: Bool, from point: LikelihoodAscent.Point) -> Search {
            .limit(
                ProfileSearch(
                    index: index, falling: target, isUpper: isUpper, from: point,
                    information: origin.sums.information, isAliased: fit.isAliased, reach: reach,
                    estimate: track.estimate))
        }
        for index in infinite + (wishes.tests ? finite : []) {
            if fit.rank == 1 {
                profiles[index].statistic = max(0, 2 * (maximum - nullLogLikelihood))
            } else if let search = null(index, track, reach, isInfinite: infinite.contains(index)) {
                waiting.append(search)
            }
        }
        for index in infinite {
            let isUpper = !fit.risesToInfinity(index)
            if isUpper { profiles[index].lower = -.infinity } else { profiles[index].upper = .infinity }
            waiting.append(limit(index, isUpper: isUpper, from: Self.nearest(to: target, in: track)))
        }
        for index in wishes.limits ? finite : [] {
            waiting += [limit(index, isUpper: false, from: end), limit(index, isUpper: true, from: end)]
        }
        begin()
    }

    /// The way to the maximum with a coefficient held at 0: from β = 0, which is known, where it runs to infinity; else from where
    /// the quadratic model at the fit has that maximum.
    ///
    /// Nil if it ends at once, or cannot begin; either is noted.
    private mutating func null(
        _ index: Int, _ track: FitTrack, _ reach: [Double], isInfinite: Bool
    ) -> Search? {
        guard let end = track.points.first, let origin = track.points.last else { return nil }
        var held = fit.isAliased
        held[index] = true
        var demands = LikelihoodAscent.Demands(
            names: parameterNames, reach: reach, evaluationsMax: Self.searchMax,
            decrementMax: ConvergenceRule.profileDecrementMax)
        demands.stallDecrementMax = ConvergenceRule.profileDecrementMax
        if isInfinite {
            let ascent = LikelihoodAscent(
                from: origin.beta, holding: held, information: origin.sums.information,
                estimate: track.estimate.map { estimate in
                    var estimate = estimate.holding(index, known: origin.sums.information)
                    estimate.learn(exact: origin.curvature, known: origin.sums.information)
                    return estimate
                }, demands: demands)
            return follow(.null(index: index, ascent, evaluations: -1), origin.sums)
        }
        let others = InformationFrame(end.curvature, holding: held)
        let tied = others.solve(fit.beta.indices.map { end.curvature[$0, index] })
        var beta = zip(end.beta, tied).map { $0 + $1 * end.beta[index] }
        beta[index] = 0
        return .null(
            index: index,
            LikelihoodAscent(
                from: beta, holding: held, information: origin.sums.information,
                estimate: track.estimate?.holding(index, known: end.sums.information), demands: demands),
            evaluations: 0)
    }

    /// Where the likelihood is wanted next; empty once all is found, or the evaluations are used up.
    package var betas: [[Double]] { active.map(\.beta) }

    /// Takes the sums at `betas`, in their order; nil where they cannot be had.
    package mutating func receive(_ answers: [LikelihoodSums?]) {
        precondition(answers.count == active.count, "sums for each point asked")
        evaluationsLeft -= answers.count
        let penalty = fit.penalised?.penalty ?? .none
        var going: [Search] = []
        for (search, sums) in zip(active, answers) {
            let penalised = sums?.penalised(by: penalty, at: search.beta, isAliased: fit.isAliased)
            guard let next = follow(search, penalised) else { continue }
            if next.evaluations >= Self.searchMax { missed.insert(next.index) } else { going.append(next) }
        }
        waiting = going + waiting
        begin()
    }

    /// The search after these sums; nil once it has ended.
    private mutating func follow(_ search: Search, _ sums: LikelihoodSums?) -> Search? {
        switch search {
        case .limit(var limit):
            limit.receive(sums)
            guard let answer = limit.answer else { return .limit(limit) }
            if limit.isUpper {
                profiles[limit.index].upper = answer
            } else {
                profiles[limit.index].lower = answer
            }
        case .null(let index, var ascent, let evaluations):
            // What cannot be found is reported as missing.
            guard let outcome = try? ascent.receive(sums) else {
                missed.insert(index)
                return nil
            }
            guard case .ended = outcome, let point = ascent.path.first else {
                return .null(index: index, ascent, evaluations: evaluations + 1)
            }
            profiles[index].statistic = max(0, 2 * (maximum - point.limit))
        }
        return nil
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

    /// Chooses the searches that go on; without an evaluation left, those that wait have missed their end.
    private mutating func begin() {
        guard evaluationsLeft > 0 else {
            missed.formUnion(waiting.map(\.index))
            (waiting, active) = ([], [])
            return
        }
        let count = min(waiting.count, max(1, evaluationsLeft / Self.reserve))
        active = Array(waiting.prefix(count))
        waiting.removeFirst(count)
    }

    private var maximum: Double { fit.penalised?.logLikelihood ?? fit.logLikelihood }

    private var nullLogLikelihood: Double { fit.penalised?.logLikelihoodNull ?? fit.logLikelihoodNull }

    /// The point whose log-likelihood is nearest to a value.
    private static func nearest(to value: Double, in track: FitTrack) -> LikelihoodAscent.Point {
        track.points.dropFirst().reduce(track.points[0]) {
            abs($1.sums.logLikelihood - value) < abs($0.sums.logLikelihood - value) ? $1 : $0
        }
    }
}
