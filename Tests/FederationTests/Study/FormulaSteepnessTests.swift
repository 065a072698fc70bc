import Cryptography
import Federation
import Survival
import Testing

/// Formulas that would tell a few values of a variable from those next to them are conditions, written as arithmetic.
///
/// All of it follows from the text and the dictionary.
struct FormulaSteepnessTests {
    /// A clinic's dictionary with integers, laboratory values with and without a resolution, and a score of few values.
    private static let dictionary: DataDictionary = {
        func number(_ name: String, _ lower: Double, _ upper: Double, _ resolution: Double? = nil)
            -> DataDictionary.Variable
        {
            .init(name: name, kind: .number(lower: lower, upper: upper, resolution: resolution))
        }
        var dictionary = DataDictionary(
            name: "clinic", version: 1, person: "patient",
            variables: [
                .init(name: "patient", kind: .identifier),
                .init(
                    name: "months", kind: .number(lower: 0, upper: 120, resolution: 0.1), unit: "month",
                    isMeasuredAfterTimeZero: true),
                .init(name: "died", kind: .boolean), .init(name: "frail", kind: .boolean),
                number("age", 18, 110, 1), number("year", 1990, 2030, 1), number("height", 100, 220, 1),
                number("weight", 30, 250, 0.1), number("crp", 0.1, 500, 0.1), number("afp", 0.1, 1e7),
                number("bilirubin", 0.1, 50, 0.1), number("albumin", 1, 6, 0.1), number("inr", 0.5, 15, 0.1),
                number("creatinine", 0.1, 20, 0.01), number("ast", 1, 5000, 1), number("alt", 1, 5000, 1),
                number("platelets", 5, 1500, 1), number("nodes", 0, 90, 1), number("ecog", 0, 4, 1),
                number("marker", -10, 10), number("tumour_cm", 0.1, 40, 0.1),
            ])
        dictionary.title = "A clinic"
        return dictionary
    }()

    private static func plan(_ lines: String) throws -> StudyPlan {
        try Ward.plan(
            Ward.study(lines).replacing(
                "dictionary: \(Ward.dictionary.identifier)", with: "dictionary: clinic@1"),
            dictionary: dictionary)
    }

    private static func refusal(_ lines: String) throws -> String? {
        let plan = try plan(lines)
        // `fit` takes every one of them.
        #expect(throws: Never.self) { try DisclosurePolicy.local.admit(plan) }
        let said = sentence { try plan.requireAnswerable() }
        #expect(
            sentence { try DisclosurePolicy.ofTheExamples().admit(plan) } == nil || said != nil, "\(lines)")
        return said
    }

    /// As a row of a table, as a term, as weights, as an offset and as a marker.
    private static func refusals(ofFormula formula: String) throws -> [String?] {
        try [
            "analyses: [{describe: {id: m, variables: ['#']}}]",
            "define: {x: '#'}\nanalyses: [{cox: {id: m, terms: [x]}}]",
            "analyses: [{cox: {id: m, terms: ['(#)', frail]}}]",
            "analyses: [{cox: {id: m, terms: [frail, 'offset(#)']}}]",
            "analyses: [{cox: {id: m, terms: [frail], weights: '#'}}]",
            "analyses: [{concordance: {id: m, of: '#'}}]",
        ].map { try refusal($0.replacing("#", with: formula)) }
    }

    @Test(arguments: [
        "weight / ((height / 100) * (height / 100))", "log(weight / ((height / 100) * (height / 100)))",
        "sqrt(height * weight / 3600)", "log(crp)", "log(crp + 1)", "log(afp)", "log(afp + 1)",
        "log(afp) / log(10)", "log(crp) / log(2)", "log(nodes + 1)", "sqrt(nodes)", "sqrt(crp)",
        "sqrt(age - 18)",
        "age * age", "age * age * age", "(age - 60) / 10", "(age - 60) * (age - 60)", "year - 2000",
        "(year - 2000) / 10", "log(afp) * log(afp) * log(afp)", "ast / alt", "log(ast / alt)",
        "crp / albumin",
        "1 / creatinine", "creatinine / crp", "exp(-0.1 * age)", "exp(log(0.993) * age)", "exp(marker / 4)",
        "175 * exp(-1.154 * log(creatinine)) * exp(-0.203 * log(age))",
        "141 * exp(-1.209 * log(creatinine)) * exp(log(0.993) * age)",
        "age * ast / (platelets * sqrt(alt))", "log(age * ast / (platelets * sqrt(alt)))",
        "0.87 * log(bilirubin) - 2.53 * log(albumin) + 0.039 * age + 2.38 * log(inr)",
        "0.66 * log(17.1 * bilirubin) / log(10) - 0.085 * 10 * albumin",
        "3.78 * log((bilirubin + 1 + abs(bilirubin - 1)) / 2) + 11.2 * log((inr + 1 + abs(inr - 1)) / 2) + 9.57 * log((creatinine + 1 + abs(creatinine - 1)) / 2) + 6.43",
        "(crp + 100 - abs(crp - 100)) / 2", "abs(age - 60)", "abs(marker)", "0.03 * age + 0.5 * log(crp)",
        "1 / (1 + exp(-0.1 * (age - 60)))", "exp(0.02 * age + 0.3 * log(bilirubin))", "age * tumour_cm",
        "age / (age + 10)", "ecog", "ecog * age", "0.4 * ecog + 0.01 * age", "log(ecog + 1)",
        "1 / (nodes + 1)",
        "1 / (1 + (age - 60) * (age - 60) / 200)", "exp((age - 60) * (age - 60) / -250)",
    ])
    func `an ordinary formula is answered wherever it stands`(_ formula: String) throws {
        for said in try Self.refusals(ofFormula: formula) { #expect(said == nil) }
    }

    @Test(
        arguments: [
            // An outside tester's, each an exact indicator of one age.
            ("age + exp(-1000 * abs(age - 32)) * tumour_cm", "an exponent that spans 78000"),
            (
                "age + 0.5 * (abs(age - 39) + abs(age - 41) - 2 * abs(age - 40)) * tumour_cm",
                "rounding makes steps in it; leave out a constant, or what cancels"
            ),
            (
                "(0.5 * abs(age - 39) + 0.5 * abs(age - 60) - abs(age - 50)) * tumour_cm",
                "multiplies or divides a number that abs() bends"
            ),
            ("sqrt((age - 40) * (age - 40))", "a factor that changes its sign"),
            ("tumour_cm / (1 + 1e12 * sqrt((age - 40) * (age - 40)))", "a factor that changes its sign"),
            ("exp(-10 * abs(age - 53))", "an exponent that spans 570"),
            ("age + 500 * exp(-1000 * abs(age - 32))", "an exponent that spans"),
            // Hats.
            ("1 / (1 + 4 * ((age - 40) * (age - 40)))", "a sum that may be more than 20 times as large"),
            ("exp(-0.1 * ((age - 40) * (age - 40)))", "an exponent that spans 490"),
            ("log((age - 40) * (age - 40) + 0.001)", "more than 20 times as large"),
            ("log(abs(age - 40) + 1e-9)", "may come as near to 0 as"),
            ("sqrt(abs(age - 40))", "near to 0 as 0"),
            ("1 / (abs(age - 40) + 0.001)", "may come as near to 0"),
            ("abs(abs(age - 40) - 1)", "takes abs() of something else than one variable less a constant"),
            ("abs(age - weight)", "takes abs() of something else"),
            ("abs((age - 40) * (age - 42))", "takes abs() of something else"),
            ("abs(age - 40) * abs(age - 43)", "multiplies or divides a number that abs() bends"),
            ("(abs(age - 40) + 5) / weight", "multiplies or divides"),
            ("exp(-0.1 * abs(age - 40) - 0.01 * abs(age - 50))", "more than once"),
            // Edges of a range.
            ("log(age - 17.999999)", "as near to 0 as"), ("1 / (age - 17.99)", "near to 0 as 0.01"),
            ("sqrt(sqrt(age - 18))", "may come as near to 0 as 0"), ("log(nodes + 1e-9)", "near to 0"),
            // Powers, by themselves and by steps that are gentle.
            ("age * age * age * age * age", "a higher power of \"age\" than hospitals answer, which is 4"),
            ("exp(6 * log(age))", "a higher power"), ("ecog * ecog", "which is 1"),
            ("exp(100 * exp(-0.1 * age))", "an exponent that spans"),
            ("exp(-exp(-exp(-0.05 * age)))", "a higher power"),
            (
                "exp((age - 60) * (age - 60) / -250) * exp((age - 60) * (age - 60) / -250)",
                "an exponent that spans"
            ),
            // Rounding as a step.
            ("(age + 6755399441055744) - 6755399441055744", "rounding makes steps"),
            ("(age / 1000 + 1e16) - 1e16", "rounding makes steps"),
            ("age / 3 * 3 - age", "rounding makes steps"),
            ("sqrt(age) * sqrt(age) - age", "rounding makes steps"),
            ("age * 1e-322 * 1e300", "so large or small"),
            ("age + 1e-100 * (tumour_cm * 1e-250)", "so large or small"),
        ])
    func `a condition written as arithmetic is refused wherever it stands`(_ formula: String, _ words: String)
        throws
    {
        for said in try Self.refusals(ofFormula: formula) {
            #expect(said?.contains("could single out a few values") == true, "\(said ?? "none")")
            #expect(said?.contains(words) == true, "\(said ?? "none")")
            #expect(said?.contains("(line ") == true, "\(said ?? "none")")
        }
    }

    /// What a condition says of such a formula is a condition, and judged as one.
    @Test func `inside a comparison a formula may be steep`() throws {
        for condition in ["exp(-1000 * abs(age - 32)) > 0.5", "sqrt(abs(marker)) > 1"] {
            #expect(
                try Self.refusal("analyses: [{cox: {id: m, terms: [age], cohort: '\(condition)'}}]") == nil)
        }
    }

    // MARK: - Several formulas

    @Test(
        arguments: [
            // |age - 39| - 2|age - 40| + |age - 41| is an indicator.
            ("terms: ['abs(age - 39)', 'abs(age - 40)', 'abs(age - 41)']", "at 39 and 40"),
            ("terms: ['abs(age - 39)', 'abs(2 * age - 80)']", "at 39 and 40"),
            ("terms: ['rcs(age, 31.9999999, 32, 32.0000001)']", "which is nearer than 3 %"),
            ("terms: ['rcs(age, 80, 80.5, 81)']", "at 80 and 80.5"),
            ("terms: ['rcs(age, 40, 50, 60)', 'abs(age - 51)']", "at 50 and 51"),
            ("terms: ['rcs(log(age), 4, 4.01, 4.2)']", "at 54.6 and 55.1"),
            ("terms: ['rcs(age / 10 - 3, 1, 1.1, 3)']", "at 40 and 41"),
            ("terms: ['rcs(crp, 10, 11, 40)']", "at 10 and 11"),
            ("terms: ['rcs(age + weight, 100, 101, 150)']", "at 100 and 101"),
            (
                "terms: ['rcs(age + weight, 100, 120, 150)', 'rcs(age, 40, 50, 60)']",
                "goes with no other spline"
            ),
            (
                "terms: ['rcs(age, 40, 50, 60)', '(abs(age - 30) + weight)', '(abs(age - 70) + weight)']",
                "at several places"
            ),
            ("terms: ['rcs(age, 40, 50, 60):(age + 1)']", "is multiplied by another formula of it"),
            (
                "terms: [frail, 'rcs(age, 40, 50, 60)'], weights: 'age / 50'",
                "is multiplied by another formula"
            ),
            ("terms: ['(age * age):(age * age * age)']", "has a higher power of it than 4"),
            (
                "terms: [\((0..<11).map { "'abs(age - \(20 + 8 * $0))'" }.joined(separator: ", "))]",
                "at more than 10 places"
            ),
            (
                "terms: [\((1...13).map { "'log(age + \($0))'" }.joined(separator: ", "))]",
                "12 at most may have a power of it or a function"
            ),
            ("terms: ['log(ecog + 1)', 'sqrt(ecog)']", "1 at most may have"),
            (
                "terms: [\((1...5).map { "'log(abs(age - 60) + \($0))'" }.joined(separator: ", "))]",
                "have a function of a number that abs() bends"
            ),
        ])
    func `formulas that would be an indicator together are refused`(_ keys: String, _ words: String) throws {
        let said = try Self.refusal("analyses: [{cox: {id: m, \(keys)}}]")
        #expect(
            said?.contains("formulas could together single out a few values") == true, "\(said ?? "none")")
        #expect(said?.contains(words) == true, "\(said ?? "none")")
    }

    @Test func `places in several analyses and definitions count together`() throws {
        let lines = """
            define: {a: abs(age - 39), b: abs(age - 46)}
            analyses:
              - describe: {id: t, variables: [a, age]}
              - cox: {id: m, terms: ['#']}
            """
        #expect(try Self.refusal(lines.replacing("#", with: "abs(age - 53)")) == nil)
        let said = try Self.refusal(lines.replacing("#", with: "abs(age - 40)"))
        #expect(said?.contains("analysis \"m\" (line ") == true && said?.contains("at 39 and 40") == true)
    }

    @Test(arguments: [
        "'rcs(age, 45, 58, 66, 75)', 'rcs(crp, 0.5, 2, 5, 11, 40)'", "'rcs(age, 45, 58, 66) * frail'",
        "'rcs(log(afp), 1, 3, 6, 10)'", "'rcs(weight / ((height / 100) * (height / 100)), 20, 25, 30, 40)'",
        "'rcs(age, 43, 54, 60, 66, 77)', log(crp), 'log(crp):frail'", "age, '(age * age)', 'age:tumour_cm'",
        "'rcs(nodes, 1, 3, 6, 12)'", "'rcs(marker, -2, 0, 2)'", "'rcs(platelets, 100, 200, 300, 450)'",
    ])
    func `splines and interactions as people use them are answered`(_ terms: String) throws {
        #expect(try Self.refusal("analyses: [{cox: {id: m, terms: [\(terms)]}}]") == nil)
    }
}
