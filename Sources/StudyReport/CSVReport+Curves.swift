import Survival

extension CSVReport {
    /// A model's own event, and its curves: the stratum stands in `group`, the profile of covariates in `term`.
    mutating func addCurves(of cox: CoxResult, at place: Place) {
        if let event = cox.event { add(place, "event", .text(event)) }
        if let width = cox.gridWidth { add(place, "grid_width", .number(Reported(width))) }
        if cox.hazard != .causeSpecific { add(place, "hazard", .text(cox.hazard.rawValue)) }
        var place = place
        for curve in cox.baselineHazard ?? [] {
            place.group = curve.stratum
            for (index, time) in curve.time.enumerated() {
                place.time = time
                add(place, "baseline_hazard", .number(curve.hazard[index]))
                add(place, "baseline_hazard_se", .number(curve.se[index]))
                if let start = curve.gridStart?[index] {
                    add(place, "interval_start", .number(Reported(start)))
                }
            }
        }
        place.time = nil
        place.group = ""
        if let limits = cox.curveLimits { add(place, "curve_limits", .text(limits.rawValue)) }
        for prediction in cox.predictions ?? [] {
            (place.group, place.term) = (prediction.stratum, prediction.profile)
            for (index, point) in prediction.curve.enumerated() {
                add(point, "predicted_", at: place)
                guard let start = prediction.gridStart?[index] else { continue }
                var atTime = place
                atTime.time = point.time
                add(atTime, "interval_start", .number(Reported(start)))
            }
            for point in prediction.at { add(point, "at_predicted_", at: place) }
        }
    }

    private mutating func add(_ point: CoxResult.CurvePoint, _ prefix: String, at place: Place) {
        var place = place
        place.time = point.time
        add(place, prefix + "survival", .number(point.survival))
        add(place, prefix + "lower", .number(point.lower))
        add(place, prefix + "upper", .number(point.upper))
        add(place, prefix + "cumulative_hazard", .number(point.hazard))
        add(place, prefix + "cumulative_hazard_se", .number(point.hazardSE))
        guard let grid = point.grid else { return }
        addSpan(grid.from, grid.to, at: place)
        add(grid.survival, of: prefix + "survival", at: place)
        add(grid.hazard, of: prefix + "cumulative_hazard", at: place)
    }
}
