import Federation
import Testing

/// `policy.yaml`: says everything, and nothing looser than the floors.
struct PolicyFileTests {
    private static let strictest = [
        ("people-min", "20"), ("events-min", "10"), ("level-people-min", "10"),
        ("events-per-parameter-min", "2"),
        ("linear-predictor-max", "20"), ("sites-min", "3"), ("evaluations-max", "40"),
        ("baseline-common", "refuse"),
        ("times-exact", "refuse"), ("time-grid-days-min", "30"), ("interval-exits-min", "10"),
        ("table-cell-min", "10"), ("value-counts", "refuse"),
        ("operators", "[lead]"),
        ("approval-days-max", "90"), ("weight-ratio-max", "100"), ("cohort-difference-min", "10"),
        ("missing-data-difference", "refuse"), ("hold", "never"), ("unattended", "none"),
    ]

    private static func text(_ rules: [(String, String)]) -> String {
        rules.map { "\($0): \($1)\n" }.joined()
    }

    private static func text(_ key: String, _ value: String) -> String {
        text(strictest.map { ($0.0, $0.0 == key ? value : $0.1) })
    }

    private static func policy(_ text: String) throws -> DisclosurePolicy {
        try DisclosurePolicy(yaml: text, file: "policy.yaml")
    }

    @Test func `a policy is read rule by rule, and written as it was read`() throws {
        let policy = try Self.policy(Self.text(Self.strictest))
        #expect(policy.peopleMin == 20 && policy.eventsMin == 10 && policy.levelPeopleMin == 10)
        #expect(policy.eventsPerParameterMin == 2 && policy.linearPredictorMax == 20 && policy.sitesMin == 3)
        #expect(policy.evaluationsMax == 40 && !policy.allowsCommonBaseline && !policy.allowsExactTimes)
        #expect(policy.timeGridDaysMin == 30 && policy.intervalExitsMin == 10 && policy.operators == ["lead"])
        #expect(policy.tableCellMin == 10 && !policy.allowsValueCounts)
        #expect(policy.approvalDaysMax == 90 && policy.weightRatioMax == 100)
        #expect(policy.cohortDifferenceMin == 10 && !policy.allowsMissingDataDifference)
        #expect(!policy.holdsEachRound && policy.unattended == nil)
        #expect(try Self.policy(Self.text("missing-data-difference", "allow")).allowsMissingDataDifference)
        #expect(try Self.policy(Self.text("hold", "each-round")).holdsEachRound)
        #expect(try Self.policy(Self.text(policy.rules.map { ($0.rule, $0.value) })) == policy)
        #expect(try Self.policy(Self.text("times-exact", "allow")).allowsExactTimes)
        #expect(try Self.policy(Self.text("baseline-common", "allow")).allowsCommonBaseline)
        #expect(try Self.policy(Self.text("value-counts", "allow")).allowsValueCounts)
        #expect(try Self.policy(Self.text("operators", "[]")).operators.isEmpty)
    }

    @Test(arguments: strictest.map(\.0))
    func `every rule must be there`(_ key: String) {
        let text = Self.text(Self.strictest.filter { $0.0 != key })
        #expect(sentence { _ = try Self.policy(text) } == "policy.yaml:1:1: the key \"\(key)\" is missing")
    }

    @Test func `an unknown rule is refused`() {
        let text = Self.text(Self.strictest + [("people-max", "5")])
        #expect(
            sentence { _ = try Self.policy(text) }?.hasPrefix("policy.yaml:21:1: unknown key \"people-max\"")
                == true)
        #expect(sentence { _ = try Self.policy("") } == "policy.yaml:1:1: the file is empty")
    }

    /// The floor, the first value below it, and the sentence for that.
    @Test(arguments: [
        ("people-min", "10", "9", "people-min may not be below 10"),
        ("events-min", "5", "4", "events-min may not be below 5"),
        ("level-people-min", "5", "4", "level-people-min may not be below 5"),
        ("events-per-parameter-min", "1", "0.99", "events-per-parameter-min may not be below 1.0"),
        ("linear-predictor-max", "30", "30.1", "linear-predictor-max must be above 0, at most 30.0"),
        ("linear-predictor-max", "0.1", "0", "linear-predictor-max must be above 0, at most 30.0"),
        ("sites-min", "3", "2", "sites-min may not be below 3"),
        ("evaluations-max", "120", "121", "evaluations-max must be from 1 to 120"),
        ("evaluations-max", "1", "0", "evaluations-max must be from 1 to 120"),
        ("time-grid-days-min", "1", "0.5", "time-grid-days-min may not be below 1.0"),
        ("interval-exits-min", "5", "4", "interval-exits-min may not be below 5"),
        ("table-cell-min", "5", "4", "table-cell-min may not be below 5"),
        ("approval-days-max", "366", "367", "approval-days-max must be from 1 to 366"),
        ("weight-ratio-max", "1000", "1000.5", "weight-ratio-max must be above 0, at most 1000.0"),
        ("cohort-difference-min", "5", "4", "cohort-difference-min may not be below 5"),
    ])
    func `a rule looser than its floor is refused`(
        _ key: String, _ limit: String, _ beyond: String, _ words: String
    ) throws {
        #expect(throws: Never.self) { try Self.policy(Self.text(key, limit)) }
        let line = try #require(Self.strictest.firstIndex { $0.0 == key }) + 1
        let place = "policy.yaml:\(line):\(key.count + 3): "
        #expect(sentence { _ = try Self.policy(Self.text(key, beyond)) } == place + words)
    }

    @Test(arguments: [
        ("people-min", "20.5", #""20.5" is not a whole number"#),
        ("people-min", "many", #""many" is not a whole number"#),
        ("people-min", "-20", "people-min may not be below 10"),
        ("linear-predictor-max", ".inf", #"".inf" is not a number"#),
        ("linear-predictor-max", ".nan", #"".nan" is not a number"#),
        ("times-exact", "yes", "times-exact is either allow or refuse"),
        ("value-counts", "exact", "value-counts is either allow or refuse"),
        ("baseline-common", "true", "baseline-common is either allow or refuse"),
        ("missing-data-difference", "no", "missing-data-difference is either allow or refuse"),
        ("hold", "always", "hold is either never or each-round"),
        ("unattended", "all", "unattended is either none or a mapping of stricter rules"),
        ("operators", "lead", #""operators" needs a list, [...], not a single value"#),
        ("operators", "[Lead Author]", #""Lead Author" cannot be an operator's name"#),
    ])
    func `a value of the wrong kind is refused`(_ key: String, _ value: String, _ words: String) throws {
        #expect(try #require(sentence { _ = try Self.policy(Self.text(key, value)) }).hasSuffix(": " + words))
    }

    private static let unattended =
        "{operators: [lead], until: 2027-03-31, people-min: 50, events-min: 25, level-people-min: 20, events-per-parameter-min: 5}"

    @Test func `what needs no person meets stricter rules, until a day, and never exact times`() throws {
        let policy = try Self.policy(Self.text("unattended", Self.unattended))
        #expect(try Self.policy(Self.text(policy.rules.map { ($0.rule, $0.value) })) == policy)
        // date -u -d "2027-03-31 23:59:59" +%s
        #expect(policy.unattended?.until == 1_806_537_599)
        let strict = try #require(policy.withoutPerson)
        #expect(strict.peopleMin == 50 && strict.eventsMin == 25 && strict.levelPeopleMin == 20)
        #expect(strict.eventsPerParameterMin == 5 && strict.operators == ["lead"])
        let open = try Self.policy(
            Self.text(
                Self.strictest.map { (key, value) in
                    let isSwitch = ["baseline-common", "times-exact", "missing-data-difference"].contains(key)
                    return (key, key == "unattended" ? Self.unattended : isSwitch ? "allow" : value)
                }))
        let closed = try #require(open.withoutPerson)
        #expect(
            !closed.allowsCommonBaseline && !closed.allowsExactTimes && !closed.allowsMissingDataDifference)
        #expect(try Self.policy(Self.text(Self.strictest)).withoutPerson == nil)
    }

    @Test(arguments: [
        ("people-min: 50", "people-min: 19", "people-min may not be below 20"),
        ("events-min: 25", "events-min: 9", "events-min may not be below 10"),
        ("level-people-min: 20", "level-people-min: 9", "level-people-min may not be below 10"),
        ("parameter-min: 5", "parameter-min: 1.5", "events-per-parameter-min may not be below 2.0"),
        ("[lead]", "[]", "unattended names the operators it is for, each of those considered here"),
        ("[lead]", "[other]", "unattended names the operators it is for, each of those considered here"),
        ("2027-03-31", "2027-02-30", "until is a day, for instance 2027-03-31"),
        ("2027-03-31", "31.3.2027", "until is a day, for instance 2027-03-31"),
    ])
    func `what needs no person is no looser than the policy`(
        _ rule: String, _ other: String, _ words: String
    ) throws {
        let text = Self.text("unattended", Self.unattended.replacing(rule, with: other))
        #expect(try #require(sentence { _ = try Self.policy(text) }).hasSuffix(": " + words))
    }

    @Test func `the rules for local data cannot be written as a policy`() {
        let local = DisclosurePolicy.local.rules
        for (rule, value) in local
        where ![
            "baseline-common", "times-exact", "value-counts", "operators", "approval-days-max",
            "missing-data-difference", "hold", "unattended",
        ].contains(rule) {
            #expect(throws: DocumentError.self, "\(rule)") { try Self.policy(Self.text(rule, value)) }
        }
        #expect(throws: DocumentError.self) { try Self.policy(Self.text(local.map { ($0.rule, $0.value) })) }
    }
}
