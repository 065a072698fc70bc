import Survival

/// The test of proportional hazards in a Cox course: which function of time, on what scale, and the result from the sums.
struct HazardCheck: Sendable {
    private let plan: AnalysisPlan
    private let cox: CoxPlan
    private let transform: TimeTransform
    /// The function of time, standardised over the events; nil if it is not defined at all of them.
    let function: TimeFunction?

    /// What must be asked, beside the moments, under a baseline hazard for each site.
    ///
    /// The km transform is made from the exits of all sites; the others need their mean over the events alone.
    static func asks(of cox: CoxPlan, in plan: AnalysisPlan) -> [any Question] {
        switch cox.check {
        case nil: []
        case .km: [ExitsQuestion()]
        case .identity: [EventTimesQuestion(identity(plan))]
        case .log: [EventTimesQuestion(TimeFunction(.logarithm))]
        }
    }

    /// `answer` is that to `exits`, or under a baseline for each site to `eventTimes`; nil if no check is asked for.
    init?(
        _ plan: AnalysisPlan, _ cox: CoxPlan, counts: CohortCounts, answer: [Double]
    ) throws {
        guard let transform = cox.check else { return nil }
        (self.plan, self.cox, self.transform) = (plan, cox, transform)
        let needsExits = transform == .km || cox.baseline == .common
        if needsExits { try ExitsLayout(plan).requireFit(answer, counts) }
        let exits = needsExits ? try Self.pooledExits(plan, answer) : nil
        let raw: TimeFunction =
            switch transform {
            case .km: TimeFunction(kaplanMeierOf: exits ?? ExitCounts(times: [], events: [], censored: []))
            case .identity: Self.identity(plan)
            case .log: TimeFunction(.logarithm)
            }
        var moments = exits == nil ? TimeMoments(vector: answer) : TimeMoments()
        if let exits {
            for (time, events) in zip(exits.times, exits.events) where events > 0 {
                moments.add(raw(time), events: events)
            }
        }
        function = raw.standardized(by: moments)
    }

    /// The time itself on the scale of the dictionary's range, so that sums of its squares can be sent in any unit.
    private static func identity(_ plan: AnalysisPlan) -> TimeFunction {
        let range = DictionaryRange(plan.timeBounds)
        return TimeFunction(.identity, center: range.middle, scale: range.half)
    }

    /// The counts of all strata together, at the times at which anything happens.
    private static func pooledExits(_ plan: AnalysisPlan, _ sum: [Double]) throws -> ExitCounts {
        let layout = ExitsLayout(plan)
        func total(_ field: ExitsLayout.Field) -> [Double]? {
            let parts = (0..<layout.groups).compactMap { layout.lanes(field, group: $0, of: sum) }
            return parts.isEmpty ? nil : (0..<layout.positions).map { at in parts.reduce(0) { $0 + $1[at] } }
        }
        guard let axis = plan.axis, let events = total(.events), let others = total(.otherExits) else {
            throw StudyError.sums("the exits have no events")
        }
        // An entry at a position is at risk from the next one on.
        let entered = total(.entries).map { [0] + $0.dropLast() }
        return ExitCounts(
            times: events.indices.map { axis.time(at: $0) }, events: events, censored: others,
            entered: entered)
    }

    /// The function at each point of a common grid, whose times are positions on the axis.
    func factors(at grid: EventGrid, on axis: TimeAxis) -> [Double] {
        guard let function else { return [] }
        return grid.strata.flatMap { stratum in stratum.times.map { function(axis.time(at: Int($0))) } }
    }

    /// The tests from the sums over all sites.
    func result(of fit: CoxFit, trend: TimeTrendSums) -> CoxResult.ProportionalHazards {
        let tests = ProportionalHazardsTest.tests(of: fit, trend: trend, terms: cox.model.terms)
        let usesTimes = transform == .km || cox.baseline == .common
        return .init(
            transform: transform, times: usesTimes ? plan.times : nil, terms: tests.terms,
            global: tests.global)
    }
}

/// The sums of g(x − x̄), gV and g²V under a common baseline, from sums that are indexed by its points or weighted over them.
struct GridTrend: Sendable {
    private let factors: [Double]
    private let first: HazardIncrements
    private let second: HazardIncrements

    init(_ factors: [Double], hazard: HazardIncrements) {
        self.factors = factors
        first = hazard.weighted(by: factors)
        second = hazard.weighted(by: factors.map { $0 * $0 })
    }

    func asks(_ coordinates: Coordinates, beta: [Double], grid: EventGrid) -> [any Question] {
        [
            EventTrendQuestion(coordinates, grid, factors: factors),
            GramQuestion(coordinates, beta: beta, grid, first),
            GramQuestion(coordinates, beta: beta, grid, second),
        ]
    }

    /// From the answers to `asks`; S₁ is known from the fit.
    func sums(_ answers: [[Double]], covariateRiskSums: [Double], parameterCount p: Int) -> TimeTrendSums {
        TimeTrendSums(
            score: (0..<p).map { answers[0][$0] - answers[1][$0] },
            information: first.information(
                gram: answers[1], covariateRiskSums: covariateRiskSums, parameterCount: p),
            square: second.information(
                gram: answers[2], covariateRiskSums: covariateRiskSums, parameterCount: p))
    }
}
