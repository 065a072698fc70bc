/// One entry of a model's list of terms, split into its parts.
///
/// The grammar is that of R's formulas in small: parts joined by `:` (interaction) or `*` (interaction with
/// everything below it), or one of `strata(x, ...)`, `cluster(x)` and `offset(x)`. Arithmetic belongs in
/// parentheses.
enum ModelTerm {
    /// Interactions by their parts, main effects being interactions of one part; the one with all parts comes
    /// last.
    case interactions([[Expression]])
    case special(Special, [Expression])

    enum Special: String { case strata, cluster, offset }

    /// More parts make columns that nobody can interpret, and their number grows as a power of 2.
    static let partCountMax = 6

    init(parsing text: String) throws(ScopeError) {
        let text = text.trimmingBlanks
        let tokens: [Token]
        do throws(ExpressionError) {
            tokens = try ExpressionLexer.tokens(of: text)
        } catch {
            throw ScopeError(error)
        }
        let reader = Reader(text: text, tokens: tokens)
        if let special = reader.special {
            self = .special(special, try reader.arguments(of: special))
        } else {
            self = .interactions(try reader.interactions())
        }
    }
}

extension ModelTerm {
    /// Splits a term's words at its joints.
    private struct Reader {
        var text: String
        var tokens: [Token]

        /// The special function with which the term begins.
        var special: Special? { special(at: 0) }

        private func special(at index: Int) -> Special? {
            guard case .name(let name) = tokens[index].kind, tokens[index + 1].kind == .symbol(.open) else {
                return nil
            }
            return Special(rawValue: name)
        }

        /// The arguments between the parentheses of `strata(...)` and its like, which must be the whole term.
        func arguments(of special: Special) throws(ScopeError) -> [Expression] {
            let depths = depths
            let close = tokens.indices.dropFirst(2).first {
                depths[$0] == 1 && tokens[$0].kind == .symbol(.close)
            }
            guard let close else { throw unexpected(tokens.count - 1, expected: "\")\"") }
            guard tokens[close + 1].kind == .end else {
                throw error(.specialInInteraction(special.rawValue), at: close + 1)
            }
            return try split(2..<close, depth: 1) { $0 == .comma }.map(\.expression)
        }

        /// The interactions for which the term stands.
        func interactions() throws(ScopeError) -> [[Expression]] {
            let depths = depths
            for index in tokens.indices where depths[index] == 0 { try refuseArithmetic(at: index) }
            let parts = try split(0..<tokens.count - 1, depth: 0) { $0 == .colon || $0 == .star }
            guard parts.count <= partCountMax else {
                throw error(.interactionTooHigh(maximum: partCountMax), at: 0)
            }
            var seen: Set<Expression> = []
            for part in parts where !seen.insert(part.expression).inserted {
                throw error(.twiceInInteraction(part.expression.canonicalText), at: part.start)
            }
            var groups: [[Expression]] = []
            for part in parts {
                if part.joint == .colon, let last = groups.indices.last {
                    groups[last].append(part.expression)
                } else {
                    groups.append([part.expression])
                }
            }
            return groups.reduce(into: []) { result, group in
                result += [group] + result.map { $0 + group }
            }
        }

        /// Outside parentheses R reads `+`, `-` and `/` as operations on terms, and so would many a reader.
        private func refuseArithmetic(at index: Int) throws(ScopeError) {
            guard case .symbol(let symbol) = tokens[index].kind, [.plus, .minus, .slash].contains(symbol)
            else { return }
            // Behind another operator it is the sign of a number, as in `x > -1`.
            switch index > 0 ? tokens[index - 1].kind : .end {
            case .keyword(.and), .keyword(.or), .keyword(.not): return
            case .symbol(let before) where before != .close && before != .closeList: return
            default: break
            }
            throw error(.topLevelArithmetic(symbol.rawValue), at: index)
        }

        /// Open parentheses and brackets before each word.
        private var depths: [Int] {
            var depth = 0
            return tokens.map { token in
                defer {
                    switch token.kind {
                    case .symbol(.open), .symbol(.openList): depth += 1
                    case .symbol(.close), .symbol(.closeList): depth -= 1
                    default: break
                    }
                }
                return depth
            }
        }

        private typealias Part = (expression: Expression, joint: Token.Symbol?, start: Int)

        /// The expressions between joints at a depth of nesting, each with the joint before it and its first
        /// word.
        private func split(
            _ range: Range<Int>, depth: Int, _ isJoint: (Token.Symbol) -> Bool
        ) throws(ScopeError) -> [Part] {
            let depths = depths
            var parts: [Part] = []
            var (start, joint) = (range.lowerBound, Token.Symbol?.none)
            for index in range where depths[index] == depth {
                guard case .symbol(let symbol) = tokens[index].kind, isJoint(symbol) else { continue }
                parts.append((try expression(start..<index), joint, start))
                (start, joint) = (index + 1, symbol)
            }
            parts.append((try expression(start..<range.upperBound), joint, start))
            return parts
        }

        private func expression(_ range: Range<Int>) throws(ScopeError) -> Expression {
            guard let first = range.first, let last = range.last else {
                throw unexpected(range.lowerBound, expected: "a variable or an expression")
            }
            if let special = special(at: first) {
                throw error(.specialInInteraction(special.rawValue), at: first)
            }
            let characters = Array(text)[tokens[first].range.lowerBound..<tokens[last].range.upperBound]
            do throws(ExpressionError) {
                return try Expression(parsing: String(characters))
            } catch {
                throw ScopeError(error)
            }
        }

        private func unexpected(_ index: Int, expected: String) -> ScopeError {
            let found =
                tokens[index].kind == .end ? "the end" : quoted(String(Array(text)[tokens[index].range]))
            return ScopeError(
                .syntax(.unexpected(found: found, expected: expected, suggestion: nil)), text: text,
                position: tokens[index].position)
        }

        private func error(_ problem: ModelTermProblem, at index: Int) -> ScopeError {
            ScopeError(.term(problem), text: text, position: tokens[index].position)
        }
    }
}
