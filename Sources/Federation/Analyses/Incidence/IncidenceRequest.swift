package import Survival

/// `incidence:`, the cumulative incidence of competing causes, and Gray's test.
package struct IncidenceRequest: AnalysisRequest {
    package static let key = "incidence"

    package var by: String?
    package var at: [Double]
    package var limits: ConfidenceLimits
    package var weights: String?
    package var test: Test?

    /// Gray's tests between the groups, compared within the levels of the strata.
    package struct Test: Hashable, Sendable {
        package var strata: [String]
        /// The tests' weight (1 − F(t−))^rho.
        package var rho = 0.0
    }

    package var isOfAnyCause: Bool { true }
    package var countsCauses: Bool { true }
    package var formulas: [(text: String, role: NameUses.Role)] {
        [weights].compactMap(\.self).map { ($0, .number) }
    }
    package var groupings: [String] { [by].compactMap(\.self) + (test?.strata ?? []) }

    package static func read(_ body: YAMLMapping) throws(DocumentError) -> [StudyFile.Analysis] {
        let by = try body.optionalString("by")
        let test = try test(in: body)
        if test != nil, by == nil { throw body.error(at: "test", "Gray's test compares groups; add by:") }
        let request = Self(
            by: by, at: try StudyFile.times(in: body),
            limits: try body.choice("limits", among: ConfidenceLimits.self) ?? .log,
            weights: try body.optionalString("weights"), test: test)
        return [
            try StudyFile.analysis(
                body, id: body.identifier("id"), axis: .always, events: .none, kind: request)
        ]
    }

    /// Reads `test: gray` or `test: {rho: 1}`, and its `strata`.
    private static func test(in body: YAMLMapping) throws(DocumentError) -> Test? {
        let strata = try body.has("strata") ? body.strings("strata") : []
        if body.isMapping("test") {
            let test = try body.mapping("test")
            let gray = Test(strata: strata, rho: try StudyFile.rho(in: test, unweighted: "Gray's test"))
            try test.finish()
            return gray
        }
        guard let test = try body.optionalString("test") else {
            guard strata.isEmpty else {
                throw body.error(at: "strata", "strata: belongs to a test; add test: gray")
            }
            return nil
        }
        guard test == "gray" else {
            throw body.error(at: "test", "\"\(test)\" is not a test of incidences; use \"gray\"")
        }
        return Test(strata: strata)
    }

    package func snapped(to grid: SnappingGrid) throws(SnappingGrid.TooSmall) -> Self {
        var snapped = self
        snapped.at = try grid.snapped(at, "at")
        return snapped
    }

    package func plan(
        _ analysis: StudyFile.Analysis, with compiler: AnalysisCompiler
    ) throws -> any PlannedAnalysis {
        let groups = try by.map { try compiler.leveled($0, for: "groups") }
        try compiler.refuseHospitals(
            among: test?.strata ?? [],
            "the hospitals (strata: site) are strata of log-rank tests alone; leave them out of Gray's test")
        let weight = try compiler.caseWeights(weights)
        try compiler.requireExactTimes(analysis, weight)
        guard test == nil || weight == nil && compiler.study.endpoint.start == nil else {
            throw compiler.fault("Gray's test goes with neither weights: nor a start of the endpoint")
        }
        return IncidencePlan(
            by: groups?.expression, groups: groups?.levels ?? [""], at: at, limits: limits, weights: weight,
            test: test, strata: try compiler.strata(test?.strata ?? []))
    }
}
