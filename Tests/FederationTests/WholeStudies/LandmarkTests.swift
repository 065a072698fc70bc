import Cryptography
import Federation
import ReferenceStudies
import Survival
import Testing

/// Landmark cohorts as a study asks for them, beside R on the rows chosen by hand (`Reference/terms/terms.R`).
struct LandmarkTests {
    private static let study = """
        analyses:
          - cox: {id: site, terms: [age, sex], landmark: 90}
          - cox: {id: common, terms: [age, sex], landmark: 90 days, baseline: common, times: exact}
          - cox: {id: log, terms: [age, sex], landmark: 90, check: proportional-hazards, transform: log}
          - cox: {id: km, terms: [age, sex], landmark: 90, check: proportional-hazards, times: exact}
          - survival: {id: curves, by: sex, landmark: 90, at: [100, 300], test: log-rank, times: exact}
          - survival: {id: grid, landmark: 90, at: [120, 300]}
        privacy: {time-grid: 30, smallest-interval: 1}
        """

    @Test func `a landmark gives what R gives on those still at risk`() throws {
        let (result, want) = (try Lung.result(Self.study), try ReferenceTables.expected("landmarks"))
        for id in ["site", "common"] { expectTable(try result.cox(id), want[id], id) }
        for id in ["site", "common", "log"] {
            let counts = try result.cox(id).counts
            #expect(counts.landmark == .init(time: 90, excluded: Int(want["excluded"].double)))
            #expect(Double(counts.rows) == want["rows"].double && counts.dropped == 0)
        }
        for (id, key) in [("log", "zph_log"), ("km", "zph_km")] {
            let check = try #require(try result.cox(id).proportionalHazards)
            let tests = check.terms.map(\.test) + [check.global]
            expectClose(
                tests.map { $0.statistic.value ?? .nan }, want[key].doubles, relative: 1e-9, "\(id) zph")
        }
    }

    @Test func `curves and their test start at the landmark`() throws {
        let (result, want) = (try Lung.result(Self.study), try ReferenceTables.expected("landmarks"))
        let curves = try result.survival("curves")
        for (group, want) in zip(curves.groups, want["curves"].elements) {
            expectCurve(group, want)
            #expect(group.curve.time == want["times"].doubles)
        }
        expectClose(
            curves.test?.test.statistic.value ?? .nan, want["log_rank"]["statistic"].double, relative: 1e-9,
            "log-rank")
        expectCurve(try result.survival("grid").groups[0], want["grid"].elements[0])
    }

    private func expectTable(_ cox: CoxResult, _ want: JSONValue, _ id: String) {
        #expect(Double(cox.counts.events) == want["events"].double && cox.warnings.isEmpty)
        expectClose(cox.coefficients, want["coef"].doubles, relative: 1e-9, "\(id) coef")
        expectClose(cox.standardErrors, want["se"].doubles, relative: 1e-9, "\(id) se")
        expectClose(cox.logLikelihood, want["loglik"].double, relative: 1e-11, "\(id) log-likelihood")
        expectClose(cox.score.statistic.value ?? .nan, want["score"].double, relative: 1e-9, "\(id) score")
    }

    private func expectCurve(_ group: SurvivalResult.Group, _ want: JSONValue) {
        #expect(Double(group.rows) == want["n"].double && Double(group.events) == want["events"].double)
        let median = group.median.estimate.value ?? .nan
        expectClose(median, want["median"].double, relative: 1e-9, "median")
        expectClose(
            group.curve.survival.map { $0.value ?? .nan }, want["survival"].doubles, relative: 1e-9, "curve")
        expectClose(group.at.map { $0.survival.value ?? .nan }, want["at"].doubles, relative: 1e-9, "at")
        expectClose(group.at.map { $0.se.value ?? .nan }, want["se"].doubles, relative: 1e-9, "se")
    }

    // MARK: Rows (start, stop]

    private static let heart = DataDictionary(
        name: "heart", version: 1, person: "id",
        variables: [
            .init(name: "id", kind: .identifier),
            .init(name: "start", kind: .number(lower: 0, upper: 2000, resolution: 0.5)),
            .init(name: "stop", kind: .number(lower: 0, upper: 2000, resolution: 0.5)),
            .init(name: "event", kind: .boolean),
            .init(name: "transplant", kind: .boolean, isMeasuredAfterTimeZero: true, daysToMeasurement: 30),
            .init(name: "age", kind: .number(lower: -60, upper: 40, resolution: nil)),
            .init(name: "surgery", kind: .boolean),
        ])

    private static let marrow = DataDictionary(
        name: "bmt-td", version: 1, person: "id",
        variables: [
            .init(name: "id", kind: .identifier),
            .init(name: "start", kind: .number(lower: 0, upper: 3000, resolution: 1), column: "tstart"),
            .init(name: "stop", kind: .number(lower: 0, upper: 3000, resolution: 1), column: "tstop"),
            .init(name: "event", kind: .boolean),
            .init(name: "platelets", kind: .boolean, isMeasuredAfterTimeZero: true),
            .init(name: "group", kind: .category(levels: ["1", "2", "3"], reference: "1")),
            .init(name: "age", kind: .number(lower: 0, upper: 90, resolution: 1), column: "z1"),
        ])

    private static func rows(_ dictionary: DataDictionary, _ lines: String) throws -> StudyResult {
        let study = """
            study: rows
            dictionary: \(dictionary.identifier)
            sites: [site-1, site-2, site-3]
            endpoint: {time: stop, start: start, event: event, unit: day}
            \(lines)
            """
        let tables = try (0..<3).map { site in
            try ReferenceTables.tables(
                dictionary.name.replacing("-", with: "_"), dictionary, sites: 1, site: { _ in 0 },
                isKept: { _, row, file in (Int(file[row, "id"]) ?? 0) % 3 == site })[0].table
        }
        return try ReferenceTables.result(
            study, dictionary: dictionary, tables: zip(Ward.names(3), tables).map { ($0, $1) })
    }

    @Test func `of rows with a start, one holds the covariates at the landmark and the last tells the end`()
        throws
    {
        let result = try Self.rows(
            Self.heart,
            """
            analyses:
              - cox: {id: heart, terms: [transplant, age, surgery], landmark: 30}
              - cox: {id: heart-common, terms: [transplant, age, surgery], landmark: 30, baseline: common, times: exact}
              - survival: {id: curves, by: transplant, landmark: 30, at: [60, 360], times: exact}
            """)
        let want = try ReferenceTables.expected("landmarks")
        for id in ["heart", "heart-common"] {
            expectTable(try result.cox(id), want[id.replacing("-", with: "_")], id)
            #expect(try result.cox(id).counts.landmark?.excluded == Int(want["heart"]["excluded"].double))
        }
        for (group, want) in zip(try result.survival("curves").groups, want["heart_curves"].elements) {
            expectCurve(group, want)
        }
    }

    @Test func `covariates that change with time need no landmark and give no warning`() throws {
        let want = try ReferenceTables.expected("time_dependent")
        for (name, dictionary, terms) in [
            ("heart", Self.heart, "transplant, age, surgery"), ("bmt", Self.marrow, "platelets, group, age"),
        ] {
            let result = try Self.rows(
                dictionary,
                """
                analyses:
                  - cox: {id: \(name)-site, terms: [\(terms)]}
                  - cox: {id: \(name)-common, terms: [\(terms)], baseline: common, times: exact}
                """)
            for model in ["site", "common"] {
                expectTable(try result.cox("\(name)-\(model)"), want["\(name)_\(model)"], name)
            }
        }
    }

    /// Two rows of person 1 begin where the first ended.
    @Test func `follow-up that could go on in two ways is refused`() throws {
        var rows = Patient.random(40, seed: 8)
        for index in 0..<3 {
            rows[index].person = 1
            (rows[index].entered, rows[index].months) = index == 0 ? (0, 9) : (9, 12)
            rows[index].died = 0
        }
        let study = Ward.study(start: "entered", "analyses: [{cox: {id: m, terms: [age], landmark: 6}}]")
        let failure = SiteCohort(table: PatientTable(rows), plan: try Ward.plan(study)).failure(of: "m")
        #expect(failure?.contains("analysis \"m\"") == true)
    }

    // MARK: Causes of rows (start, stop]

    private static let risks = DataDictionary(
        name: "risks", version: 1, person: "id",
        variables: [
            .init(name: "id", kind: .identifier),
            .init(name: "start", kind: .number(lower: 0, upper: 60, resolution: 1)),
            .init(name: "stop", kind: .number(lower: 0, upper: 60, resolution: 1)),
            .init(name: "status", kind: .number(lower: 0, upper: 2, resolution: 1)),
            .init(name: "group", kind: .category(levels: ["a", "b"], reference: "a")),
        ])

    /// Person, start, stop, status, group.
    private typealias Row = (person: Int, start: Double, stop: Double, status: Double, group: Int32)

    private static func incidence(_ rows: [Row], start: Bool, _ keys: String) throws -> IncidenceResult {
        let study = """
            study: risks
            dictionary: risks@1
            sites: [site-1, site-2, site-3]
            endpoint: {time: stop, \(start ? "start: start, " : "")causes: {one: status == 1, two: status == 2}, unit: month}
            analyses: [{incidence: {id: i, times: exact, at: [4, 6, 8], \(keys)}}]
            """
        let tables = (0..<3).map { site in
            let own = rows.filter { $0.person % 3 == site }
            let people = Set(own.map(\.person)).sorted()
            return PatientTable(
                rowCount: own.count,
                person: own.map { row in Int32(people.firstIndex(of: row.person) ?? 0) },
                columns: [
                    "start": .number(own.map(\.start)), "stop": .number(own.map(\.stop)),
                    "status": .number(own.map(\.status)), "group": .category(own.map(\.group)),
                ])
        }
        let result = try ReferenceTables.result(
            study, dictionary: risks, tables: zip(Ward.names(3), tables).map { ($0, $1) })
        guard case .incidence(let incidence)? = result["i"] else {
            throw StudyResult.Missing(what: result.failure("i") ?? "i")
        }
        return incidence
    }

    /// R 4.2.2, survival 3.5-3, on one row for each person still at risk at 3, with the time and the status of the person's last:
    /// `summary(survfit(Surv(time - 3, factor(status, 0:2)) ~ 1), times = c(4, 6, 8))`, and with `~ group`.
    @Test func `the cause is that of the row that ends follow-up`() throws {
        let rows: [Row] = [
            (1, 0, 5, 0, 0), (1, 5, 9, 1, 0), (2, 0, 12, 2, 0), (3, 0, 4, 0, 1), (3, 4, 8, 0, 1),
            (3, 8, 11, 2, 1),
            (4, 0, 7, 1, 1), (5, 0, 3, 0, 0), (5, 3, 10, 0, 0), (6, 0, 2, 1, 1), (7, 0, 6, 0, 1),
            (7, 6, 7, 1, 1),
            (8, 0, 9, 2, 0),
        ]
        let all = try Self.incidence(rows, start: true, "landmark: 3")
        #expect(all.counts.rows == 7 && all.counts.events == 6 && all.counts.landmark?.excluded == 1)
        #expect(all.groups[0].events == [3, 3])
        func values(_ estimates: (IncidenceResult.Point) -> [Reported]) -> [Double] {
            all.groups[0].at.flatMap { estimates($0).map { $0.value ?? .nan } }
        }
        expectClose(
            values { $0.incidence.flatMap(\.estimate) }, [2.0 / 7, 0, 3.0 / 7, 1.0 / 7, 3.0 / 7, 5.0 / 14],
            relative: 1e-12, "incidence")
        expectClose(
            values { $0.incidence.flatMap(\.se) },
            [0.1707469, 0, 0.1870439, 0.1322600, 0.1870439, 0.2011266], relative: 1e-6, "se")
        let groups = try Self.incidence(rows, start: true, "landmark: 3, by: group").groups
        #expect(groups.map(\.events) == [[1, 2], [2, 1]])
    }

    /// However a person's follow-up is cut into rows, it ends once.
    @Test(arguments: ["landmark: 3", "landmark: 3, by: group", "landmark: 5, by: group, censor-at: 30"])
    func `incidence after a landmark does not depend on how follow-up is cut into rows`(_ keys: String) throws
    {
        var random = SeededGenerator(41)
        for _ in 0..<5 {
            var (whole, cut) = ([Row](), [Row]())
            for person in 0..<60 {
                let stop = Double(Int.random(in: 1...50, using: &random))
                let status = Double(Int.random(in: 0...2, using: &random))
                let group = Int32.random(in: 0...1, using: &random)
                whole.append((person, 0, stop, status, group))
                let ends = Set((0..<3).map { _ in Double(Int.random(in: 1...50, using: &random)) })
                    .filter { $0 < stop }.sorted()
                for (start, end) in zip([0] + ends, ends + [stop]) {
                    cut.append((person, start, end, end == stop ? status : 0, group))
                }
            }
            var pieces = try Self.incidence(cut.shuffled(using: &random), start: true, keys)
            let plain = try Self.incidence(whole, start: false, keys)
            pieces.counts.droppedByVariable = plain.counts.droppedByVariable
            #expect(pieces == plain)
        }
    }

    // MARK: At the edges

    /// Out: exit at 6, start after 6; in: exit after 6, start at 6; a row without a time is incomplete, not out.
    @Test func `who leaves at the landmark is out, who enters at it is in`() throws {
        var rows = (0..<6).map { Patient(person: $0, months: 20, entered: 0) }
        rows[0].months = 6
        rows[1].months = 7
        rows[2].entered = 6
        rows[3].entered = 7
        rows[4].months = .nan
        let study = Ward.study(
            sites: 1, start: "entered", "analyses: [{survival: {id: m, landmark: 6, times: exact}}]")
        let result = try result(of: study, [rows]).survival("m")
        #expect(result.counts.landmark == .init(time: 6, excluded: 2))
        #expect(result.counts.rows == 3 && result.counts.dropped == 1)
        #expect(result.groups[0].curve.time == [1, 14] && result.groups[0].curve.atRisk == [3, 2])
    }

    @Test(arguments: [
        ("landmark: 3 months", nil as Double?, 1), ("landmark: 1 year", 90, 0), ("landmark: 3", 91.3125, 0),
        ("landmark: 2", 91.3125, 1), ("landmark: 10 weeks", 70, 0), ("landmark: 9 weeks", 70, 1), ("", 90, 1),
    ])
    func `a covariate known by the landmark gives no warning`(
        _ key: String, _ days: Double?, _ warnings: Int
    ) throws {
        var dictionary = Ward.dictionary
        for index in dictionary.variables.indices where dictionary.variables[index].name == "response" {
            dictionary.variables[index].daysToMeasurement = days
        }
        let keys = key.isEmpty ? "" : ", \(key)"
        let study = Ward.study("analyses: [{cox: {id: m, terms: [response, age]\(keys)}}]")
        let plan = try Ward.plan(study, dictionary: dictionary)
        #expect(plan.analyses[0].guaranteeTimeWarnings.count == warnings)
        #expect(plan.analyses[0].guaranteeTimeWarnings.allSatisfy { $0.contains("guarantee-time bias") })
    }

    @Test func `a dictionary says when a variable is measured`() throws {
        func dictionary(_ measured: String) throws -> DataDictionary {
            try DataDictionary(
                yaml: """
                    dictionary: d
                    version: 1
                    person: id
                    variables: {id: {type: identifier}, x: {type: boolean, measured: \(measured)}}
                    """, file: "d.yaml")
        }
        let late = try ["baseline", "follow-up", "3 months", "1 week"].map { try dictionary($0)["x"] }
        #expect(late.map { $0?.isMeasuredAfterTimeZero } == [false, true, true, true])
        #expect(late.map { $0?.daysToMeasurement } == [nil, nil, 91.3125, 7])
        for wrong in ["3", "later", "3 fortnights", "-1 days"] {
            #expect(
                sentence { _ = try dictionary(wrong) }?.contains("nor a time such as \"3 months\"") == true)
        }
    }

    @Test(arguments: [
        ("landmark: 0", "is no landmark"), ("landmark: soon", "is no landmark"),
        ("landmark: 60, baseline: common, times: exact", "allows no \"months\" beyond the landmark"),
    ])
    func `what is no landmark is refused`(_ keys: String, _ reason: String) {
        let error = sentence {
            _ = try Ward.plan(Ward.study("analyses: [{cox: {id: m, terms: [age], \(keys)}}]"))
        }
        #expect(error?.contains(reason) == true, "\(error ?? "none")")
    }

    /// Without a grid of the dictionary's own, the policy's of 60 days is two months.
    @Test func `landmarks lie as far apart as a policy's time grid is wide`() throws {
        var policy = DisclosurePolicy.local
        (policy.allowsExactTimes, policy.timeGridDaysMin) = (false, 60)
        let lead = try #require(SPIFFEID("spiffe://liver/operator/lead"))
        func refusal(_ landmarks: [String]) throws -> String? {
            let analyses = landmarks.enumerated().map {
                "{cox: {id: m\($0.offset), terms: [age], landmark: \($0.element)}}"
            }
            let study = Ward.study("analyses: [\(analyses.joined(separator: ", "))]")
            let plan = try Ward.plan(study, dictionary: Ward.measured(in: "month"))
            return sentence { try policy.admit(plan, from: lead) }
        }
        #expect(try refusal(["1"])?.contains("time-grid-days-min") == true)
        #expect(try refusal(["3", "4"])?.contains("time-grid-days-min") == true)
        #expect(try refusal(["3", "6", "3"])?.contains("no multiple of 2 months") == true)
        #expect(try refusal(["4", "6", "4"]) == nil)
    }
}
