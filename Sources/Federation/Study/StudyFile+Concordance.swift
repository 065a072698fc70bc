import Survival

extension StudyFile {
    /// Reads `concordance: true` or `concordance: {weight: n/G2, ymin: 30, ymax: 365}`; nil if none is asked for.
    static func concordance(in body: YAMLMapping) throws(DocumentError) -> ConcordanceOptions? {
        guard body.has("concordance") else { return nil }
        guard body.isMapping("concordance") else {
            return try body.bool("concordance") ? ConcordanceOptions() : nil
        }
        let keys = try body.mapping("concordance")
        let options = ConcordanceOptions(
            weight: try keys.choice("weight", among: ConcordanceWeight.self) ?? .pairs,
            timeMin: try keys.has("ymin") ? keys.number("ymin") : nil,
            timeMax: try keys.has("ymax") ? keys.number("ymax") : nil)
        if let least = options.timeMin, let most = options.timeMax, least > most {
            throw keys.error(at: "ymin", "ymin: is after ymax:, so that no pair counts")
        }
        try keys.finish()
        return options
    }
}
