import Survival

extension CSVReport {
    mutating func add(_ concordance: ConcordanceResult) {
        let place = Place(analysis: concordance.id, kind: "concordance")
        addWarnings(concordance.warnings, at: place)
        add(concordance.counts, at: place)
        add(place, "of", .text(concordance.marker))
        for name in concordance.strata { add(place, "strata", .text(name)) }
        let options = [
            ("weights", concordance.weights), ("cluster", concordance.cluster), ("event", concordance.event),
        ]
        for case (let name, let text?) in options { add(place, name, .text(text)) }
        add(place, "level", .number(Reported(concordance.level)))
        add(concordance.estimate, at: place)
        add(place, "concordance_lower", .number(concordance.lower))
        add(place, "concordance_upper", .number(concordance.upper))
    }

    /// An estimate and the pairs that it is of.
    mutating func add(_ concordance: ConcordanceEstimate, at place: Place) {
        add(place, "concordance", .number(concordance.estimate))
        add(place, "concordance_se", .number(concordance.se))
        add(place, "concordance_pairs", .text("within-site"))
        add(place, "concordance_weight", .text(concordance.options.weight.rawValue))
        let numbers = [
            ("concordant", concordance.concordant), ("discordant", concordance.discordant),
            ("tied_x", concordance.tiedMarker), ("tied_y", concordance.tiedTime),
            ("tied_xy", concordance.tiedBoth),
        ]
        for (name, number) in numbers { add(place, "concordance_" + name, .number(Reported(number))) }
        if let least = concordance.options.timeMin {
            add(place, "concordance_ymin", .number(Reported(least)))
        }
        if let most = concordance.options.timeMax {
            add(place, "concordance_ymax", .number(Reported(most)))
        }
    }
}
