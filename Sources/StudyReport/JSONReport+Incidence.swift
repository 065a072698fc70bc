import Survival

extension JSONReport {
    func incidence(_ incidence: IncidenceResult) -> [String: JSONValue] {
        var object = counts(incidence.counts).merging([
            "kind": .string("incidence"),
            "times": .string(incidence.times.rawValue),
            "by": incidence.by.map(JSONValue.string) ?? .null,
            "causes": .strings(incidence.causes),
            "limits": .string(incidence.limits.rawValue),
            "level": .number(incidence.level),
            "groups": .array(incidence.groups.map { group($0, causes: incidence.causes) }),
            "warnings": .strings(incidence.warnings),
        ]) { _, new in new }
        object["grid_width"] = incidence.gridWidth.map { .number($0) }
        object["weights"] = incidence.weights.map { .string($0) }
        object["test"] = incidence.tests.map { .object(test($0, incidence)) }
        return object
    }

    private func test(_ tests: [TestResult], _ incidence: IncidenceResult) -> [String: JSONValue] {
        var object = columns(of: tests).merging([
            "name": .string("gray"), "causes": .strings(incidence.causes),
        ]) { own, _ in own }
        object["rho"] = incidence.rho.map(JSONValue.number)
        object["strata"] = incidence.strata.map(JSONValue.strings)
        return object
    }

    private func group(_ group: IncidenceResult.Group, causes: [String]) -> JSONValue {
        let curve = group.curve
        let byCause = zip(causes, zip(curve.incidence, curve.events)).map { cause, columns in
            (cause, JSONValue.object(estimates(columns.0, events: columns.1)))
        }
        var object: [String: JSONValue] = [
            "name": .string(group.name),
            "n": .integer(group.rows),
            "events": .object(named(zip(causes, group.events.map(JSONValue.integer)))),
            "times": .numbers(curve.time),
            "n_risk": .numbers(curve.atRisk),
            "n_censor": .numbers(curve.censored),
            "event_free": .object(estimates(curve.eventFree, events: nil)),
            "causes": .object(named(byCause)),
            "at": .array(group.at.map { point($0, causes: causes) }),
        ]
        object["starts"] = curve.gridStart.map { .numbers($0) }
        return .object(object)
    }

    private func estimates(
        _ estimates: IncidenceResult.Estimates, events: [Double]?
    ) -> [String: JSONValue] {
        var object: [String: JSONValue] = [
            "estimate": .reported(estimates.estimate), "se": .reported(estimates.se),
            "lower": .reported(estimates.lower), "upper": .reported(estimates.upper),
        ]
        object["n_event"] = events.map(JSONValue.numbers)
        if let bounds = estimates.bounds {
            object["lowest"] = .reported(bounds.map(\.lowest))
            object["highest"] = .reported(bounds.map(\.highest))
        }
        return object
    }

    private func point(_ point: IncidenceResult.Point, causes: [String]) -> JSONValue {
        var object: [String: JSONValue] = [
            "time": .number(point.time), "n_risk": .reported(point.atRisk),
            "event_free": single(point.eventFree),
            "causes": .object(named(zip(causes, point.incidence.map(single)))),
        ]
        if let grid = point.grid {
            (object["from"], object["to"]) = (.number(grid.from), .number(grid.to))
            add(grid.atRisk, of: "n_risk", to: &object)
        }
        return .object(object)
    }

    private func single(_ estimates: IncidenceResult.Estimates) -> JSONValue {
        with(
            bounds: estimates.bounds?.first,
            [
                "estimate": .reported(estimates.estimate[0]), "se": .reported(estimates.se[0]),
                "lower": .reported(estimates.lower[0]), "upper": .reported(estimates.upper[0]),
            ])
    }

    /// Names of causes are unique: they were keys of a YAML mapping.
    private func named(_ members: some Sequence<(String, JSONValue)>) -> [String: JSONValue] {
        Dictionary(members) { first, _ in first }
    }
}
