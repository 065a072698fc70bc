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
