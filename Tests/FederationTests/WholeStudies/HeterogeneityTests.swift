import Cryptography
import Federation
import ReferenceStudies
import Survival
import Testing

/// Tests that coefficients do not differ between hospitals, beside R's (`Reference/terms/terms.R`).
struct HeterogeneityTests {
    /// Lung cancer, Veterans' Administration, 137 patients dealt to four hospitals in turn.
    private static let dictionary = DataDictionary(
        name: "veteran", version: 1, person: "id",
        variables: [
            .init(name: "id", kind: .identifier),
            .init(name: "time", kind: .number(lower: 0, upper: 1000, resolution: 1)),
            .init(name: "status", kind: .boolean),
            .init(name: "trt", kind: .category(levels: ["1", "2"], reference: "1")),
            .init(name: "karno", kind: .number(lower: 0, upper: 100, resolution: 1)),
            .init(
                name: "celltype",
                kind: .category(
                    levels: ["squamous", "smallcell", "adeno", "large"], reference: "squamous")),
        ])

    private static func result(
        _ analyses: String, sites: Int = 4, policy: DisclosurePolicy = .local,
        isKept: (_ site: Int, _ row: Int, CSVTable) -> Bool = { _, _, _ in true }
    ) throws -> StudyResult {
        let study = """
            study: veteran
            dictionary: veteran@1
            sites: [\(Ward.names(sites).joined(separator: ", "))]
            endpoint: {time: time, event: status, unit: day}
            analyses:
            \(analyses)
            """
        let tables = try ReferenceTables.tables(
            "veteran", dictionary, sites: sites, site: { $0 % sites }, isKept: isKept)
        return try ReferenceTables.result(study, dictionary: dictionary, tables: tables, policy: policy)
    }

    private static func analysis(_ keys: String) -> String {
        "  - cox: {id: m, terms: [trt, karno, celltype], heterogeneity: true\(keys)}"
    }

    @Test(arguments: [("efron", ""), ("breslow", ", ties: breslow"), ("constant", "")])
    func `a study gives R's tests, also where a hospital lacks a level`(_ name: String, _ keys: String) throws
    {
        let result = try Self.result(Self.analysis(keys)) { site, row, file in
            name != "constant" || site != 2 || file[row, "trt"] == "1" && file[row, "celltype"] != "adeno"
        }
        let (cox, want) = (try result.cox("m"), try ReferenceTables.expected("heterogeneity")[name])
        let heterogeneity = try #require(cox.heterogeneity)
        #expect(heterogeneity.sites == 4 && cox.warnings.isEmpty)
        #expect(heterogeneity.coefficients.map(\.name) == cox.terms.map(\.name))
        expect([heterogeneity.global], [want["all"]], "\(name) all")
        expect(heterogeneity.coefficients.map(\.test), want["each"].elements, name)
    }

    private func expect(_ got: [TestResult], _ want: [JSONValue], _ what: String) {
        #expect(got.map { Double($0.degreesOfFreedom) } == want.map { $0["df"].double })
        expectClose(
            got.map { $0.statistic.value ?? .nan }, want.map { $0["statistic"].double }, relative: 1e-8, what)
        expectClose(got.map { $0.p.value ?? .nan }, want.map { $0["p"].double }, relative: 1e-8, "\(what) p")
    }

    @Test func `of one covariate both tests are the same`() throws {
        let cox = try Self.result("  - cox: {id: m, terms: [karno], heterogeneity: true}").cox("m")
        let heterogeneity = try #require(cox.heterogeneity)
        let single = try #require(heterogeneity.coefficients.first)
        #expect(single.test.degreesOfFreedom == 3 && heterogeneity.global.degreesOfFreedom == 3)
        expectClose(
            single.test.statistic.value ?? .nan, heterogeneity.global.statistic.value ?? .nan,
            relative: 1e-9, "chi-square")
    }

    @Test func `a coefficient that fewer than three hospitals tell of is not tested`() throws {
        let result = try Self.result(Self.analysis("")) { site, row, file in
            site < 2 || file[row, "trt"] == "1"
        }
        let tests = try #require(try result.cox("m").heterogeneity).coefficients
        #expect(!tests.map(\.name).contains("trt=2") && tests.map(\.name).contains("karno"))
    }

    @Test func `two hospitals are not compared, since each would learn the other's numbers`() throws {
        let cox = try Self.result(Self.analysis(""), sites: 2).cox("m")
        #expect(cox.heterogeneity == nil)
        #expect(
            cox.warnings == [
                "coefficients cannot be compared between hospitals: fewer than 3 have events and variation"
            ])
    }

    @Test func `one baseline for all is refused`() {
        let error = sentence {
            _ = try Self.result("  - cox: {id: m, terms: [karno], heterogeneity: true, baseline: common}")
        }
        #expect(error?.contains("under baseline: common no hospital has an information of its own") == true)
    }

    /// Score and information of all hospitals but one are unknown, the last's follow from the totals.
    @Test(arguments: 1...60)
    func `fewer sums leave than would determine a hospital's score and information`(_ parameters: Int) {
        let sums = SiteHeterogeneity.partsCount(coefficientCount: parameters)
        let unknown = parameters + parameters * (parameters + 1) / 2
        #expect(sums < (HeterogeneityTest.sitesMin - 1) * unknown || parameters < 2)
    }

    /// Log-likelihood evaluations and the two questions of the test count alike.
    @Test func `the questions count as evaluations`() throws {
        var policy = DisclosurePolicy.local
        policy.evaluationsMax = 40
        let rounds = try Self.result(Self.analysis(""), policy: policy).cox("m").iterations
        policy.evaluationsMax = rounds + 2
        _ = try Self.result(Self.analysis(""), policy: policy)
        policy.evaluationsMax = rounds + 1
        let error = sentence { _ = try Self.result(Self.analysis(""), policy: policy) }
        #expect(error?.contains("evaluations-max") == true)
    }

    @Test func `the coefficients asked about are in the statement`() throws {
        let plan = try #require(
            try Ward.plan(Ward.study("analyses: [{cox: {id: m, terms: [age, marker]}}]")).analysis("m"))
        let coordinates = Coordinates(center: [0, 0], scale: [1, 1])
        let statements = [[], [0], [1], [0, 1]].map { (coefficients: [Int]) in
            let ask = SiteHeterogeneityQuestion(coordinates, beta: [0, 0], coefficients: coefficients)
            return QueryStatement(Query(analysis: "m", ask), in: plan)
        }
        #expect(Set(statements).count == 4 && statements.map(\.lanes) == [2, 5, 5, 8])
    }

    @Test(arguments: [[3.0, 7, 3, 3], [3, 5, 4, 3], [-1, 0, 0, 0], [3, 5, 2.5, 3], [1e15, 1, 1, 1]])
    func `ranks that cannot be are refused`(_ ranks: [Double]) {
        #expect(!HeterogeneityTest.isPlausible(ranks, parameterCount: 2))
        #expect(HeterogeneityTest.isPlausible([3, 5, 3, 2], parameterCount: 2))
    }
}
