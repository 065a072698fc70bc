import Foundation
import Survival
import Testing

@Suite struct ExpressionValueTests {
    private static let (no, yes, missing) = (0.0, 1.0, Double.nan)

    private static let logic: [(String, [Double?])] = [
        ("bone and lung", [0, 0, 0, 0, 1, nil, 0, nil, nil]),
        ("bone or lung", [0, 1, nil, 1, 1, 1, nil, 1, nil]),
        ("not bone", [1, 1, 1, 0, 0, 0, nil, nil, nil]),
        ("not (bone and lung)", [1, 1, 1, 1, 0, nil, 1, nil, nil]),
        ("bone == lung", [1, 0, nil, 0, 1, nil, nil, nil, nil]),
        ("bone != lung", [0, 1, nil, 1, 0, nil, nil, nil, nil]),
        ("bone and lung or true", [1, 1, 1, 1, 1, 1, 1, 1, 1]),
        ("bone and lung and false", [0, 0, 0, 0, 0, 0, 0, 0, 0]),
        ("bone in [1]", [0, 0, 0, 1, 1, 1, nil, nil, nil]),
        ("bone not in [true]", [1, 1, 1, 0, 0, 0, nil, nil, nil]),
        ("bone + lung", [0, 1, nil, 1, 2, nil, nil, nil, nil]),
        ("bone * 0", [0, 0, 0, 0, 0, 0, nil, nil, nil]),
    ]

    /// Kleene's tables, as R's `&`, `|` and `!`: rows for a in no, yes, missing, columns for b likewise.
    @Test(arguments: logic)
    func `logic with missing values has three values`(text: String, expected: [Double?]) throws {
        let (no, yes, missing) = (Self.no, Self.yes, Self.missing)
        let columns = [
            "bone": Column.boolean([no, no, no, yes, yes, yes, missing, missing, missing]),
            "lung": .boolean([no, yes, missing, no, yes, missing, no, yes, missing]),
        ]
        #expect(try Clinic.values(text, columns) == expected)
    }

    private static let numbers: [(String, [Double?])] = [
        ("change < 1", [1, 0, 0, nil]), ("change <= 1", [1, 1, 0, nil]), ("change > 1", [0, 0, 1, nil]),
        ("change >= 1", [0, 1, 1, nil]), ("change == 1", [0, 1, 0, nil]), ("change != 1", [1, 0, 1, nil]),
        ("1 < change", [0, 0, 1, nil]), ("change in [1, 2]", [0, 1, 1, nil]),
        ("change not in [1]", [1, 0, 1, nil]),
        ("-change", [1, -1, -2, nil]), ("2 * change - 1", [-3, 1, 3, nil]), ("2 / change", [-2, 2, 1, nil]),
        ("2 - (change - 1)", [4, 2, 1, nil]), ("abs(change)", [1, 1, 2, nil]),
        ("log(change)", [nil, 0, log(2), nil]),
        ("sqrt(change)", [nil, 1, 2.0.squareRoot(), nil]), ("exp(change)", [exp(-1), exp(1), exp(2), nil]),
        ("7", [7, 7, 7, 7]), ("change * change == 1", [1, 1, 0, nil]),
    ]

    @Test(arguments: numbers)
    func `numbers are compared and computed row by row, missing where they are undefined`(
        text: String, expected: [Double?]
    ) throws {
        #expect(try Clinic.values(text, ["change": .number([-1, 1, 2, .nan])]) == expected)
    }

    private static let levels: [(String, [Double?])] = [
        ("response == 'SD'", [0, 0, 1, 0, nil]), ("response != 'SD'", [1, 1, 0, 1, nil]),
        ("response in ['SD', 'PD']", [0, 0, 1, 1, nil]), ("response not in ['SD', 'PD']", [1, 1, 0, 0, nil]),
        ("'PD' == response", [0, 0, 0, 1, nil]), ("response", [0, 1, 2, 3, nil]),
        ("good", [1, 1, 0, 0, nil]),
        ("arm == 'CR'", [1, 0, 0, 0, nil]),
    ]

    @Test(arguments: levels)
    func `levels are compared by name, and a missing level with none`(text: String, expected: [Double?])
        throws
    {
        let columns = ["response": Column.category([0, 1, 2, 3, -1])]
        let values = try Clinic.values(
            text, columns, definitions: ("good", "not poor"), ("poor", "arm in ['SD', 'PD']"),
            ("arm", "response"))
        #expect(values == expected)
    }

    private static let codes: [(String, [Double?])] = [
        ("edema == 0.5", [0, 1, 0, nil]), ("edema == .50", [0, 1, 0, nil]),
        ("edema == '0.5'", [0, 1, 0, nil]),
        ("edema in [0, '1']", [1, 0, 1, nil]), ("edema > 0", [0, 1, 1, nil]),
        ("0.5 >= edema", [1, 1, 0, nil]),
        ("edema != 1", [1, 1, 0, nil]),
    ]

    @Test(arguments: codes)
    func `a category coded by numbers is compared by number or by text`(text: String, expected: [Double?])
        throws
    {
        #expect(try Clinic.values(text, ["edema": .category([0, 1, 2, -1])]) == expected)
    }

    @Test func `a name with blanks and letters of any alphabet is written in backquotes`() throws {
        let columns = ["tumour size": Column.category([0, 1, 2, -1])]
        #expect(try Clinic.values("`tumour size` in ['≥3 cm', 'größer 10 cm']", columns) == [0, 1, 1, nil])
    }

    @Test func `a chain of a thousand definitions is evaluated`() throws {
        let links = (1...1000).map {
            (name: "d\($0)", text: $0 == 1 ? "age" : "d\($0 - 1) + d\($0 - 1) - d\($0 - 1) + 1")
        }
        let scope = try VariableScope(dictionary: Clinic.dictionary, definitions: links.reversed())
        let table = Clinic.table(["age": .number([40, .nan])])
        guard case .number(let values) = try scope.values(of: Expression(parsing: "d1000"), in: table) else {
            Issue.record("not a number")
            return
        }
        #expect(values[0] == 40 + 999)
        #expect(values[1].isNaN)
    }

    @Test func `a table without the column, or with another kind of column, is refused by name`() throws {
        let missing = #expect(throws: ScopeError.self) {
            try Clinic.values("age > 3", ["bili": .number([1])])
        }
        #expect(missing?.problem == .missingColumn("age"))
        for (text, column) in [
            ("age > 3", Column.category([1])), ("bone", .number([1])), ("sex == 1", .number([1])),
        ] {
            let name = String(text.prefix { $0.isLetter })
            let wrong = #expect(throws: ScopeError.self) { try Clinic.values(text, [name: column]) }
            #expect(wrong?.problem == .wrongColumn(name))
        }
    }
}
