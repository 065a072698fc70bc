import Survival

extension JSONReport {
    func concordance(_ concordance: ConcordanceResult) -> [String: JSONValue] {
        var object = counts(concordance.counts).merging(pairs(concordance.estimate)) { own, _ in own }
        object["kind"] = .string("concordance")
        object["of"] = .string(concordance.marker)
        (object["lower"], object["upper"]) = (.reported(concordance.lower), .reported(concordance.upper))
        object["level"] = .number(concordance.level)
        object["warnings"] = .strings(concordance.warnings)
        if !concordance.strata.isEmpty { object["strata"] = .strings(concordance.strata) }
        object["weights"] = concordance.weights.map { .string($0) }
        object["cluster"] = concordance.cluster.map { .string($0) }
        object["event"] = concordance.event.map { .string($0) }
        return object
    }

    /// An estimate and the pairs that it is of.
    func pairs(_ concordance: ConcordanceEstimate) -> [String: JSONValue] {
        var object: [String: JSONValue] = [
            "c": .reported(concordance.estimate), "se": .reported(concordance.se),
            "pairs": .string("within-site"), "weight": .string(concordance.options.weight.rawValue),
            "concordant": .number(concordance.concordant), "discordant": .number(concordance.discordant),
            "tied_x": .number(concordance.tiedMarker), "tied_y": .number(concordance.tiedTime),
            "tied_xy": .number(concordance.tiedBoth),
        ]
        object["ymin"] = concordance.options.timeMin.map(JSONValue.number)
        object["ymax"] = concordance.options.timeMax.map(JSONValue.number)
        return object
    }
}
