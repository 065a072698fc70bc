import Cryptography
import Survival
import Testing

@testable import Federation

/// What a hospital's policy lets leave, rule by rule: at the limit it does, one below it does not.
struct DisclosurePolicyTests {
    private static let lead = SPIFFEID(consortium: "liver", role: .operator("lead"))

    private static func policy(_ change: (inout DisclosurePolicy) -> Void) -> DisclosurePolicy {
        var policy = DisclosurePolicy.local
        change(&policy)
        return policy
    }

    private static func study(_ analysis: String, unit: String = "month", privacy: String = "") -> String {
        Ward.study("analyses: [\(analysis)]\n\(privacy)").replacing("unit: month", with: "unit: \(unit)")
    }

    // MARK: The study's text

    private func expectAdmission(
        _ study: String, by good: DisclosurePolicy, notBy bad: DisclosurePolicy, _ words: String,
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let unit = try StudyFile(yaml: study, file: "study.yaml").endpoint.unit.rawValue
        let plan = try Ward.plan(study, dictionary: Ward.measured(in: unit))
        #expect(throws: Never.self, sourceLocation: sourceLocation) { try good.admit(plan, from: Self.lead) }
        #expect(
            sentence { try bad.admit(plan, from: Self.lead) } == "policy rule \(words)",
            sourceLocation: sourceLocation)
        // Clearing an answer refuses the same, whatever was approved before.
        let cohort = SiteCohort(table: PatientTable(Patient.random(40, seed: 50)), plan: plan)
        let run = StudyRun(plan: plan, sites: [])
        #expect(throws: Never.self, sourceLocation: sourceLocation) {
            try good.clear(run, on: cohort, siteCount: 3, evaluations: [:])
        }
        expectRefusal(.refused, words, sourceLocation: sourceLocation) {
            _ = try bad.clear(run, on: cohort, siteCount: 3, evaluations: [:])
        }
    }

    @Test func `baseline-common`() throws {
        try expectAdmission(
            Self.study("{cox: {id: m, terms: [age], baseline: common, times: exact}}"), by: .local,
            notBy: Self.policy { $0.allowsCommonBaseline = false },
            #"baseline-common, analysis "m": one baseline hazard over all hospitals needs sums indexed by time; use baseline: site"#
        )
        let plan = try Ward.plan(Self.study("{cox: {id: m, terms: [age]}}"))
        let strict = Self.policy { $0.allowsCommonBaseline = false }
        #expect(throws: Never.self) { try strict.admit(plan, from: Self.lead) }
    }

    @Test func `times-exact`() throws {
        let words = #"times-exact, analysis "m": sums at exact times are not allowed; use times: grid"#
        let strict = Self.policy { $0.allowsExactTimes = false }
        for analysis in [
            "{survival: {id: m, times: exact}}",
            "{cox: {id: m, terms: [age], baseline: common, times: exact}}",
        ] {
            try expectAdmission(Self.study(analysis), by: .local, notBy: strict, words)
        }
        // Under a baseline of each hospital's own, times are exact and stay at home.
        let plan = try Ward.plan(Self.study("{cox: {id: m, terms: [age]}}"))
        #expect(throws: Never.self) { try strict.admit(plan, from: Self.lead) }
    }

    @Test(arguments: [
        ("day", 30, 30.0), ("week", 4, 28), ("month", 1, 30.4375), ("year", 1, 365.25),
        ("month", 0.5, 15.21875),
    ])
    func `time-grid-days-min`(_ unit: String, _ grid: Double, _ days: Double) throws {
        for analysis in ["{survival: {id: m}}", "{cox: {id: m, terms: [age], baseline: common}}"] {
            try expectAdmission(
                Self.study(analysis, unit: unit, privacy: "privacy: {time-grid: \(grid)}"),
                by: Self.policy { $0.timeGridDaysMin = days },
                notBy: Self.policy { $0.timeGridDaysMin = days + 0.5 },
                #"time-grid-days-min, analysis "m": the study's time-grid is finer than \#(Self.short(days + 0.5)) days"#
            )
        }
    }

    private static func short(_ days: Double) -> String {
        days == days.rounded() ? "\(Int(days))" : "\(days)"
    }

    @Test func `table-cell-min`() throws {
        try expectAdmission(
            Self.study(
                "{describe: {id: m, variables: [age]}}", privacy: "privacy: {smallest-cell: 7}"),
            by: Self.policy { $0.tableCellMin = 7 }, notBy: Self.policy { $0.tableCellMin = 8 },
            #"table-cell-min, analysis "m": the study's smallest-cell is below 8"#)
    }

    @Test func `value-counts`() throws {
        let strict = Self.policy { $0.allowsValueCounts = false }
        for bins in ["exact", "{age: exact}"] {
            try expectAdmission(
                Self.study("{describe: {id: m, variables: [age], bins: \(bins)}}"), by: .local, notBy: strict,
                #"value-counts, analysis "m": counts of people by single values are not allowed; use bins of a width, or none"#
            )
        }
        for bins in ["", ", bins: {age: 5}"] {
            let plan = try Ward.plan(Self.study("{describe: {id: m, variables: [age]\(bins)}}"))
            #expect(throws: Never.self) { try strict.admit(plan, from: Self.lead) }
        }
    }

    @Test func `concentration and rare conditions, in a table`() throws {
        var patients = Patient.random(40, seed: 12)
        for index in patients.indices { patients[index].marker = index == 0 ? 9 : 0 }
        for (variable, rule) in [("marker", "concentration"), ("marker > 8", "level-people-min")] {
            let plan = try Ward.plan(
                Self.study("{describe: {id: m, variables: [\"\(variable)\"]}}"))
            let cohort = SiteCohort(table: PatientTable(patients), plan: plan)
            var run = StudyRun(plan: plan, sites: [])
            try run.receive(cohort.answer(run.queries[0]))
            let policy = Self.policy {
                $0.peopleMin = 1
                $0.levelPeopleMin = 5
            }
            let words = sentence {
                _ = try policy.clear(run, on: cohort, siteCount: 3, evaluations: [:])
            }
            #expect(words?.contains("policy rule \(rule), analysis \"m\"") == true, "\(words ?? "none")")
        }
    }

    @Test func `evaluations-max, as the study states it`() throws {
        try expectAdmission(
            Self.study("{cox: {id: m, terms: [age], limits: profile, evaluations: 20}}"),
            by: Self.policy { $0.evaluationsMax = 20 }, notBy: Self.policy { $0.evaluationsMax = 19 },
            #"evaluations-max, analysis "m": the study may need 20 evaluations of the model; 19 are allowed (evaluations:)"#
        )
    }

    @Test func `interval-exits-min, of the study`() throws {
        try expectAdmission(
            Self.study("{survival: {id: m}}", privacy: "privacy: {time-grid: 1, smallest-interval: 7}"),
            by: Self.policy { $0.intervalExitsMin = 7 }, notBy: Self.policy { $0.intervalExitsMin = 8 },
            #"interval-exits-min, analysis "m": the study's smallest-interval is below 8"#)
    }

    @Test func `sites-min, of the study`() throws {
        let plan = try Ward.plan(Self.study("{cox: {id: m, terms: [age]}}"))
        #expect(throws: Never.self) { try Self.policy { $0.sitesMin = 3 }.admit(plan, from: Self.lead) }
        #expect(
            sentence { try Self.policy { $0.sitesMin = 4 }.admit(plan, from: Self.lead) }
                == "policy rule sites-min: the study names fewer than 4 hospitals")
    }

    @Test func `operators`() throws {
        let plan = try Ward.plan(Self.study("{cox: {id: m, terms: [age]}}"))
        let named = Self.policy { $0.operators = ["lead", "deputy"] }
        let other = SPIFFEID(consortium: "liver", role: .operator("somebody"))
        #expect(throws: Never.self) { try named.admit(plan, from: Self.lead) }
        #expect(throws: Never.self) { try DisclosurePolicy.local.admit(plan, from: other) }
        #expect(
            sentence { try named.admit(plan, from: other) }
                == "policy rule operators: studies of operator somebody are not considered here")
        for role in [SPIFFEID.Role.coordinator, .node("lead")] {
            #expect(
                sentence {
                    try DisclosurePolicy.local.admit(plan, from: SPIFFEID(consortium: "liver", role: role))
                }
                    == "policy rule operators: studies are considered of operators only")
        }
    }

    // MARK: The hospital's rows

    private func expectAdmission(
        _ patients: [Patient], by good: DisclosurePolicy, notBy bad: DisclosurePolicy, _ words: String,
        terms: String = "age", start: String? = nil, sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let plan = try Ward.plan(Ward.study(start: start, "analyses: [{cox: {id: m, terms: [\(terms)]}}]"))
        let cohort = SiteCohort(table: PatientTable(patients), plan: plan)
        #expect(throws: Never.self, sourceLocation: sourceLocation) {
            try good.admit(plan.analyses[0], on: cohort)
        }
        #expect(
            sentence { try bad.admit(plan.analyses[0], on: cohort) } == "policy rule \(words)",
            sourceLocation: sourceLocation)
    }

    /// People, not rows: every person has two rows.
    @Test func `people-min and events-min`() throws {
        let rows = (0..<17).flatMap { person in
            [
                Patient(person: person, months: 5, died: 0),
                Patient(person: person, months: 9, entered: 5, died: person < 13 ? 1 : 0),
            ]
        }
        try expectAdmission(
            rows, by: Self.policy { $0.peopleMin = 17 }, notBy: Self.policy { $0.peopleMin = 18 },
            #"people-min, analysis "m": fewer than 18 people at this hospital"#, start: "entered")
        try expectAdmission(
            rows, by: Self.policy { $0.eventsMin = 13 }, notBy: Self.policy { $0.eventsMin = 14 },
            #"events-min, analysis "m": fewer than 14 events at this hospital"#, start: "entered")
    }

    @Test func `events-per-parameter-min`() throws {
        let rows = (0..<30).map { Patient(person: $0, died: $0 < 12 ? 1 : 0) }
        try expectAdmission(
            rows, by: Self.policy { $0.eventsPerParameterMin = 3 },
            notBy: Self.policy { $0.eventsPerParameterMin = 3.5 },
            #"events-per-parameter-min, analysis "m": fewer than 3.5 events for each parameter at this hospital"#,
            terms: "age, marker, stage")
    }

    @Test func `no rule says how many people or events there are`() throws {
        let rows = (0..<23).map { Patient(person: $0, died: $0 < 19 ? 1 : 0) }
        let plan = try Ward.plan(Self.study("{cox: {id: m, terms: [age]}}"))
        let cohort = SiteCohort(table: PatientTable(rows), plan: plan)
        let rules: [(inout DisclosurePolicy) -> Void] = [
            { $0.peopleMin = 40 }, { $0.eventsMin = 40 }, { $0.eventsPerParameterMin = 40 },
        ]
        for rule in rules {
            let words = try #require(sentence { try Self.policy(rule).admit(plan.analyses[0], on: cohort) })
            #expect(!words.contains("19") && !words.contains("23") && words.contains("40"))
        }
    }

    // MARK: Rounds

    /// A session of three hospitals at a round; the first hospital's answer to it is cleared under several policies.
    private struct Situation {
        var run: StudyRun
        var cohorts: [SiteCohort]

        init(_ study: String, _ hospitals: [[Patient]]) throws {
            let plan = try Ward.plan(study)
            run = StudyRun(plan: plan, sites: [])
            cohorts = hospitals.map { SiteCohort(table: PatientTable($0), plan: plan) }
        }

        /// The hospitals answer under a policy, and the round's sums are taken.
        mutating func step(under change: (inout DisclosurePolicy) -> Void = { _ in }) throws {
            let parts = try cohorts.indices.map { try clear($0, under: change).lanes }
            let sum = (0..<run.laneCount).map { lane in parts.reduce(Int128(0)) { $0 + $1[lane] } }
            try run.receive(sum.map(FixedPoint.decode))
        }

        @discardableResult
        func clear(
            _ site: Int = 0, siteCount: Int = 3, evaluations: [String: Int] = [:],
            under change: (inout DisclosurePolicy) -> Void = { _ in }
        ) throws -> ClearedVector {
            try DisclosurePolicyTests.policy(change).clear(
                run, on: cohorts[site], siteCount: siteCount, evaluations: evaluations)
        }
    }

    private static func hospitals(_ count: Int = 90) -> [[Patient]] {
        (0..<3).map { site in Patient.random(count, seed: 51).filter { $0.person % 3 == site } }
    }

    @Test func `sites-min, of the session`() throws {
        let situation = try Situation(Self.study("{cox: {id: m, terms: [age]}}"), Self.hospitals())
        try situation.clear { $0.sitesMin = 3 }
        expectRefusal(.refused, "policy rule sites-min: fewer than 4 hospitals in the session") {
            try situation.clear { $0.sitesMin = 4 }
        }
    }

    @Test func `evaluations-max`() throws {
        var situation = try Situation(Self.study("{cox: {id: m, terms: [age]}}"), Self.hospitals())
        let used = ["m": 5, "another": 100]
        try situation.clear(evaluations: used) { $0.evaluationsMax = 5 }  // counts are no evaluation
        try situation.step()
        try situation.clear(evaluations: used) { $0.evaluationsMax = 5 }  // nor are moments
        try situation.step()
        #expect(situation.run.evaluations == ["m"])
        try situation.clear(evaluations: used) { $0.evaluationsMax = 6 }
        expectRefusal(
            .refused, #"policy rule evaluations-max, analysis "m": more than 5 evaluations of the model"#
        ) {
            try situation.clear(evaluations: used) { $0.evaluationsMax = 5 }
        }
    }

    @Test func `a session counts its evaluations`() throws {
        let tables = Self.hospitals().map { PatientTable($0) }
        let study = Self.study("{cox: {id: m, terms: [age, marker]}}")
        var free = try Dialogue(study, tables: tables)
        let result = try free.finish()
        let needed = try #require(result).cox("m").iterations
        #expect(needed > 2)
        var enough = try Dialogue(study, tables: tables, policy: Self.policy { $0.evaluationsMax = needed })
        #expect(try enough.finish() != nil)
        var tooFew = try Dialogue(
            study, tables: tables, policy: Self.policy { $0.evaluationsMax = needed - 1 })
        expectRefusal(.refused, "evaluations-max") { _ = try tooFew.finish() }
        #expect(tooFew.coordinator.phase == .round(needed + 2))
    }

    @Test func `linear-predictor-max`() throws {
        var situation = try Situation(Self.study("{cox: {id: m, terms: [marker]}}"), Self.hospitals())
        for _ in 0..<3 { try situation.step() }
        let query = situation.run.queries[0]
        let largest = try situation.cohorts[0].linearPredictorMax(of: query)
        #expect(largest > 0.1)
        let below = try situation.clear { $0.linearPredictorMax = largest }
        #expect(try below == situation.clear())
        try expectAnswer("likelihood", in: below, situation)
        let beyond = try situation.clear { $0.linearPredictorMax = largest.nextDown }
        try expectNothing(
            but: .beyondLimit, for: "likelihood", in: beyond, situation,
            #"policy rule linear-predictor-max, analysis "m": a row's linear predictor exceeds"#)
        // The study goes on, half as far out.
        let beta = try #require(query.beta)
        try situation.step { $0.linearPredictorMax = largest.nextDown }
        let next = try #require(situation.run.queries.first?.beta)
        #expect(next == beta.map { $0 / 2 })
    }

    /// The numbers of the round's question of this kind in a cleared vector, and the trouble of its last lane.
    private func answer(
        _ kind: String, in cleared: ClearedVector, _ situation: Situation
    ) throws -> (numbers: [Double], lane: Double?) {
        let statements = situation.run.statements
        let index = try #require(statements.firstIndex { $0.kind == kind })
        let before = statements[..<index].reduce(0) { $0 + $1.lanes }
        let lanes = cleared.lanes[before..<(before + statements[index].lanes)].map(FixedPoint.decode)
        return (Array(lanes.dropLast()), lanes.last)
    }

    private func expectAnswer(
        _ kind: String, in cleared: ClearedVector, _ situation: Situation,
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let (numbers, lane) = try answer(kind, in: cleared, situation)
        #expect(numbers.contains { $0 != 0 } && lane == 0, sourceLocation: sourceLocation)
        #expect(cleared.troubles.isEmpty, sourceLocation: sourceLocation)
    }

    /// Zeros leave with the trouble beside them, and the hospital's own log says why.
    private func expectNothing(
        but trouble: Trouble, for kind: String, in cleared: ClearedVector, _ situation: Situation,
        _ phrase: String, sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let (numbers, lane) = try answer(kind, in: cleared, situation)
        #expect(numbers.allSatisfy { $0 == 0 } && lane == trouble.lane, sourceLocation: sourceLocation)
        #expect(
            cleared.troubles.count == 1 && cleared.troubles[0].contains(phrase),
            "\(cleared.troubles)", sourceLocation: sourceLocation)
    }

    /// What lifts one row above all others may also be an offset or a weight, which the study's author writes.
    @Test(arguments: [
        "terms: [frail, offset(20 * log(exposure))]",
        "terms: [frail], weights: exp(4 * log(exposure)) * exp(4 * log(share)) * exp(marker / 2)",
    ])
    func `an offset or a weight counts towards the linear predictor`(_ keys: String) throws {
        var situation = try Situation(Self.study("{cox: {id: m, \(keys)}}"), Self.hospitals())
        for _ in 0..<2 { try situation.step() }
        #expect(situation.run.queries[0].beta == [0])
        try expectAnswer(
            "likelihood", in: situation.clear { $0.linearPredictorMax = 30 }, situation)
        try expectNothing(
            but: .beyondLimit, for: "likelihood", in: situation.clear { $0.linearPredictorMax = 5 },
            situation,
            "policy rule linear-predictor-max")
        // There are no other coefficients to go to.
        try situation.step { $0.linearPredictorMax = 5 }
        #expect(situation.run.result?.failure("m") == Trouble.beyondLimit.reason)
    }

    /// The sum would overflow fixed point; the rule speaks first, and nothing is computed.
    @Test func `a rule speaks before numbers that do not fit`() throws {
        let study = Self.study(
            "{cox: {id: m, terms: [frail, offset(100 * exposure)], baseline: common, times: exact}}")
        var situation = try Situation(study, Self.hospitals())
        for _ in 0..<2 { try situation.step() }
        let (free, limited) = (try situation.clear(), try situation.clear { $0.linearPredictorMax = 30 })
        try expectNothing(but: .tooLarge, for: "risk-sums", in: free, situation, "too large to be sent")
        try expectNothing(
            but: .beyondLimit, for: "risk-sums", in: limited, situation, "policy rule linear-predictor-max")
        // A question of the same round without coefficients has its answer in both.
        let (numbers, lane) = try answer("event-sums", in: free, situation)
        #expect(numbers.contains { $0 != 0 } && lane == 0)
        #expect(try answer("event-sums", in: limited, situation).numbers == numbers)
    }

    @Test func `interval-exits-min, of the merged grid`() throws {
        let study = Self.study(
            "{cox: {id: m, terms: [frail], baseline: common}}",
            privacy: "privacy: {time-grid: 1, smallest-interval: 9}")
        var situation = try Situation(study, Self.hospitals())
        try situation.step()
        try situation.clear { $0.intervalExitsMin = 9 }  // counts of exits by the public grid
        try situation.step()
        let thinnest = try #require(situation.run.smallestInterval(of: "m"))
        #expect(thinnest >= 9)
        #expect(situation.run.queries.contains { $0.kind == "risk-sums" })
        try situation.clear { $0.intervalExitsMin = 9 }
        // Fewer exits than one interval needs: one interval holds all of them, and the rule forbids sums at it.
        var few = try Situation(study, Self.hospitals(6))
        for _ in 0..<2 { try few.step() }
        expectRefusal(
            .refused,
            #"interval-exits-min, analysis "m": fewer than 9 exits in an interval of the merged time grid"#
        ) {
            try few.clear { $0.intervalExitsMin = 9 }
        }
    }

    @Test func `weight-ratio-max`() throws {
        let study = Self.study("{cox: {id: m, terms: [frail], weights: exposure}}")
        let situation = try Situation(study, Self.hospitals())
        let ratio = try situation.cohorts[0].facts(of: "m").weightRatio
        // Exposures lie between 0.5 and 1.5.
        #expect(ratio > 2 && ratio < 3)
        try situation.clear { $0.weightRatioMax = ratio }
        expectRefusal(
            .refused,
            #"policy rule weight-ratio-max, analysis "m": a case weight is more than 2 times another; truncate the weights"#
        ) {
            try situation.clear { $0.weightRatioMax = 2 }
        }
        let unweighted = try Situation(Self.study("{cox: {id: m, terms: [frail]}}"), Self.hospitals())
        try unweighted.clear { $0.weightRatioMax = 1 }
    }

    // MARK: Small hospitals

    /// People at the level `yes` at this hospital and at the others together; at least three make it safe.
    @Test(arguments: [
        (0, 0, true), (0, 1, true), (0, 9, true), (1, 0, false), (1, 2, false), (1, 3, true), (2, 2, false),
        (2, 3, true),
        (3, 0, true), (9, 0, true), (9, 1, true),
    ])
    func `a rare level is none here, or enough here, or hidden among enough elsewhere`(
        _ mine: Int, _ others: Int, _ isSafe: Bool
    ) throws {
        func hospital(_ frail: Int, from person: Int) -> [Patient] {
            (0..<20).map { index in
                Patient(
                    person: person + index, months: Double(1 + index), died: index % 2 == 0 ? 1 : 0,
                    age: Double(40 + index),
                    frail: index < frail ? 1 : 0)
            }
        }
        let rest = others / 2
        let rows = [hospital(mine, from: 0), hospital(rest, from: 100), hospital(others - rest, from: 200)]
        for analysis in [
            "{cox: {id: m, terms: [age, frail]}}", "{cox: {id: m, terms: [age, strata(frail)]}}",
            "{cox: {id: m, terms: [age, frail], baseline: common, times: exact}}",
            "{survival: {id: m, by: frail, times: exact}}", "{cox: {id: m, terms: [age:frail]}}",
        ] {
            var situation = try Situation(Self.study(analysis), rows)
            try situation.clear { $0.levelPeopleMin = 3 }  // the counts themselves tell nobody's values
            try situation.step()
            if isSafe {
                try situation.clear { $0.levelPeopleMin = 3 }
            } else {
                let words =
                    "level-people-min, analysis \"m\": frail = yes is too rare over the hospitals; merge levels in the study"
                expectRefusal(.refused, words) { try situation.clear { $0.levelPeopleMin = 3 } }
            }
        }
    }

    @Test func `one analysis that may not be answered stops the round`() throws {
        let study = Self.study("{cox: {id: a, terms: [age]}}, {cox: {id: b, terms: [age], cohort: frail}}")
        let situation = try Situation(study, Self.hospitals())
        let people = try situation.cohorts[0].facts(of: "b").people
        expectRefusal(.refused, #"people-min, analysis "b""#) {
            try situation.clear { $0.peopleMin = people + 1 }
        }
        try situation.clear { $0.peopleMin = people }
    }

    // MARK: Hash

    @Test func `a policy's hash changes with every rule`() {
        let changes: [(inout DisclosurePolicy) -> Void] = [
            { _ in }, { $0.peopleMin = 11 }, { $0.eventsMin = 11 }, { $0.levelPeopleMin = 11 },
            { $0.eventsPerParameterMin = 11 },
            { $0.linearPredictorMax = 11 }, { $0.sitesMin = 11 }, { $0.evaluationsMax = 11 },
            { $0.allowsCommonBaseline = false }, { $0.allowsExactTimes = false }, { $0.timeGridDaysMin = 11 },
            { $0.intervalExitsMin = 11 }, { $0.tableCellMin = 11 }, { $0.allowsValueCounts = false },
            { $0.operators = ["lead"] }, { $0.approvalDaysMax = 11 },
            { $0.weightRatioMax = 11 }, { $0.cohortDifferenceMin = 11 },
            { $0.allowsMissingDataDifference = false },
            { $0.holdsEachRound = true },
            {
                $0.unattended = UnattendedApproval(
                    operators: ["lead"], until: 1, peopleMin: 1, eventsMin: 1, levelPeopleMin: 1,
                    eventsPerParameterMin: 1)
            },
        ]
        #expect(Set(changes.map { Self.policy($0).hash }).count == changes.count)
        #expect(Self.policy { _ in }.hash == DisclosurePolicy.local.hash)
    }
}
