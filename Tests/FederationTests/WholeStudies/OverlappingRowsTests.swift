import Federation
import ReferenceStudies
import Survival
import Testing

/// Rows of one person that overlap in time: refused, unless the study says what they are.
///
/// Forty people of two hospitals, and seven rows more: six people entered again a month later, and one row twice. The numbers are
/// R 4.2.2's, survival 3.5-3: `coxph(Surv(start, stop, died) ~ x + arm, control = coxph.control(eps = 1e-12))` with and without them,
/// and `survfit(Surv(start, stop, died) ~ arm)`; `survcheck` flags seven overlaps.
struct OverlappingRowsTests {
    /// Months, died, x, arm, hospital.
    private static let people = """
        11/1/-0.3/A/n 22/1/-0.1/B/n 16/1/-0.5/A/n 16/1/-1.6/B/n 15/0/-1.8/A/n 29/1/-1.1/B/n 19/1/0.8/A/n 28/1/-1.9/B/n
        19/1/2/A/n 30/1/0.2/B/n 9/1/-0.8/A/n 13/0/0.4/B/n 21/0/0.3/A/n 29/1/0.3/B/n 9/0/-1/A/n 10/1/1.2/B/n
        27/0/-1.4/A/n 20/0/-0.3/B/n 25/1/0.6/A/n 4/0/0.1/B/n 13/1/0.4/A/s 28/0/1.5/B/s 4/1/2.1/A/s 9/1/1.2/B/s
        19/1/0.1/A/s 29/0/0.5/B/s 30/1/1.2/A/s 6/1/-1.1/B/s 6/1/-0.6/A/s 15/0/1.7/B/s 19/0/0.2/A/s 6/1/0.3/B/s
        22/1/-0.2/A/s 15/1/1.3/B/s 30/0/-0.3/A/s 29/0/-0.7/B/s 12/0/-0.3/A/s 18/1/0.7/B/s 12/1/1.4/A/s 20/1/-0.6/B/s
        """

    private static let clean: [[Patient]] = ["n", "s"].map { hospital in
        people.split(whereSeparator: \.isWhitespace).enumerated().compactMap { index, text in
            let fields = text.split(separator: "/").map(String.init)
            guard fields[4] == hospital else { return nil }
            var patient = Patient(person: index)
            patient.months = Double(fields[0]) ?? .nan
            patient.died = Double(fields[1]) ?? .nan
            patient.marker = Double(fields[2]) ?? .nan
            patient.frail = fields[3] == "B" ? 1 : 0
            return patient
        }
    }

    private static var overlapping: [[Patient]] {
        var hospitals = clean
        for patient in clean[0].prefix(6) {
            var copy = patient
            copy.entered = 1
            hospitals[0].append(copy)
        }
        hospitals[0].append(clean[0][6])
        return hospitals
    }

    private static func study(_ key: String, people: String = "") -> String {
        Ward.study(
            sites: 2, start: "entered",
            """
            \(people)
            analyses:
              - cox: {id: m, terms: [marker, frail], baseline: common, times: exact\(key)}
              - survival: {id: km, by: frail, at: [5], times: exact\(key)}
              - describe: {id: t, variables: [frail]}
            """)
    }

    /// By the analysis's own key, or the study's.
    @Test(arguments: [true, false])
    func `all rows are counted, or the first of those that overlap, as the study says`(isOwnKey: Bool) throws
    {
        for (choice, coefficients, events) in [
            ("all-rows", [0.1160702349, -0.1851127344], [16, 16]),
            ("first-row", [0.1663321780, -0.1124556644], [13, 13]),
        ] {
            let text =
                isOwnKey
                ? Self.study(", people: \(choice)") : Self.study("", people: "people: \(choice)")
            let found = try result(of: text, Self.overlapping)
            let cox = try found.cox("m")
            expectClose(cox.coefficients, coefficients, relative: 1e-8, choice)
            #expect(try found.survival("km").groups.map(\.events) == events)
            #expect(cox.counts.rows == (choice == "first-row" ? 40 : 47) && cox.counts.people == 40)
            #expect(cox.counts.overlapping == (choice == "first-row" ? 7 : nil) && cox.counts.dropped == 0)
            // A table counts people.
            guard case .describe(let table)? = found["t"] else { throw StudyResult.Missing(what: "t") }
            #expect(table.counts.people == 40)
        }
    }

    @Test func `without a word of the study about them, rows that overlap are refused`() throws {
        let plan = try Ward.plan(Self.study(""))
        let cohort = SiteCohort(table: PatientTable(Self.overlapping[0]), plan: plan)
        #expect(cohort.failure(of: "m")?.contains("\(AnalysisTrouble.overlappingRows)") == true)
        let refused = try result(of: Self.study(""), Self.overlapping)
        #expect(refused.failure("m") == Trouble.unanswerable.reason, "which rows, nobody else learns")
        // Where none overlap, nothing need be said.
        #expect(try result(of: Self.study(""), Self.clean).cox("m").counts.rows == 40)
    }

    @Test func `without a start any two rows of a person overlap`() throws {
        let text = Ward.study(
            sites: 2, "analyses: [{cox: {id: m, terms: [marker, frail], people: first-row}}]")
        let found = try result(of: text, Self.overlapping).cox("m")
        let want = try result(of: text, Self.clean).cox("m")
        #expect(found.coefficients == want.coefficients && found.counts.overlapping == 7)
    }

    @Test func `one may say first-row or all-rows, and nothing else`() {
        #expect(throws: DocumentError.self) { try Ward.plan(Self.study(", people: last-row")) }
        #expect(throws: DocumentError.self) {
            try Ward.plan(Ward.study("analyses: [{describe: {id: t, variables: [age], people: all-rows}}]"))
        }
    }
}

/// Predictions of which a model says nothing.
struct InestimablePredictionTests {
    private static func result(_ lines: String, change: (inout Patient) -> Void = { _ in }) throws
        -> CoxResult
    {
        var hospitals = [Patient.random(40, seed: 3), Patient.random(40, seed: 4)]
        for hospital in hospitals.indices {
            for row in hospitals[hospital].indices {
                hospitals[hospital][row].person = row
                change(&hospitals[hospital][row])
            }
        }
        let text = Ward.study(
            sites: 2, "analyses: [{cox: {id: m, baseline: common, times: exact, at: [5], \(lines)}}]")
        return try FederationTests.result(of: text, hospitals).cox("m")
    }

    private func survival(_ cox: CoxResult) -> [Double?] {
        (cox.predictions ?? []).map { $0.at[0].survival.value }
    }

    @Test func `a curve for a level that nobody has is NA, and said to be`() throws {
        let cox = try Self.result(
            "terms: [stage, marker], predict: [{stage: II, marker: 0}, {stage: III, marker: 0}], baseline-hazard: true"
        ) { $0.stage = min($0.stage, 1) }
        let values = survival(cox)
        #expect(values.count == 2 && values[0] != nil && values[1] == nil)
        let empty = try #require(cox.predictions?.last)
        #expect(
            !empty.curve.isEmpty
                && empty.curve.allSatisfy { $0.survival == .notAvailable && $0.hazard == .notAvailable })
        let warnings = cox.warnings.filter { $0.contains("no curve can be predicted") }
        #expect(warnings.count == 1 && warnings[0].contains("stage=III, marker=0"))
    }

    /// An aliased column takes nothing away where its value is what the others make of it.
    @Test func `a curve from a combination of covariates is there where the combination holds`() throws {
        let cox = try Self.result(
            "terms: [share, exposure], predict: [{share: 1.2, exposure: 1.2}, {share: 1.2, exposure: 1.5}]"
        ) { $0.exposure = $0.share }
        let alone = try Self.result("terms: [share], predict: [{share: 1.2}]")
        let values = survival(cox)
        expectClose(values[0] ?? .nan, survival(alone)[0] ?? 0, relative: 1e-9, "the combination")
        #expect(values[1] == nil)
    }

    @Test func `within strata a covariate that the strata tell apart takes no curve away`() throws {
        let cox = try Self.result(
            "terms: [marker, frail, strata(frail)], predict: [{marker: 0, frail: yes}, {marker: 0, frail: no}]"
        )
        #expect(survival(cox).allSatisfy { $0 != nil } && !cox.warnings.contains { $0.contains("no curve") })
    }
}
