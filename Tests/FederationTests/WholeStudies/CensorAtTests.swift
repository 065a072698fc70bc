import Federation
import ReferenceStudies
import Survival
import Testing

/// `censor-at:` beside R on rows whose follow-up was ended by hand (`Reference/terms/terms.R`), and as a property.
struct CensorAtTests {
    private static func expected() throws -> JSONValue { try ReferenceTables.expected("censored") }

    private func expectTable(_ cox: CoxResult, _ want: JSONValue, _ id: String) {
        #expect(
            Double(cox.counts.rows) == want["n"].double && Double(cox.counts.events) == want["events"].double)
        expectClose(cox.coefficients, want["coef"].doubles, relative: 1e-9, "\(id) coef")
        expectClose(cox.standardErrors, want["se"].doubles, relative: 1e-9, "\(id) se")
        expectClose(cox.logLikelihood, want["loglik"].double, relative: 1e-11, "\(id) log-likelihood")
        expectClose(cox.score.statistic.value ?? .nan, want["score"].double, relative: 1e-9, "\(id) score")
    }

    @Test func `models, curves and pairs are R's on follow-up that ends at a time`() throws {
        let want = try Self.expected()
        let result = try Lung.result(
            """
            analyses:
              - cox: {id: site, terms: [age, sex], censor-at: 360}
              - cox: {id: common, terms: [age, sex], censor-at: 360, baseline: common, times: exact}
              - cox: {id: landmark, terms: [age, sex], censor-at: 360, landmark: 90}
              - survival: {id: curves, by: sex, censor-at: 360, at: [100, 300], test: log-rank, times: exact}
              - concordance: {id: pairs, of: age, censor-at: 360}
              - cox: {id: uncut, terms: [age, sex]}
            """)
        for id in ["site", "common", "landmark"] { expectTable(try result.cox(id), want[id], id) }
        #expect(try result.cox("site").counts.censorAt == 360 && result.cox("uncut").counts.censorAt == nil)
        #expect(try result.cox("uncut").counts.events == 165)
        let curves = try result.survival("curves")
        for (group, want) in zip(curves.groups, want["curves"].elements) {
            #expect(
                Double(group.events) == want["events"].double && group.curve.time == want["times"].doubles)
            expectClose(
                group.curve.survival.map { $0.value ?? .nan }, want["survival"].doubles, relative: 1e-9,
                "curve")
            expectClose(group.at.map { $0.se.value ?? .nan }, want["se"].doubles, relative: 1e-9, "se")
        }
        expectClose(
            curves.test?.test.statistic.value ?? .nan, want["log_rank"]["statistic"].double, relative: 1e-9,
            "log-rank")
        guard case .concordance(let pairs) = result["pairs"] else {
            Issue.record("no concordance")
            return
        }
        let estimate = pairs.estimate
        expectClose(estimate.estimate.value ?? .nan, want["concordance"].double, relative: 1e-12, "C")
    }

    /// The key of the endpoint holds for each analysis that has none of its own.
    @Test func `an analysis's own time comes before the endpoint's`() throws {
        let plan = try Ward.plan(
            Ward.study(
                "analyses: [{cox: {id: a, terms: [age]}}, {cox: {id: b, terms: [age], censor-at: 1 year}}]"
            )
            .replacing("unit: month", with: "unit: month, censor-at: 36"))
        #expect(plan.analyses.map(\.endpoint.censorAt) == [36, 12])
    }

    @Test func `rows that begin later are not in, and competing events after the time did not happen`() throws
    {
        let want = try Self.expected()
        let heart = DataDictionary(
            name: "heart", version: 1, person: "id",
            variables: [
                .init(name: "id", kind: .identifier),
                .init(name: "start", kind: .number(lower: 0, upper: 2000, resolution: 0.5)),
                .init(name: "stop", kind: .number(lower: 0, upper: 2000, resolution: 0.5)),
                .init(name: "event", kind: .boolean), .init(name: "transplant", kind: .boolean),
                .init(name: "age", kind: .number(lower: -60, upper: 40, resolution: nil)),
                .init(name: "surgery", kind: .boolean),
            ])
        let tables = try (0..<3).map { site in
            try ReferenceTables.tables(
                "heart", heart, sites: 1, site: { _ in 0 },
                isKept: { _, row, file in (Int(file[row, "id"]) ?? 0) % 3 == site })[0].table
        }
        let cut = try ReferenceTables.result(
            """
            study: rows
            dictionary: heart@1
            sites: [site-1, site-2, site-3]
            endpoint: {time: stop, start: start, event: event, unit: day, censor-at: 100}
            analyses: [{cox: {id: heart, terms: [transplant, age, surgery]}}]
            """, dictionary: heart, tables: zip(Ward.names(3), tables).map { ($0, $1) })
        expectTable(try cut.cox("heart"), want["heart"], "heart")
        #expect(try cut.cox("heart").counts.dropped == 0, "a later row is no missing value")

        let mgus2 = CompetingRisksTests.mgus2
        let risks = try ReferenceTables.result(
            """
            study: risks
            dictionary: mgus2@1
            sites: [site-1, site-2, site-3]
            endpoint: {time: etime, causes: {pcm: event == 1, death: event == 2}, unit: month, censor-at: 120}
            analyses:
              - incidence: {id: curves, at: [60, 120], times: exact}
              - cox: {id: fine, cause: pcm, hazard: subdistribution, terms: [age, sex], baseline: common, times: exact}
            """, dictionary: mgus2,
            tables: zip(Ward.names(3), try CSVTable(reference: "mgus2.csv").dealt(mgus2, sites: 3)).map {
                ($0, $1)
            })
        guard case .incidence(let curves) = risks["curves"] else {
            Issue.record("no incidence")
            return
        }
        for (cause, name) in ["pcm", "death"].enumerated() {
            expectClose(
                curves.groups[0].at.map { $0.incidence[cause].estimate[0].value ?? .nan },
                want["incidence"][name].doubles, relative: 1e-9, name)
        }
        expectClose(
            try risks.cox("fine").coefficients, want["fine_gray"].doubles, relative: 1e-9, "Fine and Gray")
    }

    /// Any analysis of cut follow-up is that of rows which end there.
    @Test(arguments: [
        "cox: {id: m, terms: [age, marker, stage]}",
        "cox: {id: m, terms: [age, marker], baseline: common, times: exact, predict: [{age: 60, marker: 0}], at: [10, 20]}",
        "cox: {id: m, terms: [age, frail], check: proportional-hazards, times: exact, concordance: true}",
        "cox: {id: m, terms: [age, frail], robust: true, ties: breslow, weights: share}",
        "cox: {id: m, terms: [age, frail], landmark: 6, penalty: firth}",
        "survival: {id: m, by: stage, test: log-rank, times: exact, at: [5, 20], rmst: [18], follow-up: true}",
        "survival: {id: m, times: grid, at: [6, 18]}",
        "concordance: {id: m, of: marker, weight: S/G}",
        "incidence: {id: m, by: frail, test: gray, times: exact, at: [12]}",
        "describe: {id: m, variables: [age, marker, frail]}",
    ])
    func `cut follow-up is that of rows which end there`(_ analysis: String) throws {
        let patients = Patient.random(240, seed: 77)
        let ended = patients.map { patient in
            var patient = patient
            if patient.months > 24 { (patient.months, patient.died) = (24, 0) }
            return patient
        }
        func deal(_ patients: [Patient]) -> [[Patient]] {
            (0..<3).map { site in patients.filter { $0.person % 3 == site } }
        }
        func study(_ end: String) -> String {
            """
            study: ward
            dictionary: ward@1
            sites: [site-1, site-2, site-3]
            endpoint: {time: months, causes: {frailty: died and frail, other: died and not frail}, unit: month\(end)}
            privacy: {time-grid: 6, smallest-interval: 1}
            analyses: [{\(analysis)}]
            """
        }
        let cut = try result(of: study(", censor-at: 2 years"), deal(patients))
        // The dictionary allows the ended rows nothing later either, so that the axes are equal.
        var dictionary = Ward.dictionary
        dictionary.variables[1].kind = .number(lower: 0, upper: 24, resolution: 1)
        let rows = try result(of: study(""), deal(ended), dictionary: dictionary)
        #expect(cut.failure("m") == nil && cut["m"] != nil)
        func plain(_ result: StudyResult) -> String {
            String(decoding: CanonicalJSON.bytes(result["m"]), as: UTF8.self).replacing(
                "\"censorAt\":24,", with: "")
        }
        #expect(plain(cut) == plain(rows))
    }

    @Test(arguments: [
        ("censor-at: 0", "is no end of follow-up"), ("censor-at: never", "is no end of follow-up"),
        ("censor-at: 6, landmark: 6", "its landmark is not before the end of follow-up"),
    ])
    func `what is no end of follow-up is refused`(_ keys: String, _ reason: String) {
        let error = sentence {
            _ = try Ward.plan(Ward.study("analyses: [{cox: {id: m, terms: [age], \(keys)}}]"))
        }
        #expect(error?.contains(reason) == true, "\(error ?? "none")")
    }
}
