package import Survival

/// Cumulative incidence of competing causes: exits by group and cause, then squares of influences for the standard errors.
struct IncidenceCourse: AnalysisCourse {
    private let plan: AnalysisPlan
    private let incidence: IncidencePlan
    private let counts: CohortCounts
    private let smallestInterval: Int
    private var table: ExitTable?

    init(
        _ plan: AnalysisPlan, _ incidence: IncidencePlan, counts: CohortCounts,
        smallestInterval: Int
    ) {
        (self.plan, self.incidence, self.counts) = (plan, incidence, counts)
        self.smallestInterval = smallestInterval
    }

    var opening: [any Question] { [ExitsQuestion()] }

    var thinnestInterval: Int? { table?.thinnest }

    mutating func receive(_ received: [Answer]) throws -> CourseStep {
        let answers = try received.numbers
        if let table { return .finish(.incidence(result(table, squares: answers[0]))) }
        let table = try ExitTable(plan, answers[0], counts: counts, smallestInterval: smallestInterval)
        self.table = table
        return .ask([InfluenceQuestion(curves(of: table))])
    }

    private func curves(of table: ExitTable) -> [CurveCounts] {
        table.groups(over: incidence.stratumCount).map { table.curve(of: $0, shape: .incidence) }
    }

    private func result(_ table: ExitTable, squares: [Double]) -> IncidenceResult {
        var rest = squares[...]
        let all = table.groups(over: incidence.stratumCount)
        let groups = zip(zip(incidence.groups, all), curves(of: table)).map { group, curve in
            let own = Array(rest.prefix(curve.squareCount))
            rest = rest.dropFirst(own.count)
            let estimate = AalenJohansen(curve.counts, squares: own)
            return IncidenceResult.Group(
                name: group.0, rows: group.1.rows, events: group.1.eventCounts,
                curve: estimate.curve(limits: incidence.limits, level: plan.level),
                at: estimate.at(
                    incidence.at, atRisk: table.atRisk(of: group.1, at: incidence.at),
                    limits: incidence.limits, level: plan.level))
        }
        var result = IncidenceResult(
            id: plan.id, counts: counts, times: plan.times, by: incidence.by?.text,
            causes: plan.causes.map(\.name), limits: incidence.limits, level: plan.level, groups: groups,
            warnings: plan.guaranteeTimeWarnings, weights: incidence.weights?.text)
        result.gridWidth = plan.gridWidth
        guard let test = incidence.test else { return result }
        let strata = table.strata(incidence.stratumCount).map { $0.map(table.counts) }
        result.tests = plan.causes.indices.map { GrayTest.test(strata: strata, cause: $0, rho: test.rho) }
        result.rho = test.rho == 0 ? nil : test.rho
        result.strata = incidence.strata.isEmpty ? nil : incidence.strata.map(\.expression.text)
        return result
    }
}

extension IncidencePlan {
    package func course(
        _ plan: AnalysisPlan, counts: CohortCounts, privacy: StudyFile.Privacy
    ) -> any AnalysisCourse {
        IncidenceCourse(plan, self, counts: counts, smallestInterval: privacy.smallestInterval)
    }
}
