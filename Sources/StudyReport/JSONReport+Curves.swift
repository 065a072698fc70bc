import Survival

extension JSONReport {
    /// The keys that a Cox model has only if the study asks for them: its own event, and curves.
    func curves(of cox: CoxResult) -> [String: JSONValue] {
        var object: [String: JSONValue] = [:]
        object["event"] = cox.event.map { .string($0) }
        if cox.hazard != .causeSpecific { object["hazard"] = .string(cox.hazard.rawValue) }
        object["baseline_hazard"] = cox.baselineHazard.map { .array($0.map(baseline)) }
        object["grid_width"] = cox.gridWidth.map { .number($0) }
        object["curve_limits"] = cox.curveLimits.map { .string($0.rawValue) }
        object["predictions"] = cox.predictions.map { .array($0.map(prediction)) }
        return object
    }

    private func baseline(_ curve: CoxResult.BaselineCurve) -> JSONValue {
        var object: [String: JSONValue] = [
            "stratum": .string(curve.stratum), "times": .numbers(curve.time),
            "cumulative_hazard": .reported(curve.hazard), "se": .reported(curve.se),
        ]
        object["starts"] = curve.gridStart.map { .numbers($0) }
        return .object(object)
    }

    private func prediction(_ prediction: CoxResult.Prediction) -> JSONValue {
        var columns = columns(prediction.curve).merging([
            "profile": .string(prediction.profile), "stratum": .string(prediction.stratum),
            "at": .object(columns(prediction.at)),
        ]) { own, _ in own }
        columns["starts"] = prediction.gridStart.map { .numbers($0) }
        return .object(columns)
    }

    private func columns(_ points: [CoxResult.CurvePoint]) -> [String: JSONValue] {
        var object: [String: JSONValue] = [
            "times": .numbers(points.map(\.time)), "survival": .reported(points.map(\.survival)),
            "lower": .reported(points.map(\.lower)), "upper": .reported(points.map(\.upper)),
            "cumulative_hazard": .reported(points.map(\.hazard)),
            "cumulative_hazard_se": .reported(points.map(\.hazardSE)),
        ]
        addGrid(of: points, to: &object)
        return object
    }
}
