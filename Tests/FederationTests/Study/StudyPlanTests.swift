import Cryptography
import Federation
import Survival
import Testing

/// A study held against its dictionary.
struct StudyPlanTests {
    private static let start = "analyses:\n"

    private static func plan(_ lines: String, start: String? = nil) throws -> StudyPlan {
        try Ward.plan(Ward.study(start: start, lines))
    }

    @Test func `a plan knows what each analysis reads`() throws {
        let plan = try Self.plan(
            """
            cohort: age >= 18
            define: {old: age > 70}
            analyses:
              - cox: {id: m, terms: [old, stage, offset(exposure), strata(hospital)], weights: share, cohort: frail}
              - survival: {id: s, by: response, times: exact}
            """)
        let model = try #require(plan.analysis("m"))
        #expect(
            model.variables == ["age", "died", "exposure", "frail", "hospital", "months", "share", "stage"])
        #expect(model.neededVariables == ["age", "died", "exposure", "hospital", "months", "share", "stage"])
        #expect(model.columnCount == 3 && model.groupCount == 5 && model.name == "cox" && model.axis == nil)
        #expect(model.levels.map(\.level) == ["no", "yes", "I", "II", "III", "a", "b", "c", "d", "e"])
        let curves = try #require(plan.analysis("s"))
        #expect(curves.variables == ["age", "died", "months", "response"])
        #expect(curves.neededVariables == ["died", "months", "response"])
        #expect(curves.columnCount == 0 && curves.groupCount == 2 && curves.name == "survival")
        #expect(curves.axis == (try TimeAxis(step: 1, upper: 60)))
        #expect(curves.levels.map(\.level) == ["no", "yes"])
        #expect(
            plan.variables == [
                "age", "died", "exposure", "frail", "hospital", "months", "response", "share", "stage",
            ])
        #expect(plan.analysis("n") == nil)
    }

    @Test func `an axis has the dictionary's resolution or the study's grid`() throws {
        let plan = try Self.plan(
            """
            analyses:
              - survival: {id: exact, times: exact}
              - survival: {id: grid}
              - cox: {id: common, terms: [age], baseline: common}
              - cox: {id: site, terms: [age]}
            privacy: {time-grid: 2.5}
            """)
        #expect(plan.analyses.map { $0.axis?.step } == [1, 2.5, 2.5, nil])
        #expect(plan.analyses.map { $0.axis?.count } == [61, 25, 25, nil])
    }

    @Test func `covariates known later than time zero are reported, except where rows enter late`() throws {
        let lines = "analyses: [{cox: {id: m, terms: [age, response]}}, {cox: {id: n, terms: [age]}}]"
        let plan = try Self.plan(lines)
        #expect(plan.analyses.map(\.lateVariables) == [["response"], []])
        #expect(
            plan.analyses[0].guaranteeTimeWarnings.first?.hasPrefix("response is measured after time zero")
                == true)
        #expect(try Self.plan(lines, start: "entered").analyses.map(\.lateVariables) == [[], []])
    }

    /// The lines after the head of a study on the ward, and what is said about them.
    @Test(arguments: [
        (
            "- cox: {id: m, terms: [aeg]}",
            #"there is no variable or definition "aeg"; did you mean "age"? (character 1 of "aeg")"#
        ),
        ("- cox: {id: m, terms: []}", "the model has no covariate; name one in terms:"),
        ("- cox: {id: m, terms: [strata(stage)]}", "the model has no covariate; name one in terms:"),
        (
            "- cox: {id: m, terms: [age, cluster(age)]}",
            #"cluster() needs a category or a yes/no expression, and "age" is a number (character 1 of "cluster(age)")"#
        ),
        ("- cox: {id: m, terms: [age, age]}", #"the term "age" is there twice (character 1 of "age")"#),
        (
            "- cox: {id: m, terms: [died]}",
            #"the dictionary does not allow "died" in a model (character 1 of "died")"#
        ),
        ("- cox: {id: m, terms: [age], weights: frail}", #"the weights, "frail", must be a number"#),
        (
            "- cox: {id: m, terms: [age], weights: shar}",
            #"there is no variable or definition "shar"; did you mean "share"? (character 1 of "shar")"#
        ),
        (
            "- cox: {id: m, terms: [age], cohort: age}",
            #"the cohort, "age", must be a condition (true or false), such as age > 60 or status == 2"#
        ),
        (
            "- cox: {id: m, terms: [age], cohort: months > 3}",
            #"the dictionary does not allow "months" in a filter (character 1 of "months > 3")"#
        ),
        (
            "- cox: {id: m, terms: [age], baseline: common}",
            "sums over time need a grid; set privacy: {time-grid: ...} or times: exact"
        ),
        ("- survival: {id: m}", "sums over time need a grid; set privacy: {time-grid: ...} or times: exact"),
        (
            "- survival: {id: m, by: age, times: exact}",
            #"groups need categories or a condition, and "age" is a number; define cut-points"#
        ),
        (
            "- survival: {id: m}\nprivacy: {time-grid: 0.0001}",
            "the time axis would have more than 200000 steps; use a coarser grid or a smaller range in the dictionary"
        ),
    ])
    func `a fault names the analysis and its line`(_ analysis: String, _ words: String) {
        #expect(
            sentence { _ = try Self.plan("analyses:\n  \(analysis)") } == "analysis \"m\" (line 6): \(words)")
    }

    @Test(arguments: [
        (
            "time: month",
            #"there is no variable or definition "month"; did you mean "months"? (character 1 of "month")"#
        ),
        ("time: stage", #"the endpoint's time, "stage", must be a number"#),
        (
            "event: age",
            #"the endpoint's event, "age", must be a condition (true or false), such as age > 60 or status == 2"#
        ),
        ("start: stage", #"the endpoint's start, "stage", must be a number"#),
        (
            "time: 1 / marker",
            #"times: exact needs a time with a range in the dictionary, and "1 / marker" has none"#
        ),
    ])
    func `a fault of the endpoint names the first analysis`(_ key: String, _ words: String) {
        let name = key.prefix { $0 != ":" }
        let honest = Ward.study(start: "entered", "analyses: [{survival: {id: m, times: exact}}]")
        let pattern = name == "time" ? "time: months" : name == "event" ? "event: died" : "start: entered"
        #expect(
            sentence { _ = try Ward.plan(honest.replacing(pattern, with: key)) }
                == "analysis \"m\" (line 5): \(words)")
    }

    @Test func `delayed entry on a grid is refused`() {
        let lines = "analyses: [{survival: {id: m}}]\nprivacy: {time-grid: 1}"
        #expect(
            sentence { _ = try Self.plan(lines, start: "entered") }
                == "analysis \"m\" (line 5): delayed entry (start) needs times: exact")
    }

    /// A key that the analysis does not have was recommended.
    @Test(arguments: [
        ("survival: {id: m}", "times: exact"),
        ("cox: {id: m, terms: [age], baseline: common}", "times: exact or baseline: site"),
    ])
    func `what is recommended for delayed entry on a grid can be written`(analysis: String, remedy: String) {
        let lines = "analyses: [{\(analysis)}]\nprivacy: {time-grid: 1}"
        #expect(
            sentence { _ = try Self.plan(lines, start: "entered") }
                == "analysis \"m\" (line 5): delayed entry (start) needs \(remedy)")
    }

    /// A weight is a number for each patient, like a covariate.
    @Test func `weights are made of variables that a model may use`() {
        var dictionary = Ward.dictionary
        for index in dictionary.variables.indices where dictionary.variables[index].name == "share" {
            dictionary.variables[index].isAllowedInTerms = false
        }
        let study = Ward.study("analyses: [{cox: {id: m, terms: [age], weights: share}}]")
        #expect(
            sentence { _ = try Ward.plan(study, dictionary: dictionary) }
                == #"analysis "m" (line 5): the dictionary does not allow "share" in a model (character 1 of "share")"#
        )
    }

    @Test(arguments: [
        (
            "{old: age > 60, age: 3}",
            #""age" is a variable of the dictionary; give the definition another name"#
        ),
        ("{old: older, older: old}", "definitions refer to each other in a circle: old -> older -> old"),
    ])
    func `a fault of a definition is told as such`(_ definitions: String, _ words: String) {
        let lines = "define: \(definitions)\nanalyses: [{cox: {id: m, terms: [age]}}]"
        #expect(sentence { _ = try Self.plan(lines) } == "define: \(words)")
    }

    @Test func `a dictionary of another name or version is refused`() {
        var dictionary = Ward.dictionary
        dictionary.version = 2
        let study = Ward.study("analyses: [{cox: {id: m, terms: [age]}}]")
        #expect(
            sentence { _ = try Ward.plan(study, dictionary: dictionary) }
                == "the study asks for dictionary ward@1 and was given ward@2")
    }
}
