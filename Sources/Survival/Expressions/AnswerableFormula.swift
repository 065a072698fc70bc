/// What a formula may say where its author holds the rows, and not where hospitals answer it.
///
/// A condition is no number: `age + 5 * (age == 35)` hides one person in a mean. A formula is total: whatever values the
/// dictionary allows, it has a finite one, so that no formula makes a person's value missing (`0 / (1 - x)`). Both follow from
/// the text and the dictionary alone, by interval arithmetic: the checker notes them as it walks over a formula, innermost first.
extension ExpressionChecker {
    /// Below it, a number's reciprocal or logarithm is of rounding errors alone.
    private static let leastMagnitude = Double.leastNormalMagnitude

    /// Notes an operand of arithmetic that is a condition.
    mutating func requireNumber(_ isCondition: Bool, _ operand: Syntax) {
        if isCondition { note(.conditionAsNumber(operand.text()), at: operand) }
    }

    /// Notes a comparison by which a condition would be more or less than something, or a number's equal.
    mutating func requireLike(
        _ symbol: ComparisonOperator, _ left: Syntax, isCondition: Bool, _ right: Syntax,
        isConditionToo: Bool
    ) {
        let isAlike = isCondition == isConditionToo || left.isConstant || right.isConstant
        guard isCondition || isConditionToo, symbol.isOrder || !isAlike else { return }
        let side = isCondition ? left : right
        note(.conditionAsNumber(side.text()), at: side)
    }

    /// Notes a function that some value within the bounds of its operand leaves undefined, or infinite.
    mutating func requireDefined(
        _ function: ExpressionFunction, of operand: Syntax, _ bounds: ClosedRange<Double>,
        image: ClosedRange<Double>, at syntax: Syntax
    ) {
        switch function {
        case .log where bounds.lowerBound < Self.leastMagnitude:
            noteUndefined(syntax, "\(quoted(operand.text())) may be 0 or less")
        case .sqrt where bounds.lowerBound < 0:
            noteUndefined(syntax, "\(quoted(operand.text())) may be negative")
        case .exp: requireFinite(image, at: syntax)
        case .log, .sqrt, .abs: return
        }
    }

    /// The same of arithmetic; `divisor` are the bounds of the right side of a division.
    mutating func requireDefined(
        _ image: ClosedRange<Double>, at syntax: Syntax, divisor: ClosedRange<Double>?, _ right: Syntax
    ) {
        if let divisor, divisor.lowerBound < Self.leastMagnitude, divisor.upperBound > -Self.leastMagnitude {
            noteUndefined(syntax, "\(quoted(right.text())) may be 0")
        }
        requireFinite(image, at: syntax)
    }

    private mutating func requireFinite(_ bounds: ClosedRange<Double>, at syntax: Syntax) {
        guard bounds.lowerBound.isFinite, bounds.upperBound.isFinite else {
            return noteUndefined(syntax, "its value has no finite limits")
        }
    }

    private mutating func noteUndefined(_ syntax: Syntax, _ reason: String) {
        note(.undefinedInRange(syntax.text(), reason: reason), at: syntax)
    }
}

extension Syntax {
    /// A number, a text, `true` or `false`.
    var isConstant: Bool {
        switch form {
        case .number, .text, .boolean: true
        default: false
        }
    }
}

extension VariableScope {
    /// Refuses a formula that hospitals do not answer, here or in a definition behind it.
    package func requireAnswerable(_ expression: Expression) throws(ScopeError) {
        let checked = try check(expression)
        try requireAnswerable(checked.definitions)
        if let fault = checked.fault { throw fault }
    }

    /// The same of all definitions, used or not.
    package func requireAnswerableDefinitions() throws(ScopeError) {
        for (name, _) in definitions {
            try requireAnswerable(checkedDefinition(name)?.definitions ?? [])
            try requireAnswerable([name])
        }
    }

    /// Those that others are made of come first: theirs is the fault.
    private func requireAnswerable(_ names: Set<String>) throws(ScopeError) {
        for name in evaluationOrder where names.contains(name) {
            guard let fault = checkedDefinition(name)?.fault else { continue }
            throw ScopeError(fault.problem, definition: name, text: fault.text, position: fault.position)
        }
    }

    /// The dictionary's variable that an expression is, by its own name or another; nil for a formula.
    package func variable(_ expression: Expression) -> DataDictionary.Variable? {
        // An expression that does not fit is no variable either.
        switch try? check(expression).meaning {
        case .value(.variable(let name), _, _)?: dictionary[name]
        case .category(let category)?: dictionary[category.variable]
        default: nil
        }
    }

    /// Whether an expression is a variable of the dictionary, or says no more than how one of them compares with constants.
    package func isComparisonOfOneVariable(_ expression: Expression) -> Bool {
        if variable(expression) != nil { return true }
        return variables(of: expression).count == 1 && comparesConstants(expression.syntax)
    }

    private func comparesConstants(_ syntax: Syntax) -> Bool {
        switch syntax.form {
        case .name(let name):
            // A condition of the dictionary or of the study; a definition must be such a comparison itself.
            definitions.first { $0.name == name }.map { isComparisonOfOneVariable($0.expression) } ?? true
        case .not(let operand): comparesConstants(operand)
        case .all(let operands), .any(let operands): operands.allSatisfy(comparesConstants)
        case .comparison(_, let left, let right):
            [(left, right), (right, left)].contains {
                variable(Expression(syntax: $0)) != nil && $1.isConstant
            }
        case .membership(let operand, _, _): variable(Expression(syntax: operand)) != nil
        case .number, .text, .boolean, .call, .spline, .negative, .arithmetic: false
        }
    }
}
