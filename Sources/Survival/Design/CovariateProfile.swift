/// A row of covariates that a study names, for which a model's curve is wanted: values of the dictionary's variables, or of
/// definitions in place of what they are made of.
package struct CovariateProfile: Sendable, Hashable {
    /// The names with their values as written, in the order of the study file.
    package let label: String
    /// The model's columns, not standardised.
    package let columns: [Double]
    package let offset: Double
    /// The stratum; nil if the profile has no value for the variables of the strata, or there are none.
    package let stratum: Int?

    /// Evaluates the model's terms on the values.
    ///
    /// Throws for a name that is unknown or that the model does not use, for a value that is none of the variable's, and for a
    /// variable of the model without a value.
    package init(
        values: [(name: String, text: String)], terms: [String], scope: VariableScope
    ) throws(ProfileError) {
        label = values.map { "\($0.name)=\($0.text)" }.joined(separator: ", ")
        do {
            let row = try ProfileRow(values, scope: scope)
            try row.requireUse(inTerms: terms)
            let strata = terms.filter { ModelTerm.isSpecial("strata", $0) }
            let plain = terms.filter { term in
                !["strata", "cluster"].contains { ModelTerm.isSpecial($0, term) }
            }
            guard let data = try row.data(terms: plain) else {
                throw ProfileError(values, "it has no value for \(try row.missing(terms: plain))")
            }
            columns = data.columns.map { $0[0] }
            offset = data.offset?[0] ?? 0
            let whole = strata.isEmpty ? nil : try row.data(terms: plain + strata)
            stratum = whole?.stratum.map { Int($0[0]) }
        } catch let error as ProfileError {
            throw error
        } catch {
            throw ProfileError(values, "\(error)")
        }
    }
}

/// Why a curve cannot be predicted for a profile.
package struct ProfileError: Error, Hashable, Sendable, CustomStringConvertible {
    package let description: String

    init(_ values: [(name: String, text: String)], _ reason: String) {
        let profile = values.map { "\($0.name): \($0.text)" }.joined(separator: ", ")
        description = "predict: {\(profile)}: \(reason)"
    }
}

extension ModelTerm {
    /// Whether a term's text is `name(...)`.
    fileprivate static func isSpecial(_ name: String, _ text: String) -> Bool {
        text.trimmingBlanks.hasPrefix("\(name)(")
    }
}

/// A table of one row, in a scope in which the definitions that have a value are variables.
private struct ProfileRow {
    private let values: [(name: String, text: String)]
    private let scope: VariableScope
    private let table: PatientTable
    /// A variable that is true, for want of an event: a row of covariates has none.
    private let event: String

    init(_ values: [(name: String, text: String)], scope: VariableScope) throws {
        var dictionary = scope.dictionary
        for (name, _) in values {
            guard let definition = scope.definitions.first(where: { $0.name == name }) else { continue }
            dictionary.variables.append(
                .init(name: name, kind: try Self.kind(of: definition.expression, in: scope)))
        }
        let names = Set(values.map(\.name))
        var event = "profile"
        while dictionary[event] != nil || scope.definitions.contains(where: { $0.name == event }) {
            event += "_"
        }
        dictionary.variables.append(.init(name: event, kind: .boolean))
        self.event = event
        self.values = values
        self.scope = try VariableScope(
            dictionary: dictionary,
            definitions: scope.definitions.filter { !names.contains($0.name) }.map {
                ($0.name, $0.expression.text)
            })
        let texts = Dictionary(values.map { ($0.name, $0.text) }) { first, _ in first }
        var columns: [String: Column] = [:]
        for variable in dictionary.variables {
            if case .identifier = variable.kind { continue }
            columns[variable.name] = try Self.column(variable, texts[variable.name], values)
        }
        columns[event] = .boolean([1])
        table = PatientTable(rowCount: 1, person: [0], columns: columns)
    }

    private static func kind(
        of expression: Expression, in scope: VariableScope
    ) throws -> DataDictionary.Variable.Kind {
        switch try scope.type(of: expression) {
        case .boolean: return .boolean
        case .category(let levels, let reference): return .category(levels: levels, reference: reference)
        case .number:
            let bounds = try scope.bounds(of: expression)
            return .number(lower: bounds.lowerBound, upper: bounds.upperBound, resolution: nil)
        }
    }

    /// The column of one value; missing without one.
    private static func column(
        _ variable: DataDictionary.Variable, _ text: String?, _ values: [(name: String, text: String)]
    ) throws -> Column {
        switch variable.kind {
        case .identifier: return .number([.nan])
        case .number(let lower, let upper, _):
            guard let text else { return .number([.nan]) }
            guard let value = Double(text), value >= lower, value <= upper else {
                throw ProfileError(
                    values,
                    "\(variable.name) is not a number from \(lower) to \(upper), the dictionary's range")
            }
            return .number([value])
        case .boolean:
            guard let text else { return .boolean([.nan]) }
            guard ["yes", "no", "true", "false", "1", "0"].contains(text.lowercased()) else {
                throw ProfileError(values, "\(variable.name) is either yes or no")
            }
            return .boolean([["yes", "true", "1"].contains(text.lowercased()) ? 1 : 0])
        case .category(let levels, _):
            guard let text else { return .category([-1]) }
            guard let level = levels.firstIndex(of: text) else {
                throw ProfileError(
                    values, "\(variable.name) is none of its levels \(levels.joined(separator: ", "))")
            }
            return .category([Int32(level)])
        }
    }

    /// Refuses names that the dictionary and the study do not have, and those that change nothing.
    func requireUse(inTerms terms: [String]) throws {
        let model = try ModelSpecification(terms: terms, scope: scope)
        let used = Set(model.expressions.flatMap { scope.variables(of: $0) })
        for (name, _) in values where !used.contains(name) {
            guard scope.dictionary[name] != nil else {
                let near = Spelling.nearest(to: name, among: scope.dictionary.variables.map(\.name))
                throw ProfileError(
                    values, "there is no \"\(name)\"" + (near.map { "; is \"\($0)\" meant?" } ?? ""))
            }
            throw ProfileError(values, "\(name) is not in the model, or given twice over by a definition")
        }
    }

    /// The row as a model has it; nil if something is missing.
    func data(terms: [String]) throws -> SurvivalData? {
        let model = try ModelSpecification(terms: terms, scope: scope)
        let cases = try cases(model)
        return cases.rows.isEmpty ? nil : try cases.survivalData(model: model, weights: nil)
    }

    /// The names of the variables without which the model has no value.
    func missing(terms: [String]) throws -> String {
        let cases = try cases(ModelSpecification(terms: terms, scope: scope))
        return cases.droppedByVariable.filter { $0.value > 0 }.map(\.key).sorted().joined(separator: ", ")
    }

    private func cases(_ model: ModelSpecification) throws -> CompleteCases {
        let endpoint = EndpointSpecification(
            time: try Expression(parsing: "1"), event: try Expression(parsing: event))
        return try CompleteCases(
            table: table, scope: scope, cohort: [], endpoint: endpoint, needed: model.expressions)
    }
}
