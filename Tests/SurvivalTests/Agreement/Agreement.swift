import ReferenceStudies

@testable import Survival

/// What a study says beside what R says, for one case in one way.
struct Agreement {
    enum Outcome: Sendable {
        case compared(Deviations)
        /// No analysis was answered: why.
        case refused(String)
    }

    private let reference: ReferenceCase
    private let study: CaseStudy
    private var deviations = Deviations()

    private var expected: JSONValue { reference.expected }

    /// Nil where the case cannot be asked in this way.
    static func outcome(of reference: ReferenceCase, _ way: CaseStudy.Way) throws -> Outcome? {
        guard let study = CaseStudy(reference, way) else { return nil }
        var agreement = Agreement(reference: reference, study: study)
        let result: StudyResult
        do { result = try study.result() } catch { return .refused("\(error)") }
        for analysis in result.analyses {
            switch analysis {
            case .failed(_, _, let reason): return .refused(reason)
            case .survival(let survival)
            where survival.test?.test.statistic == .notAvailable && reference.isRefusedByR:
                return .refused("a test that is not available (NA)")
            case .cox(let cox)
            where cox.counts.rows == 0 && cox.terms.allSatisfy({ $0.coef == .notAvailable }):
                return .refused("no row is left, and no coefficient is available (NA)")
            case _ where reference.isRefusedByR: return .compared(agreement.deviations)
            case .cox(let cox) where reference.kind == "finegray": agreement.compareSubdistribution(cox)
            case .cox(let cox): agreement.compare(cox)
            case .survival(let survival) where reference.kind == "km": agreement.compare(survival)
            case .survival(let survival): agreement.compare(survival.test)
            case .incidence(let incidence):
                IncidenceAgreement(incidence, reference).compare(&agreement.deviations)
            case .concordance(let concordance): agreement.compare(concordance)
            case .describe, .compare: return .refused("a result that this study does not ask for")
            }
        }
        return .compared(agreement.deviations)
    }

    private init(reference: ReferenceCase, study: CaseStudy) {
        (self.reference, self.study) = (reference, study)
    }

    private mutating func compare(
        _ statistic: Statistic, _ got: [Reported], _ want: [Double], scale: [Double]? = nil, _ place: String
    ) {
        deviations.compare(statistic, got.map { $0.value ?? .nan }, want, scale: scale, place)
    }

    // MARK: - Cox models

    /// Whether a field of R's answer is not comparable.
    private func isSkipped(_ field: String) -> Bool {
        reference.compare["skip"].strings.contains(field)
    }

    private mutating func compare(_ cox: CoxResult) {
        let dropped = study.hasRowsWithoutSite ? [] : [Double(cox.counts.dropped)]
        deviations.compare(
            .counts, [Double(cox.counts.rows), Double(cox.counts.events)] + dropped,
            [expected["n"].double, expected["events"].double]
                + (dropped.isEmpty ? [] : [expected["n_dropped"].double]), "counts")
        deviations.compare(
            .logLikelihood, [cox.logLikelihoodNull, cox.logLikelihood],
            [expected["loglik_null"].double, expected["loglik"].double], scale: [1, 1], "loglik")
        // Where no coefficient is determined, nothing else is.
        guard !reference.compare["skip"].strings.contains("coef") else { return }
        compareTerms(cox)
        compareCovariance(cox)
        compare(.likelihoodRatio, cox.likelihoodRatio, "lr_test")
        // R takes one of two covariates of very different scale for aliased there: see Reference/README.md.
        if !reference.id.hasPrefix("nasty-scale-big-tiny-") { compare(.wald, cox.wald, "wald_test") }
        if reference.isPenalised { comparePenalty(cox) } else { compare(.score, cox.score, "score_test") }
        if let check = cox.proportionalHazards { compare(check) }
    }

    /// The place of each of R's coefficients among ours: R has those under a ridge last.
    private func order(of cox: CoxResult) -> [Int] {
        let names = expected["coef_names"].strings
        guard reference.isPenalised else { return Array(names.indices) }
        return names.compactMap { name in cox.terms.firstIndex { $0.name == name } }
    }

    private mutating func comparePenalty(_ cox: CoxResult) {
        let want = expected["penalised"]
        let isAlone = cox.score.statistic == .notAvailable
        guard let ridge = cox.penalty?.ridge, isAlone else {
            return deviations.compare(.penalty, [.nan], [0], "no ridge, or a score test")
        }
        deviations.compare(
            .penalty, [ridge.amount, ridge.degreesOfFreedom],
            [want["penalty_null_and_final"].doubles[1], want["df_by_term"].doubles.last ?? .nan], "penalty")
        guard ridge.isScaled else { return }
        let penalised = order(of: cox).filter { ridge.isPenalised[$0] }
        compare(
            .penalty, penalised.map { ridge.variances[$0] }, want["column_variances_used_by_R"].doubles,
            "variances of the covariates")
    }

    /// A model of Fine and Gray, in R's names of it.
    private mutating func compareSubdistribution(_ cox: CoxResult) {
        let errors = expected["se_robust_clustered_by_patient"].doubles
        deviations.compare(.counts, [Double(cox.counts.rows)], [expected["n"].double], "rows")
        compare(.coefficient, cox.terms.map(\.coef), expected["coef"].doubles, scale: errors, "coef")
        compare(.standardError, cox.terms.map(\.se), expected["se_naive"].doubles, "se")
        compare(.robustStandardError, cox.terms.map { $0.robustSE ?? .notAvailable }, errors, "robust se")
        let limits = [("subhr", \CoxResult.Term.hr), ("lower95", \.lower), ("upper95", \.upper)]
        for (name, path) in limits {
            compare(.limits, cox.terms.map { $0[keyPath: path] }, expected[name].doubles, name)
        }
        deviations.compare(
            .logLikelihood, [cox.logLikelihoodNull, cox.logLikelihood],
            [expected["loglik_null"].double, expected["loglik"].double], scale: [1, 1], "loglik")
        compareCovariance(cox)
    }

    // MARK: - Concordance

    private mutating func compare(_ concordance: ConcordanceResult) {
        let (pairs, want) = (concordance.estimate, expected)
        deviations.compare(.counts, [Double(concordance.counts.rows)], [want["n"].double], "rows")
        deviations.compare(
            .pairs,
            [pairs.concordant, pairs.discordant, pairs.tiedMarker, pairs.tiedTime, pairs.tiedBoth],
            ["concordant", "discordant", "tied_x", "tied_y", "tied_xy"].map { want[$0].double },
            scale: [1, 1, 1, 1, 1], "pairs")
        compare(.concordance, [pairs.estimate], [want["c"].double], "C")
        compare(.concordanceError, [pairs.se], [want["se"].double], "se of C")
    }

    // MARK: - Cox models, term by term

    /// Where R has no coefficient ours must have none either; R's standard error is 0 then, and ours NA.
    private mutating func compareTerms(_ cox: CoxResult) {
        let (names, coefficients) = (expected["coef_names"].strings, expected["coef"].doubles)
        let errors = expected["se"].doubles
        let skipped = reference.compare["skip"].strings
        guard cox.terms.count == names.count else {
            return deviations.compare(.counts, [Double(cox.terms.count)], [Double(names.count)], "terms")
        }
        for (index, place) in order(of: cox).enumerated() {
            let term = cox.terms[place]
            let (name, isKnown) = (names[index], !coefficients[index].isNaN)
            if skipped.contains("coef.\(name)") || skipped.contains("coef[\(name)]") { continue }
            let error = isKnown ? errors[index] : .nan
            compare(
                .coefficient, [term.coef], [coefficients[index]], scale: [isKnown ? error : 0],
                "coef of \(name)")
            guard skipped.isEmpty else { continue }
            func want(_ column: String) -> [Double] { [isKnown ? expected[column].doubles[index] : .nan] }
            compare(.standardError, [term.se], [error], "se of \(name)")
            if let robust = term.robustSE {
                compare(.robustStandardError, [robust], want("robust_se"), "robust se of \(name)")
            }
            compare(.z, [term.z], want("z"), scale: [1], "z of \(name)")
            compare(.p, [term.p], want("p"), scale: [1e-5], "p of \(name)")
            compare(.limits, [term.hr], want("hr"), "hr of \(name)")
            compare(.limits, [term.lower], want("hr_lower95"), "lower limit of \(name)")
            compare(.limits, [term.upper], want("hr_upper95"), "upper limit of \(name)")
        }
        let isRobust = cox.terms.first?.robustSE != nil
        deviations.compare(
            .counts, [isRobust ? 1 : 0], [expected["robust_se"].isNull ? 0 : 1], "robust variance")
    }

    /// Relative to the product of the two standard errors.
    private mutating func compareCovariance(_ cox: CoxResult) {
        guard !isSkipped("vcov") else { return }
        for (name, matrix) in [("vcov", cox.covariance), ("naive_vcov", cox.naiveCovariance)] {
            guard let matrix, !expected[name].isNull else { continue }
            let want = expected[name].elements.map(\.doubles)
            let errors = want.indices.map { want[$0][$0].squareRoot() }
            let known = want.indices.filter { errors[$0] > 0 }
            let order = order(of: cox)
            let cells = known.flatMap { row in known.map { (row, $0) } }
            compare(
                .covariance, cells.map { matrix[order[$0] * want.count + order[$1]] },
                cells.map { want[$0][$1] },
                scale: cells.map { errors[$0] * errors[$1] }, name)
        }
    }

    private mutating func compare(_ statistic: Statistic, _ test: TestResult, _ name: String) {
        guard !isSkipped(name) else { return }
        let want = expected[name]
        guard reference.compare["skip"].isNull else {
            // R may count an infinite coefficient as aliased.
            return compare(statistic, [test.statistic], [want["stat"].double], scale: [1e-3], name)
        }
        deviations.compare(
            reference.isPenalised ? .penalty : .counts, [test.degreesOfFreedom], [want["df"].double],
            "degrees of freedom, \(name)")
        // R's test of no coefficient is 0, and its p is 1; here it is not available.
        let isTest = want["df"].double > 0
        compare(statistic, [test.statistic], [isTest ? want["stat"].double : .nan], scale: [1e-3], name)
        compare(statistic, [test.p], [isTest ? want["p"].double : .nan], scale: [1e-5], "p, \(name)")
    }

    private mutating func compare(_ check: CoxResult.ProportionalHazards) {
        let want = expected["zph"][check.transform.rawValue]["by_term"]
        let tests = check.terms.map(\.test) + [check.global]
        let name = "zph \(check.transform.rawValue)"
        deviations.compare(.counts, tests.map { Double($0.degreesOfFreedom) }, want["df"].doubles, name)
        compare(
            .hazardsCheck, tests.map(\.statistic), want["chisq"].doubles, scale: tests.map { _ in 1e-3 }, name
        )
        compare(
            .hazardsCheck, tests.map(\.p), want["p"].doubles, scale: tests.map { _ in 1e-5 }, "p, \(name)")
    }

    // MARK: - Curves

    private mutating func compare(_ result: SurvivalResult) {
        let groups = expected["groups"].elements
        for group in result.groups {
            let want = groups.first { reference.level(ofGroup: $0["group"].string ?? "") == group.name }
            guard let want else {
                deviations.compare(.counts, [Double(group.rows)], [0], "rows of \(group.name)")
                continue
            }
            CurveAgreement(group, want, limits: result.limits, isRobust: result.cluster != nil).compare(
                &deviations)
        }
        deviations.compare(
            .counts, [Double(result.groups.count { $0.rows > 0 })], [Double(groups.count)], "groups")
    }

    // MARK: - Log-rank tests

    private mutating func compare(_ test: SurvivalResult.LogRank?) {
        guard let test else { return deviations.compare(.counts, [0], [1], "no test") }
        let names = expected["groups"].strings.map(reference.level)
        let places = names.compactMap { test.groups.firstIndex(of: $0) }
        deviations.compare(.counts, [Double(places.count)], [Double(names.count)], "groups")
        let scale = names.map { _ in 1.0 }
        compare(
            .observed, places.map { test.observed[$0] }, expected["observed"].doubles, scale: scale,
            "observed")
        compare(
            .observed, places.map { test.expected[$0] }, expected["expected"].doubles, scale: scale,
            "expected")
        // Without any event R gives -1 degrees of freedom and no p.
        let isDefined = expected["df"].double > 0
        compare(
            .chiSquare, [test.test.statistic], [isDefined ? expected["chisq"].double : .nan], "chi-square")
        compare(.testP, [test.test.p], [isDefined ? expected["p"].double : .nan], scale: [1e-5], "p")
    }
}
