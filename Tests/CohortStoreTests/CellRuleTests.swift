import Survival
import Testing

@testable import CohortStore

struct CellRuleTests {
    private func cell(_ text: String, _ variable: DataDictionary.Variable, isPerson: Bool = false) -> Cell {
        let rule = CellRule(variable, isPerson: isPerson)
        return Array(text.utf8).withUnsafeBufferPointer { rule.cell($0) }
    }

    private func number(
        _ lower: Double = 0, _ upper: Double = 100, resolution: Double? = nil, missing: [String] = [],
        isRequired: Bool = false
    ) -> DataDictionary.Variable {
        DataDictionary.Variable(
            name: "x", kind: .number(lower: lower, upper: upper, resolution: resolution), missing: missing,
            isRequired: isRequired)
    }

    @Test(arguments: [
        ("0", Cell.number(0)), ("100", .number(100)), ("-0", .number(0)), ("", .missing),
        ("100.5", .refused(.outOfRange)), ("-1", .refused(.outOfRange)), ("1e999", .refused(.outOfRange)),
        ("abc", .refused(.notANumber)), ("3,5", .refused(.decimalComma)), ("1,234.5", .refused(.notANumber)),
        (" 5", .refused(.padded)), ("5\t", .refused(.padded)), ("NA", .missing), ("-9", .missing),
        ("-9.0", .missing), ("na", .refused(.notANumber)), (".", .missing), ("NaN", .refused(.notANumber)),
    ])
    func `numbers`(text: String, expected: Cell) {
        #expect(cell(text, number(missing: ["NA", "-9", "."])) == expected)
    }

    @Test func `an infinite end of a range is no limit, but infinity is no number`() {
        let variable = number(-.infinity, .infinity)
        #expect(cell("-1e300", variable) == .number(-1e300))
        #expect(cell("1e999", variable) == .refused(.outOfRange))
    }

    static let steps: [(String, Double, Bool)] = [
        ("0.3", 0.1, true), ("0.7", 0.1, true), ("239.9", 0.1, true), ("0.35", 0.1, false), ("12", 1, true),
        ("12.5", 1, false), ("0.0000001", 1, false), ("100000000.1", 0.1, true), ("6", 4, false),
        ("0.333333333333", 1.0 / 3, true), ("0.3333", 1.0 / 3, false),
    ]

    @Test(arguments: steps)
    func `a resolution divides a value up to a relative 1e-9`(text: String, resolution: Double, fits: Bool)
        throws
    {
        let found = cell(text, number(0, 1e9, resolution: resolution))
        #expect(found == (fits ? .number(try #require(Double(text))) : .refused(.offResolution)))
    }

    @Test(arguments: [
        ("1", Cell.boolean(true)), ("0", .boolean(false)), ("yes", .boolean(true)), ("No", .boolean(false)),
        ("TRUE", .boolean(true)), ("False", .boolean(false)), ("", .missing), ("9", .missing),
        ("True", .boolean(true)), ("t", .boolean(true)), ("F", .boolean(false)), ("1.0", .boolean(true)),
        ("0.0", .boolean(false)), ("2", .refused(.notBoolean)), ("y", .refused(.notBoolean)),
        ("1.00", .refused(.notBoolean)), ("yes\u{A0}", .refused(.paddedInvisibly)),
        ("truee", .refused(.notBoolean)), ("yes ", .refused(.padded)),
    ])
    func `booleans`(text: String, expected: Cell) {
        #expect(cell(text, .init(name: "died", kind: .boolean, missing: ["9"])) == expected)
    }

    @Test(arguments: [
        ("a", Cell.level(0)), ("b b", .level(1)), ("é", .level(2)), ("e\u{301}", .level(2)), ("?", .missing),
        ("", .missing), ("A", .refused(.unknownLevel)), ("b", .refused(.unknownLevel)),
        (" a", .refused(.padded)),
    ])
    func `categories`(text: String, expected: Cell) {
        let kind = DataDictionary.Variable.Kind.category(levels: ["a", "b b", "\u{E9}"], reference: "a")
        #expect(cell(text, .init(name: "c", kind: kind, missing: ["?"])) == expected)
    }

    @Test func `every one of many levels is found`() {
        let levels = (0..<300).map { "C\($0)" }
        let variable = DataDictionary.Variable(name: "icd", kind: .category(levels: levels, reference: "C0"))
        for (index, level) in levels.enumerated() { #expect(cell(level, variable) == .level(Int32(index))) }
        #expect(cell("C300", variable) == .refused(.unknownLevel))
    }

    @Test func `identifiers are kept as they are, without spaces around them`() {
        let variable = DataDictionary.Variable(name: "id", kind: .identifier, missing: ["none"])
        #expect(cell("007", variable) == .text)
        #expect(cell("a b", variable) == .text)
        #expect(cell("007 ", variable) == .refused(.padded))
        #expect(cell("none", variable) == .missing)
        #expect(cell("none", variable, isPerson: true) == .refused(.missingThoughRequired))
        #expect(cell("", variable, isPerson: true) == .refused(.missingThoughRequired))
    }

    /// All who have it would be one person.
    @Test(arguments: ["NA", "na", "NULL", "null", "NaN", "nan", "None", "N/A", "#N/A", "<NA>", "\\N", "."])
    func `an identifier that programs write for a missing one names nobody`(text: String) {
        let variable = DataDictionary.Variable(name: "id", kind: .identifier)
        #expect(cell(text, variable, isPerson: true) == .refused(.nullIdentifier))
        #expect(cell(text, variable) == .text)
        #expect(cell(text + "1", variable, isPerson: true) == .text)
    }

    /// Blanks and characters that nobody sees, at either end, in a variable of every type.
    @Test(arguments: [
        " ", "\t", "\n", "\u{B}", "\u{A0}", "\u{2009}", "\u{202F}", "\u{3000}", "\u{200B}", "\u{FEFF}",
        "\u{AD}", "\u{85}",
    ])
    func `a value with a blank around it is refused, whether it can be seen or not`(blank: String) {
        let kinds: [(DataDictionary.Variable.Kind, String)] = [
            (.identifier, "A1"), (.number(lower: 0, upper: 9, resolution: nil), "3"), (.boolean, "yes"),
            (.category(levels: ["a", "b"], reference: "a"), "b"),
        ]
        for (kind, text) in kinds {
            let variable = DataDictionary.Variable(name: "x", kind: kind)
            for padded in [text + blank, blank + text] {
                let isRefused = [.refused(.padded), .refused(.paddedInvisibly)].contains(
                    cell(padded, variable))
                #expect(isRefused, "\(kind)")
            }
        }
    }

    @Test func `a required value may be missing neither as nothing nor as a code`() {
        let variable = number(missing: ["-9"], isRequired: true)
        #expect(cell("", variable) == .refused(.missingThoughRequired))
        #expect(cell("-9", variable) == .refused(.missingThoughRequired))
        #expect(cell("5", variable) == .number(5))
    }
}
