import Survival

extension StudyFile {
    /// Reads `penalty`, `limits` and `evaluations` of a Cox model.
    static func readEstimation(
        of body: YAMLMapping, into options: inout CoxOptions
    ) throws(DocumentError) {
        options.penalty = try penalty(in: body)
        options.limits = try body.choice("limits", among: CoxResult.Limits.self)
        guard body.has("evaluations") else { return }
        let evaluations = try body.int("evaluations")
        guard (10...100_000).contains(evaluations) else {
            throw body.error(
                at: "evaluations", "the most evaluations that an analysis may take must be 10 or more")
        }
        options.evaluations = evaluations
    }

    /// `firth`, or `{ridge: 1, scale: true, terms: [age]}`.
    private static func penalty(in body: YAMLMapping) throws(DocumentError) -> CoxPenalty? {
        guard body.isMapping("penalty") else {
            guard let word = try body.optionalString("penalty") else { return nil }
            guard word == "firth" else {
                throw body.error(
                    at: "penalty", "\"\(word)\" is not a penalty; write firth, or {ridge: 1} for theta 1")
            }
            return .firth
        }
        let mapping = try body.mapping("penalty")
        let theta = try mapping.number("ridge")
        guard theta > 0, theta <= 1e9 else {
            throw mapping.error(at: "ridge", "a ridge's theta must be above 0, at most 1e9")
        }
        let isScaled = try mapping.has("scale") ? mapping.bool("scale") : true
        let terms = try mapping.has("terms") ? mapping.strings("terms") : nil
        if let terms, terms.isEmpty {
            throw mapping.error(at: "terms", "terms: of a ridge lists no term; leave it out to penalise all")
        }
        try mapping.finish()
        return .ridge(theta: theta, isScaled: isScaled, terms: terms)
    }
}
