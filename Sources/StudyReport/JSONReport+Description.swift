import Survival

extension JSONReport {
    func description(_ table: DescriptionResult) -> [String: JSONValue] {
        counts(table.counts).merging([
            "kind": .string("describe"),
            "by": table.by.map(JSONValue.string) ?? .null,
            "groups": .strings(table.groups),
            "smallest_cell": .integer(table.smallestCell),
            "column_people": .array(table.people.map(JSONValue.integer)),
            "variables": .array(table.variables.map { .object(variable($0)) }),
            "warnings": .strings(table.warnings),
        ]) { _, new in new }
    }

    private func variable(_ variable: DescriptionResult.Variable) -> [String: JSONValue] {
        var object: [String: JSONValue] = [
            "name": .string(variable.name),
            "label": variable.label.map(JSONValue.string) ?? .null,
            "unit": variable.unit.map(JSONValue.string) ?? .null,
            "known": .array(variable.known.map(JSONValue.integer)),
            "missing": .array(variable.missing.map(JSONValue.integer)),
            "tests": .array(variable.comparisons.map(comparison)),
        ]
        object["smd"] = variable.difference.map(JSONValue.reported)
        switch variable.summary {
        case .number(let number):
            object["mean"] = .reported(number.mean)
            object["sd"] = .reported(number.sd)
            if let quartiles = number.quartiles {
                object["q1"] = .reported(quartiles.lower)
                object["median"] = .reported(quartiles.median)
                object["q3"] = .reported(quartiles.upper)
                object["bins"] = quartiles.bins.map(JSONValue.numbers)
            }
        case .levels(let levels):
            object["levels"] = .array(
                levels.map {
                    .object([
                        "name": .string($0.name), "label": $0.label.map(JSONValue.string) ?? .null,
                        "n": .reported($0.counts), "share": .reported($0.shares),
                    ])
                })
        }
        return object
    }

    private func comparison(_ comparison: DescriptionResult.Comparison) -> JSONValue {
        .object([
            "name": .string(comparison.test.rawValue), "statistic": .reported(comparison.statistic),
            "df": .reported(comparison.degreesOfFreedom), "p": .reported(comparison.p),
            "log_p": .reported(comparison.logP),
        ])
    }
}
