/// Resolves the names of one expression, checks its types, and bounds its values, in one walk over its tree.
struct ExpressionChecker {
    private typealias Value = (operation: Operation, isBoolean: Bool, bounds: ClosedRange<Double>)

    private let variables: [String: DataDictionary.Variable]
    private let definitions: [String: CheckedExpression]
    private let text: String
    private var usedVariables: Set<String> = []
    private var usedDefinitions: Set<String> = []
    /// The first thing that hospitals do not answer.
    private var fault: ScopeError?

    /// Checks `expression` against the dictionary's variables and the definitions that are checked already.
    static func check(
        _ expression: Expression, variables: [String: DataDictionary.Variable],
        definitions: [String: CheckedExpression]
    ) throws(ScopeError) -> CheckedExpression {
        var checker = Self(variables: variables, definitions: definitions, text: expression.text)
        let meaning = try checker.meaning(of: expression.syntax)
        return CheckedExpression(
            meaning: meaning, variables: checker.usedVariables, definitions: checker.usedDefinitions,
            fault: checker.fault)
    }

    private init(
        variables: [String: DataDictionary.Variable], definitions: [String: CheckedExpression], text: String
    ) {
        (self.variables, self.definitions, self.text) = (variables, definitions, text)
    }

    private mutating func meaning(of syntax: Syntax) throws(ScopeError) -> CheckedExpression.Meaning {
        switch syntax.form {
        case .number(let value): .value(.constant(value), isBoolean: false, bounds: value...value)
        case .boolean(let value):
            .value(.constant(value ? 1 : 0), isBoolean: true, bounds: 0...1)
        case .text: throw error(.wrongType(found: "a text", expected: "a value"), at: syntax)
        case .name(let name): try meaning(ofName: name, at: syntax)
        case .call(let function, let operand): try meaning(of: function, operand, at: syntax)
        case .spline: throw error(.term(.splineInside), at: syntax)
        case .negative(let operand): try negative(operand)
        case .arithmetic(let symbol, let left, let right): try arithmetic(symbol, left, right, at: syntax)
        case .comparison(let symbol, let left, let right):
            truth(try comparison(symbol, left, right, at: syntax))
        case .membership(let operand, let items, let isNegated):
            truth(try membership(operand, items, isNegated: isNegated))
        case .not(let operand): truth(.not(try condition(operand)))
        case .all(let operands): truth(.all(try conditions(operands)))
        case .any(let operands): truth(.any(try conditions(operands)))
        }
    }

    private func truth(_ operation: Operation) -> CheckedExpression.Meaning {
        .value(operation, isBoolean: true, bounds: 0...1)
    }

    // MARK: - Names

    private mutating func meaning(
        ofName name: String, at syntax: Syntax
    ) throws(ScopeError) -> CheckedExpression.Meaning {
        if let definition = definitions[name] {
            usedVariables.formUnion(definition.variables)
            usedDefinitions.formUnion(definition.definitions)
            // Another name for a variable or a number stands for that itself.
            guard case .value(let operation, let isBoolean, let bounds) = definition.meaning else {
                return definition.meaning
            }
            switch operation {
            case .variable, .constant: return definition.meaning
            default:
                usedDefinitions.insert(name)
                return .value(.definition(name), isBoolean: isBoolean, bounds: bounds)
            }
        }
        guard let variable = variables[name] else { throw unknown(name, at: syntax) }
        usedVariables.insert(name)
        switch variable.kind {
        case .number(let lower, let upper, _):
            return .value(.variable(name), isBoolean: false, bounds: lower...upper)
        case .boolean: return .value(.variable(name), isBoolean: true, bounds: 0...1)
        case .category(let levels, let reference):
            return .category(.init(variable: name, levels: levels, reference: reference))
        case .identifier: throw error(.identifier(name), at: syntax)
        }
    }

    private func unknown(_ name: String, at syntax: Syntax) -> ScopeError {
        let names = variables.keys.sorted() + definitions.keys.sorted()
        return error(.unknownVariable(name, suggestion: Spelling.nearest(to: name, among: names)), at: syntax)
    }

    // MARK: - Numbers

    private mutating func value(_ syntax: Syntax) throws(ScopeError) -> Value {
        switch try meaning(of: syntax) {
        case .value(let operation, let isBoolean, let bounds): return (operation, isBoolean, bounds)
        case .category(let category):
            let found = "the category \(quoted(category.variable))"
            throw error(.wrongType(found: found, expected: "a number or a comparison"), at: syntax)
        }
    }

    private mutating func negative(_ operand: Syntax) throws(ScopeError) -> CheckedExpression.Meaning {
        let value = try value(operand)
        requireNumber(value.isBoolean, operand)
        return .value(.negative(value.operation), isBoolean: false, bounds: -value.bounds)
    }

    private mutating func meaning(
        of function: ExpressionFunction, _ operand: Syntax, at syntax: Syntax
    ) throws(ScopeError) -> CheckedExpression.Meaning {
        let value = try value(operand)
        let bounds = value.bounds
        let image: ClosedRange<Double>
        switch function {
        case .log:
            guard bounds.upperBound > 0 else { throw error(.neverDefined(syntax.text()), at: syntax) }
            image = bounds.mapped { Elementary.logarithm(max($0, 0)) }
        case .sqrt:
            guard bounds.upperBound >= 0 else { throw error(.neverDefined(syntax.text()), at: syntax) }
            image = bounds.mapped { max($0, 0).squareRoot() }
        case .exp: image = bounds.mapped { Elementary.exponential($0) }
        case .abs: image = bounds.magnitude
        }
        requireNumber(value.isBoolean, operand)
        requireDefined(function, of: operand, bounds, image: image, at: syntax)
        return .value(.call(function, value.operation), isBoolean: false, bounds: image)
    }

    private mutating func arithmetic(
        _ symbol: ArithmeticOperator, _ left: Syntax, _ right: Syntax, at syntax: Syntax
    ) throws(ScopeError) -> CheckedExpression.Meaning {
        let (a, b) = (try value(left), try value(right))
        let bounds: ClosedRange<Double>
        switch symbol {
        case .add: bounds = a.bounds + b.bounds
        case .subtract: bounds = a.bounds - b.bounds
        case .multiply: bounds = left == right ? a.bounds.squared : a.bounds * b.bounds
        case .divide:
            guard b.bounds != 0...0 else { throw error(.neverDefined(syntax.text()), at: syntax) }
            bounds = a.bounds / b.bounds
        }
        requireNumber(a.isBoolean, left)
        requireNumber(b.isBoolean, right)
        requireDefined(bounds, at: syntax, divisor: symbol == .divide ? b.bounds : nil, right)
        return .value(.arithmetic(symbol, a.operation, b.operation), isBoolean: false, bounds: bounds)
    }

    // MARK: - Truth

    private mutating func condition(_ syntax: Syntax) throws(ScopeError) -> Operation {
        switch try meaning(of: syntax) {
        case .value(let operation, isBoolean: true, _): return operation
        case .value: throw error(.wrongType(found: "a number", expected: "a yes/no expression"), at: syntax)
        case .category(let category):
            let found = "the category \(quoted(category.variable))"
            throw error(.wrongType(found: found, expected: "a yes/no expression"), at: syntax)
        }
    }

    private mutating func conditions(_ operands: [Syntax]) throws(ScopeError) -> [Operation] {
        var result: [Operation] = []
        for operand in operands { result.append(try condition(operand)) }
        return result
    }

    private mutating func comparison(
        _ symbol: ComparisonOperator, _ left: Syntax, _ right: Syntax, at syntax: Syntax
    ) throws(ScopeError) -> Operation {
        if left.isLiteral {
            guard !right.isLiteral else {
                throw error(
                    .wrongType(found: "a comparison of constants", expected: "a variable"), at: syntax)
            }
            return try comparison(symbol.mirrored, right, left, at: syntax)
        }
        switch try meaning(of: left) {
        case .category(let category):
            try requireLevel(right, of: category)
            return .levelTest(
                variable: category.variable, truth: try levels(of: category, symbol, right, at: syntax))
        case .value(let operation, let isBoolean, _):
            try refuseMismatch(of: right, isBoolean: isBoolean)
            let other = try meaning(of: right)
            guard case .value(let second, let isBooleanToo, _) = other else {
                // The category stands on the right: the same complaint as if it stood on the left.
                return try comparison(symbol.mirrored, right, left, at: syntax)
            }
            requireLike(symbol, left, isCondition: isBoolean, right, isConditionToo: isBooleanToo)
            return .comparison(symbol, operation, second)
        }
    }

    private mutating func membership(
        _ operand: Syntax, _ items: [Syntax], isNegated: Bool
    ) throws(ScopeError) -> Operation {
        switch try meaning(of: operand) {
        case .category(let category):
            var truth = category.levels.map { _ in false }
            for item in items {
                try requireLevel(item, of: category)
                let found = try levels(of: category, .equal, item, at: item)
                truth = zip(truth, found).map { $0 || $1 }
            }
            return .levelTest(variable: category.variable, truth: truth.map { $0 != isNegated })
        case .value(let operation, let isBoolean, _):
            var numbers: [Double] = []
            for item in items {
                try refuseMismatch(of: item, isBoolean: isBoolean)
                if let number = item.literalNumber { numbers.append(number) }
            }
            return .membership(operation, numbers, isNegated: isNegated)
        }
    }

    /// Only a text or a number can be a level.
    private func requireLevel(_ syntax: Syntax, of category: CheckedExpression.Category) throws(ScopeError) {
        switch syntax.form {
        case .text, .number: return
        case .name(let name) where category.levels.contains(name) && variables[name] == nil:
            throw error(.unknownVariable(name, suggestion: "'\(name)'"), at: syntax)
        default:
            let expected = "a level of \(quoted(category.variable)) in quotes"
            throw error(.wrongType(found: quoted(syntax.text()), expected: expected), at: syntax)
        }
    }

    /// Refuses texts beside numbers, and numbers other than 0 and 1 beside yes/no values.
    private func refuseMismatch(of literal: Syntax, isBoolean: Bool) throws(ScopeError) {
        switch literal.form {
        case .text:
            let expected = isBoolean ? "true or false" : "a number"
            throw error(.wrongType(found: "a text", expected: expected), at: literal)
        case .boolean where !isBoolean:
            throw error(.wrongType(found: literal.text(), expected: "a number"), at: literal)
        case .number(let value) where isBoolean && value != 0 && value != 1:
            throw error(.wrongType(found: literal.text(), expected: "true or false"), at: literal)
        default: return
        }
    }

    // MARK: - Levels

    /// The levels for which a comparison with a literal holds.
    ///
    /// A text is a level's name. A number is equal to the level that reads as that number; if all levels read
    /// as numbers, they also have an order.
    private func levels(
        of category: CheckedExpression.Category, _ symbol: ComparisonOperator, _ literal: Syntax,
        at syntax: Syntax
    ) throws(ScopeError) -> [Bool] {
        if symbol.isOrder {
            let values = category.levels.map { Double($0) ?? .nan }
            guard let bound = literal.literalNumber, values.allSatisfy(\.isFinite) else {
                let found = "an order of the levels of \(quoted(category.variable))"
                throw error(.wrongType(found: found, expected: "== or !="), at: syntax)
            }
            return values.map { symbol.holds($0, bound) }
        }
        let index = try level(of: category, literal)
        return category.levels.indices.map { ($0 == index) == (symbol == .equal) }
    }

    private func level(of category: CheckedExpression.Category, _ literal: Syntax) throws(ScopeError) -> Int {
        let (levels, name) = (category.levels, category.variable)
        let written: String
        if case .text(let level) = literal.form {
            if let index = levels.firstIndex(of: level) { return index }
            written = level
        } else {
            let matches = levels.indices.filter { Double(levels[$0]) == literal.literalNumber }
            written = literal.text()
            guard matches.count <= 1 else {
                throw error(.ambiguousLevel(written, variable: name), at: literal)
            }
            if let index = matches.first { return index }
        }
        let suggestion = Spelling.nearest(to: written, among: levels)
        throw error(
            .unknownLevel(written, variable: name, levels: levels, suggestion: suggestion), at: literal)
    }

    /// Keeps what hospitals do not answer, if it is the first.
    mutating func note(_ problem: ScopeError.Problem, at syntax: Syntax) {
        if fault == nil { fault = error(problem, at: syntax) }
    }

    private func error(_ problem: ScopeError.Problem, at syntax: Syntax) -> ScopeError {
        ScopeError(problem, text: text, position: syntax.position)
    }
}

extension Syntax {
    fileprivate var isLiteral: Bool {
        if case .text = form { true } else { literalNumber != nil }
    }

    /// The value of a number, `true` (1) or `false` (0).
    fileprivate var literalNumber: Double? {
        switch form {
        case .number(let value): value
        case .boolean(let value): value ? 1 : 0
        default: nil
        }
    }
}
