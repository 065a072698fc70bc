package import Survival

/// Comparisons of groups from the counts that their survival curves are made of.
struct ComparisonCourse: AnalysisCourse {
    private let plan: AnalysisPlan
    private let comparison: ComparisonPlan
    private let counts: CohortCounts
    private let smallestInterval: Int
    private(set) var thinnestInterval: Int?

    init(
        _ plan: AnalysisPlan, _ comparison: ComparisonPlan, counts: CohortCounts, smallestInterval: Int
    ) {
        (self.plan, self.comparison, self.counts) = (plan, comparison, counts)
        self.smallestInterval = smallestInterval
    }

    var opening: [any Question] { [ExitsQuestion()] }

    mutating func receive(_ received: [Answer]) throws -> CourseStep {
        let table = try ExitTable(
            plan, try received.numbers[0], counts: counts, smallestInterval: smallestInterval)
        thinnestInterval = table.thinnest
        return .finish(.compare(result(table)))
    }

    private func result(_ table: ExitTable) -> ComparisonResult {
        let own = table.groups(over: 1)
        let curves = own.map { table.curve(of: $0, shape: .productLimit) }
        let groups = own.indices.map { index in
            let estimate = KaplanMeier(curves[index].counts.exits)
            return ComparisonResult.Group(
                name: comparison.groups[index], rows: own[index].rows,
                events: own[index].eventCounts.reduce(0, +),
                survival: estimate.at(
                    comparison.at, atRisk: table.atRisk(of: own[index], at: comparison.at), limits: .plain,
                    level: plan.level),
                restrictedMeans: comparison.restrictedMeans.map {
                    estimate.restrictedMean(to: $0, level: plan.level)
                })
        }
        let reference = groups.first { $0.name == comparison.reference }
        var result = ComparisonResult(
            id: plan.id, counts: counts, times: plan.times, by: comparison.by.text,
            reference: comparison.reference, level: plan.level,
            groups: groups.map { group in
                guard let reference, group.name != reference.name else { return group }
                return group.compared(with: reference, level: plan.level)
            },
            warnings: plan.guaranteeTimeWarnings
                + curves.extrapolations(to: comparison.restrictedMeans.last, names: comparison.groups))
        (result.event, result.gridWidth) = (plan.ownEvent, plan.gridWidth)
        return result
    }
}

extension ComparisonPlan {
    package func course(
        _ plan: AnalysisPlan, counts: CohortCounts, privacy: StudyFile.Privacy
    ) -> any AnalysisCourse {
        ComparisonCourse(plan, self, counts: counts, smallestInterval: privacy.smallestInterval)
    }
}
