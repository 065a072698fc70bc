import Cryptography
import Federation
import ReferenceStudies
import Survival
import Testing

/// The test of proportional hazards as a study asks for it.
struct HazardCheckTests {
    /// R 4.2.2, survival 3.5-3: `cox.zph(fit, transform)$table[, 1]` for `fit <- coxph(Surv(futime, fustat) ~ age + rx +
    /// ecog.ps, d, control = coxph.control(eps = 1e-12, iter.max = 50))`, with `+ strata(site)` for `baseline: site`.
    private static let expected: [(CoxResult.Baseline, TimeTransform, [Double])] = [
        (.site, .km, [0.191738150369036, 0.286148823700133, 2.602449119569978, 3.047443975516311]),
        (.site, .identity, [0.804025059096449, 0.174973483212239, 2.172793788760443, 2.888388595306556]),
        (.site, .log, [1.352686208607733, 0.465685001769122, 1.814348312680661, 2.693466175458534]),
        (.common, .km, [0.223036544224485, 0.777931087166447, 2.671698731601824, 3.930440843668204]),
        (.common, .identity, [0.465422521454758, 0.460650661546424, 2.438575427441364, 3.649382349376309]),
        (.common, .log, [0.631763611171826, 0.772815195268824, 2.310461649043683, 3.299374234765696]),
    ]

    private static func analysis(_ baseline: CoxResult.Baseline, _ transform: TimeTransform) -> String {
        let times = baseline == .common || transform == .km ? ", times: exact" : ""
        return "cox: {id: m, terms: [age, rx, ecog.ps], baseline: \(baseline)\(times), "
            + "check: proportional-hazards, transform: \(transform)}"
    }

    @Test(arguments: expected)
    func `a study of two hospitals gives R's tests`(
        _ baseline: CoxResult.Baseline, _ transform: TimeTransform, _ statistics: [Double]
    ) throws {
        let cox = try Ovarian.result([Self.analysis(baseline, transform)]).cox("m")
        let check = try #require(cox.proportionalHazards)
        #expect(check.transform == transform && check.terms.map(\.name) == ["age", "rx", "ecog.ps"])
        #expect(check.times == (baseline == .common || transform == .km ? .exact : nil))
        #expect(check.terms.map(\.test.degreesOfFreedom) == [1, 1, 1] && check.global.degreesOfFreedom == 3)
        let tests = check.terms.map(\.test) + [check.global]
        expectClose(tests.map { $0.statistic.value ?? .nan }, statistics, relative: 1e-9, "chi-square")
        #expect(cox.times == .exact && cox.warnings.isEmpty)
    }

    @Test func `one baseline for all gives the same tests however the patients are split`() throws {
        let deals = [
            Ovarian.rows.map { _ in 0 }, Ovarian.rows.indices.map { $0 % 3 },
            Ovarian.rows.indices.map { $0 / 10 },
        ]
        let results = try deals.map { deal in
            try Ovarian.result([Self.analysis(.common, .km)], tables: Ovarian.tables(deal)).cox("m")
                .proportionalHazards?.global.statistic.value ?? .nan
        }
        expectClose(results, results.map { _ in 3.930440843668204 }, relative: 1e-9, "chi-square")
    }

    @Test
    func `km is the transform unless another is named, and a study's grid may stand in for exact times`()
        throws
    {
        let cox = try Ovarian.result(
            ["cox: {id: m, terms: [age], check: proportional-hazards}"], privacy: "privacy: {time-grid: 30}"
        ).cox("m")
        let check = try #require(cox.proportionalHazards)
        #expect(check.transform == .km && check.times == .grid && cox.times == .exact)
        // R: cox.zph(coxph(Surv(futime, fustat) ~ age + strata(site), d), transform = g), with g(t) = 1 - S(m-), m =
        // ceiling(t/30) and S from survfit(Surv(ceiling(futime/30), fustat) ~ 1, d).
        expectClose(check.global.statistic.value ?? .nan, 1.04380272676929, relative: 1e-9, "chi-square")
    }

    @Test func `an event at time 0 has no logarithm, and the model is still reported`() throws {
        var rows = Patient.random(60, seed: 3)
        rows[0].months = 0
        rows[0].died = 1
        let study = Ward.study(
            sites: 2,
            """
            analyses:
              - cox: {id: m, terms: [age], check: proportional-hazards, transform: log}
            """)
        let cox = try result(of: study, [Array(rows[..<30]), Array(rows[30...])]).cox("m")
        #expect(cox.proportionalHazards == nil && cox.terms[0].coef.value != nil)
        #expect(
            cox.warnings == [
                "proportional hazards cannot be tested along log time: there is no event, or one at time 0"
            ])
    }

    @Test func `a policy that forbids exact times forbids the km transform at them, not the others`() throws {
        var policy = DisclosurePolicy.local
        policy.allowsExactTimes = false
        let lead = try #require(SPIFFEID("spiffe://liver/operator/lead"))
        func refusal(_ transform: TimeTransform) throws -> String? {
            let plan = try Ovarian.plan([Self.analysis(.site, transform)])
            return sentence { try policy.admit(plan, from: lead) }
        }
        #expect(try refusal(.km)?.contains("times-exact") == true)
        #expect(try refusal(.log) == nil)
    }

    @Test(arguments: [
        ("check: schoenfeld", #""schoenfeld" is not a check; use "proportional-hazards""#),
        ("transform: km", "transform: belongs to check: proportional-hazards; add it"),
        ("check: proportional-hazards, transform: rank", #""rank" is not one of: km, identity, log"#),
        (
            "check: proportional-hazards, transform: log, times: grid",
            "under baseline: site no time leaves a hospital and exact times are used; drop times:"
        ),
    ])
    func `a check that is not one is refused in the study file`(_ keys: String, _ reason: String) {
        let error = sentence { _ = try Ovarian.result(["cox: {id: m, terms: [age], \(keys)}"]) }
        #expect(error?.hasSuffix(reason) == true, "\(error ?? "none")")
    }
}
