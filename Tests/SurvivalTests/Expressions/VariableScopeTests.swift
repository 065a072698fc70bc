import Survival
import Testing

@Suite struct VariableScopeTests {
    @Test func `definitions may stand in any order`() throws {
        let definitions = [(name: "a", text: "b and c"), ("b", "c or age > 60"), ("c", "not bone")]
        for order in [[0, 1, 2], [2, 1, 0], [1, 2, 0], [1, 0, 2]] {
            let scope = try VariableScope(
                dictionary: Clinic.dictionary, definitions: order.map { definitions[$0] })
            #expect(try scope.type(of: Expression(parsing: "a")) == .boolean)
            #expect(scope.variables(of: try Expression(parsing: "a or sex == 1")) == ["age", "bone", "sex"])
        }
    }

    @Test(arguments: [
        ([(name: "a", text: "a or bone")], ["a", "a"]),
        ([(name: "a", text: "b > 1"), ("b", "c + 1"), ("c", "abs(a)")], ["a", "b", "c", "a"]),
        ([(name: "a", text: "b > 1"), ("b", "c + 1"), ("c", "abs(b)"), ("d", "a")], ["b", "c", "b"]),
    ])
    func `definitions in a circle are refused by name`(
        definitions: [(name: String, text: String)], circle: [String]
    ) throws {
        let error = #expect(throws: ScopeError.self) {
            try VariableScope(dictionary: Clinic.dictionary, definitions: definitions)
        }
        #expect(error?.problem == .circularDefinitions(circle))
    }

    @Test(arguments: [
        ("age", "bone", ScopeError.Problem.definitionHidesVariable("age")),
        ("or", "bone", .badDefinitionName("or")), ("two words", "bone", .badDefinitionName("two words")),
        ("3x", "bone", .badDefinitionName("3x")), ("same", "bone", .duplicateDefinition("same")),
    ])
    func `a definition needs a free and plain name`(name: String, text: String, problem: ScopeError.Problem) {
        let error = #expect(throws: ScopeError.self) { try Clinic.scope(("same", "lung"), (name, text)) }
        #expect(error?.problem == problem)
    }

    @Test func `an error in a definition names it and the place`() {
        let syntax = #expect(throws: ScopeError.self) { try Clinic.scope(("old", "age > ")) }
        #expect(syntax?.definition == "old")
        #expect(syntax?.position == 6)
        let type = #expect(throws: ScopeError.self) { try Clinic.scope(("old", "agee > 65")) }
        #expect(
            type?.description == """
                in the definition of "old": there is no variable or definition "agee"; did you mean "age"? \
                (character 1 of "agee > 65")
                """)
    }

    @Test func `so many definitions that checking them would take long are refused`() {
        let definitions = (0...1000).map { (name: "d\($0)", text: "age > \($0)") }
        let error = #expect(throws: ScopeError.self) {
            try VariableScope(dictionary: Clinic.dictionary, definitions: definitions)
        }
        #expect(error?.problem == .tooManyDefinitions(maximum: 1000))
    }

    @Test func `text from outside cannot disguise itself in an error`() {
        let error = #expect(throws: ScopeError.self) { try Clinic.scope(("a\u{202E}b\n", "bone")) }
        #expect(error?.description.contains("\"a\u{FFFD}b\u{FFFD}\"") == true)
    }
}
