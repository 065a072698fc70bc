import Federation
import Survival
import Testing

/// The concordance of a Cox model as a study asks for it.
struct ConcordanceStudyTests {
    /// R 4.2.2, survival 3.5-3: `f <- coxph(Surv(futime, fustat) ~ age + ecog.ps + strata(site), d, control = coxph.control(eps =
    /// 1e-12))`, `concordance(f, timewt = ..., ymax = ...)`: concordance and sqrt(var).
    @Test(arguments: [
        ("true", 0.80188679245283, 0.101502211356423), ("{weight: n}", 0.80188679245283, 0.101502211356423),
        ("{weight: S}", 0.804909284951974, 0.0989378314097757),
        ("{weight: S/G}", 0.809122239916336, 0.0960679232152735),
        ("{weight: n/G2}", 0.809122239916336, 0.0960679232152735),
        ("{weight: I}", 0.780460289218842, 0.105309555748995),
        ("{ymax: 450}", 0.819277108433735, 0.112596008209258),
    ])
    func `a concordance within sites is R's with sites as strata`(
        _ keys: String, _ estimate: Double, _ se: Double
    ) throws {
        let concordance = try #require(
            try Ovarian.result(["cox: {id: m, terms: [age, ecog.ps], concordance: \(keys)}"]).cox("m")
                .concordance)
        expectClose(concordance.estimate.value ?? .nan, estimate, relative: 1e-12, "C")
        expectClose(concordance.se.value ?? .nan, se, relative: 1e-11, "se")
        if keys == "true" {
            #expect(concordance.concordant == 85 && concordance.discordant == 21)
            #expect(concordance.tiedMarker == 0 && concordance.tiedTime == 0 && concordance.tiedBoth == 0)
        }
    }

    /// The same fit with `cluster(ecog.ps)`.
    @Test func `clusters that sites share are taken together`() throws {
        let concordance = try #require(
            try Ovarian.result([
                "cox: {id: m, terms: [age, ecog.ps, cluster(ecog.ps)], concordance: true}"
            ]).cox("m").concordance)
        expectClose(concordance.estimate.value ?? .nan, 0.8018867924528301, relative: 1e-12, "C")
        expectClose(concordance.se.value ?? .nan, 0.0266832747617565, relative: 1e-10, "se")
    }

    @Test func `under one baseline for all, pairs are still within sites`() throws {
        let common = try #require(
            try Ovarian.result([
                "cox: {id: m, terms: [age], baseline: common, times: exact, concordance: true}"
            ]).cox("m").concordance)
        let site = try #require(
            try Ovarian.result(["cox: {id: m, terms: [age], concordance: true}"]).cox("m").concordance)
        // One covariate orders rows alike, whatever its coefficient.
        #expect(common == site)
    }

    @Test func `without a question there is no concordance`() throws {
        for keys in ["", ", concordance: false"] {
            #expect(try Ovarian.result(["cox: {id: m, terms: [age]\(keys)}"]).cox("m").concordance == nil)
        }
    }

    @Test func `a concordance is an evaluation of the model`() throws {
        let query = Query(
            analysis: "m",
            ask: .concordance(
                .init(center: [0], scale: [1]), beta: [1], ConcordanceOptions(), scale: 1))
        #expect(query.isEvaluation && query.beta == [1])
    }

    @Test(arguments: [
        ("{weight: T}", #""T" is not one of: n, S, S/G, n/G2, I"#),
        ("{ymin: 9, ymax: 3}", "ymin: is after ymax:, so that no pair counts"),
        ("{tau: 3}", #"unknown key "tau""#), ("yes", #""yes" is neither true nor false"#),
    ])
    func `a key that makes no sense is refused in the study file`(_ keys: String, _ reason: String) {
        let error = sentence {
            _ = try Ovarian.plan(["cox: {id: m, terms: [age], concordance: \(keys)}"])
        }
        #expect(error?.contains(reason) == true, "\(error ?? "none")")
    }

    @Test func `with delayed entry the time to censoring has no curve`() {
        let study = Ward.study(
            start: "entered", "analyses: [{cox: {id: m, terms: [age], concordance: {weight: n/G2}}}]")
        #expect(
            sentence { _ = try Ward.plan(study) }?.contains(
                "with delayed entry (start) a concordance has no weight S/G or n/G2; use n, S or I") == true)
    }
}
