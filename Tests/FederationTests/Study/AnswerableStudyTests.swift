import Cryptography
import Federation
import Survival
import Testing

/// What a study's text may say where hospitals answer it; `coxswain fit` has the whole language.
struct AnswerableStudyTests {
    /// Every place of a study file where a formula may stand, with `#` for a number and `?` for a condition in its place.
    private static let places: [(name: String, study: String)] = [
        ("define", study("define: {x: '#'}\nanalyses: [{cox: {id: m, terms: [x]}}]")),
        ("define, unused", study("define: {x: '#'}\nanalyses: [{cox: {id: m, terms: [age]}}]")),
        (
            "define, of a definition",
            study("define: {y: x + 1, x: '#'}\nanalyses: [{cox: {id: m, terms: [y]}}]")
        ),
        ("cohort", study("cohort: '?'\nanalyses: [{cox: {id: m, terms: [age]}}]")),
        ("cohort of an analysis", study("analyses: [{cox: {id: m, terms: [age], cohort: '?'}}]")),
        ("time", endpoint("{time: '#', event: died, unit: month}")),
        ("start", endpoint("{time: months, start: '#', event: died, unit: month}")),
        ("event", endpoint("{time: months, event: '?', unit: month}")),
        (
            "causes",
            endpoint("{time: months, causes: {a: '?', b: frail}, event: died, unit: month}", cause: true)
        ),
        ("event of a model", study("analyses: [{cox: {id: m, terms: [age], event: '?'}}]")),
        ("event of a curve", study("analyses: [{survival: {id: m, event: '?', times: exact}}]")),
        ("event of a concordance", study("analyses: [{concordance: {id: m, of: age, event: '?'}}]")),
        ("term", study("analyses: [{cox: {id: m, terms: ['(#)']}}]")),
        ("each", study("analyses: [{cox: {id: m, each: [age, '(#)']}}]")),
        ("condition as a term", study("analyses: [{cox: {id: m, terms: ['(?)']}}]")),
        ("interaction", study("analyses: [{cox: {id: m, terms: ['age:(?)']}}]")),
        ("spline", study("analyses: [{cox: {id: m, terms: ['rcs(#, 40, 50, 60)']}}]")),
        ("strata of a model", study("analyses: [{cox: {id: m, terms: [age, 'strata(?)']}}]")),
        ("cluster", study("analyses: [{cox: {id: m, terms: [age, 'cluster(?)']}}]")),
        ("offset", study("analyses: [{cox: {id: m, terms: [age, 'offset(#)']}}]")),
        ("weights of a model", study("analyses: [{cox: {id: m, terms: [age], weights: '#'}}]")),
        ("weights of a curve", study("analyses: [{survival: {id: m, weights: '#', times: exact}}]")),
        ("weights of an incidence", incidence("weights: '#'")),
        ("weights of a concordance", study("analyses: [{concordance: {id: m, of: age, weights: '#'}}]")),
        ("by of a curve", study("analyses: [{survival: {id: m, by: '?', times: exact}}]")),
        ("by of an incidence", incidence("by: '?'")),
        ("by of a table", study("analyses: [{describe: {id: m, variables: [age], by: '?'}}]")),
        (
            "strata of a test",
            study("analyses: [{survival: {id: m, by: frail, test: log-rank, strata: ['?'], times: exact}}]")
        ),
        ("strata of Gray's test", incidence("by: frail, test: gray, strata: ['?']")),
        ("strata of a concordance", study("analyses: [{concordance: {id: m, of: age, strata: ['?']}}]")),
        ("marker", study("analyses: [{concordance: {id: m, of: '#'}}]")),
        ("condition as a marker", study("analyses: [{concordance: {id: m, of: '?'}}]")),
        ("variable of a table", study("analyses: [{describe: {id: m, variables: ['#']}}]")),
        ("condition in a table", study("analyses: [{describe: {id: m, variables: ['?']}}]")),
        (
            "functional form",
            study("analyses: [{cox: {id: m, terms: [age], diagnostics: {functional-form: ['#']}}}]")
        ),
    ]

    private static func study(_ lines: String) -> String { Ward.study(lines) }

    private static func endpoint(_ endpoint: String, cause: Bool = false) -> String {
        Ward.study("analyses: [{cox: {id: m, terms: [age]\(cause ? ", cause: a" : "")}}]")
            .replacing("{time: months, event: died, unit: month}", with: endpoint)
    }

    private static func incidence(_ keys: String) -> String {
        Ward.study("analyses: [{incidence: {id: m, \(keys), times: exact}}]").replacing(
            "event: died", with: "causes: {a: died and frail, b: died and not frail}")
    }

    private static func filled(_ study: String, _ number: String, _ condition: String? = nil) -> String {
        study.replacing("#", with: number).replacing("?", with: condition ?? "\(number) > 3")
    }

    private static let lead = SPIFFEID(consortium: "liver", role: .operator("lead"))

    /// Refused as it is, by the check without a policy and by any policy; taken with an ordinary formula, and by `fit`.
    @Test(arguments: [
        ("age + 5 * (age == 35)", "\"age == 35\" is a condition, which is no number inside a formula"),
        ("age + 5 * frail", "\"frail\" is a condition"),
        ("-(age > 50) + 60", "\"age > 50\" is a condition"),
        ("abs(age > 50) + share", "\"age > 50\" is a condition"),
        (
            "age + 0 / (share - 1)",
            "must have a value for everybody, and by the dictionary's ranges \"share - 1\" may be 0"
        ),
        ("50 + log(marker + 10)", "\"marker + 10\" may be 0 or less"),
        ("50 + sqrt(marker)", "\"marker\" may be negative"),
        ("50 + exp(80 * marker)", "its value has no finite limits"),
        ("50 + 1e300 * age * 1e300", "its value has no finite limits"),
    ])
    func `a formula that hides or leaves out somebody is refused wherever it stands`(
        _ formula: String, _ words: String
    ) throws {
        for (name, text) in Self.places {
            let bad: StudyPlan
            do {
                bad = try Ward.plan(Self.filled(text, formula))
            } catch {
                // Knots outside the values, bins of an infinite range: no study anywhere.
                #expect(["spline", "functional form"].contains(name), "\(name): \(error)")
                continue
            }
            let said = sentence { try bad.requireAnswerable() }
            #expect(said?.contains(words) == true, "\(name): \(said ?? "none")")
            #expect(said?.contains("(line ") == true, "\(name): \(said ?? "none")")
            #expect(throws: DisclosureError.self, "\(name)") {
                try DisclosurePolicy.ofTheExamples().admit(bad, from: Self.lead)
            }
            #expect(throws: Never.self, "\(name)") { try DisclosurePolicy.local.admit(bad, from: Self.lead) }
            let good = try Ward.plan(Self.filled(text, "age + 5 * log(share)"))
            #expect(sentence { try good.requireAnswerable() } == nil, "\(name)")
        }
        #expect(Self.places.count == 35)
    }

    /// Comparisons use conditions as numbers too.
    @Test(arguments: ["frail < (age > 50)", "(age > 50) == share", "frail >= true", "not (frail == age)"])
    func `a condition is neither more nor less than anything, and no number's equal`(_ condition: String)
        throws
    {
        let plan = try Ward.plan(
            Ward.study("analyses: [{cox: {id: m, terms: [age], cohort: '\(condition)'}}]"))
        #expect(sentence { try plan.requireAnswerable() }?.contains("is a condition") == true)
    }

    @Test(arguments: [
        "frail == true", "frail != (age > 50)", "(age > 50) == (marker < 0) and not frail", "frail in [true]",
        "log(share) > 0 and stage in [\"I\", \"II\"]", "age / share > 60",
        "exp(marker) < 2 or 1 / (share + 1) > 0.2",
        "sqrt(abs(marker)) > 1", "age * age > 3000",
    ])
    func `conditions of conditions, and formulas that are always there, are answered`(_ condition: String)
        throws
    {
        let plan = try Ward.plan(
            Ward.study("analyses: [{cox: {id: m, terms: [age], cohort: '\(condition)'}}]"))
        #expect(sentence { try plan.requireAnswerable() } == nil)
    }

    /// Interactions and splines are products, too.
    @Test func `a product of columns that has no limits is refused`() throws {
        var dictionary = Ward.dictionary
        for index in dictionary.variables.indices
        where ["age", "marker"].contains(dictionary.variables[index].name) {
            dictionary.variables[index].kind = .number(lower: -.infinity, upper: .infinity, resolution: nil)
        }
        func refusal(_ terms: String) throws -> String? {
            let plan = try Ward.plan(
                Ward.study("analyses: [{cox: {id: m, terms: [\(terms)]}}]"), dictionary: dictionary)
            return sentence { try plan.requireAnswerable() }
        }
        #expect(try refusal("age, marker, 'marker:frail'") == nil)
        #expect(try refusal("'age:marker'")?.contains("\"age:marker\" has no finite limits") == true)
        #expect(try refusal("'rcs(age, 1, 2, 3)'")?.contains("has no finite limits") == true)
    }

    // MARK: - Units

    @Test(
        arguments: [
            ("day", "day", nil), ("days", "day", nil), ("month", "month", nil), ("years", "year", nil),
            ("day", "year", "the dictionary measures \"months\" in days, not in years; write unit: day"),
            ("day", "month", "not in months; write unit: day"), ("week", "day", "write unit: week"),
            ("d", "day", "the dictionary's unit of \"months\", \"d\", is none of day, week, month, year"),
            ("mg/L", "day", "is none of day, week, month, year"),
        ] as [(String, String, String?)])
    func `a study's unit is the dictionary's, of a closed list`(
        _ dictionary: String, _ study: String, _ words: String?
    ) throws {
        for start in [nil, "entered"] {
            let text = Ward.study(start: start, "analyses: [{cox: {id: m, terms: [age]}}]")
                .replacing("unit: month", with: "unit: \(study)")
            let said = sentence {
                try Ward.plan(text, dictionary: Ward.measured(in: dictionary)).requireAnswerable()
            }
            #expect(
                words.map { said?.contains($0) == true && said?.contains("endpoint (line 4)") == true }
                    ?? (said == nil), "\(said ?? "none")")
        }
    }

    // MARK: - Without a person

    @Test(arguments: [
        ("[age, frail, stage]", "frail", true), ("[old]", "age >= 18 and not (age > 90)", true),
        ("['age >= 65', 'strata(stage)']", "stage in [\"I\", \"II\"]", true),
        ("[old, 'old:frail']", "old", true),
        ("[log(share)]", "frail", false), ("[age]", "frail and age > 50", false), ("[both]", "frail", false),
        ("['(age + 1)']", "frail", false), ("['rcs(age, 40, 50, 60)']", "frail", false),
        ("[age]", "age > share", false), ("[older]", "frail", false),
    ])
    func `a study without formulas compares one variable with constants at a time`(
        _ terms: String, _ cohort: String, _ isWithout: Bool
    ) throws {
        let plan = try Ward.plan(
            Ward.study(
                """
                define: {old: age >= 65, both: old and frail, older: log(age) > 4}
                analyses: [{cox: {id: m, terms: \(terms), cohort: '\(cohort)'}}]
                """))
        #expect((plan.ownFormula == nil) == isWithout)
    }

    @Test func `the cohorts of study and analysis are one condition`() throws {
        let plan = try Ward.plan(
            Ward.study("cohort: age > 50\nanalyses: [{cox: {id: m, terms: [age], cohort: frail}}]"))
        #expect(plan.ownFormula?.contains("several variables (age, frail)") == true)
    }
}
