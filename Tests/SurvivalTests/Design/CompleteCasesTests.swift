import Foundation
import Survival
import Testing

@Suite struct CompleteCasesTests {
    private static let na = Double.nan

    /// Ten rows of seven people: people 0, 2 and 5 have two rows each.
    private static let table = PatientTable(
        rowCount: 10, person: [0, 0, 1, 2, 2, 3, 4, 5, 5, 6],
        columns: [
            "age": .number([50, 50, 61, 72, 72, na, 44, 58, 58, 39]),
            "bili": .number([1, 2, na, 4, 5, na, 7, 8, 9, 10]),
            "change": .number([1, 1, -1, 1, 1, 1, 1, 1, 1, 0]),
            "entry": .number([0, 5, 0, 0, 6, 0, 3, 0, 4, 0]),
            "months": .number([5, 9, 8, 6, 12, 7, 3, 4, na, 20]),
            "died": .boolean([0, 1, 1, 0, 0, 1, 1, 0, 1, na]),
            "bone": .boolean([1, 0, 0, 1, 1, 0, 1, 1, 1, 1]),
            "lung": .boolean([1, 1, 1, 1, 1, 1, 1, 1, na, 0]),
            "sex": .category([0, 0, 1, 1, 1, 0, 1, 0, 0, 1]),
            "response": .category([0, 2, 1, 3, 3, 0, 1, 2, 2, 1]),
        ])

    private func cases(
        _ needed: [String], cohort: [String] = [], start: String? = nil, time: String = "months",
        definitions: (name: String, text: String)...
    ) throws -> CompleteCases {
        try CompleteCases(
            table: Self.table, scope: VariableScope(dictionary: Clinic.dictionary, definitions: definitions),
            cohort: cohort.map { try Expression(parsing: $0) },
            endpoint: EndpointSpecification(
                time: Expression(parsing: time), start: start.map { try Expression(parsing: $0) },
                event: Expression(parsing: "died")),
            needed: needed.map { try Expression(parsing: $0) })
    }

    @Test func `rows with anything missing are dropped and counted by variable`() throws {
        let cases = try cases(["age", "log(bili)", "sex"])
        // Row 2 lacks bili, row 5 age and bili, row 8 months, row 9 died.
        #expect(cases.rows == [0, 1, 3, 4, 6, 7])
        #expect(cases.cohortRowCount == 10)
        #expect(cases.droppedByVariable == ["age": 1, "bili": 2, "died": 1, "months": 1, "sex": 0])
        #expect(cases.exit == [5, 9, 6, 12, 3, 4])
        #expect(cases.event == [false, true, false, false, true, false])
        #expect(cases.entry == nil)
    }

    @Test func `people are counted, not rows`() throws {
        let cases = try cases(["age", "bili", "sex"])
        #expect(cases.person == [0, 0, 1, 1, 2, 3])
        #expect(cases.peopleCount == 4)
    }

    @Test func `a row whose condition is missing is not in the cohort, and drops nothing`() throws {
        let cases = try cases(["bili"], cohort: ["lung", "age > 40 or bone"])
        // Row 8 lacks lung, row 9 has none, row 5 lacks age and has no bone.
        #expect(cases.cohortRowCount == 7)
        #expect(cases.rows == [0, 1, 3, 4, 6, 7])
        #expect(cases.droppedByVariable == ["bili": 1, "died": 0, "months": 0])
    }

    @Test func `a missing value that does not matter drops nothing`() throws {
        let cases = try cases(["age > 50 or lung"])
        #expect(cases.rows.contains(5))
        #expect(cases.droppedByVariable["age"] == 0)
    }

    @Test func `an undefined number counts for the variables behind it`() throws {
        let cases = try cases(["score"], definitions: ("score", "log(change) * age + bili * 0"))
        // Row 2: log(-1), but bili is missing as well and explains it; row 5 lacks age and bili.
        #expect(cases.droppedByVariable == ["age": 1, "bili": 2, "change": 0, "died": 1, "months": 1])
        let alone = try self.cases(["log(change) + age * 0"], cohort: ["change < 0"])
        #expect(alone.droppedByVariable == ["age": 1, "change": 1, "died": 0, "months": 0])
    }

    @Test func `a start that is not before the time drops the row and counts for the start`() throws {
        let cases = try cases(["age"], start: "entry")
        // Row 6: at risk in (3, 3].
        #expect(cases.rows == [0, 1, 2, 3, 4, 7])
        #expect(cases.entry == [0, 5, 0, 0, 6, 0])
        #expect(cases.droppedByVariable == ["age": 1, "died": 1, "entry": 1, "months": 1])
    }

    @Test func `levels are indices into the dictionary's levels, no and yes for a condition`() throws {
        let cases = try cases(["age", "response", "bone"])
        #expect(cases.rows == [0, 1, 2, 3, 4, 6, 7])
        let response = try cases.levelIndex(of: Expression(parsing: "response"))
        #expect(response.levels == ["CR", "PR", "SD", "PD"])
        #expect(response.index == [0, 2, 1, 3, 3, 1, 2])
        let bone = try cases.levelIndex(of: Expression(parsing: "bone"))
        #expect(bone.levels == ["no", "yes"])
        #expect(bone.index == [1, 0, 0, 1, 1, 1, 1])
        #expect(throws: ScopeError.self) { try cases.levelIndex(of: Expression(parsing: "age")) }
    }

    @Test func `the design matrix has the products of its factors, and the strata their numbers`() throws {
        let scope = try Clinic.scope()
        let model = try ModelSpecification(
            terms: [
                "age*sex", "sex:response", "bone", "strata(sex, bone)", "offset(log(bili))",
                "cluster(patient_id)",
            ], scope: scope)
        let cases = try cases(model.expressions.map(\.text))
        #expect(cases.rows == [0, 1, 3, 4, 6, 7])
        let data = try cases.survivalData(model: model, weights: Expression(parsing: "bili"))
        let expected: [String: [Double]] = [
            "age": [50, 50, 72, 72, 44, 58], "sex=2": [0, 0, 1, 1, 1, 0], "bone": [1, 0, 1, 1, 1, 1],
            "age:sex=2": [0, 0, 72, 72, 44, 0], "sex=1:response=PR": [0, 0, 0, 0, 0, 0],
            "sex=2:response=PR": [0, 0, 0, 0, 1, 0], "sex=1:response=SD": [0, 1, 0, 0, 0, 1],
            "sex=2:response=SD": [0, 0, 0, 0, 0, 0], "sex=1:response=PD": [0, 0, 0, 0, 0, 0],
            "sex=2:response=PD": [0, 0, 1, 1, 0, 0],
        ]
        #expect(data.columnCount == 10)
        for (name, column) in zip(model.parameterNames, data.columns) { #expect(expected[name] == column) }
        #expect(try cases.stratumIndex(of: model) == [1, 0, 3, 3, 3, 1])
        #expect(try cases.clusterIndex(of: model) == cases.person)
        #expect(
            try cases.numbers(of: Expression(parsing: "log(bili)")) == [1, 2, 4, 5, 7, 8].map { log($0) })
    }

    @Test func `level counts are of people, and absent levels count zero`() throws {
        let scope = try Clinic.scope()
        let model = try ModelSpecification(terms: ["response", "bone", "strata(sex)"], scope: scope)
        let cases = try cases(model.expressions.map(\.text) + ["age"])
        // Rows 0, 1 | 2 | 3, 4 | 6 | 7 of five people: person 0 is at CR and at SD, with and without bone.
        #expect(cases.peopleCount == 5)
        #expect(try cases.levelCounts(model: model) == [1, 2, 2, 1, 2, 4, 2, 3])
        let men = try self.cases(model.expressions.map(\.text), cohort: ["sex == 1"])
        #expect(try men.levelCounts(model: model).suffix(2) == [3, 0])
    }

    @Test func `what was not among the needed expressions must not be missing`() throws {
        let cases = try cases(["age"])
        let error = #expect(throws: ScopeError.self) { try cases.numbers(of: Expression(parsing: "bili")) }
        #expect(error?.problem == .notAmongNeeded("bili"))
    }

    @Test func `an infinite covariate is refused, not dropped`() throws {
        let model = try ModelSpecification(terms: ["log(change)"], scope: Clinic.scope())
        let cases = try CompleteCases(
            table: Clinic.table([
                "change": .number([0, 1]), "months": .number([1, 2]), "died": .boolean([1, 0]),
            ]), scope: Clinic.scope(), cohort: [],
            endpoint: .init(time: Expression(parsing: "months"), event: Expression(parsing: "died")),
            needed: model.expressions)
        #expect(cases.rows.count == 2)
        let error = #expect(throws: ScopeError.self) { try cases.survivalData(model: model, weights: nil) }
        #expect(error?.problem == .infinite("log(change)"))
        #expect(error?.description.contains("0") == false)
    }

    @Test func `an endpoint of the wrong types is refused`() throws {
        #expect(throws: ScopeError.self) { try cases([], time: "bone") }
        #expect(throws: ScopeError.self) { try cases([], start: "sex") }
        #expect(throws: ScopeError.self) { try cases([], cohort: ["age"]) }
    }

    @Test func `a hospital without a single row of the cohort has empty cases`() throws {
        let model = try ModelSpecification(terms: ["response"], scope: Clinic.scope())
        let cases = try cases(["response"], cohort: ["age > 99"])
        #expect(cases.rows.isEmpty)
        #expect(cases.peopleCount == 0)
        #expect(try cases.levelCounts(model: model) == [0, 0, 0, 0])
        #expect(cases.droppedByVariable == ["died": 0, "months": 0, "response": 0])
    }
}
