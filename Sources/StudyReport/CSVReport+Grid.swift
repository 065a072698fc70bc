import Survival

/// What results on a public grid of times have besides: where intervals begin, and bounds of what is read off between.
extension CSVReport {
    mutating func add(_ bounds: Bounds?, of name: String, at place: Place) {
        guard let bounds else { return }
        add(place, name + "_lowest", .number(bounds.lowest))
        add(place, name + "_highest", .number(bounds.highest))
    }

    mutating func addSpan(_ from: Double, _ to: Double, at place: Place) {
        add(place, "at_from", .number(Reported(from)))
        add(place, "at_to", .number(Reported(to)))
    }

    mutating func add(_ grid: SurvivalResult.Point.Grid, at place: Place) {
        addSpan(grid.from, grid.to, at: place)
        add(grid.atRisk, of: "at_n_risk", at: place)
        add(grid.survival, of: "at_survival", at: place)
        add(grid.hazard, of: "at_cumulative_hazard", at: place)
    }

    mutating func add(_ grid: SurvivalResult.Curve.Grid, _ index: Int, at place: Place) {
        add(place, "interval_start", .number(Reported(grid.start[index])))
        add(grid.survival[index], of: "survival", at: place)
        add(grid.hazard[index], of: "cumulative_hazard", at: place)
    }
}
