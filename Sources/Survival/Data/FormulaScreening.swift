/// Refuses what a formula may say where its author holds the rows, and not where hospitals answer it.
///
/// A condition is no number: `age + 5 * (age == 35)` hides one person in a mean. A formula is total: whatever values the
/// dictionary allows, it has a finite one, so that no formula makes a person's value missing (`0 / (1 - x)`). Both follow from
/// the text and the dictionary alone, by interval arithmetic.
struct FormulaScreening {
    private let scope: VariableScope
    private let text: String

    init(scope: VariableScope, text: String) { (self.scope, self.text) = (scope, text) }

    /// Screens a formula and everything in it, but not the definitions that it uses.
    func screen(_ syntax: Syntax) throws(ScopeError) {
        switch syntax.form {
        case .number, .text, .boolean, .name: return
        case .spline(let operand, _), .not(let operand), .membership(let operand, _, _): try screen(operand)
        case .all(let operands), .any(let operands): for operand in operands { try screen(operand) }
        case .negative(let operand):
            try screen(operand)
            try requireNumber(operand)
        case .call(let function, let operand):
            try screen(operand)
            try requireNumber(operand)
            try requireDefined(function, of: operand, at: syntax)
        case .arithmetic(let symbol, let left, let right):
            for operand in [left, right] {
                try screen(operand)
                try requireNumber(operand)
            }
            try requireDefined(symbol, divisor: right, at: syntax)
        case .comparison(let symbol, let left, let right):
            try screen(left)
            try screen(right)
            try requireLike(symbol, left, right)
        }
    }

    // MARK: - Conditions

    private func requireNumber(_ syntax: Syntax) throws(ScopeError) {
        guard try isTruth(syntax) else { return }
        throw ScopeError(.conditionAsNumber(syntax.text()), text: text, position: syntax.position)
    }

    /// Two conditions may be equal or not; a condition is neither more nor less than anything, and no number's equal.
    private func requireLike(
        _ symbol: ComparisonOperator, _ left: Syntax, _ right: Syntax
    ) throws(ScopeError) {
        for (side, other) in [(left, right), (right, left)] where try isTruth(side) {
            guard !symbol.isOrder, other.isConstant else {
                if !symbol.isOrder, try isTruth(other) { return }
                throw ScopeError(.conditionAsNumber(side.text()), text: text, position: side.position)
            }
        }
    }

    private func isTruth(_ syntax: Syntax) throws(ScopeError) -> Bool {
        switch syntax.form {
        case .number, .text: return false
        case .boolean: return true
        default: return try scope.type(of: Expression(syntax: syntax)) == .boolean
        }
    }

    // MARK: - Values that are always there

    /// Below it, a number's reciprocal or logarithm is of rounding errors alone.
    private static let leastMagnitude = Double.leastNormalMagnitude

    private func requireDefined(
        _ function: ExpressionFunction, of operand: Syntax, at syntax: Syntax
    ) throws(ScopeError) {
        let bounds = try bounds(of: operand)
        switch function {
        case .log where bounds.lowerBound < Self.leastMagnitude:
            throw undefined(syntax, "\(quoted(operand.text())) may be 0 or less")
        case .sqrt where bounds.lowerBound < 0:
            throw undefined(syntax, "\(quoted(operand.text())) may be negative")
        case .exp: try requireFinite(syntax)
        case .log, .sqrt, .abs: return
        }
    }

    private func requireDefined(
        _ symbol: ArithmeticOperator, divisor: Syntax, at syntax: Syntax
    ) throws(ScopeError) {
        if symbol == .divide {
            let bounds = try bounds(of: divisor)
            guard bounds.lowerBound >= Self.leastMagnitude || bounds.upperBound <= -Self.leastMagnitude else {
                throw undefined(syntax, "\(quoted(divisor.text())) may be 0")
            }
        }
        try requireFinite(syntax)
    }

    private func requireFinite(_ syntax: Syntax) throws(ScopeError) {
        let bounds = try bounds(of: syntax)
        guard bounds.lowerBound.isFinite, bounds.upperBound.isFinite else {
            throw undefined(syntax, "its value has no finite limits")
        }
    }

    private func bounds(of syntax: Syntax) throws(ScopeError) -> ClosedRange<Double> {
        try scope.bounds(of: Expression(syntax: syntax))
    }

    private func undefined(_ syntax: Syntax, _ reason: String) -> ScopeError {
        ScopeError(.undefinedInRange(syntax.text(), reason: reason), text: text, position: syntax.position)
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
    /// Refuses a formula that hospitals do not answer, here or in a definition behind it; see `FormulaScreening`.
    package func requireAnswerable(_ expression: Expression) throws(ScopeError) {
        let used = try check(expression).definitions
        for (name, definition) in definitions where used.contains(name) {
            try requireAnswerable(definition, of: name)
        }
        try FormulaScreening(scope: self, text: expression.text).screen(expression.syntax)
    }

    /// The same of all definitions, used or not.
    package func requireAnswerableDefinitions() throws(ScopeError) {
        for (name, definition) in definitions { try requireAnswerable(definition, of: name) }
    }

    private func requireAnswerable(_ definition: Expression, of name: String) throws(ScopeError) {
        do throws(ScopeError) {
            try FormulaScreening(scope: self, text: definition.text).screen(definition.syntax)
        } catch {
            throw ScopeError(error.problem, definition: name, text: error.text, position: error.position)
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
            [(left, right), (right, left)].contains { variable(Expression(syntax: $0)) != nil && $1.isConstant }
        case .membership(let operand, _, _): variable(Expression(syntax: operand)) != nil
        case .number, .text, .boolean, .call, .spline, .negative, .arithmetic: false
        }
    }
}
