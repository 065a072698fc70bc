import Federation
import ReferenceStudies
import Survival
import TestConsortia
import Testing

/// Competing risks in whole studies, besides the incidences and Fine and Gray's models that AgreementTests compares with R's.
struct CompetingRisksTests {
    /// 1384 people with a monoclonal gammopathy: plasma cell malignancy, or death without it.
    static let mgus2 = DataDictionary(
        name: "mgus2", version: 1, person: "patient",
        variables: [
            .init(name: "patient", kind: .identifier),
            .init(name: "etime", kind: .number(lower: 0, upper: 500, resolution: 1)),
            .init(name: "event", kind: .number(lower: 0, upper: 2, resolution: 1)),
            .init(name: "age", kind: .number(lower: 0, upper: 120, resolution: 1)),
            .init(name: "sex", kind: .category(levels: ["F", "M"], reference: "F")),
            .init(name: "mspike", kind: .number(lower: 0, upper: 10, resolution: nil)),
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
        let tables = try CSVTable(reference: "\(dictionary.name).csv").dealt(dictionary, sites: sites)
        let federation = try InProcessFederation(
            plan: Ward.plan(study, dictionary: dictionary),
            tables: zip(Ward.names(sites), tables).map { (site: $0, table: $1) }, time: Consortium.now)
        var random = SeededGenerator(12)
        return try federation.run { random.bytes(32) }
    }

    private static let months =
        "time: etime, causes: {pcm: event == 1, death: event == 2}, unit: month"

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
        let expected = try ReferenceCase.named("mgus2-pcm-cause-specific").expected
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

    /// What a hospital's rows alone can show stands in its log; the others learn that there is something.
    @Test func `causes that do not exclude each other fail the analysis, and the hospital's log says why`()
        throws
    {
        let study = """
            study: risks
            dictionary: \(Self.mgus2.identifier)
            sites: [site-1]
            endpoint: {time: etime, causes: {pcm: event >= 1, death: event == 2}, unit: month}
            analyses:
              - incidence: {id: m, times: exact}
              - describe: {id: t, variables: [age]}
            """
        let table = try #require(CSVTable(reference: "mgus2.csv").dealt(Self.mgus2, sites: 1).first)
        let federation = try InProcessFederation(
            plan: Ward.plan(study, dictionary: Self.mgus2), tables: [("site-1", table)], time: Consortium.now)
        var random = SeededGenerator(12)
        var troubles: [[String]] = []
        let result = try federation.run(noting: &troubles) { random.bytes(32) }
        #expect(result.failure("m") == Trouble.unanswerable.reason)
        #expect(try result.description("t").counts.people == 1384)
        #expect(
            troubles == [
                [
                    "analysis \"m\": a row has the causes pcm and death at once; make the endpoint's causes exclude each other"
                ]
            ])
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
