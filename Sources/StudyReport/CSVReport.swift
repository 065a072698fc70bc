import Survival

/// A study's result as tidy CSV (RFC 4180): one value a line, at full precision.
///
/// Columns: `analysis, kind, group, term, time, statistic, value`. A cell that does not apply is empty, and
/// so is the value of an `NA`; a suppressed value reads `suppressed:<rule>`. The statistics have the names of
/// the JSON keys.
struct CSVReport {
    private var lines = [CSVReport.header]

    private static let header = "analysis,kind,group,term,time,statistic,value"

    /// Whether p-values are rounded as the text report rounds them.
    private let roundsP: Bool

    init(_ result: StudyResult, roundsP: Bool = false) {
        self.roundsP = roundsP
        for analysis in result.analyses { analysis.section.add(to: &self) }
    }

    var text: String { lines.map { $0 + "\r\n" }.joined() }

    /// The key columns of a line; nil or empty where one does not apply.
    struct Place {
        var analysis: String
        var kind: String
        var group = ""
        var term = ""
        var time: Double?
    }

    enum Value {
        case text(String)
        case integer(Int)
        case number(Reported)
    }

    mutating func add(_ place: Place, _ statistic: String, _ value: Value) {
        let time = place.time.map { csvText(of: Reported($0)) } ?? ""
        let cells = [
            csvCell(place.analysis), csvCell(place.kind), csvCell(place.group), csvCell(place.term), time,
            csvCell(statistic), text(of: value, as: statistic),
        ]
        lines.append(cells.joined(separator: ","))
    }

    private func text(of value: Value, as statistic: String) -> String {
        switch value {
        case .text(let text): csvCell(text)
        case .integer(let number): String(number)
        case .number(.value(let p)) where roundsP && Self.isP(statistic): csvCell(NumberText.roundedP(p))
        case .number(let number): csvText(of: number)
        }
    }

    /// Whether a statistic is a p-value; its logarithm is none.
    private static func isP(_ statistic: String) -> Bool {
        (statistic == "p" || statistic.hasSuffix("_p"))
            && !(statistic == "log_p" || statistic.hasSuffix("_log_p"))
    }

    mutating func add(_ counts: CohortCounts, at place: Place) {
        add(place, "n", .integer(counts.rows))
        add(place, "people", .integer(counts.people))
        add(place, "events", .integer(counts.events))
        add(place, "dropped", .integer(counts.dropped))
        for (variable, count) in counts.droppedByVariable.sorted(by: { $0.key < $1.key }) {
            var ofVariable = place
            ofVariable.term = variable
            add(ofVariable, "dropped", .integer(count))
        }
        if let landmark = counts.landmark { add(landmark, at: place) }
        if let time = counts.censorAt { add(place, "censor_at", .number(Reported(time))) }
        if let overlapping = counts.overlapping { add(place, "overlapping", .integer(overlapping)) }
    }

    private mutating func add(_ landmark: CohortCounts.Landmark, at place: Place) {
        add(place, "landmark", .number(Reported(landmark.time)))
        add(place, "landmark_excluded", .integer(landmark.excluded))
    }

    mutating func add(_ test: TestResult, as name: String, at place: Place) {
        add(place, name, .number(test.statistic))
        add(place, name + "_df", .number(Reported(test.degreesOfFreedom)))
        add(place, name + "_p", .number(test.p))
        add(place, name + "_log_p", .number(test.logP))
    }

    mutating func addWarnings(_ warnings: [String], at place: Place) {
        for warning in warnings { add(place, "warning", .text(warning)) }
    }

    mutating func add(_ cox: CoxResult) {
        let place = Place(analysis: cox.id, kind: "cox")
        addWarnings(cox.warnings, at: place)
        add(cox.counts, at: place)
        add(place, "baseline", .text(cox.baseline.rawValue))
        add(place, "ties", .text(cox.ties.rawValue))
        add(place, "times", .text(cox.times.rawValue))
        add(place, "level", .number(Reported(cox.level)))
        if let cluster = cox.cluster { add(place, "cluster", .text(cluster)) }
        for (row, term) in cox.terms.enumerated() {
            var ofTerm = place
            ofTerm.term = term.name
            add(term, as: "", at: ofTerm)
            if let robust = term.robustSE { add(ofTerm, "robust_se", .number(robust)) }
            if let ratio = term.likelihoodRatio { add(ofTerm, "lr", .number(ratio)) }
            if let wald = term.wald { add(wald, at: ofTerm) }
            for (column, other) in cox.terms.enumerated() {
                let covariance = cox.covariance[row * cox.terms.count + column]
                add(ofTerm, "covariance:" + other.name, .number(covariance))
                guard let naive = cox.naiveCovariance?[row * cox.terms.count + column] else { continue }
                add(ofTerm, "naive_covariance:" + other.name, .number(naive))
            }
        }
        add(place, "loglik_null", .number(Reported(cox.logLikelihoodNull)))
        add(place, "loglik", .number(Reported(cox.logLikelihood)))
        add(cox.likelihoodRatio, as: "lr_test", at: place)
        add(cox.wald, as: "wald_test", at: place)
        add(cox.score, as: "score_test", at: place)
        add(place, "iterations", .integer(cox.iterations))
        for test in cox.termTests ?? [] {
            var ofTerm = place
            ofTerm.term = test.term
            add(test.test, as: test.isNonlinear ? "nonlinear_test" : "term_test", at: ofTerm)
        }
        for difference in cox.differences ?? [] {
            var ofTerm = place
            ofTerm.term = difference.name
            add(difference, as: "difference_", at: ofTerm)
        }
        if let heterogeneity = cox.heterogeneity { add(heterogeneity, at: place) }
        if let diagnostics = cox.diagnostics { add(diagnostics, at: place) }
        if let check = cox.proportionalHazards { add(check, at: place) }
        if cox.limits == .profile { add(place, "limits", .text(cox.limits.rawValue)) }
        if let penalty = cox.penalty { add(penalty, of: cox.terms.map(\.name), at: place) }
        if let concordance = cox.concordance { add(concordance, at: place) }
        addCurves(of: cox, at: place)
    }

    private mutating func add(_ term: CoxResult.Term, as prefix: String, at place: Place) {
        let numbers = [
            ("coef", term.coef), ("se", term.se), ("z", term.z), ("p", term.p), ("log_p", term.logP),
            ("hr", term.hr), ("lower", term.lower), ("upper", term.upper),
        ]
        for (name, number) in numbers { add(place, prefix + name, .number(number)) }
    }

    private mutating func add(_ heterogeneity: CoxResult.Heterogeneity, at place: Place) {
        add(place, "heterogeneity_sites", .integer(heterogeneity.sites))
        for coefficient in heterogeneity.coefficients {
            var ofTerm = place
            ofTerm.term = coefficient.name
            add(coefficient.test, as: "heterogeneity", at: ofTerm)
        }
        add(heterogeneity.global, as: "heterogeneity_global", at: place)
    }

    private mutating func add(_ wald: CoxResult.Wald, at place: Place) {
        let numbers = [
            ("wald_lower", wald.lower), ("wald_upper", wald.upper), ("wald_p", wald.p),
            ("wald_log_p", wald.logP),
        ]
        for (name, number) in numbers { add(place, name, .number(number)) }
    }

    private mutating func add(_ penalty: CoxResult.Penalised, of terms: [String], at place: Place) {
        add(place, "penalty", .text(penalty.kind.rawValue))
        add(place, "penalty_loglik_null", .number(Reported(penalty.logLikelihoodNull)))
        add(place, "penalty_loglik", .number(Reported(penalty.logLikelihood)))
        guard let ridge = penalty.ridge else { return }
        add(place, "penalty_theta", .number(Reported(ridge.theta)))
        add(place, "penalty_scale", .text(ridge.isScaled ? "variance" : "none"))
        add(place, "penalty_amount", .number(Reported(ridge.amount)))
        add(place, "penalty_df", .number(Reported(ridge.degreesOfFreedom)))
        for (index, term) in terms.enumerated() where ridge.isPenalised[index] {
            var ofTerm = place
            ofTerm.term = term
            add(ofTerm, "penalty_variance", .number(ridge.variances[index]))
        }
    }

    private mutating func add(_ check: CoxResult.ProportionalHazards, at place: Place) {
        add(place, "zph_transform", .text(check.transform.rawValue))
        for term in check.terms {
            var ofTerm = place
            ofTerm.term = term.name
            add(term.test, as: "zph", at: ofTerm)
        }
        add(check.global, as: "zph_global", at: place)
    }

    mutating func add(_ survival: SurvivalResult) {
        let place = Place(analysis: survival.id, kind: "survival")
        addWarnings(survival.warnings, at: place)
        add(survival.counts, at: place)
        add(place, "times", .text(survival.times.rawValue))
        add(place, "by", .text(survival.by ?? ""))
        add(place, "limits", .text(survival.limits.rawValue))
        add(place, "level", .number(Reported(survival.level)))
        add(place, "estimate", .text(survival.estimate.rawValue))
        if let weights = survival.weights { add(place, "weights", .text(weights)) }
        if let cluster = survival.cluster { add(place, "cluster", .text(cluster)) }
        if let event = survival.event { add(place, "event", .text(event)) }
        if let width = survival.gridWidth { add(place, "grid_width", .number(Reported(width))) }
        for group in survival.groups { add(group, at: place) }
        if let test = survival.test { add(test, at: place) }
    }

    private mutating func add(_ group: SurvivalResult.Group, at place: Place) {
        var place = place
        place.group = group.name
        add(place, "group_n", .integer(group.rows))
        add(place, "group_events", .integer(group.events))
        add(place, "median", .number(group.median.estimate))
        add(place, "median_lower", .number(group.median.lower))
        add(place, "median_upper", .number(group.median.upper))
        add(group.median.bounds, of: "median", at: place)
        addCurve(group.curve, at: place)
        for point in group.at {
            place.time = point.time
            add(place, "at_n_risk", .number(point.atRisk))
            add(place, "at_survival", .number(point.survival))
            add(place, "at_se", .number(point.se))
            add(place, "at_lower", .number(point.lower))
            add(place, "at_upper", .number(point.upper))
            add(place, "at_cumulative_hazard", .number(point.hazard))
            add(place, "at_cumulative_hazard_se", .number(point.hazardSE))
            if let grid = point.grid { add(grid, at: place) }
        }
        place.time = nil
        addSummaries(of: group, at: place)
    }

    private mutating func addSummaries(of group: SurvivalResult.Group, at place: Place) {
        for quantile in group.quantiles {
            let share = csvText(of: Reported(quantile.share))
            add(place, "quantile:\(share)", .number(quantile.time.estimate))
            add(place, "quantile_lower:\(share)", .number(quantile.time.lower))
            add(place, "quantile_upper:\(share)", .number(quantile.time.upper))
            if let bounds = quantile.time.bounds {
                add(place, "quantile_lowest:\(share)", .number(bounds.lowest))
                add(place, "quantile_highest:\(share)", .number(bounds.highest))
            }
        }
        if let median = group.followUp {
            add(place, "follow_up", .number(median.estimate))
            add(place, "follow_up_lower", .number(median.lower))
            add(place, "follow_up_upper", .number(median.upper))
            add(median.bounds, of: "follow_up", at: place)
        }
        for mean in group.restrictedMeans {
            var atTime = place
            atTime.time = mean.time
            add(atTime, "rmst", .number(mean.mean))
            add(atTime, "rmst_se", .number(mean.se))
            add(atTime, "rmst_lower", .number(mean.lower))
            add(atTime, "rmst_upper", .number(mean.upper))
            add(mean.bounds, of: "rmst", at: atTime)
        }
    }

    private mutating func addCurve(_ curve: SurvivalResult.Curve, at place: Place) {
        var place = place
        for (index, time) in curve.time.enumerated() {
            place.time = time
            add(place, "n_risk", .number(Reported(curve.atRisk[index])))
            add(place, "n_event", .number(Reported(curve.events[index])))
            add(place, "n_censor", .number(Reported(curve.censored[index])))
            add(place, "survival", .number(curve.survival[index]))
            add(place, "se", .number(curve.se[index]))
            add(place, "lower", .number(curve.lower[index]))
            add(place, "upper", .number(curve.upper[index]))
            add(place, "cumulative_hazard", .number(curve.hazard[index]))
            add(place, "cumulative_hazard_se", .number(curve.hazardSE[index]))
            if let grid = curve.grid { add(grid, index, at: place) }
        }
    }

    private mutating func add(_ logRank: SurvivalResult.LogRank, at place: Place) {
        var ofGroup = place
        for (index, group) in logRank.groups.enumerated() {
            ofGroup.group = group
            if let rows = logRank.rows { add(ofGroup, "group_n", .integer(rows[index])) }
            add(ofGroup, "observed", .number(logRank.observed[index]))
            add(ofGroup, "expected", .number(logRank.expected[index]))
        }
        if logRank.rho != 0 { add(place, "rho", .number(Reported(logRank.rho))) }
        for variable in logRank.strata { add(place, "strata", .text(variable)) }
        if logRank.isWithinSites == true { add(place, "within", .text("sites")) }
        add(logRank.test, as: "log_rank", at: place)
        if let trend = logRank.trend { add(trend, as: "trend", at: place) }
    }
}
