/// A word of an expression with its place in the text, in characters from 0.
struct Token: Sendable {
    enum Kind: Hashable, Sendable {
        case number(Double)
        case text(String)
        case name(String)
        case keyword(Keyword)
        case symbol(Symbol)
        case end
    }

    enum Keyword: String, CaseIterable, Sendable { case and, or, not, `in`, `true`, `false` }

    enum Symbol: String, CaseIterable, Sendable {
        case equal = "==", unequal = "!=", lessOrEqual = "<=", greaterOrEqual = ">=", less = "<", greater =
            ">"
        case plus = "+", minus = "-", star = "*", slash = "/"
        case open = "(", close = ")", openList = "[", closeList = "]", comma = ",", colon = ":"
    }

    var kind: Kind
    var range: Range<Int>
    /// Position for an error message, from 1.
    var position: Int { range.lowerBound + 1 }
}

/// Splits the text of an expression into words.
struct ExpressionLexer {
    /// Longer texts are refused, so that a study cannot keep a node busy with reading it.
    static let characterCountMax = 10_000

    private let text: String
    private let characters: [Character]
    private var index = 0

    private init(_ text: String) {
        (self.text, characters) = (text, Array(text))
    }

    /// The words in order; the last one is `.end`.
    static func tokens(of text: String) throws(ExpressionError) -> [Token] {
        guard text.utf8.count <= characterCountMax else {
            throw ExpressionError(.tooLong(maximum: characterCountMax), position: 1, text: text)
        }
        var lexer = ExpressionLexer(text)
        var tokens: [Token] = []
        repeat { tokens.append(try lexer.next()) } while tokens.last?.kind != .end
        return tokens
    }

    /// Whether a name can be written without backquotes.
    static func isPlainName(_ name: String) -> Bool {
        guard let first = name.first, startsName(first), name.allSatisfy(continuesName) else { return false }
        return Token.Keyword(rawValue: name) == nil
    }

    private static func startsName(_ character: Character) -> Bool { character.isLetter || character == "_" }

    private static func continuesName(_ character: Character) -> Bool {
        character.isLetter || character.isNumber || character == "_" || character == "."
    }

    private static func isDigit(_ character: Character) -> Bool { character.isASCII && character.isNumber }

    private mutating func next() throws(ExpressionError) -> Token {
        skip(while: \.isWhitespace)
        guard index < characters.count else { return Token(kind: .end, range: index..<index) }
        let start = index
        let kind =
            switch characters[index] {
            case let character where Self.startsName(character): word()
            case let character where Self.isDigit(character) || startsFraction: try number()
            case "\"", "'": Token.Kind.text(try quotedText())
            case "`": Token.Kind.name(try backquotedName())
            default: try symbol()
            }
        return Token(kind: kind, range: start..<index)
    }

    private var startsFraction: Bool {
        characters[index] == "." && index + 1 < characters.count && Self.isDigit(characters[index + 1])
    }

    private mutating func skip(while condition: (Character) -> Bool) {
        while index < characters.count, condition(characters[index]) { index += 1 }
    }

    private mutating func word() -> Token.Kind {
        let start = index
        skip(while: Self.continuesName)
        let word = String(characters[start..<index])
        return Token.Keyword(rawValue: word).map { .keyword($0) } ?? .name(word)
    }

    /// Digits with an optional point and an optional exponent; whatever sticks to them belongs to the (then
    /// bad) number.
    private mutating func number() throws(ExpressionError) -> Token.Kind {
        let start = index
        skip { Self.continuesName($0) }
        if index < characters.count, "eE".contains(characters[index - 1]), "+-".contains(characters[index]) {
            index += 1
            skip { Self.continuesName($0) }
        }
        let digits = String(characters[start..<index])
        let isDecimal = digits.allSatisfy { Self.isDigit($0) || ".eE+-".contains($0) }
        guard isDecimal, let value = Double(digits), value.isFinite else {
            throw ExpressionError(.badNumber(digits), position: start + 1, text: text)
        }
        return .number(value)
    }

    /// A text in single or double quotes; a backslash takes the next character as it is.
    private mutating func quotedText() throws(ExpressionError) -> String {
        let start = index
        let quote = characters[index]
        var content = ""
        index += 1
        while index < characters.count, characters[index] != quote, !characters[index].isNewline {
            if characters[index] == "\\", index + 1 < characters.count { index += 1 }
            content.append(characters[index])
            index += 1
        }
        guard index < characters.count, characters[index] == quote else {
            throw ExpressionError(.unterminatedText, position: start + 1, text: text)
        }
        index += 1
        return content
    }

    private mutating func backquotedName() throws(ExpressionError) -> String {
        let start = index
        index += 1
        skip { $0 != "`" && !$0.isNewline }
        guard index < characters.count, characters[index] == "`" else {
            throw ExpressionError(.unterminatedText, position: start + 1, text: text)
        }
        index += 1
        return String(characters[start + 1..<index - 1])
    }

    private mutating func symbol() throws(ExpressionError) -> Token.Kind {
        let rest = String(characters[index...].prefix(2))
        let foreign = Self.foreignSymbols.first { rest.hasPrefix($0.written) }
        let symbol = Token.Symbol.allCases.first { rest.hasPrefix($0.rawValue) }
        guard let symbol, foreign == nil || symbol.rawValue == rest else {
            let written = foreign?.written ?? String(characters[index])
            throw ExpressionError(
                .strayCharacter(written, suggestion: foreign?.meant), position: index + 1, text: text)
        }
        index += symbol.rawValue.count
        return .symbol(symbol)
    }

    /// What people write who come from R, SQL, C or a word processor; longer ones first.
    private static let foreignSymbols: [(written: String, meant: String)] = [
        ("&&", "and"), ("&", "and"), ("||", "or"), ("|", "or"), ("<>", "!="), ("=<", "<="), ("=>", ">="),
        ("=", "=="), ("!", "not"),
        ("**", "x * x"), ("^", "x * x"), ("%i", "in"), ("\u{2265}", ">="), ("\u{2264}", "<="),
        ("\u{2260}", "!="),
        ("\u{201C}", "\""), ("\u{201D}", "\""), ("\u{201E}", "\""), ("\u{2018}", "'"), ("\u{2019}", "'"),
        ("\u{2212}", "-"), ("\u{00D7}", "*"), ("\u{00F7}", "/"), ("{", "["), ("}", "]"),
    ]
}
