import Survival

extension JSONReport {
    func diagnostics(_ diagnostics: CoxResult.Diagnostics) -> JSONValue {
        let forms = diagnostics.functionalForm.map { ($0.covariate, functionalForm($0.bins)) }
        var object = ["functional_form": JSONValue.object(Dictionary(forms) { first, _ in first })]
        object["schoenfeld"] = diagnostics.effectOverTime.map(effects)
        return .object(object)
    }

    private func functionalForm(_ bins: [CoxResult.Diagnostics.Bin]) -> JSONValue {
        .object([
            "lower": .numbers(bins.map(\.lower)), "upper": .numbers(bins.map(\.upper)),
            "n": .array(bins.map { .integer($0.rows) }), "people": .array(bins.map { .integer($0.people) }),
            "events": .array(bins.map { .integer($0.events) }), "expected": .reported(bins.map(\.expected)),
            "residual": .reported(bins.map(\.residual)),
        ])
    }

    private func effects(_ effects: CoxResult.Diagnostics.EffectOverTime) -> JSONValue {
        .object([
            "times": .string(effects.times.rawValue), "terms": .strings(effects.terms),
            "lower": .numbers(effects.bins.map(\.lower)), "upper": .numbers(effects.bins.map(\.upper)),
            "events": .array(effects.bins.map { .integer($0.events) }),
            "effects": .array(effects.bins.map { .reported($0.effects) }),
        ])
    }
}
