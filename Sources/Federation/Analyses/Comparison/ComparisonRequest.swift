package import Survival

/// `compare:`, differences of survival at times, and differences and ratios of restricted means, between groups.
package struct ComparisonRequest: AnalysisRequest {
    package static let key = "compare"

    package var by: String
    /// The level that the others are compared with; the first one unless given.
    package var reference: String?
    /// Times at which survival is compared, and those to which restricted means are; ascending.
    package var at: [Double]
    package var restrictedMeans: [Double]

    package var isOfAnyCause: Bool { false }
    package var countsCauses: Bool { false }
    package var formulas: [(text: String, role: NameUses.Role)] { [] }
    package var groupings: [String] { [by] }

    package static func read(_ body: YAMLMapping) throws(DocumentError) -> [StudyFile.Analysis] {
        let request = Self(
            by: try body.string("by"), reference: try body.optionalString("reference"),
            at: try StudyFile.times(in: body), restrictedMeans: try StudyFile.restrictedMeans(in: body))
        guard !request.at.isEmpty || !request.restrictedMeans.isEmpty else {
            throw body.error(
                at: nil,
                "compare: says nothing to compare; add at: (times of survival) or rmst: (restricted means)")
        }
        return [
            try StudyFile.analysis(
                body, id: body.identifier("id"), axis: .always, events: .event, kind: request)
        ]
    }

    package func snapped(to grid: SnappingGrid) throws(SnappingGrid.TooSmall) -> Self {
        var snapped = self
        snapped.at = try grid.snapped(at, "at")
        snapped.restrictedMeans = try grid.snapped(restrictedMeans, "rmst")
        return snapped
    }

    package func plan(
        _ analysis: StudyFile.Analysis, with compiler: AnalysisCompiler
    ) throws -> any PlannedAnalysis {
        let groups = try compiler.leveled(by, for: "groups")
        if let reference, !groups.levels.contains(reference) {
            throw compiler.fault(
                "reference: \(quoted(reference)) is no level of \(quoted(by)), whose levels are \(groups.levels.joined(separator: ", "))"
            )
        }
        return ComparisonPlan(
            by: groups.expression, groups: groups.levels, reference: reference ?? groups.levels[0], at: at,
            restrictedMeans: restrictedMeans)
    }
}
