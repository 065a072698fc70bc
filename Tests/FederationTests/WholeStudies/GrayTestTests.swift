import Federation
import ReferenceStudies
import Survival
import TestConsortia
import Testing

/// Gray's test in whole studies, against R 4.2.2, cmprsk 2.2-11 on the stacked rows (`SurvivalTests/Reference/gray`).
struct GrayTestTests {
    struct Case: CustomTestStringConvertible {
        let json: JSONValue

        var testDescription: String { name("id") }
        func name(_ key: String) -> String { json[key].string ?? "" }
    }

    static let cases: [Case] = {
        do {
            return try ReferenceFiles.answers("gray/gray.json")["cases"].elements.map(Case.init)
        } catch { fatalError("the reference numbers cannot be read: \(error)") }
    }()

    private static func result(
        _ reference: Case, sites: Int, _ keys: String, start: String = ""
    ) throws -> IncidenceResult {
        let (name, file) = (reference.name, try CSVTable(reference: reference.name("file")))
        let categories = [name("group"), name("strata")].filter { !$0.isEmpty }.map { column in
            let levels = Set(file.column(column)).filter { !$0.isEmpty }.sorted()
            return DataDictionary.Variable(
                name: column, kind: .category(levels: levels, reference: levels[0]))
        }
        let dictionary = DataDictionary(
            name: "risks", version: 1, person: "patient",
            variables: [
                .init(name: "patient", kind: .identifier),
                .init(name: name("time"), kind: .number(lower: 0, upper: 6000, resolution: 1)),
                .init(name: name("status"), kind: .number(lower: 0, upper: 2, resolution: 1)),
            ] + categories)
        let status = name("status")
        let study = """
            study: risks
            dictionary: risks@1
            sites: [\(Ward.names(sites).joined(separator: ", "))]
            endpoint: {time: \(name("time")), \(start)causes: {one: \(status) == 1, two: \(status) == 2}, unit: day}
            analyses:
              - incidence: {id: i, \(keys)}
            """
        let federation = try InProcessFederation(
            plan: Ward.plan(study, dictionary: dictionary),
            tables: zip(Ward.names(sites), file.dealt(dictionary, sites: sites)).map {
                (site: $0, table: $1)
            },
            time: Consortium.now)
        var random = SeededGenerator(12)
        guard case .incidence(let incidence) = try federation.run(randomness: { random.bytes(32) })["i"]
        else { throw StudyResult.Missing(what: "i") }
        return incidence
    }

    private static func keys(_ reference: Case) -> String {
        let (strata, rho) = (reference.name("strata"), reference.json["rho"].double)
        let test = rho == 0 ? "gray" : "{rho: \(rho)}"
        return "by: \(reference.name("group")), test: \(test)\(strata.isEmpty ? "" : ", strata: [\(strata)]")"
    }

    @Test(arguments: cases, [1, 3])
    func `Gray's test is that of cmprsk, with strata, weights of times and ties`(
        _ reference: Case, _ sites: Int
    ) throws {
        let result = try Self.result(reference, sites: sites, "\(Self.keys(reference)), times: exact")
        let (tests, want) = (try #require(result.tests), reference.json)
        #expect(Double(result.counts.rows) == want["n"].double)
        #expect(tests.map(\.degreesOfFreedom) == want["df"].doubles)
        #expect(result.strata ?? [] == want["strata"].strings && result.rho ?? 0 == want["rho"].double)
        expectClose(
            tests.map { $0.statistic.value ?? .nan }, want["statistic"].doubles, relative: 1e-10, "chi-square"
        )
        expectClose(tests.map { $0.p.value ?? .nan }, want["p"].doubles, relative: 1e-8, "p")
    }

    @Test func `a weight of 0 is none`() throws {
        let (group, reference) = (Self.cases[0].name("group"), Self.cases[0])
        let plain = try Self.result(reference, sites: 1, "by: \(group), times: exact, test: gray")
        for rho in ["{rho: 0}", "{}"] {
            let weighted = try Self.result(reference, sites: 1, "by: \(group), times: exact, test: \(rho)")
            #expect(weighted == plain && plain.rho == nil)
        }
    }

    @Test func `the strata of a test change no curve`() throws {
        let reference = try #require(Self.cases.first { !$0.json["strata"].isNull })
        let group = reference.name("group")
        let plain = try Self.result(reference, sites: 3, "by: \(group), times: exact, at: [300]")
        let tested = try Self.result(
            reference, sites: 3, "\(Self.keys(reference)), times: exact, at: [300]")
        #expect(plain.tests == nil && plain.groups.map(\.at) == tested.groups.map(\.at))
        #expect(plain.groups.map(\.curve) == tested.groups.map(\.curve))
    }

    @Test(arguments: [
        ("times: exact, test: gray", "", "Gray's test compares groups; add by:"),
        (
            "by: sex, times: exact, test: log-rank", "",
            "\"log-rank\" is not a test of incidences; use \"gray\""
        ),
        ("by: sex, times: exact, strata: [sex]", "", "strata: belongs to a test; add test: gray"),
        ("times: exact, test: {rho: 1}", "", "Gray's test compares groups; add by:"),
        (
            "by: sex, times: exact, test: {rho: -1}", "",
            "the weight's exponent must lie between 0 (Gray's test) and 10"
        ),
        ("by: sex, times: exact, test: {trend: true}", "", "trend"),
        (
            "by: sex, times: exact, test: gray, weights: etime", "",
            "Gray's test goes with neither weights: nor a start of the endpoint"
        ),
        (
            "by: sex, times: exact, test: gray", "start: event, ",
            "Gray's test goes with neither weights: nor a start of the endpoint"
        ),
        (
            "by: sex, times: exact, test: gray, strata: [sex, sex]", "",
            "the strata name a variable twice, or make more than 1000 combinations"
        ),
    ])
    func `a test that makes no sense is refused`(_ keys: String, _ start: String, _ reason: String) {
        let error = sentence { _ = try Self.result(Self.cases[0], sites: 1, keys, start: start) }
        #expect(error?.contains(reason) == true, "\(error ?? "none")")
    }
}
