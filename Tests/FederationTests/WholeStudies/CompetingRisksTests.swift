import Federation
import Survival
import Testing

/// Competing risks in whole studies, against R 4.2.2, survival 3.5-3 on the stacked rows: `SurvivalTests/Reference`, cases
/// aj-*, fg-* and mgus2-pcm-cause-specific.
struct CompetingRisksTests {
    private static let mgus2 = DataDictionary(
        name: "mgus2", version: 1, person: "patient",
        variables: [
            .init(name: "patient", kind: .identifier),
            .init(name: "etime", kind: .number(lower: 0, upper: 500, resolution: 1)),
            .init(name: "event", kind: .number(lower: 0, upper: 2, resolution: 1)),
            .init(name: "age", kind: .number(lower: 0, upper: 120, resolution: 1)),
            .init(name: "sex", kind: .category(levels: ["F", "M"], reference: "F")),
            .init(name: "mspike", kind: .number(lower: 0, upper: 10, resolution: nil)),
        ])
    private static let pbc = DataDictionary(
        name: "pbc", version: 1, person: "patient",
        variables: [
            .init(name: "patient", kind: .identifier),
            .init(name: "time", kind: .number(lower: 0, upper: 5000, resolution: 1)),
            .init(name: "status", kind: .number(lower: 0, upper: 2, resolution: 1)),
            .init(name: "age", kind: .number(lower: 0, upper: 120, resolution: nil)),
            .init(name: "bili", kind: .number(lower: 0.01, upper: 100, resolution: nil)),
            .init(name: "trt", kind: .category(levels: ["1", "2"], reference: "1")),
        ])

    private static func result(
        _ dictionary: DataDictionary, endpoint: String, sites: Int, _ analyses: [String],
        lines: String = ""
    ) throws -> StudyResult {
        let study = """
            study: risks
            dictionary: \(dictionary.identifier)
            sites: [\(Ward.names(sites).joined(separator: ", "))]
            endpoint: {\(endpoint)}
            analyses:
            \(analyses.map { "  - \($0)\n" }.joined())\(lines)
            """
        let tables = try ReferenceTable("\(dictionary.name).csv").tables(dictionary, sites: sites)
        let federation = try InProcessFederation(
            plan: Ward.plan(study, dictionary: dictionary),
            tables: zip(Ward.names(sites), tables).map { (site: $0, table: $1) }, time: Consortium.now)
        var random = SeededGenerator(12)
        return try federation.run { random.bytes(32) }
    }

    private static let months =
        "time: etime, causes: {pcm: event == 1, death: event == 2}, unit: month"
    private static let days =
        "time: time, causes: {transplant: status == 1, death: status == 2}, unit: day"

    @Test(arguments: [1, 3])
    func `cumulative incidence is R's`(sites: Int) throws {
        let result = try Self.result(
            Self.mgus2, endpoint: Self.months, sites: sites,
            ["incidence: {id: by-sex, by: sex, times: exact, at: [60, 120, 240]}"])
        let incidence = try result.incidence("by-sex")
        #expect(incidence.causes == ["pcm", "death"] && incidence.counts.rows == 1384)
        let expected = try ReferenceTable.expected("aj-mgus2-sex")["groups"].elements
        for (group, want) in zip(incidence.groups, expected) {
            #expect("sex=\(group.name)" == want["group"].string && Double(group.rows) == want["n"].double)
            let states =
                [("event_free", group.curve.eventFree)] + zip(incidence.causes, group.curve.incidence)
            for (state, estimates) in states {
                let sums = want["checksums_all_times"][state]
                expectSum(estimates.estimate, sums["p"].double, "p of \(state)")
                expectSum(estimates.se, sums["se"].double, "se of \(state)")
            }
            for (row, point) in group.at.enumerated() {
                let states = [("event_free", point.eventFree)] + zip(incidence.causes, point.incidence)
                for (state, estimates) in states {
                    let columns = [
                        ("p", estimates.estimate), ("se", estimates.se), ("lower_log", estimates.lower),
                        ("upper_log", estimates.upper),
                    ]
                    for (name, value) in columns {
                        expectClose(
                            value[0].value ?? .nan, want["at_times"][state][name].doubles[row],
                            relative: 1e-9, "\(name) of \(state) at \(point.time)")
                    }
                }
            }
        }
    }

    private func expectSum(_ values: [Reported], _ want: Double, _ what: String) {
        expectClose(values.reduce(0) { $0 + ($1.value ?? 0) }, want, relative: 1e-9, what)
    }

    @Test(arguments: [("efron", "fg-mgus2-pcm"), ("breslow", "fg-mgus2-pcm-breslow")], [1, 3])
    func `a Fine-Gray model is R's finegray with coxph`(_ row: (String, String), sites: Int) throws {
        let result = try Self.result(
            Self.mgus2, endpoint: Self.months, sites: sites,
            [
                "cox: {id: m, cause: pcm, hazard: subdistribution, terms: [age, sex, mspike], baseline: common, times: exact, ties: \(row.0)}"
            ])
        try expectFineGray(result, row.1)
    }

    @Test func `a Fine-Gray model of times in days is R's, too`() throws {
        let result = try Self.result(
            Self.pbc, endpoint: Self.days, sites: 3,
            [
                "cox: {id: m, cause: transplant, hazard: subdistribution, terms: [age, log(bili)], baseline: common, times: exact}"
            ])
        try expectFineGray(result, "fg-pbc-transplant")
    }

    private func expectFineGray(_ result: StudyResult, _ id: String) throws {
        let (cox, expected) = (try result.cox("m"), try ReferenceTable.expected(id))
        #expect(Double(cox.counts.rows) == expected["n"].double)
        #expect(cox.hazard == .subdistribution && cox.cluster == "patient")
        expectClose(cox.coefficients, expected["coef"].doubles, relative: 1e-9, "coef")
        expectClose(
            cox.terms.map { $0.robustSE?.value ?? .nan },
            expected["se_robust_clustered_by_patient"].doubles, relative: 1e-9, "robust se")
        expectClose(cox.standardErrors, expected["se_naive"].doubles, relative: 1e-9, "se")
        expectClose(
            [cox.logLikelihoodNull, cox.logLikelihood],
            [expected["loglik_null"].double, expected["loglik"].double], relative: 1e-11, "loglik")
        expectClose(
            cox.terms.map { $0.lower.value ?? .nan }, expected["lower95"].doubles, relative: 1e-9, "lower")
    }

    /// With nobody censored the weights are 1: those who had a competing event stay at risk for good.
    @Test func `without censoring a Fine-Gray model is a Cox model in which competing events come last`()
        throws
    {
        func patients(_ cause: Double) -> [Patient] {
            var random = SeededGenerator(3)
            return Patient.random(60, seed: 8).map { patient in
                var patient = patient
                patient.died = 1
                patient.frail = Double.random(in: 0..<1, using: &random) < 0.5 ? 1 : 0
                if cause == 1, patient.frail == 0 { (patient.months, patient.died) = (60, 0) }
                if cause == 0 { patient.died = 1 }
                return patient
            }
        }
        let head = "endpoint: {time: months, causes: {a: frail, b: not frail}, event: died, unit: month}"
        let fine =
            "cox: {id: m, cause: a, hazard: subdistribution, terms: [age], baseline: common, times: exact}"
        let cox = "cox: {id: m, terms: [age], robust: true, baseline: common, times: exact}"
        let study = { (analysis: String) in
            "study: ward\ndictionary: ward@1\nsites: [site-1]\n\(head)\nanalyses:\n  - \(analysis)\n"
        }
        let weighted = try FederationTests.result(of: study(fine), [patients(0)]).cox("m")
        let last = try FederationTests.result(of: study(cox), [patients(1)]).cox("m")
        expectClose(weighted.coefficients, last.coefficients, relative: 1e-9, "coef")
        expectClose(
            weighted.terms.map { $0.robustSE?.value ?? .nan }, last.terms.map { $0.robustSE?.value ?? 0 },
            relative: 1e-9, "robust se")
    }

    @Test func `a cause-specific model takes other causes as censored, and is R's`() throws {
        let keys = "terms: [age, sex, mspike], baseline: common, times: exact"
        let result = try Self.result(
            Self.mgus2, endpoint: Self.months, sites: 3,
            ["cox: {id: cause, cause: pcm, \(keys)}", "cox: {id: event, event: event == 1, \(keys)}"])
        let (cause, event) = (try result.cox("cause"), try result.cox("event"))
        #expect(cause.event == "pcm" && event.event == "event == 1")
        #expect(cause.numbers == event.numbers)
        let expected = try ReferenceTable.expected("mgus2-pcm-cause-specific")
        expectClose(cause.coefficients, expected["coef"].doubles, relative: 1e-9, "coef")
        expectClose(cause.standardErrors, expected["se"].doubles, relative: 1e-9, "se")
    }

    @Test(arguments: [
        (months, "incidence: {id: m, times: grid}", "sums over time need a grid"),
        (
            "time: etime, event: event > 0, unit: month", "incidence: {id: m, times: exact}",
            "incidence needs causes: {NAME: condition, ...} in endpoint:"
        ),
        (
            months, "cox: {id: m, terms: [age], cause: relapse}",
            "the endpoint has no cause \"relapse\"; it has pcm, death"
        ),
        (
            months, "cox: {id: m, terms: [age], cause: pcm, event: event == 1}",
            "an analysis has either event: or cause:"
        ),
        (
            months, "cox: {id: m, terms: [age], cause: pcm, hazard: subdistribution}",
            "it needs baseline: common"
        ),
        (
            months, "cox: {id: m, terms: [age], baseline: common, times: exact, hazard: subdistribution}",
            "hazard: subdistribution needs cause:"
        ),
        (
            months,
            "cox: {id: m, terms: [age], baseline: common, times: exact, cause: pcm, hazard: subdistribution, weights: age}",
            "goes with none of weights:, check: and a start"
        ),
        (
            "time: etime, causes: {pcm: event >= 1, death: event == 2}, unit: month",
            "incidence: {id: m, times: exact}",
            "a row has the causes pcm and death at once; make the endpoint's causes exclude each other"
        ),
        (
            "time: etime, causes: {pcm: event, death: event == 2}, unit: month",
            "incidence: {id: m, times: exact}",
            "the cause pcm, \"event\", must be a condition (true or false)"
        ),
        (
            months, "incidence: {id: m, weights: age, times: grid}\nprivacy: {time-grid: 10}",
            "the weights of a curve need times: exact"
        ),
    ])
    func `a question about causes that makes no sense is refused`(
        _ endpoint: String, _ analysis: String, _ reason: String
    ) {
        let error = sentence {
            _ = try Self.result(Self.mgus2, endpoint: endpoint, sites: 1, [analysis])
        }
        #expect(error?.contains(reason) == true, "\(error ?? "none")")
    }

    @Test func `a site that allows no exact times gives no incidence at them`() throws {
        var policy = DisclosurePolicy.local
        policy.allowsExactTimes = false
        let study = """
            study: ward
            dictionary: ward@1
            sites: [site-1]
            endpoint: {time: months, causes: {a: frail, b: not frail and died}, unit: month}
            analyses:
              - incidence: {id: i, times: exact}
            """
        let federation = try InProcessFederation(
            plan: Ward.plan(study), tables: [("site-1", PatientTable(Patient.random(30, seed: 2)))],
            policy: policy, time: Consortium.now)
        var random = SeededGenerator(12)
        let error = sentence { _ = try federation.run { random.bytes(32) } }
        #expect(error?.contains("times-exact") == true, "\(error ?? "none")")
    }
}

extension StudyResult {
    fileprivate func incidence(_ id: String) throws -> IncidenceResult {
        guard case .incidence(let incidence) = self[id] else {
            throw Missing(what: "\(id): \(String(describing: self[id]))")
        }
        return incidence
    }
}
