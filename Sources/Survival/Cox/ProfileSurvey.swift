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
///
/// Likelihood ratios, one fit each, come before limits: they also tell of which infinite coefficients nothing is known, so that no
/// limit needs to be looked for. Not more searches go on at a time than are likely to come to their end.
package struct ProfileSurvey: Sendable, Hashable {
    /// What is asked of the coefficients that are finite; of infinite ones it is always both.
    package struct Wishes: Sendable, Hashable {
        package var limits: Bool
        package var tests: Bool

        package init(limits: Bool, tests: Bool) { (self.limits, self.tests) = (limits, tests) }
    }

    private let fit: CoxFit
    private let track: FitTrack
    private let parameterNames: [String]
    private let wishes: Wishes
    private let reach: [Double]
    private let eventWeight: Double
    /// The fall of the log-likelihood at a limit.
    private let fall: Double
    private let evaluationsMax: Int
    private var profiles: [CoxProfile]
    private var waiting: [Search] = []
    private var active: [Search] = []
    private var evaluationsLeft: Int
    /// Searches that did not come to their end: those that would have with more evaluations, and the others.
    private var (unfinished, failed) = ([Search.Kind](), [Search.Kind]())

    private enum Search: Sendable, Hashable {
        case limit(ProfileSearch)
        /// The fit with the coefficient held at 0, all others free; `fallback` says that it may begin at β = 0 once more.
        case null(index: Int, LikelihoodAscent, evaluations: Int, fallback: Bool)

        enum Kind: Sendable, Hashable {
            case limit(Int, isUpper: Bool)
            case test(Int)

            /// What it usually takes.
            var evaluations: Int {
                switch self {
                case .limit: 9
                case .test: 5
                }
            }
        }

        var kind: Kind {
            switch self {
            case .limit(let search): .limit(search.index, isUpper: search.isUpper)
            case .null(let index, _, _, _): .test(index)
            }
        }

        var beta: [Double] {
            switch self {
            case .limit(let search): search.beta
            case .null(_, let ascent, _, _): ascent.beta
            }
        }

        var evaluations: Int {
            switch self {
            case .limit(let search): search.evaluations
            case .null(_, _, let evaluations, _): evaluations
            }
        }

        /// What it is likely to take still.
        var rest: Int { max(1, kind.evaluations - evaluations) }
    }

    /// A search that has not ended after so many evaluations is given up.
    private static let searchMax = 25
    /// A likelihood ratio below this tells that the likelihood is the same whatever an infinite coefficient is.
    private static let flat = 1e-5

    /// `track` is the way of the fit; its estimate is that of a curvature known in part.
    ///
    /// `eventWeight` is about the weight of all
    /// events, `evaluationsMax` is what the study allows besides `evaluationsUsed`.
    package init(
        _ fit: CoxFit, track: FitTrack, parameterNames: [String], level: Double, wishes: Wishes,
        reach: [Double], eventWeight: Double, evaluationsUsed: Int, evaluationsMax: Int
    ) {
        (self.fit, self.track, self.parameterNames, self.wishes) = (fit, track, parameterNames, wishes)
        (self.reach, self.eventWeight, self.evaluationsMax) = (reach, max(1, eventWeight), evaluationsMax)
        evaluationsLeft = evaluationsMax - evaluationsUsed
        profiles = Array(repeating: CoxProfile(), count: fit.beta.count)
        let quantile = Normal.quantile(0.5 + level / 2)
        fall = quantile * quantile / 2
        guard let end = track.points.first else { return }
        let infinite = fit.infinite
        let finite = fit.beta.indices.filter { !fit.isAliased[$0] && !infinite.contains($0) }
        for index in infinite + (wishes.tests ? finite : []) {
            if fit.rank == 1 {
                takeStatistic(2 * (maximum - nullLogLikelihood), of: index, at: nil)
            } else if infinite.contains(index) {
                waiting.append(infiniteNull(index))
            } else {
                waiting.append(finiteNull(index, end))
            }
        }
        for index in wishes.limits ? finite : [] {
            waiting += [false, true].map { limit(index, isUpper: $0, from: end) }
        }
        begin()
    }

    // MARK: Where searches begin

    private func limit(_ index: Int, isUpper: Bool, from point: LikelihoodAscent.Point) -> Search {
        .limit(
            ProfileSearch(
                index: index, falling: maximum - fall, isUpper: isUpper, from: point,
                information: origin.sums.information, isAliased: fit.isAliased, reach: reach,
                eventWeight: eventWeight, estimate: track.estimate))
    }

    /// Of an infinite coefficient: from where the fit's finite differences are kept and the coefficient is 0, which is as far back along
    /// the directions of separation as need be.
    private func infiniteNull(_ index: Int) -> Search {
        guard let directions = fit.separation?.directions, let end = track.points.first else {
            return nullFromOrigin(index)
        }
        let square = directions.reduce(0) { $0 + $1[index] * $1[index] }
        guard square > 0 else { return nullFromOrigin(index) }
        var beta = fit.beta
        for direction in directions {
            let share = fit.beta[index] * direction[index] / square
            for place in beta.indices { beta[place] -= share * direction[place] }
        }
        beta[index] = 0
        return null(
            index, from: beta, track.estimate?.holding(index, known: end.sums.information), fallback: true)
    }

    /// Of a finite one: from where the quadratic model at the fit has the maximum.
    private func finiteNull(_ index: Int, _ end: LikelihoodAscent.Point) -> Search {
        var held = fit.held
        held[index] = true
        let others = InformationFrame(end.curvature, holding: held)
        let tied = others.solve(fit.beta.indices.map { end.curvature[$0, index] })
        var beta = zip(end.beta, tied).map { $0 + $1 * end.beta[index] }
        beta[index] = 0
        return null(
            index, from: beta, track.estimate?.holding(index, known: end.sums.information), fallback: false)
    }

    private func null(
        _ index: Int, from beta: [Double], _ estimate: CurvatureEstimate?, fallback: Bool
    ) -> Search {
        var held = fit.isAliased
        held[index] = true
        // Of a curvature that is known the last step's gain is known too.
        let near =
            estimate == nil
            ? ConvergenceRule.exactProfileDecrementMax : ConvergenceRule.profileDecrementMax
        var demands = LikelihoodAscent.Demands(
            names: parameterNames, reach: reach, evaluationsMax: Self.searchMax, decrementMax: near)
        demands.stallDecrementMax = near
        demands.logLikelihoodMax = maximum + 1e-6 * (1 + abs(maximum))
        return .null(
            index: index,
            LikelihoodAscent(
                from: beta, holding: held, information: origin.sums.information, estimate: estimate,
                demands: demands),
            evaluations: 0, fallback: fallback)
    }

    /// The same from β = 0, which is known.
    private func nullFromOrigin(_ index: Int) -> Search {
        let estimate = track.estimate.map { estimate in
            var estimate = estimate.holding(index, known: origin.sums.information)
            estimate.learn(exact: origin.curvature, known: origin.sums.information)
            return estimate
        }
        return null(index, from: origin.beta, estimate, fallback: false)
    }

    // MARK: Sums

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
            if next.evaluations >= Self.searchMax { failed.append(next.kind) } else { going.append(next) }
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
        case .null(let index, var ascent, let evaluations, let fallback):
            if fallback, !isBetterThanOrigin(sums) { return restarted(index) }
            // What cannot be found is reported as missing.
            guard let outcome = try? ascent.receive(sums) else {
                if fallback { return restarted(index) }
                failed.append(.test(index))
                return nil
            }
            guard case .ended = outcome, let point = ascent.path.first else {
                return .null(index: index, ascent, evaluations: evaluations + 1, fallback: false)
            }
            takeStatistic(2 * (maximum - point.limit), of: index, at: point)
        }
        return nil
    }

    private func isBetterThanOrigin(_ sums: LikelihoodSums?) -> Bool {
        guard let sums, sums.isFinite else { return false }
        return sums.logLikelihood > origin.sums.logLikelihood
    }

    private mutating func restarted(_ index: Int) -> Search? { follow(nullFromOrigin(index), origin.sums) }

    /// Takes a likelihood ratio; of an infinite coefficient the limit is looked for next, if the likelihood falls on either side.
    private mutating func takeStatistic(_ statistic: Double, of index: Int, at null: LikelihoodAscent.Point?)
    {
        profiles[index].statistic = max(0, statistic)
        guard fit.infinite.contains(index) else { return }
        let isUpper = !fit.risesToInfinity(index)
        if statistic < Self.flat {
            profiles[index] = CoxProfile(lower: -.infinity, upper: .infinity, statistic: 0)
            return
        }
        if isUpper { profiles[index].lower = -.infinity } else { profiles[index].upper = .infinity }
        let target = maximum - fall
        let known = track.points + (null.map { [$0] } ?? [])
        let nearest = known.dropFirst().reduce(known[0]) {
            abs($1.sums.logLikelihood - target) < abs($0.sums.logLikelihood - target) ? $1 : $0
        }
        waiting.append(limit(index, isUpper: isUpper, from: nearest))
    }

    /// Chooses the searches that go on; without an evaluation left, those that wait have missed their end.
    private mutating func begin() {
        guard evaluationsLeft > 0 else {
            unfinished += waiting.map(\.kind)
            (waiting, active) = ([], [])
            return
        }
        var (count, rest) = (0, 0)
        for search in waiting {
            rest += search.rest
            if count > 0, rest > evaluationsLeft { break }
            count += 1
        }
        active = Array(waiting.prefix(count))
        waiting.removeFirst(count)
    }

    private var maximum: Double { fit.penalised?.logLikelihood ?? fit.logLikelihood }

    private var nullLogLikelihood: Double { fit.penalised?.logLikelihoodNull ?? fit.logLikelihoodNull }

    /// The point at β = 0.
    private var origin: LikelihoodAscent.Point { track.points[track.points.count - 1] }

    // MARK: The result

    /// The fit with what was found, and a sentence for what was not.
    package var result: CoxFit {
        var result = fit
        result.profiles = profiles
        result.profileWishes = wishes
        result.tellWarnings(parameterNames)
        if !unfinished.isEmpty {
            result.warnings.append(
                "the evaluations that the study allows ended before these were found: \(words(unfinished)); about \(needed) would be needed (evaluations: \(needed), as far as the hospitals' policies allow)"
            )
        }
        if !failed.isEmpty {
            result.warnings.append(
                "the profile likelihood was not followed to its end; not available: \(words(failed))"
            )
        }
        return result
    }

    /// Evaluations that are likely to be enough for all, in tens.
    private var needed: Int {
        // Of an infinite coefficient without a likelihood ratio the limit is missing as well.
        let rest = unfinished.reduce(0) { sum, kind in
            guard case .test(let index) = kind, fit.infinite.contains(index) else {
                return sum + kind.evaluations
            }
            return sum + kind.evaluations + Search.Kind.limit(index, isUpper: true).evaluations
        }
        return (evaluationsMax + rest + 9) / 10 * 10
    }

    /// `p of g=B and g=C, limits of g=B`.
    private func words(_ kinds: [Search.Kind]) -> String {
        func names(_ indices: [Int]) -> String {
            Set(indices).sorted().map { parameterNames[$0] }.joined(separator: ", ")
        }
        let tests = kinds.compactMap { if case .test(let index) = $0 { index } else { nil } }
        var limits = kinds.compactMap { if case .limit(let index, _) = $0 { index } else { nil } }
        limits += tests.filter { fit.infinite.contains($0) }
        return [
            tests.isEmpty ? nil : "p of \(names(tests))", limits.isEmpty ? nil : "limits of \(names(limits))",
        ]
        .compactMap(\.self).joined(separator: ", and ")
    }
}
