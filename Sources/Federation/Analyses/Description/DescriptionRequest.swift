package import Survival

/// `describe:`, a table of the patients (a paper's Table 1).
package struct DescriptionRequest: AnalysisRequest {
    package static let key = "describe"

    package var variables: [String]
    package var by: String?
    package var bins: Bins

    /// How finely a table counts people by the value of a number, for quartiles and rank tests.
    package enum Bins: Hashable, Sendable {
        /// Each number that has a resolution, by value.
        case exact
        /// The numbers that are named, by value (nil) or in bins of a width; no others.
        case named([Named])

        package struct Named: Hashable, Sendable {
            package var variable: String
            package var width: Double?
        }
    }

    package var isOfAnyCause: Bool { false }
    package var countsCauses: Bool { false }
    package var formulas: [(text: String, role: NameUses.Role)] { variables.map { ($0, .open) } }
    package var groupings: [String] { [by].compactMap(\.self) }

    /// Reads `{id, variables, by, bins, cohort}`.
    package static func read(_ body: YAMLMapping) throws(DocumentError) -> [StudyFile.Analysis] {
        let id = try body.identifier("id")
        let variables = try body.strings("variables")
        guard !variables.isEmpty, Set(variables).count == variables.count else {
            throw body.error(at: "variables", "variables: names each variable of the table once")
        }
        let by = try body.optionalString("by")
        let bins = try bins(in: body, of: variables)
        let analysis = StudyFile.Analysis(
            id: id, cohort: try body.optionalString("cohort"), times: .exact, level: 0.95,
            kind: Self(variables: variables, by: by, bins: bins), line: body.line)
        try body.finish()
        return [analysis]
    }

    /// Reads `bins: exact` or `bins: {age: 10, tumour_cm: exact}`.
    private static func bins(
        in body: YAMLMapping, of variables: [String]
    ) throws(DocumentError) -> Bins {
        guard body.has("bins") else { return .named([]) }
        guard body.isMapping("bins") else {
            guard try body.string("bins") == "exact" else {
                throw body.error(at: "bins", "bins: is either exact, or widths such as {age: 10}")
            }
            return .exact
        }
        var named: [Bins.Named] = []
        for (name, text, _) in try body.pairs("bins") {
            guard variables.contains(name) else {
                throw body.error(at: "bins", "bins: \"\(name)\" is not among the table's variables")
            }
            if text == "exact" {
                named.append(.init(variable: name, width: nil))
            } else if let width = Double(text), width.isFinite, width > 0 {
                named.append(.init(variable: name, width: width))
            } else {
                throw body.error(
                    at: "bins", "the bins of \"\(name)\" need a width above 0, or exact, not \"\(text)\"")
            }
        }
        return .named(named)
    }

    package func snapped(to grid: SnappingGrid) throws(SnappingGrid.TooSmall) -> Self {
        self
    }

    package func plan(
        _ analysis: StudyFile.Analysis, with compiler: AnalysisCompiler
    ) throws -> any PlannedAnalysis {
        let groups = try by.map { try compiler.leveled($0, for: "groups") }
        return try DescriptionPlan(variables, by: groups, bins: bins, scope: compiler.scope)
    }
}
