import Survival

/// A study's result for programs; `Config/README.md` documents every key.
struct JSONReport {
    private let result: StudyResult

    init(_ result: StudyResult) {
        self.result = result
    }

    var text: String { study.text }

    private var study: JSONValue {
        // Ids are unique: `requireCoherence(of:)` ran before.
        let analyses = result.analyses.map { ($0.id, JSONValue.object($0.section.json(in: self))) }
        let policies = result.sites.map { ($0.name, $0.policyHash.map(JSONValue.string) ?? .null) }
        var document: [String: JSONValue] = [
            "study": .string(result.study),
            "title": .string(result.title),
            "hash": .string(result.studyHash),
            "dictionary": .string(result.dictionary),
            "endpoint": .object([
                "time": .string(result.endpoint.time), "event": .string(result.endpoint.event),
                "unit": .string(result.endpoint.unit),
            ]),
            "sites": .strings(result.sites.map(\.name)),
            "policies": .object(Dictionary(policies) { first, _ in first }),
            "rounds": .integer(result.rounds),
            "warnings": .strings(result.warnings),
            "analyses": .object(Dictionary(analyses) { first, _ in first }),
        ]
        document["versions"] = result.versions.map {
            .object(["protocol": .integer($0.protocol), "engine": .integer($0.engine)])
        }
        return .object(document)
    }

    func counts(_ counts: CohortCounts) -> [String: JSONValue] {
        var object = rows(of: counts)
        object["landmark"] = counts.landmark.map {
            .object(["time": .number($0.time), "excluded": .integer($0.excluded)])
        }
        object["censor_at"] = counts.censorAt.map { .number($0) }
        object["overlapping"] = counts.overlapping.map(JSONValue.integer)
        return object
    }

    private func rows(of counts: CohortCounts) -> [String: JSONValue] {
        [
            "n": .integer(counts.rows), "people": .integer(counts.people), "events": .integer(counts.events),
            "dropped": .integer(counts.dropped),
            "dropped_by_variable": .object(counts.droppedByVariable.mapValues(JSONValue.integer)),
        ]
    }

    func cox(_ cox: CoxResult) -> [String: JSONValue] {
        var table = table(of: cox)
        if let cluster = cox.cluster, let naive = cox.naiveCovariance {
            table["cluster"] = .string(cluster)
            table["robust_se"] = .reported(cox.terms.map { $0.robustSE ?? .notAvailable })
            table["naive_covariance"] = .array(rows(of: naive, order: cox.terms.count))
        }
        table["term_tests"] = cox.termTests.map(termTests)
        table["differences"] = cox.differences.map { .object(columns(of: $0)) }
        table["diagnostics"] = cox.diagnostics.map(diagnostics)
        table["heterogeneity"] = cox.heterogeneity.map(heterogeneity)
        table["zph"] = cox.proportionalHazards.map(proportionalHazards)
        if cox.limits == .profile { table.merge(waldColumns(of: cox)) { _, new in new } }
        if cox.hasLikelihoodRatios {
            table["lr"] = .reported(cox.terms.map { $0.likelihoodRatio ?? .notAvailable })
        }
        table["penalty"] = cox.penalty.map { penalty($0, terms: cox.terms.map(\.name)) }
        table["concordance"] = cox.concordance.map { .object(pairs($0)) }
        return table.merging(curves(of: cox)) { own, _ in own }
    }

    private func waldColumns(of cox: CoxResult) -> [String: JSONValue] {
        func column(_ path: KeyPath<CoxResult.Wald, Reported>) -> JSONValue {
            .reported(cox.terms.map { $0.wald?[keyPath: path] ?? .notAvailable })
        }
        return [
            "limits": .string(cox.limits.rawValue), "wald_lower": column(\.lower),
            "wald_upper": column(\.upper), "wald_p": column(\.p), "wald_log_p": column(\.logP),
        ]
    }

    private func penalty(_ penalty: CoxResult.Penalised, terms: [String]) -> JSONValue {
        var object: [String: JSONValue] = [
            "kind": .string(penalty.kind.rawValue),
            "loglik_null": .number(penalty.logLikelihoodNull), "loglik": .number(penalty.logLikelihood),
        ]
        if let ridge = penalty.ridge {
            object.merge([
                "theta": .number(ridge.theta), "scale": .string(ridge.isScaled ? "variance" : "none"),
                "terms": .strings(ridge.penalised(terms)), "variances": .reported(ridge.variances),
                "df": .number(ridge.degreesOfFreedom), "amount": .number(ridge.amount),
            ]) { _, new in new }
        }
        return .object(object)
    }

    private func table(of cox: CoxResult) -> [String: JSONValue] {
        counts(cox.counts).merging([
            "kind": .string("cox"),
            "baseline": .string(cox.baseline.rawValue),
            "ties": .string(cox.ties.rawValue),
            "times": .string(cox.times.rawValue),
            "level": .number(cox.level),
            "covariance": .array(rows(of: cox.covariance, order: cox.terms.count)),
            "loglik_null": .number(cox.logLikelihoodNull),
            "loglik": .number(cox.logLikelihood),
            "lr_test": .object(test(cox.likelihoodRatio)),
            "wald_test": .object(test(cox.wald)),
            "score_test": .object(test(cox.score)),
            "iterations": .integer(cox.iterations),
            "warnings": .strings(cox.warnings),
        ]) { _, new in new }.merging(columns(of: cox.terms)) { _, new in new }
    }

    /// Arrays with an element for each coefficient.
    private func columns(of terms: [CoxResult.Term]) -> [String: JSONValue] {
        [
            "terms": .strings(terms.map(\.name)), "coef": .reported(terms.map(\.coef)),
            "se": .reported(terms.map(\.se)), "z": .reported(terms.map(\.z)),
            "p": .reported(terms.map(\.p)), "log_p": .reported(terms.map(\.logP)),
            "hr": .reported(terms.map(\.hr)), "lower": .reported(terms.map(\.lower)),
            "upper": .reported(terms.map(\.upper)),
        ]
    }

    private func termTests(_ tests: [CoxResult.WaldTest]) -> JSONValue {
        var object = columns(of: tests.map(\.test))
        object["terms"] = .strings(tests.map(\.term))
        object["part"] = .strings(tests.map { $0.isNonlinear ? "nonlinear" : "all" })
        return .object(object)
    }

    /// Arrays with an element for each test.
    func columns(of tests: [TestResult]) -> [String: JSONValue] {
        [
            "statistic": .reported(tests.map(\.statistic)),
            "df": .array(tests.map { .number($0.degreesOfFreedom) }),
            "p": .reported(tests.map(\.p)),
            "log_p": .reported(tests.map(\.logP)),
        ]
    }

    private func proportionalHazards(_ check: CoxResult.ProportionalHazards) -> JSONValue {
        var object = tests(check.terms, global: check.global)
        object["transform"] = .string(check.transform.rawValue)
        object["times"] = check.times.map { .string($0.rawValue) } ?? .null
        return .object(object)
    }

    private func heterogeneity(_ heterogeneity: CoxResult.Heterogeneity) -> JSONValue {
        var object = tests(heterogeneity.coefficients, global: heterogeneity.global)
        object["sites"] = .integer(heterogeneity.sites)
        return .object(object)
    }

    private func tests(_ tests: [CoxResult.TermTest], global: TestResult) -> [String: JSONValue] {
        columns(of: tests.map(\.test)).merging([
            "terms": .strings(tests.map(\.name)), "global": .object(test(global)),
        ]) { own, _ in own }
    }

    private func rows(of matrix: [Reported], order: Int) -> [JSONValue] {
        (0..<order).map { row in .reported(Array(matrix[row * order..<(row + 1) * order])) }
    }

    private func test(_ test: TestResult) -> [String: JSONValue] {
        [
            "statistic": .reported(test.statistic), "df": .number(test.degreesOfFreedom),
            "p": .reported(test.p), "log_p": .reported(test.logP),
        ]
    }

    func survival(_ survival: SurvivalResult) -> [String: JSONValue] {
        var object = table(of: survival)
        object["weights"] = survival.weights.map { .string($0) }
        object["cluster"] = survival.cluster.map { .string($0) }
        object["event"] = survival.event.map { .string($0) }
        object["grid_width"] = survival.gridWidth.map { .number($0) }
        return object
    }

    private func table(of survival: SurvivalResult) -> [String: JSONValue] {
        counts(survival.counts).merging([
            "kind": .string("survival"),
            "estimate": .string(survival.estimate.rawValue),
            "times": .string(survival.times.rawValue),
            "by": survival.by.map(JSONValue.string) ?? .null,
            "limits": .string(survival.limits.rawValue),
            "level": .number(survival.level),
            "groups": .array(survival.groups.map(group)),
            "test": survival.test.map(logRank) ?? .null,
            "warnings": .strings(survival.warnings),
        ]) { _, new in new }
    }

    private func group(_ group: SurvivalResult.Group) -> JSONValue {
        var object = curve(of: group)
        if !group.quantiles.isEmpty {
            object["quantiles"] = .array(
                group.quantiles.map { quantile in
                    with(
                        bounds: quantile.time.bounds,
                        [
                            "share": .number(quantile.share), "time": .reported(quantile.time.estimate),
                            "lower": .reported(quantile.time.lower), "upper": .reported(quantile.time.upper),
                        ])
                })
        }
        if !group.restrictedMeans.isEmpty {
            object["rmst"] = .array(
                group.restrictedMeans.map { mean in
                    with(
                        bounds: mean.bounds,
                        [
                            "time": .number(mean.time), "mean": .reported(mean.mean),
                            "se": .reported(mean.se),
                            "lower": .reported(mean.lower), "upper": .reported(mean.upper),
                        ])
                })
        }
        if let median = group.followUp {
            object["follow_up"] = with(
                bounds: median.bounds,
                [
                    "median": .reported(median.estimate), "lower": .reported(median.lower),
                    "upper": .reported(median.upper),
                ])
        }
        addGrid(of: group, to: &object)
        return .object(object)
    }

    private func curve(of group: SurvivalResult.Group) -> [String: JSONValue] {
        [
            "name": .string(group.name),
            "n": .integer(group.rows),
            "events": .integer(group.events),
            "median": .reported(group.median.estimate),
            "median_lower": .reported(group.median.lower),
            "median_upper": .reported(group.median.upper),
            "times": .numbers(group.curve.time),
            "n_risk": .numbers(group.curve.atRisk),
            "n_event": .numbers(group.curve.events),
            "n_censor": .numbers(group.curve.censored),
            "survival": .reported(group.curve.survival),
            "se": .reported(group.curve.se),
            "lower": .reported(group.curve.lower),
            "upper": .reported(group.curve.upper),
            "cumulative_hazard": .reported(group.curve.hazard),
            "cumulative_hazard_se": .reported(group.curve.hazardSE),
            "at": .array(group.at.map(point)),
        ]
    }

    private func point(_ point: SurvivalResult.Point) -> JSONValue {
        var object: [String: JSONValue] = [
            "time": .number(point.time), "n_risk": .reported(point.atRisk),
            "survival": .reported(point.survival), "se": .reported(point.se),
            "lower": .reported(point.lower), "upper": .reported(point.upper),
            "cumulative_hazard": .reported(point.hazard),
            "cumulative_hazard_se": .reported(point.hazardSE),
        ]
        if let grid = point.grid {
            (object["from"], object["to"]) = (.number(grid.from), .number(grid.to))
            add(grid.atRisk, of: "n_risk", to: &object)
            add(grid.survival, of: "survival", to: &object)
            add(grid.hazard, of: "cumulative_hazard", to: &object)
        }
        return .object(object)
    }

    private func logRank(_ logRank: SurvivalResult.LogRank) -> JSONValue {
        var object = test(logRank.test).merging([
            "name": .string(logRank.rho == 0 ? "log-rank" : "g-rho"),
            "groups": .strings(logRank.groups),
            "observed": .reported(logRank.observed),
            "expected": .reported(logRank.expected),
        ]) { _, new in new }
        object["n"] = logRank.rows.map { .array($0.map { .integer($0) }) }
        if logRank.rho != 0 { object["rho"] = .number(logRank.rho) }
        if !logRank.strata.isEmpty { object["strata"] = .strings(logRank.strata) }
        if logRank.isWithinSites == true { object["within"] = .string("sites") }
        object["trend"] = logRank.trend.map { .object(test($0)) }
        return .object(object)
    }
}
