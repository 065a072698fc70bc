package import Survival

/// `survival:`, survival curves of groups, numbers of them, and a log-rank test.
package struct SurvivalRequest: AnalysisRequest {
    package static let key = "survival"

    package var by: String?
    package var at: [Double]
    package var limits: ConfidenceLimits
    package var logRank: Bool
    package var options = Options()

    /// What a survival analysis may have besides curves, medians and a log-rank test.
    package struct Options: Hashable, Sendable {
        /// Whether curves are wanted, or the test alone.
        package var hasCurves = true
        /// Shares of which the time is asked, ascending.
        package var quantiles: [Double] = []
        /// Times to which the restricted mean is asked, ascending.
        package var restrictedMeans: [Double] = []
        /// The median of the time to censoring.
        package var hasFollowUp = false
        /// The test's weight S(t−)^rho.
        package var rho = 0.0
        package var hasTrend = false
        /// Categories and conditions within whose levels the test compares groups; `siteStratum` for hospitals.
        package var strata: [String] = []
        /// A formula: case weights.
        package var weights: String?
        package var estimate = CurveEstimate.kaplanMeier
        /// Standard errors by the infinitesimal jackknife over people.
        package var isRobust = false
    }

    package var isOfAnyCause: Bool { false }
    package var countsCauses: Bool { false }
    package var formulas: [(text: String, role: NameUses.Role)] {
        [options.weights].compactMap(\.self).map { ($0, .number) }
    }
    package var groupings: [String] { [by].compactMap(\.self) + options.strata }

    package static func read(_ body: YAMLMapping) throws(DocumentError) -> [StudyFile.Analysis] {
        let by = try body.optionalString("by")
        var options = Options()
        let logRank = try test(in: body, &options)
        if logRank, by == nil { throw body.error(at: "test", "a log-rank test compares groups; add by:") }
        let at = try StudyFile.times(in: body)
        try readNumbers(of: body, into: &options)
        try readVariance(of: body, into: &options)
        options.hasCurves = try body.has("curves") ? body.bool("curves") : true
        if !options.hasCurves { try requireTestAlone(in: body, logRank) }
        let limits = try body.choice("limits", among: ConfidenceLimits.self) ?? .log
        return [
            try StudyFile.analysis(
                body, id: body.identifier("id"), axis: .always, events: .event,
                kind: Self(by: by, at: at, limits: limits, logRank: logRank, options: options))
        ]
    }

    /// Refuses `curves: false` without a test, and beside it what is read off curves.
    private static func requireTestAlone(in body: YAMLMapping, _ logRank: Bool) throws(DocumentError) {
        guard logRank else {
            throw body.error(
                at: "curves", "without curves there is nothing left to report; add test: log-rank")
        }
        for key in [
            "at", "quantiles", "rmst", "follow-up", "limits", "level", "estimate", "weights", "robust",
        ]
        where body.has(key) {
            throw body.error(
                at: key, "\(key): is of curves, and curves: false asks for none; drop one of both")
        }
    }

    /// Reads `weights`, `estimate` and `robust`.
    private static func readVariance(
        of body: YAMLMapping, into options: inout Options
    ) throws(DocumentError) {
        options.weights = try body.optionalString("weights")
        options.estimate = try body.choice("estimate", among: CurveEstimate.self) ?? .kaplanMeier
        options.isRobust = try body.has("robust") ? body.bool("robust") : false
        guard options.estimate != .flemingHarrington || options.weights == nil && !options.isRobust else {
            throw body.error(
                at: "estimate",
                "fleming-harrington lets tied deaths follow each other, which weights: and robust: do not allow; use nelson-aalen"
            )
        }
    }

    /// Reads `test: log-rank` or `test: {rho: 1, trend: true}`, and its `strata`; whether there is a test.
    private static func test(
        in body: YAMLMapping, _ options: inout Options
    ) throws(DocumentError) -> Bool {
        options.strata = try body.has("strata") ? body.strings("strata") : []
        if body.isMapping("test") {
            let test = try body.mapping("test")
            options.rho = try StudyFile.rho(in: test, unweighted: "log-rank")
            options.hasTrend = try test.has("trend") ? test.bool("trend") : false
            try test.finish()
            return true
        }
        guard let test = try body.optionalString("test") else {
            guard options.strata.isEmpty else {
                throw body.error(at: "strata", "strata: belongs to a test; add test: log-rank")
            }
            return false
        }
        guard test == "log-rank" else {
            throw body.error(at: "test", "\"\(test)\" is not a test; use \"log-rank\"")
        }
        return true
    }

    /// Reads `quantiles`, `rmst` and `follow-up`.
    private static func readNumbers(
        of body: YAMLMapping, into options: inout Options
    ) throws(DocumentError) {
        options.quantiles = try body.has("quantiles") ? body.numbers("quantiles").sorted() : []
        for share in options.quantiles where !(share > 0 && share < 1) {
            throw body.error(at: "quantiles", "a share of whom the time is asked lies between 0 and 1")
        }
        options.restrictedMeans = try StudyFile.restrictedMeans(in: body)
        options.hasFollowUp = try body.has("follow-up") ? body.bool("follow-up") : false
    }

    package func snapped(to grid: SnappingGrid) throws(SnappingGrid.TooSmall) -> Self {
        var snapped = self
        snapped.at = try grid.snapped(at, "at")
        snapped.options.restrictedMeans = try grid.snapped(options.restrictedMeans, "rmst")
        return snapped
    }

    package func plan(
        _ analysis: StudyFile.Analysis, with compiler: AnalysisCompiler
    ) throws -> any PlannedAnalysis {
        let groups = try by.map { try compiler.leveled($0, for: "groups") }
        let others = options.strata.filter { !compiler.namesHospitals($0) }
        guard options.strata.count - others.count < 2 else {
            throw compiler.fault("the strata name \(AnalysisCompiler.siteStratum) twice")
        }
        let plan = SurvivalPlan(
            by: groups?.expression, groups: groups?.levels ?? [""], at: at, limits: limits, logRank: logRank,
            options: options, isWithinSites: others.count < options.strata.count,
            strata: try compiler.strata(others),
            weights: try compiler.caseWeights(options.weights),
            cluster: options.isRobust ? compiler.scope.dictionary.person : nil)
        try compiler.requireExactTimes(analysis, plan.weights)
        guard plan.weights == nil || !logRank else {
            throw compiler.fault("a log-rank test has no weights; make an analysis of its own for it")
        }
        guard plan.usesExits || !analysis.statesGrid else {
            throw compiler.fault(
                "a test within hospitals needs no grid: no time leaves a hospital, and exact times are used; drop times:"
            )
        }
        return plan
    }
}
