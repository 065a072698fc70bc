import Federation
import ReferenceStudies
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
            ConcordanceQuestion(
                .init(center: [0], scale: [1]), beta: [1], ConcordanceOptions(), scale: 1))
        let plan = try #require(
            Ward.plan(Ward.study("analyses: [{cox: {id: m, terms: [age]}}]")).analysis("m"))
        #expect(query.summation(in: plan).isEvaluation && query.beta == [1])
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

    // MARK: Of a marker; AgreementTests compares with R

    private func marker(_ keys: String) throws -> ConcordanceResult {
        guard case .concordance(let result)? = try Ovarian.result(["concordance: {id: c, \(keys)}"])["c"]
        else { throw StudyResult.Missing(what: "c") }
        return result
    }

    @Test func `a marker's concordance is that of a model with it alone`() throws {
        for weight in ["n", "S", "S/G", "n/G2", "I"] {
            let cox = try Ovarian.result([
                "cox: {id: m, terms: [age, strata(rx)], concordance: {weight: \(weight), ymax: 600}}"
            ]).cox("m")
            let result = try marker("of: age, strata: [rx], weight: \(weight), ymax: 600")
            #expect(result.estimate == cox.concordance && result.counts.rows == cox.counts.rows)
            #expect(result.marker == "age" && result.strata == ["rx"])
        }
    }

    @Test func `a marker with the other sign has the other pairs, and no unit matters`() throws {
        let (one, other) = (try marker("of: age"), try marker("of: 100 - 2 * age"))
        #expect(one.estimate.concordant == other.estimate.discordant)
        expectClose(
            (one.estimate.estimate.value ?? .nan) + (other.estimate.estimate.value ?? .nan), 1,
            relative: 1e-14, "C")
        #expect(one.estimate.se == other.estimate.se)
    }

    /// C ± 1.96 se, and no further than 1.
    @Test func `limits are those of the normal approximation`() throws {
        let result = try marker("of: age, level: 0.95")
        let (c, se) = (result.estimate.estimate.value ?? .nan, result.estimate.se.value ?? .nan)
        expectClose(result.lower.value ?? .nan, c - 1.959963984540054 * se, relative: 1e-12, "lower")
        expectClose(
            result.upper.value ?? .nan, min(1, c + 1.959963984540054 * se), relative: 1e-12, "upper")
        #expect(try marker("of: age, level: 0.9999999").upper == .value(1))
    }

    @Test func `a condition is a marker whose levels are protected as a covariate's are`() throws {
        let analysis = "concordance: {id: c, of: age > 74}"
        var policy = DisclosurePolicy.local
        policy.levelPeopleMin = 5
        let plan = try Ovarian.plan([analysis])
        #expect(plan.analysis("c")?.levels.map(\.level) == ["no", "yes"])
        let error = sentence { _ = try Ovarian.result([analysis], policy: policy) }
        #expect(error?.contains("level-people-min") == true, "\(error ?? "none")")
    }

    @Test(arguments: [
        "of: exp(-1000 * abs(age - 72.3315))", "of: age, weights: exp(10 - abs(age - 72.3315))",
    ])
    func `a marker or weight that is one person's indicator is refused`(_ keys: String) {
        var policy = DisclosurePolicy.local
        policy.peopleMin = 1
        let error = sentence { _ = try Ovarian.result(["concordance: {id: c, \(keys)}"], policy: policy) }
        #expect(error?.contains("could single out a few values") == true, "\(error ?? "none")")
    }

    @Test func `it is asked once, without a time, and judged as a model of one covariate`() throws {
        let plan = try #require(try Ovarian.plan(["concordance: {id: c, of: age}"]).analysis("c"))
        let query = Query(analysis: "c", MarkerPairsQuestion(ConcordanceOptions(), scale: 26))
        #expect(!plan.usesTimes && plan.columnCount == 1 && query.numberCount(in: plan) == 8)
        let others = [
            Query(analysis: "c", MarkerPairsQuestion(ConcordanceOptions(), scale: 27)),
            Query(analysis: "c", MarkerPairsQuestion(ConcordanceOptions(weight: .uno), scale: 26)),
            Query(analysis: "c", MarkerPairsQuestion(ConcordanceOptions(timeMax: 9), scale: 26)),
            Query(
                analysis: "c",
                ConcordanceQuestion(.init(center: [], scale: []), beta: [], ConcordanceOptions(), scale: 26)),
        ]
        #expect(Set(([query] + others).map { QueryStatement($0, in: plan) }).count == 5)
        var policy = DisclosurePolicy.local
        policy.eventsPerParameterMin = 10
        let error = sentence {
            _ = try Ovarian.result(["concordance: {id: c, of: age}"], policy: policy)
        }
        #expect(error?.contains("events-per-parameter-min") == true, "\(error ?? "none")")
    }

    @Test(arguments: [
        ("weight: n", #"of"#), ("of: rx", "and \"rx\" is a category"),
        ("of: age, times: exact", "exact times are used; drop times:"),
        ("of: age, ymin: 9, ymax: 3", "ymin: is after ymax:, so that no pair counts"),
        ("of: age, tau: 3", #"unknown key "tau""#), ("of: age, weight: T", #""T" is not one of"#),
        ("of: 'age +'", "age +"), ("of: \"rcs(age, 40, 50, 60)\"", "rcs"),
    ])
    func `a marker that makes no sense is refused in the study file`(_ keys: String, _ reason: String) {
        let error = sentence { _ = try Ovarian.plan(["concordance: {id: c, \(keys)}"]) }
        #expect(error?.contains(reason) == true, "\(error ?? "none")")
    }
}
