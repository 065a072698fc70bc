/// The names a study's formulas may use: a dictionary's variables and the study's own definitions, all
/// checked.
///
/// Definitions may use one another in any order, but not in a circle. A scope never sees data, so that every
/// site and the coordinator lay out the same columns.
package struct VariableScope: Sendable {
    package let dictionary: DataDictionary
    /// Names and expressions of the definitions, as given.
    package let definitions: [(name: String, expression: Expression)]
    private let variables: [String: DataDictionary.Variable]
    private let checked: [String: CheckedExpression]
    /// Definitions so that each stands behind those it uses.
    let evaluationOrder: [String]

    package init(dictionary: DataDictionary, definitions: [(name: String, text: String)]) throws(ScopeError) {
        do { try dictionary.validate() } catch { throw ScopeError(.dictionary(error)) }
        self.dictionary = dictionary
        variables = Dictionary(dictionary.variables.map { ($0.name, $0) }) { first, _ in first }
        self.definitions = try Self.parse(definitions, variables: variables)
        let expressions = Dictionary(self.definitions.map { ($0.name, $0.expression) }) { first, _ in first }
        evaluationOrder = try Self.order(expressions)
        var checked: [String: CheckedExpression] = [:]
        for name in evaluationOrder {
            guard let expression = expressions[name] else { continue }
            do throws(ScopeError) {
                checked[name] = try ExpressionChecker.check(
                    expression, variables: variables, definitions: checked)
            } catch {
                throw ScopeError(error.problem, definition: name, text: error.text, position: error.position)
            }
        }
        self.checked = checked
    }

    package func type(of expression: Expression) throws(ScopeError) -> ExpressionType {
        try check(expression).type
    }

    /// Limits of a number's values, from the dictionary's ranges by interval arithmetic; 0...1 for a yes/no
    /// expression.
    ///
    /// Ends may be infinite. A category has no bounds and is refused.
    package func bounds(of expression: Expression) throws(ScopeError) -> ClosedRange<Double> {
        switch try check(expression).meaning {
        case .value(_, _, let bounds): return bounds
        case .category(let category):
            let found = "the category \(quoted(category.variable))"
            throw ScopeError(
                .wrongType(found: found, expected: "a number"), text: expression.text, position: 1)
        }
    }

    /// The dictionary's variables behind an expression, through definitions, sorted; unknown names count for
    /// nothing.
    package func variables(of expression: Expression) -> [String] {
        var result: Set<String> = []
        for name in expression.syntax.names {
            if let definition = checked[name] {
                result.formUnion(definition.variables)
            } else if variables[name] != nil {
                result.insert(name)
            }
        }
        return result.sorted()
    }

    /// Refuses what is no yes/no expression, or uses variables that the dictionary keeps out of filters.
    package func requireFilter(_ expression: Expression) throws(ScopeError) {
        try require(.boolean, of: expression, as: "a yes/no expression")
        for name in variables(of: expression) where variables[name]?.isAllowedInFilters == false {
            throw ScopeError(.notAllowedInFilters(name), text: expression.text, position: 1)
        }
    }

    /// Refuses an expression over variables that the dictionary keeps out of models.
    package func requireTerm(_ expression: Expression) throws(ScopeError) {
        _ = try check(expression)
        for name in variables(of: expression) where variables[name]?.isAllowedInTerms == false {
            throw ScopeError(.notAllowedInTerms(name), text: expression.text, position: 1)
        }
    }

    /// The resolution of a number variable; nil for any other expression.
    package func resolution(of expression: Expression) -> Double? {
        // An expression that does not fit has no resolution either.
        guard case .value(.variable(let name), _, _)? = try? check(expression).meaning,
            case .number(_, _, let resolution)? = variables[name]?.kind
        else { return nil }
        return resolution
    }

    /// Refuses an expression of another type; `wanted` names the type in the error.
    func require(
        _ type: ExpressionType, of expression: Expression, as wanted: String
    ) throws(ScopeError) {
        let found = try check(expression).type
        guard found != type else { return }
        let name =
            switch found {
            case .number: "a number"
            case .boolean: "a yes/no expression"
            case .category: "a category"
            }
        throw ScopeError(.wrongType(found: name, expected: wanted), text: expression.text, position: 1)
    }

    func check(_ expression: Expression) throws(ScopeError) -> CheckedExpression {
        try ExpressionChecker.check(expression, variables: variables, definitions: checked)
    }

    func checkedDefinition(_ name: String) -> CheckedExpression? { checked[name] }
}

// MARK: - Definitions

extension VariableScope {
    /// The work of checking a chain of definitions grows as the square of their number.
    static let definitionCountMax = 1000

    private static func parse(
        _ definitions: [(name: String, text: String)], variables: [String: DataDictionary.Variable]
    ) throws(ScopeError) -> [(name: String, expression: Expression)] {
        guard definitions.count <= definitionCountMax else {
            throw ScopeError(.tooManyDefinitions(maximum: definitionCountMax))
        }
        var seen: Set<String> = []
        var result: [(name: String, expression: Expression)] = []
        for (name, text) in definitions {
            guard ExpressionLexer.isPlainName(name) else { throw ScopeError(.badDefinitionName(name)) }
            guard variables[name] == nil else { throw ScopeError(.definitionHidesVariable(name)) }
            guard seen.insert(name).inserted else { throw ScopeError(.duplicateDefinition(name)) }
            do throws(ExpressionError) {
                result.append((name, try Expression(parsing: text)))
            } catch {
                throw ScopeError(error, definition: name)
            }
        }
        return result
    }

    /// The definitions' names, each behind those that its text uses (Kahn 1962).
    private static func order(_ definitions: [String: Expression]) throws(ScopeError) -> [String] {
        var needs = definitions.mapValues { $0.syntax.names.filter { definitions[$0] != nil } }
        var users: [String: [String]] = [:]
        for (name, needed) in needs {
            for other in needed { users[other, default: []].append(name) }
        }
        var ready = needs.filter { $0.value.isEmpty }.keys.sorted()
        var order: [String] = []
        while let name = ready.popLast() {
            order.append(name)
            needs[name] = nil
            for user in (users[name] ?? []).sorted() {
                needs[user]?.remove(name)
                if needs[user]?.isEmpty == true { ready.append(user) }
            }
        }
        guard needs.isEmpty else { throw ScopeError(.circularDefinitions(circle(in: needs))) }
        return order
    }

    /// A circle among definitions each of which needs another one of them, beginning and ending with the same
    /// name.
    private static func circle(in needs: [String: Set<String>]) -> [String] {
        var path: [String] = []
        var next = needs.keys.min()
        while let name = next, !path.contains(name) {
            path.append(name)
            next = needs[name]?.min()
        }
        guard let name = next, let start = path.firstIndex(of: name) else { return path }
        return path[start...] + [name]
    }
}

extension Syntax {
    /// All names in the tree.
    var names: Set<String> {
        switch form {
        case .number, .text, .boolean: []
        case .name(let name): [name]
        case .call(_, let operand), .spline(let operand, _), .negative(let operand), .not(let operand),
            .membership(let operand, _, _):
            operand.names
        case .arithmetic(_, let left, let right), .comparison(_, let left, let right):
            left.names.union(right.names)
        case .all(let operands), .any(let operands):
            operands.reduce(into: []) { $0.formUnion($1.names) }
        }
    }
}
