package import Survival

/// Survival curves and a log-rank test from one sum: events and other exits by group at each position of the time axis.
///
/// Robust standard errors take a second one: squares of people's influence on each curve (and on that of the follow-up).
struct SurvivalCourse: AnalysisCourse {
    private let plan: AnalysisPlan
    private let survival: SurvivalPlan
    private let counts: CohortCounts
    private let smallestInterval: Int
    private var table: ExitTable?

    init(
        _ plan: AnalysisPlan, _ survival: SurvivalPlan, counts: CohortCounts,
        smallestInterval: Int
    ) {
        (self.plan, self.survival, self.counts) = (plan, survival, counts)
        self.smallestInterval = smallestInterval
    }

    var opening: [any Question] { [ExitsQuestion()] }

    var thinnestInterval: Int? { table?.thinnest }

    mutating func receive(_ received: [Answer]) throws -> CourseStep {
        let answers = try received.numbers
        if let table { return .finish(.survival(result(table, squares: answers[0]))) }
        let table = try ExitTable(plan, answers[0], counts: counts, smallestInterval: smallestInterval)
        self.table = table
        guard survival.options.isRobust else { return .finish(.survival(result(table, squares: nil))) }
        let curves = table.groups(over: survival.stratumCount).map { curve(of: $0, table) }
        let reversed = survival.options.hasFollowUp ? curves.map(\.reversed) : []
        return .ask([InfluenceQuestion(curves + reversed)])
    }

    private func curve(of group: ExitTable.Group, _ table: ExitTable) -> CurveCounts {
        table.curve(
            of: group, shape: survival.options.estimate == .kaplanMeier ? .productLimit : .exponential,
            areas: survival.options.isRobust ? survival.options.restrictedMeans : [])
    }

    private func result(_ table: ExitTable, squares: [Double]?) -> SurvivalResult {
        let (groups, options) = (table.groups(over: survival.stratumCount), survival.options)
        let curves = groups.map { curve(of: $0, table) }
        var rest = (squares ?? [])[...]
        func next(_ curve: CurveCounts) -> [Double]? {
            guard squares != nil else { return nil }
            defer { rest = rest.dropFirst(curve.squareCount) }
            return Array(rest.prefix(curve.squareCount))
        }
        let own = curves.map(next)
        let reversed = options.hasFollowUp ? curves.map { next($0.reversed) } : curves.map { _ in nil }
        let reports = groups.indices.map { index in
            report(
                survival.groups[index], groups[index], curves[index],
                atRisk: table.atRisk(of: groups[index], at: survival.at), squares: own[index],
                reversedSquares: reversed[index])
        }
        var result = SurvivalResult(
            id: plan.id, counts: counts, times: plan.times, by: survival.by?.text, limits: survival.limits,
            level: plan.level, groups: reports,
            test: survival.logRank
                ? test(table.strata(survival.stratumCount).map { $0.map(table.counts) }) : nil,
            warnings: plan.guaranteeTimeWarnings + extrapolations(curves))
        result.estimate = options.estimate
        result.cluster = survival.cluster
        result.weights = survival.weights?.text
        result.event = plan.ownEvent
        result.gridWidth = plan.gridWidth
        return result
    }

    private func test(_ strata: [[TransitionCounts]]) -> SurvivalResult.LogRank {
        var test = LogRank.test(
            groups: survival.groups, strata: strata.map { $0.map(\.exits) }, rho: survival.options.rho,
            hasTrend: survival.options.hasTrend)
        test.strata = survival.strata.map(\.expression.text)
        return test
    }

    /// Restricted means that reach beyond a group's follow-up rest on a curve that nobody's data continue.
    private func extrapolations(_ groups: [CurveCounts]) -> [String] {
        guard let longest = survival.options.restrictedMeans.last else { return [] }
        return zip(survival.groups, groups).compactMap { name, curve in
            let group = name.isEmpty ? "nobody" : "nobody in the group \(name)"
            return curve.counts.times.last ?? 0 < longest
                ? "\(group) is followed to the end of the restricted mean; the curve is continued flat" : nil
        }
    }

    private func report(
        _ name: String, _ group: ExitTable.Group, _ curve: CurveCounts, atRisk: [Double]?,
        squares: [Double]?, reversedSquares: [Double]?
    ) -> SurvivalResult.Group {
        let (own, options) = (curve.counts.exits, survival.options)
        let estimate = KaplanMeier(own, estimate: options.estimate, squares: squares, areas: curve.areas)
        return .init(
            name: name, rows: group.rows, events: group.eventCounts.reduce(0, +),
            median: estimate.quantile(0.5, limits: survival.limits, level: plan.level),
            curve: estimate.curve(limits: survival.limits, level: plan.level),
            at: estimate.at(survival.at, atRisk: atRisk, limits: survival.limits, level: plan.level),
            quantiles: options.quantiles.map {
                .init(share: $0, time: estimate.quantile($0, limits: survival.limits, level: plan.level))
            },
            restrictedMeans: options.restrictedMeans.map {
                estimate.restrictedMean(to: $0, level: plan.level)
            },
            followUp: options.hasFollowUp
                ? KaplanMeier(own.reversed, squares: reversedSquares).quantile(
                    0.5, limits: survival.limits, level: plan.level) : nil)
    }
}

extension SurvivalPlan {
    package func course(
        _ plan: AnalysisPlan, counts: CohortCounts, privacy: StudyFile.Privacy
    ) -> any AnalysisCourse {
        SurvivalCourse(plan, self, counts: counts, smallestInterval: privacy.smallestInterval)
    }
}
