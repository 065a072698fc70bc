import Federation
import ReferenceStudies
import Survival
import Testing

/// Quantiles, restricted means, follow-up and the tests of a survival analysis as a study asks for them.
struct SurvivalSummaryTests {
    private static func survival(_ keys: String, deal: [Int]? = nil) throws -> SurvivalResult {
        try Ovarian.result(
            ["survival: {id: s, by: rx, times: exact, \(keys)}"],
            tables: deal.map { Ovarian.tables($0) } ?? Ovarian.tables()
        ).survival("s")
    }

    /// R 4.2.2, survival 3.5-3: `s <- survfit(Surv(futime, fustat) ~ rx, d)`; `quantile(s, c(0.25, 0.4))`;
    /// `summary(s, rmean = 600)$table`, `summary(s, rmean = 1000)$table`; `summary(survfit(Surv(futime, 1 - fustat) ~ rx,
    /// d))$table`.
    @Test func `quantiles, restricted means and follow-up are R's`() throws {
        let result = try Self.survival(
            "quantiles: [0.4, 0.25], rmst: [1000, 600], follow-up: true",
            deal: Ovarian.rows.indices.map { $0 % 3 })
        let (first, second) = (result.groups[0], result.groups[1])
        #expect(result.groups.flatMap { $0.quantiles.map(\.share) } == [0.25, 0.4, 0.25, 0.4])
        #expect(first.quantiles.map(\.time.estimate) == [.value(268), .value(431)])
        #expect(first.quantiles.map(\.time.lower) == [.value(115), .value(156)])
        #expect(second.quantiles.map(\.time.estimate) == [.value(475), .value(563)])
        #expect(second.quantiles.map(\.time.lower) == [.value(365), .value(464)])
        #expect(result.groups.allSatisfy { $0.quantiles.allSatisfy { $0.time.upper == .notAvailable } })
        let means = result.groups.flatMap { group in
            group.restrictedMeans.flatMap { [$0.mean.value ?? .nan, $0.se.value ?? .nan] }
        }
        expectClose(
            means,
            [
                427.538461538461, 57.0792675637727, 603.938461538462, 105.8578834838290, 534.905982905983,
                25.6842417120977, 760.547008547009, 81.9476133785752,
            ], relative: 1e-12, "restricted means and se")
        #expect(first.followUp == .init(estimate: .value(855), lower: .value(477), upper: .notAvailable))
        #expect(second.followUp == .init(estimate: .value(770), lower: .value(744), upper: .notAvailable))
        #expect(result.warnings.isEmpty)
    }

    /// R's limits of the reverse curve, with and without robust errors.
    ///
    /// R 4.2.2, survival 3.5-3: `summary(survfit(Surv(futime, 1 - fustat) ~ 1, d, robust = TRUE, cluster = rep(1:13, 2), conf.type =
    /// ))$table`; without `robust` the lower limits are 744. With `~ rx` and log-log: 855, 448, NA and 770, 421, 1206.
    @Test(arguments: [
        ("limits: log", [[803, 769, .nan]]), ("limits: plain", [[803, 769, 1106]]),
        ("limits: log-log, by: rx", [[855, 448, .nan], [770, 421, 1206]]),
    ])
    func `limits of the follow-up are robust where the curve's are`(
        _ keys: String, _ expected: [[Double]]
    ) throws {
        let tables = Ovarian.tables(Ovarian.rows.indices.map { $0 % 13 % 2 }).enumerated().map {
            site, table in
            var table = table
            let people = (0..<26).map { $0 % 13 }.filter { $0 % 2 == site }
            table.person = people.map { Int32($0 / 2) }
            return table
        }
        let result = try Ovarian.result(
            ["survival: {id: s, times: exact, people: all-rows, robust: true, follow-up: true, \(keys)}"],
            tables: tables
        ).survival("s")
        let found = result.groups.map { group in
            [group.followUp?.estimate, group.followUp?.lower, group.followUp?.upper].map { $0?.value ?? .nan }
        }
        expectClose(found.flatMap(\.self), expected.flatMap(\.self), relative: 0, "follow-up")
    }

    /// R 4.2.2, survival 3.5-3: `survdiff(Surv(futime, fustat) ~ rx, d, rho = 1)$chisq`, with `+ strata(ecog.ps)` and rho 0
    /// and 0.5.
    @Test(arguments: [
        ("test: log-rank", 1.06273986129141), ("test: {rho: 1}", 1.6848546116575),
        ("test: log-rank, strata: [ecog.ps]", 0.767911418930592),
        ("test: {rho: 0.5}, strata: [ecog.ps]", 1.02807985362032),
    ])
    func `tests with weights and strata are R's`(_ keys: String, _ statistic: Double) throws {
        let test = try #require(try Self.survival(keys).test)
        expectClose(test.test.statistic.value ?? .nan, statistic, relative: 1e-12, "chi-square")
        #expect(test.strata == (keys.contains("strata") ? ["ecog.ps"] : []))
        #expect(test.trend == nil)
        let plain = try Self.survival("level: 0.95")
        #expect(plain.test == nil)
        // Strata do not change the curves.
        #expect(try Self.survival(keys).groups == plain.groups)
    }

    @Test func `a trend over two groups is the test itself`() throws {
        let test = try #require(try Self.survival("test: {trend: true}").test)
        expectClose(
            test.trend?.statistic.value ?? .nan, test.test.statistic.value ?? 0, relative: 1e-12, "trend")
    }

    @Test func `a restricted mean beyond a group's follow-up is said to rest on nobody`() throws {
        let warnings = try Self.survival("rmst: [1210]").warnings
        #expect(
            warnings == [
                "nobody in the group 1 is followed to the end of the restricted mean; the curve is continued flat"
            ])
    }

    @Test func `the level rule protects the strata of a test too`() throws {
        var policy = DisclosurePolicy.local
        policy.levelPeopleMin = 14
        let analyses = ["survival: {id: s, times: exact, by: rx, test: log-rank, strata: [ecog.ps]}"]
        let error = sentence { _ = try Ovarian.result(analyses, policy: policy) }
        #expect(error?.contains("level-people-min") == true, "\(error ?? "none")")
    }

    @Test(arguments: [
        ("strata: [ecog.ps]", "strata: belongs to a test; add test: log-rank"),
        ("test: {rho: -1}", "the weight's exponent must lie between 0 (log-rank) and 10"),
        ("test: wilcoxon", #""wilcoxon" is not a test; use "log-rank""#),
        ("test: {tau: 1}", #"unknown key "tau""#),
        ("quantiles: [25]", "a share of whom the time is asked lies between 0 and 1"),
        ("rmst: [0]", "a time to which the mean is restricted must be later than 0"),
        (
            "test: log-rank, strata: [age]",
            #"strata need categories or a condition, and "age" is a number; define cut-points"#
        ),
        (
            "test: log-rank, strata: [rx, rx]",
            "the strata name a variable twice, or make more than 1000 combinations"
        ),
    ])
    func `a key that makes no sense is refused in the study file`(_ keys: String, _ reason: String) {
        let error = sentence { _ = try Self.survival(keys) }
        #expect(error?.contains(reason) == true, "\(error ?? "none")")
    }
}
