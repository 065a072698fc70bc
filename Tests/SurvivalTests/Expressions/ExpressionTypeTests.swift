import Survival
import Testing

@Suite struct ExpressionTypeTests {
    private static let types: [(String, ExpressionType)] = [
        ("age", .number), ("bone", .boolean),
        ("response", .category(levels: ["CR", "PR", "SD", "PD"], reference: "CR")),
        ("log(age) / 2", .number), ("-bone", .number), ("bone + lung", .number),
        ("bone + lung >= 1", .boolean),
        ("bone == true", .boolean), ("bone == 1", .boolean), ("age in [1, 2]", .boolean),
        ("not bone", .boolean),
        ("response == 'SD'", .boolean), ("'SD' != response", .boolean), ("sex == 1", .boolean),
        ("sex == '1'", .boolean), ("edema in [0.5, '1']", .boolean), ("edema >= 0.5", .boolean),
        ("true", .boolean),
        ("`tumour size` == '≥3 cm'", .boolean), ("3 < age", .boolean),
    ]

    @Test(arguments: types)
    func `expressions have the types one expects`(text: String, type: ExpressionType) throws {
        #expect(try Clinic.scope().type(of: Expression(parsing: text)) == type)
    }

    private static let refusals: [(String, Int, ScopeError.Problem)] = [
        ("tumor", 1, .unknownVariable("tumor", suggestion: nil)),
        ("agee > 3", 1, .unknownVariable("agee", suggestion: "age")),
        ("bone or Lung", 9, .unknownVariable("Lung", suggestion: "lung")),
        (
            "response == 'Sd'", 13,
            .unknownLevel("Sd", variable: "response", levels: ["CR", "PR", "SD", "PD"], suggestion: "SD")
        ),
        (
            "response in ['SD', 'xyz']", 20,
            .unknownLevel("xyz", variable: "response", levels: ["CR", "PR", "SD", "PD"], suggestion: nil)
        ),
        ("sex == 3", 8, .unknownLevel("3", variable: "sex", levels: ["1", "2"], suggestion: "1")),
        ("response == SD", 13, .unknownVariable("SD", suggestion: "'SD'")),
        (
            "response == sex", 13,
            .wrongType(found: "\"sex\"", expected: "a level of \"response\" in quotes")
        ),
        ("age == response", 1, .wrongType(found: "\"age\"", expected: "a level of \"response\" in quotes")),
        (
            "response + 1", 1,
            .wrongType(found: "the category \"response\"", expected: "a number or a comparison")
        ),
        ("log(sex)", 5, .wrongType(found: "the category \"sex\"", expected: "a number or a comparison")),
        ("bone and sex", 10, .wrongType(found: "the category \"sex\"", expected: "a yes/no expression")),
        ("bone and age", 10, .wrongType(found: "a number", expected: "a yes/no expression")),
        ("not age", 5, .wrongType(found: "a number", expected: "a yes/no expression")),
        (
            "response < 'SD'", 10,
            .wrongType(found: "an order of the levels of \"response\"", expected: "== or !=")
        ),
        (
            "response < 3", 10,
            .wrongType(found: "an order of the levels of \"response\"", expected: "== or !=")
        ),
        ("age == 'x'", 8, .wrongType(found: "a text", expected: "a number")),
        ("age in [1, 'x']", 12, .wrongType(found: "a text", expected: "a number")),
        ("age == true", 8, .wrongType(found: "true", expected: "a number")),
        ("bone == 'yes'", 9, .wrongType(found: "a text", expected: "true or false")),
        ("bone == 2", 9, .wrongType(found: "2", expected: "true or false")),
        ("'a'", 1, .wrongType(found: "a text", expected: "a value")),
        ("1 == 'a'", 3, .wrongType(found: "a comparison of constants", expected: "a variable")),
        ("patient_id == 3", 1, .identifier("patient_id")),
        ("age > log(change - 4)", 7, .neverDefined("log(change - 4)")),
        ("sqrt(-age)", 1, .neverDefined("sqrt(-age)")),
        ("age / (1 - 1)", 5, .neverDefined("age / (1 - 1)")),
    ]

    @Test(arguments: refusals)
    func `what does not fit the dictionary is refused at its place`(
        text: String, position: Int, problem: ScopeError.Problem
    ) throws {
        let scope = try Clinic.scope()
        let expression = try Expression(parsing: text)
        let error = #expect(throws: ScopeError.self) { try scope.type(of: expression) }
        #expect(error?.problem == problem)
        #expect(error?.position == position)
        #expect(error?.text == text)
    }

    @Test func `a number that several levels equal is refused`() throws {
        let dictionary = DataDictionary(
            name: "d", version: 1, person: "id",
            variables: [
                .init(name: "id", kind: .identifier),
                .init(name: "grade", kind: .category(levels: ["1", "01"], reference: "1")),
            ])
        let scope = try VariableScope(dictionary: dictionary, definitions: [])
        let error = #expect(throws: ScopeError.self) { try scope.type(of: Expression(parsing: "grade == 1")) }
        #expect(error?.problem == .ambiguousLevel("1", variable: "grade"))
        #expect(try scope.type(of: Expression(parsing: "grade == '01'")) == .boolean)
    }

    @Test func `an unknown level is reported in a sentence`() throws {
        let scope = try Clinic.scope()
        let error = #expect(throws: ScopeError.self) {
            try scope.type(of: Expression(parsing: "response == 'XX-1'"))
        }
        #expect(
            error?.description == """
                "response" has no level "XX-1"; its levels are "CR", "PR", "SD", "PD" \
                (character 13 of "response == 'XX-1'")
                """)
    }

    @Test func `the dictionary keeps variables out of filters and terms, through definitions too`() throws {
        let scope = try Clinic.scope(("late", "months > 12"), ("dead", "died and not bone"))
        #expect(throws: Never.self) { try scope.requireFilter(Expression(parsing: "died and age > 60")) }
        #expect(throws: Never.self) { try scope.requireTerm(Expression(parsing: "months")) }
        let filter = #expect(throws: ScopeError.self) {
            try scope.requireFilter(Expression(parsing: "bone or late"))
        }
        #expect(filter?.problem == .notAllowedInFilters("months"))
        let term = #expect(throws: ScopeError.self) { try scope.requireTerm(Expression(parsing: "dead")) }
        #expect(term?.problem == .notAllowedInTerms("died"))
        let number = #expect(throws: ScopeError.self) { try scope.requireFilter(Expression(parsing: "age")) }
        #expect(number?.problem == .wrongType(found: "a number", expected: "a yes/no expression"))
    }
}
