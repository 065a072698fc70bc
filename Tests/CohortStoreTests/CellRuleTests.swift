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
        ("2", .refused(.notBoolean)), ("y", .refused(.notBoolean)), ("1.0", .refused(.notBoolean)),
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

    @Test func `a required value may be missing neither as nothing nor as a code`() {
        let variable = number(missing: ["-9"], isRequired: true)
        #expect(cell("", variable) == .refused(.missingThoughRequired))
        #expect(cell("-9", variable) == .refused(.missingThoughRequired))
        #expect(cell("5", variable) == .number(5))
    }
}
