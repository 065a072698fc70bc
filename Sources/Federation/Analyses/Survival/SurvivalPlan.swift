package import Survival

/// Survival curves and a log-rank test, compiled.
package struct SurvivalPlan: PlannedAnalysis {
    package static let name = "survival"

    package var by: Expression?
    /// The groups' names; one empty name without groups.
    package var groups: [String]
    package var at: [Double]
    package var limits: ConfidenceLimits
    package var logRank: Bool
    package var options: SurvivalRequest.Options
    /// Whether the test compares groups within hospitals, each of which then forms its own sums of it at its exact times.
    package var isWithinSites: Bool
    /// Categories and conditions whose levels make the strata of the test, and those levels.
    package var strata: [AnalysisPlan.Stratum]
    package var weights: Expression?
    /// Whose rows belong together in robust standard errors; nil without them.
    package var cluster: String?

    /// Strata in which exits are counted apart.
    package var stratumCount: Int { isWithinSites ? 1 : strata.combinations }
    /// Whether exits are counted at times: for curves, and for a test over all hospitals.
    package var usesExits: Bool { options.hasCurves || !isWithinSites }
    package var stratumNames: [String] {
        (isWithinSites ? [AnalysisCompiler.siteStratum] : []) + strata.map(\.expression.text)
    }

    package var formulas: [(key: String, expression: Expression)] {
        .named("by", [by]) + .named("strata", strata.map(\.expression)) + .named("weights", [weights])
    }
    package var needed: [Expression] { [by, weights].compactMap(\.self) + strata.map(\.expression) }
    package var described: [Expression] { [] }
    package var compared: [Expression] { [by].compactMap(\.self) + strata.map(\.expression) }
    package func levels(causes: [AnalysisPlan.Cause]) -> [ModelSpecification.Level] {
        AnalysisPlan.levels(by, groups, strata)
    }
    package var design: ModelSpecification? { nil }
    package var groupCount: Int { groups.count }
    package var groupNames: [String] { groups }
    package var exitGroupCount: Int { groupCount * stratumCount }
    package var exitWeights: ExitWeights { .all }
    package var usesTimes: Bool { usesExits }
    package var comparesRows: Bool { isWithinSites }
    package var parameterCount: Int { isWithinSites ? groupCount - 1 : 0 }
    package var pointTimes: [Double] { at }
    package var areaTimes: [Double] { options.restrictedMeans }
    package var pairs: ConcordanceOptions? { nil }
    package var countsRows: Bool { true }

    package func questions(in plan: AnalysisPlan) -> [any Question.Type] {
        (usesExits ? [ExitsQuestion.self] : []) + (isWithinSites ? [LogRankQuestion.self] : [])
            + (options.isRobust ? [InfluenceQuestion.self] : [])
    }

    package func prepare(
        _ plan: AnalysisPlan, _ cases: CompleteCases, causes: [Int]?, in table: PatientTable
    ) throws -> PreparedRows {
        var rows = try PreparedRows(curvesBy: by, groups, strata, weights: weights, cases)
        guard isWithinSites, let index = rows.groups else { return rows }
        let count = Int32(groups.count)
        rows.groups = index.map { $0 % count }
        rows.data = try SurvivalData(
            entry: cases.entry, exit: cases.exit, event: cases.event, weight: nil, offset: nil,
            stratum: index.map { $0 / count }, columns: [], mergesNearTies: false)
        return rows
    }

    package func line(in plan: AnalysisPlan) -> String {
        (options.hasCurves ? "survival" : "test of survival") + (by.map { " by \($0.text)" } ?? "")
            + (logRank ? ", log-rank" : "") + (isWithinSites ? " within hospitals" : "")
            + (usesExits ? ", times: \(plan.times.rawValue)" : "")
    }

    package func summary(in plan: AnalysisPlan) -> String {
        guard options.hasCurves else {
            let compared = plan.ownEvent.map { " of \(StudyWords.inline($0))" } ?? ""
            let times = usesExits ? plan.timesInWords : "at each hospital's own exact times"
            return "log-rank test\(compared)\(withinInWords)\(StudyWords.by(by)), \(times)"
        }
        let test = logRank ? ", log-rank test\(withinInWords)" : ""
        let robust = cluster.map { ", robust standard errors by \(StudyWords.inline($0))" } ?? ""
        let event = plan.ownEvent.map { " to \(StudyWords.inline($0))" } ?? ""
        return
            "survival curve\(event)\(StudyWords.by(by))\(StudyWords.weighted(by: weights))\(robust)\(test), \(plan.timesInWords)"
    }

    /// Within what the test compares its groups.
    private var withinInWords: String {
        let names = StudyWords.list(strata.map(\.expression.text))
        let parts = (isWithinSites ? ["hospitals"] : []) + (names.isEmpty ? [] : [names])
        return parts.isEmpty ? "" : " within \(parts.joined(separator: " and "))"
    }

    package func choices(in plan: AnalysisPlan) -> [String] {
        var lines = options.hasCurves ? ["limits: \(limits.rawValue)"] : []
        if options.estimate != .kaplanMeier { lines.append("estimate: \(options.estimate.rawValue)") }
        if let weights { lines.append("case weights: \(StudyWords.inline(weights.text))") }
        if let cluster { lines.append("rows that belong together: by \(StudyWords.inline(cluster))") }
        if !at.isEmpty { lines.append("survival at \(StudyWords.list(at))") }
        if !options.quantiles.isEmpty {
            lines.append("times by which shares \(StudyWords.list(options.quantiles)) had the event")
        }
        if !options.restrictedMeans.isEmpty {
            lines.append("restricted means to \(StudyWords.list(options.restrictedMeans))")
        }
        if options.hasFollowUp { lines.append("median follow-up") }
        if logRank, options.rho != 0 { lines.append("test weighted with S(t)^\(options.rho)") }
        if logRank, options.hasTrend { lines.append("test against a trend over the groups") }
        return lines + (options.hasCurves ? ["confidence level \(plan.level)"] : [])
    }
}
