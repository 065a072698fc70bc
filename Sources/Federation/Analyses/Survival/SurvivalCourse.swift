package import Survival

/// Survival curves and a log-rank test from one sum: events and other exits by group at each position of the time axis.
///
/// Of a test within hospitals each forms its own sums, which need no axis; then only curves need one.
/// Robust standard errors take a second one: squares of people's influence on each curve (and on that of the follow-up).
struct SurvivalCourse: AnalysisCourse {
    private let plan: AnalysisPlan
    private let survival: SurvivalPlan
    private let counts: CohortCounts
    private let smallestInterval: Int
    private var table: ExitTable?
    private var test: SurvivalResult.LogRank?

    init(
        _ plan: AnalysisPlan, _ survival: SurvivalPlan, counts: CohortCounts,
        smallestInterval: Int
    ) {
        (self.plan, self.survival, self.counts) = (plan, survival, counts)
        self.smallestInterval = smallestInterval
    }

    var opening: [any Question] {
        (survival.usesExits ? [ExitsQuestion()] : []) + (survival.isWithinSites ? [LogRankQuestion()] : [])
    }

    var thinnestInterval: Int? { table?.thinnest }

    mutating func receive(_ received: [Answer]) throws -> CourseStep {
        let answers = try received.numbers
        if let table { return .finish(.survival(result(table, squares: answers[0]))) }
        if survival.isWithinSites { test = try test(ofSums: answers[answers.count - 1]) }
        guard survival.usesExits else { return .finish(.survival(result(groups: []))) }
        let table = try ExitTable(plan, answers[0], counts: counts, smallestInterval: smallestInterval)
        self.table = table
        if survival.logRank, !survival.isWithinSites { test = test(of: table) }
        guard survival.options.hasCurves else { return .finish(.survival(result(groups: []))) }
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
        return result(
            groups: reports,
            warnings: curves.extrapolations(
                to: survival.options.restrictedMeans.last, names: survival.groups))
    }

    private func result(groups: [SurvivalResult.Group], warnings: [String] = []) -> SurvivalResult {
        var result = SurvivalResult(
            id: plan.id, counts: counts, times: plan.times, by: survival.by?.text, limits: survival.limits,
            level: plan.level, groups: groups, test: test, warnings: plan.guaranteeTimeWarnings + warnings)
        result.estimate = survival.options.estimate
        result.cluster = survival.cluster
        result.weights = survival.weights?.text
        result.event = plan.ownEvent
        result.gridWidth = plan.gridWidth
        return result
    }

    /// From the exits of all hospitals.
    private func test(of table: ExitTable) -> SurvivalResult.LogRank {
        let strata = table.strata(survival.stratumCount).map { $0.map { table.counts(of: $0).exits } }
        let test = LogRank.test(
            groups: survival.groups, strata: strata, rho: survival.options.rho,
            hasTrend: survival.options.hasTrend)
        return told(test, rows: table.groups(over: survival.stratumCount).map(\.rows))
    }

    /// From the sums of a test that each hospital formed.
    private func test(ofSums answer: [Double]) throws(StudyError) -> SurvivalResult.LogRank {
        let (count, options) = (survival.groups.count, survival.options)
        let sums = LogRankSums(vector: Array(answer.dropFirst(count)), groupCount: count)
        let rows = answer.prefix(count)
        guard rows.allSatisfy({ $0 >= 0 && $0 == $0.rounded() }), rows.reduce(0, +) == Double(counts.rows),
            sums.fit(events: counts.events, rho: options.rho)
        else {
            throw .sums("the hospitals' sums of a test do not add up to their counts of rows and events")
        }
        let test = sums.result(groups: survival.groups, rho: options.rho, hasTrend: options.hasTrend)
        return told(test, rows: rows.map { Int($0) })
    }

    /// A test with its strata, and with the rows of each group where no curve tells them.
    private func told(_ test: SurvivalResult.LogRank, rows: [Int]) -> SurvivalResult.LogRank {
        var test = test
        test.strata = survival.stratumNames
        test.isWithinSites = survival.isWithinSites ? true : nil
        test.rows = survival.options.hasCurves ? nil : rows
        return test
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
