import ReferenceStudies
import Survival
import Testing

@testable import Federation

/// Log-rank tests stratified by hospital, which each hospital's own sums make; R's answers are in
/// `SurvivalTests/Reference/within`.
struct TestsWithinHospitalsTests {
    struct Case: CustomTestStringConvertible {
        let json: JSONValue

        var testDescription: String { name("id") }
        func name(_ key: String) -> String { json[key].string ?? "" }
        /// Nil where the case has no such key.
        func optional(_ key: String) -> String? { json[key].string }
    }

    static let cases: [Case] = {
        do {
            return try ReferenceFiles.answers("within/within.json")["cases"].elements.map(Case.init)
        } catch { fatalError("the reference numbers cannot be read: \(error)") }
    }()

    /// The rows of a case, the hospitals that they are at, and how they are read.
    private struct Rows {
        let file: CSVTable
        let kept: [Int]
        let hospitals: [String]
        let dictionary: DataDictionary

        init(_ reference: Case) throws {
            let file = try CSVTable(reference: reference.name("file"))
            let keep = reference.json["keep"].strings
            kept = file.rows.indices.filter { row in
                !file[row, reference.name("site")].isEmpty
                    && (keep.isEmpty || file[row, keep[0]] == keep[1])
            }
            let rows = kept
            hospitals = Set(rows.map { file[$0, reference.name("site")] }).sorted()
            func category(_ column: String) -> DataDictionary.Variable {
                let levels = Set(rows.map { file[$0, column] }).filter { !$0.isEmpty }.sorted()
                return .init(
                    name: Self.written(column), kind: .category(levels: levels, reference: levels[0]),
                    column: column)
            }
            // No resolution: what has no axis must not need one.
            let times = [reference.name("time"), reference.optional("start")].compactMap(\.self)
            dictionary = DataDictionary(
                name: "rows", version: 1, person: "person",
                variables: [
                    .init(name: "person", kind: .identifier, column: "id"),
                    category(reference.name("event")), category(reference.name("group")),
                ] + reference.json["strata"].strings.map(category)
                    + times.map {
                        .init(
                            name: Self.written($0), kind: .number(lower: 0, upper: 9000, resolution: nil),
                            column: $0)
                    })
            self.file = file
        }

        static func written(_ column: String) -> String { column.replacing(".", with: "_") }

        /// The rows of each hospital, in any order of hospitals.
        func tables(_ reference: Case, order: [Int]) -> [(site: String, table: PatientTable)] {
            let width = reference.json["round"].double
            return zip(Ward.names(order.count), order).map { name, hospital in
                let own = kept.filter { file[$0, reference.name("site")] == hospitals[hospital] }
                var table = file.patients(dictionary, rows: own)
                let time = Self.written(reference.name("time"))
                if width != 1, case .number(let days)? = table.columns[time] {
                    table.columns[time] = .number(days.map { ($0 / width).rounded(.up) })
                }
                return (name, table)
            }
        }
    }

    private static func study(_ reference: Case, _ rows: Rows, _ keys: String) -> String {
        let start = reference.optional("start").map { "start: \(Rows.written($0)), " } ?? ""
        return """
            study: within
            dictionary: rows@1
            sites: [\(Ward.names(rows.hospitals.count).joined(separator: ", "))]
            endpoint: {time: \(Rows.written(reference.name("time"))), \(start)event: '\(Rows.written(reference.name("event"))) == "\(reference.name("value"))"', unit: day}
            analyses:
              - survival: {id: t, by: \(Rows.written(reference.name("group"))), \(keys)}
            """
    }

    private static func test(_ reference: Case) -> String {
        let strata = (["site"] + reference.json["strata"].strings).joined(separator: ", ")
        return "test: {rho: \(reference.json["rho"].double)}, strata: [\(strata)]"
    }

    private static func result(
        _ reference: Case, _ keys: String, order: (Int) -> [Int] = { Array(0..<$0) }
    ) throws -> SurvivalResult {
        let rows = try Rows(reference)
        return try ReferenceTables.result(
            study(reference, rows, keys), dictionary: rows.dictionary,
            tables: rows.tables(reference, order: order(rows.hospitals.count))
        ).survival("t")
    }

    @Test(arguments: cases)
    func `a test within hospitals is R's, without a time`(_ reference: Case) throws {
        let result = try Self.result(reference, "curves: false, \(Self.test(reference))")
        let (test, want) = (try #require(result.test), reference.json)
        #expect(result.groups.isEmpty && result.times == .exact && result.gridWidth == nil)
        #expect(test.groups == want["levels"].strings && test.rows?.map { Double($0) } == want["n"].doubles)
        #expect(test.isWithinSites == true && test.strata == ["site"] + want["strata"].strings)
        expectClose(
            test.observed.map { $0.value ?? .nan }, want["observed"].doubles, relative: 1e-11, "observed")
        if !want["expected"].isNull {
            expectClose(
                test.expected.map { $0.value ?? .nan }, want["expected"].doubles, relative: 1e-11, "expected")
        }
        expectClose(test.test.statistic.value ?? .nan, want["chisq"].double, relative: 1e-9, "chi-square")
        #expect(test.test.degreesOfFreedom == want["df"].double)
    }

    @Test func `hospitals without events, and groups with nobody at one, are among the cases`() {
        #expect(Self.cases.contains { $0.json["without_events"].double > 0 })
        #expect(Self.cases.contains { $0.json["lacking_a_group"].double > 0 })
        #expect(Self.cases.contains { $0.json["start"].string != nil })
    }

    @Test(arguments: [cases[3], cases[6], cases[8], cases[13]])
    func `the order of the hospitals changes no digit`(_ reference: Case) throws {
        let keys = "curves: false, \(Self.test(reference))"
        let straight = try Self.result(reference, keys)
        var random = SeededGenerator(4)
        for _ in 0..<2 {
            let other = try Self.result(reference, keys) { (0..<$0).shuffled(using: &random) }
            #expect(other == straight)
        }
    }

    // MARK: - Beside the test over all hospitals

    private static func ward(_ sites: Int, start: String?, _ analyses: String, _ hospitals: [[Patient]])
        throws -> StudyResult
    {
        try FederationTests.result(
            of: Ward.study(
                sites: sites, start: start,
                """
                privacy: {time-grid: 3, smallest-interval: 5}
                analyses:
                \(analyses)
                """), hospitals)
    }

    /// `hospital` names the hospitals, so that both have the same strata; times are whole, entries late.
    @Test(
        arguments: [
            "log-rank", "{rho: 1, trend: true}", "{rho: 0.4}",
        ], ["", ", frail", ", frail, response"])
    func `it is the test whose strata a variable names`(_ test: String, _ strata: String) throws {
        for seed in 1...4 as ClosedRange<UInt64> {
            for start in [nil, "entered"] {
                let patients = Patient.random(Int(60 * seed), seed: seed)
                let hospitals = (0..<5).map { site in patients.filter { $0.hospital == site } }
                let result = try Self.ward(
                    5, start: start,
                    """
                      - survival: {id: own, by: stage, curves: false, test: \(test), strata: [site\(strata)]}
                      - survival: {id: named, by: stage, test: \(test), strata: [hospital\(strata)], times: exact}
                      - survival: {id: alone, by: stage, curves: false, test: \(test), strata: [hospital\(strata)], times: exact}
                    """, hospitals)
                let (own, named) = (
                    try #require(try result.survival("own").test),
                    try #require(try result.survival("named").test)
                )
                for (mine, other) in [
                    (own.observed, named.observed), (own.expected, named.expected),
                    ([own.test.statistic], [named.test.statistic]),
                    ([own.trend?.statistic ?? .notAvailable], [named.trend?.statistic ?? .notAvailable]),
                ] {
                    expectClose(
                        mine.map { $0.value ?? .nan }, other.map { $0.value ?? .nan }, relative: 1e-10,
                        absolute: 1e-12, "sums")
                }
                #expect(own.test.degreesOfFreedom == named.test.degreesOfFreedom)
                #expect(try result.survival("named").groups.map(\.rows) == own.rows && named.rows == nil)
                // Over all hospitals the test alone takes the same sums, and tells no curve.
                var alone = try #require(try result.survival("alone").test)
                #expect(try result.survival("alone").groups.isEmpty && alone.rows == own.rows)
                alone.rows = nil
                #expect(alone == named)
            }
        }
    }

    @Test func `curves beside it take the times that they need, and are those without a test`() throws {
        let patients = Patient.random(240, seed: 30)
        let hospitals = (0..<3).map { site in patients.filter { $0.person % 3 == site } }
        let result = try Self.ward(
            3, start: nil,
            """
              - survival: {id: both, by: stage, test: log-rank, strata: [site, frail], robust: true, at: [12]}
              - survival: {id: plain, by: stage, robust: true, at: [12]}
              - survival: {id: alone, by: stage, curves: false, test: log-rank, strata: [site, frail]}
            """, hospitals)
        var both = try result.survival("both")
        var test = try #require(both.test)
        test.rows = try result.survival("alone").test?.rows
        #expect(try result.survival("alone").test == test && both.times == .grid)
        (both.test, both.id) = (nil, "plain")
        // Rows without a stratum of the test are none here, so that the curves are of the same rows.
        #expect(both.groups == (try result.survival("plain").groups))
    }

    @Test func `a landmark, an end of follow-up and a cohort hold for it as for any test`() throws {
        let patients = Patient.random(300, seed: 31)
        let hospitals = (0..<5).map { site in patients.filter { $0.hospital == site } }
        let keys =
            "by: stage, test: log-rank, landmark: 3, censor-at: 30, cohort: age > 50, event: died and frail"
        let result = try Self.ward(
            5, start: nil,
            """
              - survival: {id: own, \(keys), curves: false, strata: [site]}
              - survival: {id: named, \(keys), strata: [hospital], times: exact}
            """, hospitals)
        let (own, named) = (try result.survival("own"), try result.survival("named"))
        #expect(own.counts.rows == named.counts.rows && own.counts.events == named.counts.events)
        #expect(own.counts.landmark == named.counts.landmark && own.event == "died and frail")
        expectClose(
            own.test?.test.statistic.value ?? .nan, named.test?.test.statistic.value ?? 0, relative: 1e-10,
            "chi-square")
    }

    /// 0.1 + 0.2 and 0.3 are one time, as in R, whichever hospital has them.
    @Test func `times that differ by rounding are tied`() throws {
        var dictionary = Ward.dictionary
        dictionary.variables[1].kind = .number(lower: 0, upper: 60, resolution: nil)
        func statistic(_ time: Double) throws -> Double? {
            var patients = Patient.random(90, seed: 32)
            for index in patients.indices {
                patients[index].months = [0.3, time, 0.7, 1.1][index % 4]
            }
            let study = Ward.study(
                "analyses: [{survival: {id: t, by: stage, curves: false, test: log-rank, strata: [site]}}]")
            let tables = (0..<3).map { site in PatientTable(patients.filter { $0.person % 3 == site }) }
            return try ReferenceTables.result(
                study, dictionary: dictionary, tables: zip(Ward.names(3), tables).map { ($0, $1) }
            ).survival("t").test?.test.statistic.value
        }
        let tied = try #require(try statistic(0.3))
        #expect(try statistic(0.1 + 0.2) == tied)
        #expect(try statistic(0.31) != tied)
    }

    // MARK: - What is asked

    private static let alone =
        "analyses: [{survival: {id: t, by: stage, curves: false, test: log-rank, strata: [site, frail]}}]"

    @Test func `no question of it has a time`() throws {
        let plan = try Ward.plan(Ward.study(Self.alone))
        #expect(!plan.analyses[0].usesTimes && plan.analyses[0].times == .exact)
        var run = StudyRun(plan: plan, sites: [])
        let cohort = SiteCohort(table: PatientTable(Patient.random(90, seed: 1)), plan: plan)
        var asked: [QueryStatement] = []
        while !run.isFinished {
            asked += run.statements
            #expect(run.queries.allSatisfy { $0.axis == nil })
            try run.receive(try run.queries.flatMap { try cohort.answer($0) })
        }
        #expect(asked.map(\.kind) == ["counts", "log-rank"])
        // Rows, observed and expected of three groups, six of their variance, and the trouble's.
        #expect(asked[1].lanes == 3 * 3 + 6 + 1 && asked[1].beta == nil)
        #expect(run.queries.isEmpty && run.result?.failure("t") == nil)
    }

    @Test func `sums that cannot be those of the counts fail the analysis alone`() throws {
        let plan = try Ward.plan(Ward.study(Self.alone))
        let cohort = SiteCohort(table: PatientTable(Patient.random(90, seed: 1)), plan: plan)
        for lane in 0..<9 {
            for change in [1, -1, 0.5, -1e6, 1e9] {
                var run = StudyRun(plan: plan, sites: [])
                try run.receive(try run.queries.flatMap { try cohort.answer($0) })
                var sum = try run.queries.flatMap { try cohort.answer($0) }
                sum[lane] += change
                try run.receive(sum)
                #expect(
                    run.result?.failure("t")
                        == "the hospitals' sums of a test do not add up to their counts of rows and events")
            }
        }
    }

    @Test func `a policy that lets no exact time leave answers it, and counts people and events as ever`()
        throws
    {
        let dictionary = Ward.measured(in: "month")
        let patients = Patient.random(240, seed: 33)
        let tables = (0..<3).map { site in PatientTable(patients.filter { $0.person % 3 == site }) }
        func result(_ study: String, _ policy: DisclosurePolicy) throws -> StudyResult {
            try ReferenceTables.result(
                study, dictionary: dictionary, tables: zip(Ward.names(3), tables).map { ($0, $1) },
                policy: policy)
        }
        let policy = try DisclosurePolicy.ofTheExamples()
        #expect(!policy.allowsExactTimes)
        let study = Ward.study(Self.alone)
        #expect(try result(study, policy).survival("t").test?.test.statistic.value ?? 0 > 0)
        expectRefusal(.refused, "times-exact") {
            _ = try result(
                study.replacing("[site, frail]", with: "[frail], times: exact"), policy)
        }
        for (rule, loosen) in [
            ("level-people-min", { $0.levelPeopleMin = 500 }), ("people-min", { $0.peopleMin = 500 }),
            ("events-min", { $0.eventsMin = 500 }),
            // Two parameters: three groups but one.
            ("events-per-parameter-min", { $0.eventsPerParameterMin = 50 }),
        ] as [(String, (inout DisclosurePolicy) -> Void)] {
            var strict = policy
            loosen(&strict)
            expectRefusal(.refused, rule) { _ = try result(study, strict) }
        }
    }

    // MARK: - The study file

    @Test func `a variable or a definition of that name comes first`() throws {
        var dictionary = Ward.dictionary
        dictionary.variables.append(
            .init(name: "site", kind: .category(levels: ["lung", "bone"], reference: "lung")))
        let keys = "survival: {id: t, by: stage, test: log-rank, strata: [site], times: exact}"
        for plan in [
            try Ward.plan(Ward.study("analyses: [{\(keys)}]"), dictionary: dictionary),
            try Ward.plan(Ward.study("define: {site: frail}\nanalyses: [{\(keys)}]")),
        ] {
            #expect(!plan.analyses[0].kind.comparesRows && plan.analyses[0].variables.count > 3)
            #expect(plan.analyses[0].exitGroupCount == 6)
        }
        let error = sentence {
            _ = try Ward.plan(
                Ward.study("analyses: [{\(keys.replacing(", times: exact", with: ""))}]"),
                dictionary: dictionary)
        }
        #expect(error?.hasSuffix("(site is a variable here, and not the hospital)") == true)
        let own = try Ward.plan(Ward.study("analyses: [{\(keys)}]"))
        #expect(own.analyses[0].kind.comparesRows && own.analyses[0].exitGroupCount == 3)
    }

    @Test(arguments: [
        ("curves: false", "without curves there is nothing left to report; add test: log-rank"),
        ("curves: false, test: log-rank, at: [3]", "at: is of curves, and curves: false asks for none"),
        ("curves: false, test: log-rank, rmst: [3]", "rmst: is of curves"),
        ("curves: false, test: log-rank, level: 0.9", "level: is of curves"),
        ("curves: false, test: log-rank, robust: true", "robust: is of curves"),
        ("curves: false, test: log-rank", "sums over time need a grid"),
        (
            "curves: false, test: log-rank, strata: [site], times: grid",
            "a test within hospitals needs no grid: no time leaves a hospital, and exact times are used; drop times:"
        ),
        ("test: log-rank, strata: [site, site], times: exact", "the strata name site twice"),
        ("test: log-rank, strata: [site, frail, frail]", "the strata name a variable twice"),
        ("test: log-rank, strata: [site]", "sums over time need a grid"),
    ])
    func `a key that makes no sense is refused in the study file`(_ keys: String, _ reason: String) {
        let error = sentence {
            _ = try Ward.plan(Ward.study("analyses: [{survival: {id: t, by: stage, \(keys)}}]"))
        }
        #expect(error?.contains(reason) == true, "\(error ?? "none")")
    }

    @Test(arguments: [
        (
            "incidence: {id: t, by: stage, times: exact, test: gray, strata: [site]}",
            "leave them out of Gray's test"
        ),
        ("concordance: {id: t, of: age, strata: [site]}", "pairs are formed within hospitals in any case"),
        ("cox: {id: t, terms: [age, strata(site)]}", "each hospital has its own baseline hazard"),
    ])
    func `where hospitals are no strata of their own it is said what to write`(
        _ analysis: String, _ reason: String
    ) {
        let error = sentence {
            _ = try Ward.plan(
                Ward.study("analyses: [{\(analysis)}]")
                    .replacing("event: died", with: "causes: {a: died, b: response and not died}"))
        }
        #expect(error?.contains(reason) == true, "\(error ?? "none")")
    }
}
