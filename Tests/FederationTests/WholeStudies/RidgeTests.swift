import Federation
import Survival
import Testing

/// Ridge penalties against R 4.2.2, survival 3.5-3: `coxph(... + ridge(...))`.
struct RidgeTests {
    static let ids = [
        "cgd-ridge", "lung-ridge-all-theta100", "lung-ridge1-scaled-pooled-efron",
        "lung-ridge1-scaled-stratified-efron", "lung-ridge10-unscaled-pooled-breslow",
        "lung-ridge10-unscaled-pooled-efron", "lung-ridge10-unscaled-stratified-breslow",
        "lung-ridge10-unscaled-stratified-efron", "nasty-separation-ridge", "pbc-ridge",
        "veteran-ridge-pooled-efron", "veteran-ridge-stratified-efron",
    ]

    private func options(_ study: ReferenceStudy) -> String {
        let ridge = study.json["model"]["ridge"]
        let isScaled = ridge["scale"] == .bool(true)
        let terms = ridge["coefs"].elements.compactMap(\.string).joined(separator: ", ")
        return "penalty: {ridge: \(ridge["theta"].double), scale: \(isScaled), terms: [\(terms)]}"
    }

    @Test(arguments: ids, ReferenceStudy.Deal.allCases)
    func `a ridge penalty gives R's model, however the rows are dealt to hospitals`(
        _ id: String, _ deal: ReferenceStudy.Deal
    ) throws {
        let study = try ReferenceStudy(id)
        let options = options(study)
        let isStratified = study.json["model"]["mode"].string == "stratified"
        if isStratified || deal == .together {
            expectAgreement(try study.result(deal, baseline: .site, options), study.json["expected"])
        }
        guard !isStratified, deal != .bySite else { return }
        expectAgreement(try study.result(deal, baseline: .common, options), study.json["expected"])
    }

    private func expectAgreement(_ cox: CoxResult, _ expected: JSONValue) {
        #expect(Double(cox.counts.rows) == expected["n"].double)
        #expect(Double(cox.counts.dropped) == expected["n_dropped"].double)
        let names = expected["coef_names"].elements.compactMap(\.string)
        let order = names.map { name in cox.terms.firstIndex { $0.name == name } ?? -1 }
        #expect(!order.contains(-1), "\(cox.terms.map(\.name)) for \(names)")
        if order.contains(-1) { return }
        let terms = order.map { cox.terms[$0] }
        let se = expected["se"].doubles
        for (index, want) in expected["coef"].doubles.enumerated() {
            expectClose(
                terms[index].coef.value ?? .nan, want, relative: 1e-9, absolute: 1e-9 * se[index],
                "coef of \(names[index])")
        }
        let columns: [(String, KeyPath<CoxResult.Term, Reported>)] = [
            ("se", \.se), ("z", \.z), ("p", \.p), ("hr", \.hr), ("hr_lower95", \.lower),
            ("hr_upper95", \.upper),
        ]
        for (key, path) in columns {
            expectClose(
                terms.map { $0[keyPath: path].value ?? .nan }, expected[key].doubles, relative: 2e-9,
                absolute: key == "z" ? 1e-9 : 0, key)
        }
        expectCovariance(cox, expected["vcov"], order, se)
        expectClose(
            [cox.logLikelihoodNull, cox.logLikelihood],
            [expected["loglik_null"].double, expected["loglik"].double], relative: 1e-11, "log-likelihood")
        expect(cox.likelihoodRatio, expected["lr_test"], "likelihood ratio")
        expect(cox.wald, expected["wald_test"], "Wald")
        #expect(cox.score.statistic == .notAvailable && cox.score.p == .notAvailable)
        expectPenalty(cox, expected["penalised"], order)
    }

    private func expectCovariance(_ cox: CoxResult, _ expected: JSONValue, _ order: [Int], _ se: [Double]) {
        for (row, values) in expected.elements.map(\.doubles).enumerated() {
            for (column, want) in values.enumerated() {
                let got = cox.covariance[order[row] * order.count + order[column]].value ?? .nan
                expectClose(got, want, relative: 0, absolute: 4e-9 * se[row] * se[column], "covariance")
            }
        }
    }

    private func expect(_ test: TestResult, _ expected: JSONValue, _ what: String) {
        expectClose(test.statistic.value ?? .nan, expected["stat"].double, relative: 1e-9, what)
        expectClose(test.degreesOfFreedom, expected["df"].double, relative: 1e-9, "df of \(what)")
        expectClose(test.p.value ?? .nan, expected["p"].double, relative: 1e-8, "p of \(what)")
    }

    private func expectPenalty(_ cox: CoxResult, _ expected: JSONValue, _ order: [Int]) {
        guard let ridge = cox.penalty?.ridge else {
            Issue.record("no ridge in the result")
            return
        }
        expectClose(
            ridge.amount, expected["penalty_null_and_final"].doubles[1], relative: 1e-8, "penalty")
        expectClose(
            ridge.degreesOfFreedom, expected["df_by_term"].doubles.last ?? .nan, relative: 1e-9,
            "degrees of freedom")
        guard ridge.isScaled else { return }
        expectClose(
            order.compactMap { ridge.isPenalised[$0] ? ridge.variances[$0].value ?? .nan : nil },
            expected["column_variances_used_by_R"].doubles, relative: 1e-11, "variances")
    }

    @Test
    func
        `a constant covariate has coefficient 0 and the penalty's standard error, and the others are as without it`()
        throws
    {
        // R 4.2.2: coxph(Surv(futime, fustat) ~ ridge(age, one, theta = 4, scale = FALSE)) with one = 1 has one = 0, se 1/√4.
        let both = try Ovarian.result([
            "cox: {id: m, terms: [age, (age - age + 1)], penalty: {ridge: 4, scale: false}}",
            "cox: {id: alone, terms: [age], penalty: {ridge: 4, scale: false}}",
        ])
        let (cox, alone) = (try both.cox("m"), try both.cox("alone"))
        expectClose(cox.coefficients, [alone.coefficients[0], 0], relative: 1e-10, absolute: 1e-12, "coef")
        expectClose(cox.standardErrors, [alone.standardErrors[0], 0.5], relative: 1e-10, "se")
    }

    @Test func `people whom only the variances take in are protected as rare levels are`() throws {
        var tables = Ovarian.tables(Ovarian.rows.indices.map { $0 % 3 })
        // Three people lack rx, one at each hospital: their ages would be in the variance of age alone.
        for site in tables.indices {
            guard case .category(var levels)? = tables[site].columns["rx"] else { continue }
            levels[0] = -1
            tables[site].columns["rx"] = .category(levels)
        }
        var policy = DisclosurePolicy.local
        policy.levelPeopleMin = 3
        func run(_ keys: String) -> String? {
            sentence { _ = try Ovarian.result(["cox: {id: m, \(keys)}"], tables: tables, policy: policy) }
        }
        let scaled = run("terms: [age, rx], penalty: {ridge: 1, terms: [age]}")
        #expect(scaled?.contains("level-people-min") == true, "\(scaled ?? "none")")
        #expect(scaled?.contains("penalised covariate") == true)
        #expect(run("terms: [age, rx], penalty: {ridge: 1, terms: [age], scale: false}") == nil)
        #expect(
            run("terms: [age, rx], cohort: 'rx in [\"1\", \"2\"]', penalty: {ridge: 1, terms: [age]}") == nil)
    }
}
