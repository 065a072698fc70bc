package import Survival

/// `concordance:`, of a marker, a higher value of which is expected to go with an earlier event.
package struct ConcordanceRequest: AnalysisRequest {
    package static let key = "concordance"

    package var marker: String
    package var strata: [String]
    package var weights: String?
    package var isRobust: Bool
    package var options: ConcordanceOptions

    package var isOfAnyCause: Bool { false }
    package var countsCauses: Bool { false }
    package var formulas: [(text: String, role: NameUses.Role)] {
        [(marker, .open)] + [weights].compactMap(\.self).map { ($0, .number) }
    }
    package var groupings: [String] { strata }

    package static func read(_ body: YAMLMapping) throws(DocumentError) -> [StudyFile.Analysis] {
        let request = Self(
            marker: try body.string("of"), strata: try body.has("strata") ? body.strings("strata") : [],
            weights: try body.optionalString("weights"),
            isRobust: try body.has("robust") ? body.bool("robust") : false, options: try pairs(in: body))
        if body.has("times") {
            throw body.error(
                at: "times",
                "no time of a concordance leaves a hospital, and exact times are used; drop times:")
        }
        return [
            try StudyFile.analysis(
                body, id: body.identifier("id"), axis: .never, events: .eventOrCause, kind: request)
        ]
    }

    /// Reads `weight`, `ymin` and `ymax`.
    static func pairs(in keys: YAMLMapping) throws(DocumentError) -> ConcordanceOptions {
        let options = ConcordanceOptions(
            weight: try keys.choice("weight", among: ConcordanceWeight.self) ?? .pairs,
            timeMin: try keys.has("ymin") ? keys.number("ymin") : nil,
            timeMax: try keys.has("ymax") ? keys.number("ymax") : nil)
        if let least = options.timeMin, let most = options.timeMax, least > most {
            throw keys.error(at: "ymin", "ymin: is after ymax:, so that no pair counts")
        }
        return options
    }

    package func snapped(to grid: SnappingGrid) throws(SnappingGrid.TooSmall) -> Self {
        var snapped = self
        snapped.options = try grid.snapped(options) ?? options
        return snapped
    }

    package func plan(
        _ analysis: StudyFile.Analysis, with compiler: AnalysisCompiler
    ) throws -> any PlannedAnalysis {
        let expression = try Expression(parsing: marker)
        if case .category = try compiler.scope.type(of: expression) {
            throw compiler.fault(
                "a concordance is of a number or a condition, and \"\(marker)\" is a category; define a number of its levels"
            )
        }
        try compiler.requireCensoringCurve(for: options)
        try compiler.refuseHospitals(
            among: strata, "pairs are formed within hospitals in any case; leave site out of the strata")
        // In parentheses: a `*` in the marker multiplies.
        return ConcordancePlan(
            marker: expression,
            model: try ModelSpecification(
                terms: ["(\(marker))"] + strata.map { "strata(\($0))" }, scope: compiler.scope),
            options: options, weights: try compiler.caseWeights(weights),
            cluster: isRobust ? compiler.scope.dictionary.person : nil)
    }
}

extension AnalysisCompiler {
    func requireCensoringCurve(for concordance: ConcordanceOptions?) throws {
        guard concordance?.weight.usesCensoring == true, study.endpoint.start != nil else { return }
        throw fault("with delayed entry (start) a concordance has no weight S/G or n/G2; use n, S or I")
    }
}
