import Survival

extension CSVReport {
    mutating func add(_ incidence: IncidenceResult) {
        let place = Place(analysis: incidence.id, kind: "incidence")
        addWarnings(incidence.warnings, at: place)
        add(incidence.counts, at: place)
        add(place, "times", .text(incidence.times.rawValue))
        add(place, "by", .text(incidence.by ?? ""))
        add(place, "limits", .text(incidence.limits.rawValue))
        add(place, "level", .number(Reported(incidence.level)))
        if let weights = incidence.weights { add(place, "weights", .text(weights)) }
        if let width = incidence.gridWidth { add(place, "grid_width", .number(Reported(width))) }
        if let rho = incidence.rho { add(place, "rho", .number(Reported(rho))) }
        for name in incidence.strata ?? [] { add(place, "strata", .text(name)) }
        for (cause, test) in zip(incidence.causes, incidence.tests ?? []) {
            add(test, as: "gray", at: with(place, term: cause))
        }
        for group in incidence.groups { add(group, causes: incidence.causes, at: place) }
    }

    /// The cause stands in `term`.
    private mutating func add(_ group: IncidenceResult.Group, causes: [String], at place: Place) {
        var place = place
        place.group = group.name
        add(place, "group_n", .integer(group.rows))
        for (cause, events) in zip(causes, group.events) {
            add(with(place, term: cause), "group_events", .integer(events))
        }
        for (index, time) in group.curve.time.enumerated() {
            place.time = time
            addPoint(index, of: group.curve, causes: causes, at: place)
        }
        for point in group.at {
            place.time = point.time
            add(place, "at_n_risk", .number(point.atRisk))
            if let grid = point.grid {
                addSpan(grid.from, grid.to, at: place)
                add(grid.atRisk, of: "at_n_risk", at: place)
            }
            add(point.eventFree, 0, as: "at_event_free", at: place)
            for (cause, estimates) in zip(causes, point.incidence) {
                add(estimates, 0, as: "at_incidence", at: with(place, term: cause))
            }
        }
    }

    private mutating func addPoint(
        _ index: Int, of curve: IncidenceResult.Curve, causes: [String], at place: Place
    ) {
        add(place, "n_risk", .number(Reported(curve.atRisk[index])))
        add(place, "n_censor", .number(Reported(curve.censored[index])))
        if let start = curve.gridStart?[index] { add(place, "interval_start", .number(Reported(start))) }
        add(curve.eventFree, index, as: "event_free", at: place)
        for (cause, columns) in zip(causes, zip(curve.incidence, curve.events)) {
            let ofCause = with(place, term: cause)
            add(ofCause, "n_event", .number(Reported(columns.1[index])))
            add(columns.0, index, as: "incidence", at: ofCause)
        }
    }

    private mutating func add(
        _ estimates: IncidenceResult.Estimates, _ index: Int, as name: String, at place: Place
    ) {
        add(place, name, .number(estimates.estimate[index]))
        add(place, name + "_se", .number(estimates.se[index]))
        add(place, name + "_lower", .number(estimates.lower[index]))
        add(place, name + "_upper", .number(estimates.upper[index]))
        add(estimates.bounds?[index], of: name, at: place)
    }

    private func with(_ place: Place, term: String) -> Place {
        var place = place
        place.term = term
        return place
    }
}
