import Federation
import ReferenceStudies
import Survival
import Testing

/// Robust variances as a study asks for them.
struct RobustVarianceTests {
    /// R 4.2.2, survival 3.5-3: `sqrt(diag(fit$var))` and `fit$wald.test` of `fit <- coxph(Surv(futime, fustat) ~ age + rx, d,
    /// id = id, robust = TRUE, control = coxph.control(eps = 1e-12, iter.max = 50))` with `d$id <- 1:26`, with
    /// `+ strata(site)` for `baseline: site`, and with `cluster = ecog.ps` in place of `id` and `robust`.
    @Test(arguments: [
        ("terms: [age, rx], robust: true", [0.0634993029489618, 0.5820176921017466], 10.5176645887828),
        (
            "terms: [age, rx, cluster(patient)], baseline: common, times: exact",
            [0.0463339504715054, 0.6120576713601773], 20.3836207192361
        ),
        // Two clusters have one direction, not two: R drops a pivot, gives 20.36 and 4.48, and counts two degrees of freedom.
        (
            "terms: [age, rx, cluster(ecog.ps)], baseline: common, times: exact",
            [0.0326526126260753, 0.3589578695704559], .nan
        ),
        ("terms: [age, rx, cluster(ecog.ps)]", [0.0751321720437166, 0.0359329507191143], .nan),
    ])
    func `a study of two hospitals gives R's robust table`(
        _ model: String, _ errors: [Double], _ wald: Double
    ) throws {
        let results = try Ovarian.result(["cox: {id: m, \(model)}", "cox: {id: plain, \(model.plain)}"])
        let (cox, plain) = (try results.cox("m"), try results.cox("plain"))
        expectClose(cox.terms.map { $0.robustSE?.value ?? .nan }, errors, relative: 1e-8, "robust se")
        expectClose(cox.wald.statistic.value ?? .nan, wald, relative: 1e-7, "Wald")
        #expect(cox.warnings.count { $0.contains("too few clusters") } == (wald.isNaN ? 1 : 0))
        #expect(cox.cluster == (model.contains("ecog") ? "ecog.ps" : "patient"))
        #expect(cox.terms.map(\.se) == plain.terms.map(\.se) && cox.naiveCovariance == plain.covariance)
        #expect(cox.likelihoodRatio == plain.likelihoodRatio && cox.score == plain.score)
        #expect(plain.cluster == nil && plain.terms.allSatisfy { $0.robustSE == nil })
    }

    /// Wald tests need as many directions as they have coefficients; a single cluster has not even one.
    @Test func `with too few clusters no test is made up`() throws {
        func fit(_ terms: String, deal: [Int32]) throws -> CoxResult {
            var tables = Ovarian.tables(Ovarian.rows.indices.map { _ in 0 })
            tables[0].columns["ecog.ps"] = .category(deal)
            return try Ovarian.result(["cox: {id: m, terms: [\(terms), cluster(ecog.ps)]}"], tables: tables)
                .cox("m")
        }
        let one = try fit("age, rx", deal: Ovarian.rows.map { _ in 0 })
        #expect(one.wald.statistic == .notAvailable && one.wald.p == .notAvailable)
        #expect(
            one.terms.allSatisfy {
                $0.robustSE == .notAvailable && $0.p == .notAvailable && $0.z == .notAvailable
            })
        #expect(
            one.terms.allSatisfy {
                $0.coef != .notAvailable && $0.se != .notAvailable && $0.lower == .notAvailable
            })
        #expect(one.covariance.allSatisfy { $0 == .notAvailable })
        #expect(one.warnings.contains { $0.contains("two are the least") })
        #expect(one.likelihoodRatio.p != .notAvailable)
        let two = try fit("'rcs(age, 45, 55, 65)', rx", deal: Ovarian.rows.map { Int32($0[4]) - 1 })
        #expect(
            two.wald.statistic == .notAvailable && two.warnings.contains { $0.contains("3 coefficients") })
        let tests = try #require(two.termTests)
        #expect(tests.map(\.test.statistic).first == .notAvailable)
        #expect(tests.last?.isNonlinear == true && tests.last?.test.statistic != .notAvailable)
    }

    @Test func `the level rule protects small clusters too`() throws {
        var policy = DisclosurePolicy.local
        policy.levelPeopleMin = 14
        // ecog.ps has 14 and 12 people in all, 7 to 6 at each hospital: neither they nor the others together are enough.
        let error = sentence {
            _ = try Ovarian.result(["cox: {id: m, terms: [age, cluster(ecog.ps)]}"], policy: policy)
        }
        #expect(error?.contains("level-people-min") == true, "\(error ?? "none")")
        #expect(sentence { _ = try Ovarian.result(["cox: {id: m, terms: [age]}"], policy: policy) } == nil)
    }
}

extension String {
    /// The same model with its own variance.
    fileprivate var plain: String {
        replacing(", robust: true", with: "").replacing(", cluster(patient)", with: "")
            .replacing(", cluster(ecog.ps)", with: "")
    }
}
