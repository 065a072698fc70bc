/// Why a text is not an expression, and where.
package struct ExpressionError: Error, Hashable, Sendable, CustomStringConvertible {
    package enum Problem: Hashable, Sendable {
        case empty
        case tooLong(maximum: Int)
        case tooDeep(maximum: Int)
        case tooMuchArithmetic(maximum: Int)
        case strayCharacter(String, suggestion: String?)
        case unterminatedText
        case badNumber(String)
        case unexpected(found: String, expected: String, suggestion: String?)
        case chainedComparison
        case emptyList
        case unquotedListItem(String)
        case unknownFunction(String, suggestion: String?)
    }

    package var problem: Problem
    /// Position of the first character concerned, counted from 1.
    package var position: Int
    package var text: String

    package init(_ problem: Problem, position: Int, text: String) {
        (self.problem, self.position, self.text) = (problem, position, text)
    }

    package var description: String { "\(problem) (\(place(position, in: text)))" }
}

extension ExpressionError.Problem: CustomStringConvertible {
    package var description: String {
        switch self {
        case .empty: "the expression is empty"
        case .tooLong(let maximum):
            "the expression has more than \(maximum) characters; split it into definitions"
        case .tooDeep(let maximum):
            "the expression is nested more than \(maximum) levels deep; split it into definitions"
        case .tooMuchArithmetic(let maximum):
            "the expression has more than \(maximum) sums and products; split it into definitions"
        case .strayCharacter(let character, let suggestion):
            "\(quoted(character)) has no meaning in an expression" + didYouMean(suggestion)
        case .unterminatedText: "the closing quote of a text is missing"
        case .badNumber(let text): "\(quoted(text)) is not a number"
        case .unexpected(let found, let expected, let suggestion):
            "found \(found) where \(expected) is expected" + didYouMean(suggestion)
        case .chainedComparison: "comparisons do not chain; join two of them by \"and\""
        case .emptyList: "the list is empty"
        case .unquotedListItem(let name):
            "a list holds numbers and texts in quotes" + didYouMean("'\(name)'")
        case .unknownFunction(let name, let suggestion):
            "there is no function \(quoted(name))" + didYouMean(suggestion)
        }
    }
}

/// `character 7 of "tumor_cm > 3"`; of a long text, the part from there on.
func place(_ position: Int, in text: String) -> String {
    guard text.count > 60 else { return "character \(position) of \(quoted(text))" }
    return "character \(position), at \(quoted(String(text.dropFirst(position - 1).prefix(40))))"
}
