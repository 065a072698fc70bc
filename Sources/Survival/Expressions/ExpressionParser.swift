/// Reads an expression from its words by recursive descent: one function for each strength of binding.
struct ExpressionParser {
    /// Deeper nesting is refused: a study must not be able to exhaust a node's stack.
    static let depthMax = 64
    /// Likewise for chains of sums and products, whose trees lean to the left.
    static let arithmeticCountMax = 500

    private var tokens: ArraySlice<Token>
    private let text: String
    private var depth = 0
    private var arithmeticCount = 0

    /// Reads all `tokens` of `text`.
    init(tokens: ArraySlice<Token>, text: String) {
        (self.tokens, self.text) = (tokens, text)
    }

    /// The whole as one expression.
    mutating func parse() throws(ExpressionError) -> Syntax {
        guard current.kind != .end else { throw error(.empty) }
        let syntax = try disjunction()
        guard current.kind == .end else { throw unexpected("an operator or the end") }
        return syntax
    }

    // MARK: - Strengths of binding, weakest first

    private mutating func disjunction() throws(ExpressionError) -> Syntax {
        try enter()
        defer { depth -= 1 }
        var operands = [try conjunction()]
        let position = current.position
        while take(.keyword(.or)) { operands.append(try conjunction()) }
        return operands.count == 1 ? operands[0] : Syntax(form: .any(operands), position: position)
    }

    private mutating func conjunction() throws(ExpressionError) -> Syntax {
        var operands = [try inversion()]
        let position = current.position
        while take(.keyword(.and)) { operands.append(try inversion()) }
        return operands.count == 1 ? operands[0] : Syntax(form: .all(operands), position: position)
    }

    private mutating func inversion() throws(ExpressionError) -> Syntax {
        let position = current.position
        guard take(.keyword(.not)) else { return try comparison() }
        try enter()
        defer { depth -= 1 }
        return Syntax(form: .not(try inversion()), position: position)
    }

    private mutating func comparison() throws(ExpressionError) -> Syntax {
        let left = try sum()
        let position = current.position
        var syntax = left
        if take(.keyword(.in)) {
            syntax = Syntax(form: .membership(left, try list(), isNegated: false), position: position)
        } else if take(.keyword(.not)) {
            guard take(.keyword(.in)) else { throw unexpected("\"in\"") }
            syntax = Syntax(form: .membership(left, try list(), isNegated: true), position: position)
        } else if let symbol = takeComparison() {
            syntax = Syntax(form: .comparison(symbol, left, try sum()), position: position)
        } else {
            return left
        }
        guard !continuesComparison else { throw error(.chainedComparison) }
        return syntax
    }

    private mutating func sum() throws(ExpressionError) -> Syntax {
        var left = try product()
        while case .symbol(let symbol) = current.kind, symbol == .plus || symbol == .minus {
            let position = try advanceArithmetic()
            left = Syntax(
                form: .arithmetic(symbol == .plus ? .add : .subtract, left, try product()), position: position
            )
        }
        return left
    }

    private mutating func product() throws(ExpressionError) -> Syntax {
        var left = try signed()
        while case .symbol(let symbol) = current.kind, symbol == .star || symbol == .slash {
            let position = try advanceArithmetic()
            left = Syntax(
                form: .arithmetic(symbol == .star ? .multiply : .divide, left, try signed()),
                position: position)
        }
        return left
    }

    private mutating func signed() throws(ExpressionError) -> Syntax {
        let position = current.position
        guard take(.symbol(.minus)) else { return try atom() }
        try enter()
        defer { depth -= 1 }
        let operand = try signed()
        if case .number(let value) = operand.form { return Syntax(form: .number(-value), position: position) }
        return Syntax(form: .negative(operand), position: position)
    }

    private mutating func atom() throws(ExpressionError) -> Syntax {
        let position = current.position
        switch current.kind {
        case .number, .text, .keyword(.true), .keyword(.false): return try literal()
        case .name(let name):
            advance()
            return current.kind == .symbol(.open)
                ? try call(name, at: position) : Syntax(form: .name(name), position: position)
        case .symbol(.open):
            advance()
            let inner = try disjunction()
            guard take(.symbol(.close)) else { throw unexpected("\")\"") }
            return inner
        default: throw unexpected("a value")
        }
    }

    private mutating func call(_ name: String, at position: Int) throws(ExpressionError) -> Syntax {
        if name == "rcs" { return try spline(at: position) }
        guard let function = ExpressionFunction(rawValue: name) else {
            let names = ExpressionFunction.allCases.map(\.rawValue) + ["rcs"]
            let suggestion = name == "ln" ? "log" : Spelling.nearest(to: name, among: names)
            throw ExpressionError(
                .unknownFunction(name, suggestion: suggestion), position: position, text: text)
        }
        advance()
        let argument = try disjunction()
        guard take(.symbol(.close)) else { throw unexpected("\")\"") }
        return Syntax(form: .call(function, argument), position: position)
    }

    /// `rcs(x, 40, 50, 60)`: a value, then numbers.
    private mutating func spline(at position: Int) throws(ExpressionError) -> Syntax {
        advance()
        let argument = try disjunction()
        var knots: [Double] = []
        while take(.symbol(.comma)) {
            let isNegative = take(.symbol(.minus))
            guard case .number(let knot) = current.kind else { throw unexpected("a knot, which is a number") }
            advance()
            knots.append(isNegative ? -knot : knot)
        }
        guard take(.symbol(.close)) else {
            throw unexpected(
                current.kind == .end ? "\")\" (in a YAML list, a term with commas stands in quotes)" : "\")\""
            )
        }
        return Syntax(form: .spline(argument, knots: knots), position: position)
    }

    private mutating func list() throws(ExpressionError) -> [Syntax] {
        guard take(.symbol(.openList)) else {
            throw unexpected("a list", suggestion: current.kind == .symbol(.open) ? "[" : nil)
        }
        guard current.kind != .symbol(.closeList) else { throw error(.emptyList) }
        var items = [try literal()]
        while take(.symbol(.comma)) { items.append(try literal()) }
        guard take(.symbol(.closeList)) else { throw unexpected("\",\" or \"]\"") }
        return items
    }

    /// A number with an optional sign, a text, `true` or `false`.
    private mutating func literal() throws(ExpressionError) -> Syntax {
        let isNegative = take(.symbol(.minus))
        let token = current
        let form: Syntax.Form
        switch token.kind {
        case .number(let value): form = .number(isNegative ? -value : value)
        case .text(let text) where !isNegative: form = .text(text)
        case .keyword(.true) where !isNegative: form = .boolean(true)
        case .keyword(.false) where !isNegative: form = .boolean(false)
        case .name(let name) where !isNegative: throw error(.unquotedListItem(name))
        default: throw unexpected("a number or a text in quotes")
        }
        advance()
        return Syntax(form: form, position: token.position)
    }

    // MARK: - Words

    private var current: Token {
        tokens.first ?? Token(kind: .end, range: text.count..<text.count)
    }

    @discardableResult
    private mutating func advance() -> Token {
        let token = current
        tokens = tokens.dropFirst()
        return token
    }

    /// Passes an arithmetic operator and returns its position.
    private mutating func advanceArithmetic() throws(ExpressionError) -> Int {
        arithmeticCount += 1
        guard arithmeticCount <= Self.arithmeticCountMax else {
            throw error(.tooMuchArithmetic(maximum: Self.arithmeticCountMax))
        }
        return advance().position
    }

    private mutating func take(_ kind: Token.Kind) -> Bool {
        guard current.kind == kind else { return false }
        advance()
        return true
    }

    private mutating func takeComparison() -> ComparisonOperator? {
        guard case .symbol(let symbol) = current.kind,
            let result = ComparisonOperator(rawValue: symbol.rawValue)
        else { return nil }
        advance()
        return result
    }

    private var continuesComparison: Bool {
        switch current.kind {
        case .symbol(let symbol): ComparisonOperator(rawValue: symbol.rawValue) != nil
        case .keyword(let keyword): keyword == .in || keyword == .not
        default: false
        }
    }

    private mutating func enter() throws(ExpressionError) {
        depth += 1
        guard depth <= Self.depthMax else { throw error(.tooDeep(maximum: Self.depthMax)) }
    }

    private func error(_ problem: ExpressionError.Problem) -> ExpressionError {
        ExpressionError(problem, position: current.position, text: text)
    }

    private func unexpected(_ expected: String, suggestion: String? = nil) -> ExpressionError {
        let found: String
        var suggestion = suggestion
        switch current.kind {
        case .number, .text, .symbol, .keyword:
            found = quoted(String(Array(text)[current.range]))
        case .name(let name):
            found = quoted(name)
            suggestion = suggestion ?? Token.Keyword(rawValue: name.lowercased())?.rawValue
        case .end: found = "the end"
        }
        return error(.unexpected(found: found, expected: expected, suggestion: suggestion))
    }
}
