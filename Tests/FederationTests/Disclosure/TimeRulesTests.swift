import Cryptography
import Federation
import Survival
import Testing

/// What a study may say of times where exact ones stay at home: all of it in the hospital's ruler, and on one grid.
struct TimeRulesTests {
    private static let lead = SPIFFEID(consortium: "liver", role: .operator("lead"))

    private static func refusal(
        _ study: String, unit: String = "month", grid: Double? = nil,
        change: (inout DisclosurePolicy) -> Void = { _ in }
    ) throws -> String? {
        var policy = try DisclosurePolicy.ofTheExamples()
        change(&policy)
        let plan = try Ward.plan(
            study.replacing("unit: month", with: "unit: \(unit)"),
            dictionary: Ward.measured(in: unit, grid: grid))
        do {
            try policy.admit(plan, from: lead)
            return nil
        } catch {
            #expect(!error.isOfRows, "it follows from the text, and may be told")
            return "\(error)"
        }
    }

    // MARK: - The ruler

    /// Every key by which a study asserts a length of time, as a template with `#` for it.
    private static let lengths = [
        "privacy: {time-grid: #}\nanalyses: [{survival: {id: m}}]",
        "privacy: {time-grid: #}\nanalyses: [{cox: {id: m, terms: [age], check: proportional-hazards}}]",
        "privacy: {time-grid: #}\nanalyses: [{cox: {id: m, terms: [age], diagnostics: {schoenfeld: true}}}]",
        "analyses: [{cox: {id: m, terms: [age], landmark: #}}]",
        "analyses: [{concordance: {id: m, of: age, landmark: #}}]",
        "analyses: [{cox: {id: m, terms: [age], censor-at: #}}]",
        "analyses: [{concordance: {id: m, of: age, censor-at: #}}]",
        "analyses: [{describe: {id: m, variables: [age]}}]\nendpoint-censor-at: #",
        "analyses: [{concordance: {id: m, of: age, ymin: #}}]",
        "analyses: [{concordance: {id: m, of: age, ymax: #}}]",
        "analyses: [{cox: {id: m, terms: [age], concordance: {ymin: #}}}]",
        "analyses: [{cox: {id: m, terms: [age], concordance: {ymax: #}}}]",
    ]

    private static func study(_ template: String, _ length: Double) -> String {
        let marked = template.replacing("#", with: "\(length)")
        guard let range = marked.firstRange(of: "\nendpoint-censor-at: ") else { return Ward.study(marked) }
        return Ward.study(String(marked[..<range.lowerBound])).replacing(
            "unit: month", with: "unit: month, censor-at: \(marked[range.upperBound...])")
    }

    /// Under a rule of 30 days: without a grid of the dictionary's own, 30 days, 5 weeks, a month or a year is a step.
    @Test(
        arguments: [
            ("day", nil, [30, 60, 90], [1, 29, 31, 45, 30.5]), ("week", nil, [5, 10], [1, 4, 6, 5.5]),
            ("month", nil, [1, 2, 12], [0.08, 0.5, 1.1, 1.5]), ("year", nil, [1, 2], [0.08, 0.5, 1.5]),
            ("day", 45, [45, 90], [30, 60, 46]), ("month", 2, [2, 4], [1, 3]), ("month", 3, [3, 6], [1, 4]),
            // Of a grid of the dictionary\'s that is finer than the rule, the fewest steps that are not.
            ("day", 7, [35, 70], [7, 28, 30, 42]),
        ] as [(String, Double?, [Double], [Double])])
    func `every length of time that a study states is held against the hospital's ruler`(
        _ unit: String, _ grid: Double?, _ good: [Double], _ bad: [Double]
    ) throws {
        for template in Self.lengths {
            for length in good {
                let said = try Self.refusal(Self.study(template, length), unit: unit, grid: grid)
                #expect(said == nil, "\(template), \(length) \(unit)s: \(said ?? "")")
            }
            for length in bad {
                let said = try Self.refusal(Self.study(template, length), unit: unit, grid: grid)
                #expect(
                    said?.hasPrefix("policy rule time-grid-days-min") == true,
                    "\(template), \(length) \(unit)s: \(said ?? "")")
            }
        }
    }

    /// `unit-bypass`: what the study calls its unit is not the ruler, and neither is a formula.
    @Test func `days called years, months or anything else pass no rule`() throws {
        let days = Ward.measured(in: "day")
        for unit in ["week", "month", "year"] {
            let study = Ward.study("privacy: {time-grid: 1}\nanalyses: [{survival: {id: m}}]")
                .replacing("unit: month", with: "unit: \(unit)")
            let plan = try Ward.plan(study, dictionary: days)
            #expect(throws: StudyError.self) { try plan.requireUnit() }
            #expect(throws: DisclosureError.self) {
                try DisclosurePolicy.ofTheExamples().admit(plan, from: Self.lead)
            }
        }
        let formula = Ward.study(
            "define: {long: months * 30}\nprivacy: {time-grid: 30}\nanalyses: [{survival: {id: m}}]"
        ).replacing("time: months", with: "time: long").replacing("unit: month", with: "unit: day")
        #expect(try Self.refusal(formula, unit: "day")?.contains("and \"long\" is a formula") == true)
        let shifted = Ward.study(start: "entered / 2", "analyses: [{cox: {id: m, terms: [age]}}]")
        #expect(try Self.refusal(shifted)?.contains("and \"entered / 2\" is a formula") == true)
        let alias = Ward.study("define: {t: months}\nanalyses: [{cox: {id: m, terms: [age], landmark: 3}}]")
            .replacing("time: months", with: "time: t")
        #expect(try Self.refusal(alias) == nil, "another name for the variable is the variable")
        // Without a unit in the dictionary there is no ruler, and nobody knows what a study's unit is.
        var policy = try DisclosurePolicy.ofTheExamples()
        policy.allowsCommonBaseline = true
        let bare = Ward.measured(in: nil)
        for template in Self.lengths + ["analyses: [{cox: {id: m, terms: [age]}}]"] {
            let plan = try Ward.plan(Self.study(template, 30), dictionary: bare)
            #expect(
                sentence { try policy.admit(plan, from: Self.lead) }?.contains("\"months\" no unit") == true,
                "\(template)")
            #expect(throws: Never.self) { try DisclosurePolicy.local.admit(plan, from: Self.lead) }
        }
    }

    /// The other limits of a policy that a study's text is held against are counts, which have no unit.
    @Test(arguments: [
        (
            "privacy: {time-grid: 1, smallest-interval: #}\nanalyses: [{survival: {id: m}}]", 10,
            "interval-exits-min"
        ),
        (
            "privacy: {smallest-cell: #}\nanalyses: [{describe: {id: m, variables: [age]}}]", 10,
            "table-cell-min"
        ),
        (
            "analyses: [{cox: {id: m, terms: [age], diagnostics: {functional-form: [age], smallest-bin: #}}}]",
            10,
            "level-people-min"
        ),
        (
            "privacy: {time-grid: 1}\nanalyses: [{cox: {id: m, terms: [age], diagnostics: {schoenfeld: true, smallest-bin: #}}}]",
            10, "interval-exits-min"
        ),
    ])
    func `a study states no smaller counts than the policy wants`(
        _ template: String, _ least: Int, _ rule: String
    ) throws {
        #expect(try Self.refusal(Ward.study(template.replacing("#", with: "\(least)"))) == nil)
        let said = try Self.refusal(Ward.study(template.replacing("#", with: "\(least - 1)")))
        #expect(said?.hasPrefix("policy rule \(rule)") == true, "\(said ?? "none")")
    }

    // MARK: - Conditions of times

    /// Every place where a formula may stand, with `?` for a condition and `#` for a number of the time.
    private static let places = [
        "cohort: '?'\nanalyses: [{cox: {id: m, terms: [age]}}]",
        "analyses: [{cox: {id: m, terms: [age], cohort: '?'}}]",
        "analyses: [{cox: {id: m, terms: [age], event: 'died and ?'}}]",
        "analyses: [{concordance: {id: m, of: age, event: 'died and ?'}}]",
        "analyses: [{cox: {id: m, terms: ['?']}}]", "analyses: [{cox: {id: m, terms: [age, 'age:(?)']}}]",
        "analyses: [{cox: {id: m, terms: [age, 'strata(?)']}}]",
        "analyses: [{cox: {id: m, terms: [age, 'cluster(?)']}}]",
        "analyses: [{cox: {id: m, terms: ['(#)']}}]", "analyses: [{cox: {id: m, terms: [age, 'offset(#)']}}]",
        "analyses: [{cox: {id: m, terms: [age], weights: '#'}}]",
        "analyses: [{concordance: {id: m, of: '#'}}]",
        "analyses: [{concordance: {id: m, of: age, strata: ['?']}}]",
        "analyses: [{describe: {id: m, variables: [age], by: '?'}}]",
        "analyses: [{describe: {id: m, variables: ['?']}}]",
        "analyses: [{describe: {id: m, variables: ['#']}}]",
        "analyses: [{cox: {id: m, terms: [age], diagnostics: {functional-form: ['#']}}}]",
        "privacy: {time-grid: 1}\nanalyses: [{survival: {id: m, by: '?'}}]",
        "privacy: {time-grid: 1}\nanalyses: [{survival: {id: m, by: frail, test: log-rank, strata: ['?']}}]",
        "privacy: {time-grid: 1}\nanalyses: [{survival: {id: m, event: 'died and ?'}}]",
    ]

    /// The endpoint's time, another endpoint's, and the entry: by themselves, and behind two definitions.
    @Test(arguments: ["months", "relapse_months", "entered"])
    func `no condition and no formula is made of a time`(_ time: String) throws {
        var dictionary = Ward.measured(in: "month")
        dictionary.variables.append(
            .init(
                name: "relapse_months", kind: .number(lower: 0, upper: 60, resolution: 0.1), unit: "month",
                isMeasuredAfterTimeZero: true))
        for index in dictionary.variables.indices { dictionary.variables[index].isAllowedInFilters = true }
        var policy = try DisclosurePolicy.ofTheExamples()
        let trusting: DisclosurePolicy = {
            var policy = policy
            (policy.allowsExactTimes, policy.allowsCommonBaseline) = (true, true)
            return policy
        }()
        policy.allowsCommonBaseline = true
        for place in Self.places {
            for (condition, number) in [("\(time) > 12.3", "\(time) + age"), ("late", "later")] {
                let lines =
                    "define: {later: '\(time) + 0.1', late: later > 5}\n"
                    + place.replacing("?", with: condition).replacing("#", with: number)
                // A curve's grid goes with no delayed entry.
                let start = time == "entered" && !place.hasPrefix("privacy") ? "entered" : nil
                if time == "entered", start == nil { continue }
                let plan = try Ward.plan(Ward.study(start: start, lines), dictionary: dictionary)
                let said = sentence { try policy.admit(plan, from: Self.lead) }
                #expect(
                    said?.hasPrefix("policy rule times-exact, analysis \"m\": ") == true,
                    "\(place), \(condition): \(said ?? "none")")
                #expect(
                    said?.contains("uses the time \"\(time)\"") == true
                        && said?.contains("censor-at:") == true)
                #expect(throws: Never.self, "\(place)") { try trusting.admit(plan, from: Self.lead) }
            }
        }
    }

    /// What the dictionary knows only after follow-up began may be another event's time, whatever its unit is called.
    @Test(
        arguments: [
            ("d", nil, nil, true), ("Days", nil, nil, true), ("hour", nil, nil, true), (nil, nil, nil, true),
            ("Tage", nil, nil, true), ("mg/L", nil, nil, true), ("mg/L", nil, false, false),
            ("day", nil, false, false), ("d", 90, nil, true), ("Days", 90, nil, true),
            ("hrs.", 90, nil, true),
            (nil, 90, nil, true), ("mg/L", 90, nil, false), ("cm", 90, nil, false), ("mg/L", 90, true, true),
        ] as [(String?, Double?, Bool?, Bool)])
    func `a number that is known later is a time unless it cannot be one`(
        _ unit: String?, _ days: Double?, _ stated: Bool?, _ isTime: Bool
    ) throws {
        var dictionary = Ward.measured(in: "month")
        dictionary.variables.append(
            .init(
                name: "later", kind: .number(lower: 0, upper: 4000, resolution: 1), unit: unit,
                statedAsTime: stated, isMeasuredAfterTimeZero: true, daysToMeasurement: days))
        for term in ["later", "(later > 100)", "log(later + 1)"] {
            let plan = try Ward.plan(
                Ward.study("analyses: [{cox: {id: m, terms: ['\(term)', age]}}]"), dictionary: dictionary)
            let said = sentence { try DisclosurePolicy.ofTheExamples().admit(plan, from: Self.lead) }
            #expect(
                (said?.contains("uses the time \"later\"") == true) == isTime, "\(term): \(said ?? "none")")
            #expect((said == nil) == !isTime)
        }
    }

    // MARK: - To the last bit

    /// A time that is a multiple but for rounding is that multiple; one that would be 0 is none.
    @Test(arguments: [nil, 3, 2] as [Double?])
    func `times of a study are multiples of the grid to the last bit`(_ grid: Double?) throws {
        let whole = (grid ?? 1) * 10
        for template in Self.lengths {
            func analyses(_ length: Double) throws -> StudyPlan {
                try Ward.plan(
                    Self.study(template, length), dictionary: Ward.measured(in: "month", grid: grid))
            }
            let exact = try analyses(whole)
            for factor in [1 - 1e-10, 1 + 1e-10, 1 - 1e-15] {
                let near = try analyses(whole * factor)
                #expect(near.study.privacy == exact.study.privacy, "\(template)")
                #expect(near.analyses.map(\.endpoint) == exact.analyses.map(\.endpoint), "\(template)")
                #expect(near.study.endpoint.censorAt?.count == exact.study.endpoint.censorAt?.count)
                #expect(
                    near.study.analyses.map { String(reflecting: $0.kind) }
                        == exact.study.analyses.map { String(reflecting: $0.kind) }, "\(template)")
            }
            for tiny in [1e-300, 1e-12] {
                let said = sentence { _ = try analyses(tiny) }
                #expect(
                    said?.contains("so near to 0 that it would be 0") == true,
                    "\(template): \(said ?? "none")")
            }
        }
        for key in ["at", "rmst"] {
            let near = try Ward.plan(
                Ward.study("analyses: [{survival: {id: m, times: exact, \(key): [\(whole * (1 - 1e-10))]}}]"),
                dictionary: Ward.measured(in: "month", grid: grid))
            let exact = try Ward.plan(
                Ward.study("analyses: [{survival: {id: m, times: exact, \(key): [\(whole)]}}]"),
                dictionary: Ward.measured(in: "month", grid: grid))
            #expect(
                near.study.analyses.map { String(reflecting: $0.kind) }
                    == exact.study.analyses.map { String(reflecting: $0.kind) })
        }
    }

    @Test func `a time may be described, and one known at the start may be a covariate`() throws {
        let table = "analyses: [{describe: {id: m, variables: [months, age]#}}]"
        #expect(try Self.refusal(Ward.study(table.replacing("#", with: ""))) == nil)
        for bins in ["{months: 3}", "{months: 0.1}", "{months: exact}", "exact"] {
            let said = try Self.refusal(Ward.study(table.replacing("#", with: ", bins: \(bins)"))) {
                $0.allowsValueCounts = true
            }
            #expect(said?.contains("bins: of the time \"months\"") == true, "\(said ?? "none")")
        }
        let entry = Ward.study(
            start: "entered", "analyses: [{cox: {id: m, terms: [age, entered, 'frail:entered']}}]")
        #expect(try Self.refusal(entry) == nil)
        let outcome = Ward.study("analyses: [{cox: {id: m, terms: [months]}}]")
        #expect(try Self.refusal(outcome)?.contains("uses the time \"months\"") == true)
    }
}
