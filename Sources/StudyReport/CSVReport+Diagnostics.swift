import Survival

extension CSVReport {
    mutating func add(_ diagnostics: CoxResult.Diagnostics, at place: Place) {
        for form in diagnostics.functionalForm {
            for bin in form.bins {
                var place = place
                (place.term, place.group) = (form.covariate, bin.label)
                add(place, "bin_lower", .number(Reported(bin.lower)))
                add(place, "bin_upper", .number(Reported(bin.upper)))
                add(place, "bin_n", .integer(bin.rows))
                add(place, "bin_people", .integer(bin.people))
                add(place, "bin_events", .integer(bin.events))
                add(place, "bin_expected", .number(bin.expected))
                add(place, "bin_residual", .number(bin.residual))
            }
        }
        guard let effects = diagnostics.effectOverTime else { return }
        for bin in effects.bins {
            var place = place
            place.group = bin.label
            add(place, "schoenfeld_lower", .number(Reported(bin.lower)))
            add(place, "schoenfeld_upper", .number(Reported(bin.upper)))
            add(place, "schoenfeld_events", .integer(bin.events))
            for (term, effect) in zip(effects.terms, bin.effects) {
                place.term = term
                add(place, "schoenfeld_effect", .number(effect))
            }
        }
    }
}
