import Survival

/// What a log-rank test within hospitals takes from one: rows, observed and expected events by group, and the covariance of their
/// differences, from the hospital's own exact times.
package struct LogRankQuestion: Question {
    package static let name = "log-rank"

    package init() {}

    package static func summation(in plan: AnalysisPlan) -> Summation {
        Summation(people: .levels, functions: [.one, .ranks])
    }

    package static func words(in plan: AnalysisPlan) -> String {
        let numbers = plan.groupCount + LogRankSums.vectorCount(groupCount: plan.groupCount)
        return
            "rows, observed and expected events of \(counted(plan.groupCount, "group")) within this hospital, and the variances and covariances of their differences (\(counted(numbers, "number")), none of them for one time), once"
    }

    package var coordinates: Coordinates? { nil }
    package var beta: [Double]? { nil }

    package func numberCount(in plan: AnalysisPlan) -> Int {
        plan.groupCount + LogRankSums.vectorCount(groupCount: plan.groupCount)
    }

    package func labels(in plan: AnalysisPlan) -> [String] {
        let groups = plan.groupNames(plan.kind.groupNames, count: plan.groupCount)
        return ["rows", "observed", "expected"].flatMap { what in groups.map { "\(what) \($0)" } }
            + NumberLabels.pairs("variance", groups)
    }

    package func write(to bytes: inout QuestionBytes) {}

    /// Rows by group, then the sums of a log-rank test at the times at which this hospital's rows leave.
    package func answer(from site: SiteAnalysis) throws -> [Double] {
        guard let survival = site.plan.kind as? SurvivalPlan, let groups = site.rows.groups,
            let data = try site.tiedData()
        else { throw StudyError.sums("only a test within hospitals has sums of its own") }
        var rows = [Double](repeating: 0, count: survival.groups.count)
        for group in groups { rows[Int(group)] += 1 }
        let sums = try LogRankSums(
            data, group: groups, groupCount: survival.groups.count, rho: survival.options.rho)
        return rows + sums.vector
    }
}
