import Survival

/// What results on a public grid of times have besides: where intervals begin, and bounds of what is read off between.
extension JSONReport {
    func with(bounds: Bounds?, _ members: [String: JSONValue]) -> JSONValue {
        var object = members
        if let bounds {
            object["lowest"] = .reported(bounds.lowest)
            object["highest"] = .reported(bounds.highest)
        }
        return .object(object)
    }

    func add(_ bounds: Bounds, of name: String, to object: inout [String: JSONValue]) {
        object[name + "_lowest"] = .reported(bounds.lowest)
        object[name + "_highest"] = .reported(bounds.highest)
    }

    func add(_ bounds: [Bounds], of name: String, to object: inout [String: JSONValue]) {
        object[name + "_lowest"] = .reported(bounds.map(\.lowest))
        object[name + "_highest"] = .reported(bounds.map(\.highest))
    }

    func addGrid(of group: SurvivalResult.Group, to object: inout [String: JSONValue]) {
        if let bounds = group.median.bounds { add(bounds, of: "median", to: &object) }
        guard let grid = group.curve.grid else { return }
        object["starts"] = .numbers(grid.start)
        add(grid.survival, of: "survival", to: &object)
        add(grid.hazard, of: "cumulative_hazard", to: &object)
    }

    /// The columns of predicted points that have them, NA where a point is not available.
    func addGrid(of points: [CoxResult.CurvePoint], to object: inout [String: JSONValue]) {
        guard points.contains(where: { $0.grid != nil }) else { return }
        object["from"] = .reported(points.map { Reported($0.grid?.from) })
        object["to"] = .reported(points.map { Reported($0.grid?.to) })
        add(points.map { $0.grid?.survival ?? .notAvailable }, of: "survival", to: &object)
        add(points.map { $0.grid?.hazard ?? .notAvailable }, of: "cumulative_hazard", to: &object)
    }
}
