import Foundation
import Survival
import Testing

@Suite struct ModelSpecificationTests {
    private func model(_ terms: [String], _ definitions: (name: String, text: String)...) throws
        -> ModelSpecification
    {
        try ModelSpecification(
            terms: terms, scope: VariableScope(dictionary: Clinic.dictionary, definitions: definitions))
    }

    /// R 4.2.2: `colnames(model.matrix(~ terms, d))[-1]` with `bone` as 0/1 numbers and the others as
    /// factors, `=` put between a factor's name and its level.
    private static let namesInR: [([String], String)] = [
        (["age*sex"], "age sex=2 age:sex=2"),
        (["sex*age"], "sex=2 age sex=2:age"),
        (
            ["response*sex"],
            "response=PR response=SD response=PD sex=2 response=PR:sex=2 response=SD:sex=2 response=PD:sex=2"
        ),
        (["age*sex*bone"], "age sex=2 bone age:sex=2 age:bone sex=2:bone age:sex=2:bone"),
        (["age", "sex", "age:sex"], "age sex=2 age:sex=2"),
        (["age:sex"], "age:sex=1 age:sex=2"),
        (
            ["sex:response"],
            """
            sex=1:response=CR sex=2:response=CR sex=1:response=PR sex=2:response=PR \
            sex=1:response=SD sex=2:response=SD sex=1:response=PD sex=2:response=PD
            """
        ),
        (
            ["response", "sex:response"],
            """
            response=PR response=SD response=PD response=CR:sex=2 response=PR:sex=2 \
            response=SD:sex=2 response=PD:sex=2
            """
        ),
        (
            ["sex:age", "age", "response:sex"],
            """
            age sex=2:age sex=1:response=PR sex=2:response=PR sex=1:response=SD \
            sex=2:response=SD sex=1:response=PD sex=2:response=PD
            """
        ),
        (
            ["edema*age", "response*age"],
            """
            edema=0.5 edema=1 age response=PR response=SD response=PD edema=0.5:age edema=1:age \
            age:response=PR age:response=SD age:response=PD
            """
        ),
        (
            ["response:sex:age", "response"],
            """
            response=PR response=SD response=PD response=CR:sex=1:age response=PR:sex=1:age \
            response=SD:sex=1:age response=PD:sex=1:age response=CR:sex=2:age \
            response=PR:sex=2:age response=SD:sex=2:age response=PD:sex=2:age
            """
        ),
        (["age", "bone", "sex:bone", "bone:age"], "age bone bone:sex=2 age:bone"),
        (["bone:sex"], "bone:sex=1 bone:sex=2"),
        (
            ["age", "response*sex", "age:sex"],
            """
            age response=PR response=SD response=PD sex=2 response=PR:sex=2 response=SD:sex=2 \
            response=PD:sex=2 age:sex=2
            """
        ),
        (["log(bili)", "sex:log(bili)"], "log(bili) log(bili):sex=2"),
        (["age", "age:sex", "sex"], "age sex=2 age:sex=2"),
    ]

    @Test(arguments: namesInR)
    func `columns and their order are R's`(terms: [String], names: String) throws {
        #expect(try model(terms).parameterNames == names.split(separator: " ").map(String.init))
    }

    /// A level that no patient has is in the dictionary all the same, and so is its column.
    @Test func `columns come from the dictionary, not from data`() throws {
        let model = try model(
            ["response", "`tumour size`", "poor", "log(bili)", "age > 65"], ("poor", "response == 'PD'"))
        #expect(
            model.parameterNames == [
                "response=PR", "response=SD", "response=PD", "tumour size=≥3 cm", "tumour size=größer 10 cm",
                "poor",
                "log(bili)", "age > 65",
            ])
        #expect(
            model.columns.map(\.bounds) == Array(repeating: 0...1, count: 6) + [log(0.1)...log(50), 0...1])
        #expect(model.stratumCount == 1)
    }

    @Test func `a sign is no operation on terms`() throws {
        let model = try model(["change > -1", "bone and -change < 2", "age * -change"])
        #expect(
            model.parameterNames == [
                "change > -1", "bone and -change < 2", "age", "-change", "age:(-change)",
            ])
    }

    @Test func `bounds of an interaction are those of the product`() throws {
        let model = try model(["age*sex", "(change * 2):age", "(age > 60):bone"])
        #expect(
            model.columns.map { "\($0.name) \($0.bounds)" } == [
                "age 18.0...100.0", "sex=2 0.0...1.0", "age:sex=2 0.0...100.0",
                "age:(change * 2) -400.0...600.0", "(age > 60):bone 0.0...1.0",
            ])
    }

    @Test func `strata, cluster and offset make no columns but must not be missing`() throws {
        let model = try model(
            ["age", "strata(sex, late)", "strata(edema)", "cluster(response)", "offset(log(bili))"],
            ("late", "age > 70"))
        #expect(model.parameterNames == ["age"])
        #expect(model.strata.map(\.text) == ["sex", "late", "edema"])
        #expect(model.cluster?.text == "response")
        #expect(model.offset?.canonicalText == "log(bili)")
        #expect(model.stratumCount == 2 * 2 * 3)
        #expect(
            model.expressions.map(\.canonicalText) == [
                "age", "sex", "late", "edema", "response", "log(bili)",
            ])
        #expect(model.stratumLabel(0) == "sex=1, late=no, edema=0")
        #expect(model.stratumLabel(1) == "sex=1, late=no, edema=0.5")
        #expect(model.stratumLabel(3) == "sex=1, late=yes, edema=0")
        #expect(model.stratumLabel(11) == "sex=2, late=yes, edema=1")
    }

    @Test func `the person may be a cluster, and is never missing`() throws {
        let model = try model(["age", "cluster(patient_id)"])
        #expect(model.cluster?.text == "patient_id")
        #expect(model.expressions.map(\.text) == ["age"])
    }

    @Test func `every level of terms and strata is listed once, reference included`() throws {
        let model = try model(
            ["age", "sex*poor", "strata(edema, sex)", "cluster(response)"], ("poor", "response == 'PD'"))
        #expect(
            model.levels.map { "\($0.variable)=\($0.level)" }
                == ["sex=1", "sex=2", "poor=no", "poor=yes", "edema=0", "edema=0.5", "edema=1"])
    }

    @Test func `a model of strata alone has no columns`() throws {
        #expect(try model(["strata(sex)"]).columns.isEmpty)
        #expect(try model([]).stratumCount == 1)
    }

    private static let refusals: [([String], ModelTermProblem)] = [
        (["age", "sex", "age"], .duplicate("age")), (["age", " (age) "], .duplicate("(age)")),
        (["age:sex", "sex:age"], .duplicate("sex:age")), (["age*sex", "age:sex"], .duplicate("age:sex")),
        (["strata(sex)", "strata(sex)"], .duplicate("sex")),
        (["age:age"], .twiceInInteraction("age")), (["age*sex*(age)"], .twiceInInteraction("age")),
        (["3"], .constant("3")), (["age*2"], .constant("2")), (["age + sex"], .topLevelArithmetic("+")),
        (["-age"], .topLevelArithmetic("-")), (["age / 10"], .topLevelArithmetic("/")),
        (["age:strata(sex)"], .specialInInteraction("strata")),
        (["strata(sex):age"], .specialInInteraction("strata")),
        (["strata(strata(sex))"], .specialInInteraction("strata")),
        (["offset(age)", "offset(bili)"], .single("offset")), (["cluster(sex, edema)"], .single("cluster")),
        (["strata(age)"], .needsLevels("age", use: "strata")),
        (["cluster(age)"], .needsLevels("age", use: "cluster")),
        (["offset(sex)"], .needsNumber("sex", use: "offset")),
        (["offset(bone)"], .needsNumber("bone", use: "offset")),
        (["age*bili*change*afp*bone*lung*sex"], .interactionTooHigh(maximum: 6)),
    ]

    @Test(arguments: refusals)
    func `a term that makes no sense is refused`(terms: [String], problem: ModelTermProblem) {
        let error = #expect(throws: ScopeError.self) { try model(terms) }
        #expect(error?.problem == .term(problem))
    }

    @Test(arguments: [
        ("age:", 5, "the end"), (":age", 1, "\":\""), ("age**sex", 4, "\"**\""), ("strata()", 8, "\")\""),
        ("strata(sex", 11, "the end"), ("", 1, "the end"), ("strata(sex,)", 12, "\")\""),
        ("age sex", 5, "\"sex\""),
    ])
    func `a term that cannot be read is refused at its place`(term: String, position: Int, found: String) {
        let error = #expect(throws: ScopeError.self) { try model([term]) }
        #expect(error?.position == position)
        #expect(error?.description.contains(found) == true)
    }

    @Test func `terms obey the dictionary`() {
        let forbidden = #expect(throws: ScopeError.self) { try model(["age", "died"]) }
        #expect(forbidden?.problem == .notAllowedInTerms("died"))
        let unknown = #expect(throws: ScopeError.self) { try model(["log(bill)"]) }
        #expect(unknown?.problem == .unknownVariable("bill", suggestion: "bili"))
        let identifier = #expect(throws: ScopeError.self) { try model(["strata(patient_id)"]) }
        #expect(identifier?.problem == .identifier("patient_id"))
    }

    @Test func `too many columns or strata are refused before they are made`() throws {
        let levels = (1...400).map(String.init)
        let dictionary = DataDictionary(
            name: "d", version: 1, person: "id",
            variables: [.init(name: "id", kind: .identifier)]
                + ["a", "b", "c"].map { .init(name: $0, kind: .category(levels: levels, reference: "1")) })
        let scope = try VariableScope(dictionary: dictionary, definitions: [])
        let columns = #expect(throws: ScopeError.self) {
            try ModelSpecification(terms: ["a*b*c"], scope: scope)
        }
        #expect(columns?.problem == .term(.tooManyColumns(maximum: 500)))
        let strata = #expect(throws: ScopeError.self) {
            try ModelSpecification(terms: ["strata(a, b)"], scope: scope)
        }
        #expect(strata?.problem == .term(.tooManyStrata(maximum: 100_000)))
    }
}
