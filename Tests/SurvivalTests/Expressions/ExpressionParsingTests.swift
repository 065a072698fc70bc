import Survival
import Testing

@Suite struct ExpressionParsingTests {
    private static let readings: [(String, String)] = [
        ("a or b and not c", "a or b and not c"),
        ("(a or b) and c", "(a or b) and c"),
        ("a or (b and (not c))", "a or b and not c"),
        ("not a == 1", "not a == 1"),
        ("(not a) == 1", "(not a) == 1"),
        ("a - (b - c) - d", "a - (b - c) - d"),
        ("(a - b) - c", "a - b - c"),
        ("a / (b * c)", "a / (b * c)"),
        ("a*b+c/d > -e", "a * b + c / d > -e"),
        ("-(a + b)", "-(a + b)"),
        ("--3", "3"),
        ("2 - -3", "2 - -3"),
        ("log( a )  * 2", "log(a) * 2"),
        ("x in [1, -2.5 ,'it\\'s']", "x in [1, -2.5, \"it's\"]"),
        ("x not in ['a \"b\"']", "x not in [\"a \\\"b\\\"\"]"),
        ("1e-3 + .5", "0.001 + 0.5"),
        ("`tumour size` == '≥3 cm'", "`tumour size` == \"≥3 cm\""),
        ("`and` or größe", "`and` or größe"),
        ("wt.loss\n  > 3", "wt.loss > 3"),
        ("a == true or false", "a == true or false"),
    ]

    /// The canonical text shows how an expression was understood: only the parentheses that are needed
    /// remain.
    @Test(arguments: readings)
    func `operators bind as documented, and the canonical text reads back the same`(
        text: String, canonical: String
    ) throws {
        let expression = try Expression(parsing: text)
        #expect(expression.canonicalText == canonical)
        #expect(try Expression(parsing: expression.canonicalText) == expression)
    }

    @Test func `blanks, quotes and redundant parentheses do not make another expression`() throws {
        let a = try Expression(parsing: " response in ['SD','PD'] ")
        let b = try Expression(parsing: "(response) in [\"SD\", \"PD\"]")
        #expect(a == b)
        #expect(Set([a, b]).count == 1)
        #expect(a.text == "response in ['SD','PD']")
    }

    private static let refusals: [(String, Int, ExpressionError.Problem)] = [
        ("", 1, .empty),
        ("   ", 1, .empty),
        ("age >", 6, .unexpected(found: "the end", expected: "a value", suggestion: nil)),
        ("(age > 3", 9, .unexpected(found: "the end", expected: "\")\"", suggestion: nil)),
        ("age > 3)", 8, .unexpected(found: "\")\"", expected: "an operator or the end", suggestion: nil)),
        ("age bili", 5, .unexpected(found: "\"bili\"", expected: "an operator or the end", suggestion: nil)),
        (
            "age > 3 AND bone", 9,
            .unexpected(found: "\"AND\"", expected: "an operator or the end", suggestion: "and")
        ),
        ("age = 3", 5, .strayCharacter("=", suggestion: "==")),
        ("age ≥ 3", 5, .strayCharacter("≥", suggestion: ">=")),
        ("bone && lung", 6, .strayCharacter("&&", suggestion: "and")),
        ("!bone", 1, .strayCharacter("!", suggestion: "not")),
        ("age ^ 2", 5, .strayCharacter("^", suggestion: "x * x")),
        ("age > 3 # old", 9, .strayCharacter("#", suggestion: nil)),
        ("sex == “1”", 8, .strayCharacter("“", suggestion: "\"")),
        ("sex == '1", 8, .unterminatedText),
        ("`age", 1, .unterminatedText),
        ("age > 3x", 7, .badNumber("3x")),
        ("age > 1.2.3", 7, .badNumber("1.2.3")),
        ("age > 1e999", 7, .badNumber("1e999")),
        ("age > 0x10", 7, .badNumber("0x10")),
        ("1 < age < 3", 9, .chainedComparison),
        ("age in [1] in [2]", 12, .chainedComparison),
        ("age in []", 9, .emptyList),
        (
            "age in [1,]", 11,
            .unexpected(found: "\"]\"", expected: "a number or a text in quotes", suggestion: nil)
        ),
        ("age in (1)", 8, .unexpected(found: "\"(\"", expected: "a list", suggestion: "[")),
        ("response in [SD]", 14, .unquotedListItem("SD")),
        ("age not 3", 9, .unexpected(found: "\"3\"", expected: "\"in\"", suggestion: nil)),
        ("sqr(age)", 1, .unknownFunction("sqr", suggestion: "sqrt")),
        ("ln(age)", 1, .unknownFunction("ln", suggestion: "log")),
        ("age:sex", 4, .unexpected(found: "\":\"", expected: "an operator or the end", suggestion: nil)),
    ]

    @Test(arguments: refusals)
    func `a bad text is refused with the place and a remedy`(
        text: String, position: Int, problem: ExpressionError.Problem
    ) throws {
        let error = #expect(throws: ExpressionError.self) { try Expression(parsing: text) }
        #expect(error?.problem == problem)
        #expect(error?.position == position)
    }

    @Test func `an error is one sentence with the place and the remedy`() throws {
        let error = #expect(throws: ExpressionError.self) { try Expression(parsing: "age = 3") }
        #expect(
            error?.description
                == "\"=\" has no meaning in an expression; did you mean \"==\"? (character 5 of \"age = 3\")")
    }

    @Test(arguments: [
        String(repeating: "(", count: 3000) + "a" + String(repeating: ")", count: 3000),
        String(repeating: "not ", count: 2000) + "a",
        String(repeating: "- ", count: 2000) + "a",
        "a" + String(repeating: " + a", count: 2000),
        "a" + String(repeating: " + a", count: 100_000),
        String(repeating: "abs(", count: 1000) + "a",
    ])
    func `a text made to exhaust the reader is refused`(text: String) {
        let error = #expect(throws: ExpressionError.self) { try Expression(parsing: text) }
        switch error?.problem {
        case .tooDeep, .tooLong, .tooMuchArithmetic: break
        default: Issue.record("refused for another reason: \(String(describing: error))")
        }
    }

    @Test func `long lists and chains of conditions are allowed`() throws {
        let list = (0..<1500).map(String.init).joined(separator: ", ")
        #expect(throws: Never.self) { try Expression(parsing: "age in [\(list)]") }
        let chain = Array(repeating: "bone", count: 1000).joined(separator: " or ")
        #expect(throws: Never.self) { try Expression(parsing: chain) }
    }
}
