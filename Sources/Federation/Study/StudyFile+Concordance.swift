import Survival

extension StudyFile {
    /// Reads `concordance: true` or `concordance: {weight: n/G2, ymin: 30, ymax: 365}` of a model; nil if none is asked for.
    static func concordance(in body: YAMLMapping) throws(DocumentError) -> ConcordanceOptions? {
        guard body.has("concordance") else { return nil }
        guard body.isMapping("concordance") else {
            return try body.bool("concordance") ? ConcordanceOptions() : nil
        }
        let keys = try body.mapping("concordance")
        let options = try pairs(in: keys)
        try keys.finish()
        return options
    }

    /// Reads an analysis `concordance: {id: c, of: age, weight: n/G2}`.
    static func concordance(_ body: YAMLMapping) throws(DocumentError) -> Analysis {
        let kind = Kind.concordance(
            of: try body.string("of"), strata: try body.has("strata") ? body.strings("strata") : [],
            weights: try body.optionalString("weights"),
            isRobust: try body.has("robust") ? body.bool("robust") : false, options: try pairs(in: body))
        if body.has("times") {
            throw body.error(
                at: "times",
                "no time of a concordance leaves a hospital, and exact times are used; drop times:")
        }
        return try analysis(body, id: body.identifier("id"), axis: .never, kind: kind)
    }

    /// Reads `weight`, `ymin` and `ymax`.
    private static func pairs(in keys: YAMLMapping) throws(DocumentError) -> ConcordanceOptions {
        let options = ConcordanceOptions(
            weight: try keys.choice("weight", among: ConcordanceWeight.self) ?? .pairs,
            timeMin: try keys.has("ymin") ? keys.number("ymin") : nil,
            timeMax: try keys.has("ymax") ? keys.number("ymax") : nil)
        if let least = options.timeMin, let most = options.timeMax, least > most {
            throw keys.error(at: "ymin", "ymin: is after ymax:, so that no pair counts")
        }
        return options
    }
}
