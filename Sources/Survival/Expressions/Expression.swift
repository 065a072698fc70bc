/// A formula over the variables of a dictionary: `response in ["SD", "PD"] and not (tumour_cm <= 3)`.
///
/// From weakest to strongest: `or`; `and`; `not`; one comparison (`==`, `!=`, `<`, `<=`, `>`, `>=`, `in
/// [...]`, `not in [...]`); `+`, `-`; `*`, `/`; unary `-`; `log`, `exp`, `sqrt`, `abs`, numbers, texts in
/// single or double quotes, `true`, `false`, names, parentheses. A name consists of letters, digits, `_` and
/// `.`, or is written in backquotes. Two expressions are equal if they mean the same apart from blanks,
/// quotes and redundant parentheses.
package struct Expression: Hashable, Sendable {
    /// The text as it was written, without blanks at its ends.
    package let text: String
    let syntax: Syntax

    /// Positions in an error count within the text without blanks at its ends.
    package init(parsing text: String) throws(ExpressionError) {
        let text = text.trimmingBlanks
        var parser = ExpressionParser(tokens: try ExpressionLexer.tokens(of: text)[...], text: text)
        (self.text, syntax) = (text, try parser.parse())
    }

    /// A part of an expression as one of its own.
    init(syntax: Syntax) {
        (self.text, self.syntax) = (syntax.text(), syntax)
    }

    /// The expression in one way of writing it: single blanks, double quotes, only the parentheses that are
    /// needed.
    package var canonicalText: String { syntax.text() }

    /// The variable's or definition's name if the expression is nothing else.
    package var name: String? {
        if case .name(let name) = syntax.form { name } else { nil }
    }

    package static func == (a: Self, b: Self) -> Bool { a.syntax == b.syntax }

    package func hash(into hasher: inout Hasher) { hasher.combine(syntax) }
}

/// A node of an expression's tree, with the position (from 1) of its operator or first character in the text.
///
/// Nodes are equal if their forms are, wherever they stand.
struct Syntax: Hashable, Sendable {
    indirect enum Form: Hashable, Sendable {
        case number(Double)
        case text(String)
        case boolean(Bool)
        case name(String)
        case call(ExpressionFunction, Syntax)
        /// A restricted cubic spline: a part of a model's term, which has columns and no value.
        case spline(Syntax, knots: [Double])
        case negative(Syntax)
        case arithmetic(ArithmeticOperator, Syntax, Syntax)
        case comparison(ComparisonOperator, Syntax, Syntax)
        /// The items are numbers, texts or booleans.
        case membership(Syntax, [Syntax], isNegated: Bool)
        case not(Syntax)
        case all([Syntax])
        case any([Syntax])
    }

    var form: Form
    var position: Int

    static func == (a: Self, b: Self) -> Bool { a.form == b.form }

    func hash(into hasher: inout Hasher) { hasher.combine(form) }
}

extension Syntax {
    /// How strongly a form binds; a weaker form inside a stronger one needs parentheses.
    private enum Strength: Int { case or, and, not, comparison, sum, product, sign, atom }

    private var strength: Strength {
        switch form {
        case .any: .or
        case .all: .and
        case .not: .not
        case .comparison, .membership: .comparison
        case .arithmetic(.add, _, _), .arithmetic(.subtract, _, _): .sum
        case .arithmetic: .product
        case .negative: .sign
        case .number(let value) where value.sign == .minus: .sign
        case .number, .text, .boolean, .name, .call, .spline: .atom
        }
    }

    /// Whether the canonical text stands for itself in any surroundings.
    var isAtom: Bool { strength == .atom }

    /// The canonical text; reads back to an equal tree.
    func text() -> String {
        switch form {
        case .number(let value): Syntax.text(of: value)
        case .text(let text): Syntax.quotedText(text)
        case .boolean(let value): value ? "true" : "false"
        case .name(let name): ExpressionLexer.isPlainName(name) ? name : "`\(name)`"
        case .call(let function, let argument): "\(function.rawValue)(\(argument.text()))"
        case .spline(let argument, let knots):
            "rcs(\(([argument.text()] + knots.map(Syntax.text)).joined(separator: ", ")))"
        case .negative(let operand): "-" + operand.text(atLeast: .sign)
        case .arithmetic(let symbol, let left, let right):
            // The right side binds one step stronger: a - (b - c) keeps its parentheses.
            left.text(atLeast: strength) + " \(symbol.rawValue) "
                + right.text(atLeast: strength == .sum ? .product : .sign)
        case .comparison(let symbol, let left, let right):
            left.text(atLeast: .sum) + " \(symbol.rawValue) " + right.text(atLeast: .sum)
        case .membership(let operand, let items, let isNegated):
            operand.text(atLeast: .sum) + (isNegated ? " not in [" : " in [")
                + items.map { $0.text() }.joined(separator: ", ") + "]"
        case .not(let operand): "not " + operand.text(atLeast: .not)
        case .all(let operands): operands.map { $0.text(atLeast: .not) }.joined(separator: " and ")
        case .any(let operands): operands.map { $0.text(atLeast: .and) }.joined(separator: " or ")
        }
    }

    private func text(atLeast needed: Strength) -> String {
        strength.rawValue >= needed.rawValue ? text() : "(\(text()))"
    }

    private static func text(of value: Double) -> String {
        let text = value.description
        return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
    }

    private static func quotedText(_ text: String) -> String {
        "\"" + text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"") + "\""
    }
}

enum ExpressionFunction: String, CaseIterable, Hashable, Sendable { case log, exp, sqrt, abs }

enum ArithmeticOperator: String, Hashable, Sendable {
    case add = "+", subtract = "-", multiply = "*", divide = "/"
}

enum ComparisonOperator: String, Hashable, Sendable {
    case equal = "=="
    case unequal = "!="
    case less = "<"
    case lessOrEqual = "<="
    case greater = ">"
    case greaterOrEqual = ">="

    /// The operator that says the same with its sides exchanged.
    var mirrored: Self {
        switch self {
        case .equal, .unequal: self
        case .less: .greater
        case .lessOrEqual: .greaterOrEqual
        case .greater: .less
        case .greaterOrEqual: .lessOrEqual
        }
    }

    var isOrder: Bool { self != .equal && self != .unequal }

    /// The truth for two numbers, neither missing.
    func holds(_ a: Double, _ b: Double) -> Bool {
        switch self {
        case .equal: a == b
        case .unequal: a != b
        case .less: a < b
        case .lessOrEqual: a <= b
        case .greater: a > b
        case .greaterOrEqual: a >= b
        }
    }
}

extension String {
    var trimmingBlanks: String {
        guard let first = firstIndex(where: { !$0.isWhitespace }),
            let last = lastIndex(where: { !$0.isWhitespace })
        else { return "" }
        return String(self[first...last])
    }
}
