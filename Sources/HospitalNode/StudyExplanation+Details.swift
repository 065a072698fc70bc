import Federation
import Survival

extension StudyExplanation {
    /// What an analysis fixes besides its kind and its times, a line each: its own patients, how rows are weighed and
    /// compared, which numbers are reported.
    func details(of analysis: AnalysisPlan) -> [String] {
        patients(of: analysis)
            + analysis.lateVariables.map {
                "\(StudyWords.inline($0)) is measured after time zero and used as if known from the start"
                    + (analysis.endpoint.landmark == nil ? "" : " of follow-up at the landmark")
            }
            + landmark(of: analysis) + end(of: analysis)
            + overlappingRows(of: analysis)
            + choices(of: analysis)
    }

    private func overlappingRows(of analysis: AnalysisPlan) -> [String] {
        switch analysis.people {
        case nil: []
        case .firstRow: ["people: of rows of a person that overlap in time the first is taken"]
        case .allRows: ["people: rows of a person that overlap in time are all counted"]
        }
    }

    private func landmark(of analysis: AnalysisPlan) -> [String] {
        analysis.endpoint.landmark.map {
            [
                "landmark: only those still at risk at \(measured($0, plan.study.endpoint.unit.rawValue)), time counted from then; the number of the others leaves too"
            ]
        } ?? []
    }

    private func end(of analysis: AnalysisPlan) -> [String] {
        analysis.endpoint.censorAt.map {
            [
                "follow-up ends at \($0) \(plan.study.endpoint.unit.rawValue)s after time zero: who was followed for longer is censored then"
            ]
        } ?? []
    }

    private func patients(of analysis: AnalysisPlan) -> [String] {
        let conditions = analysis.cohort.map(\.text)
        guard !conditions.isEmpty else { return [] }
        return ["patients: those with \(conditions.map(StudyWords.inline).joined(separator: " and "))"]
    }

    private func choices(of analysis: AnalysisPlan) -> [String] {
        switch analysis.kind {
        case .survival(let survival):
            choices(of: survival)
                + (survival.options.hasCurves ? ["confidence level \(analysis.level)"] : [])
        case .incidence(let incidence): choices(of: incidence) + ["confidence level \(analysis.level)"]
        case .concordance(let concordance):
            [choice(of: concordance.options), "confidence level \(analysis.level)"]
        case .cox(let cox): choices(of: cox) + ["confidence level \(analysis.level)"]
        // Its groups, variables and bins are said with what leaves.
        case .table: []
        }
    }

    private func choices(of cox: AnalysisPlan.CoxPlan) -> [String] {
        var lines = ["ties: \(cox.ties.rawValue)"]
        if !cox.model.strata.isEmpty { lines.append("strata: \(list(cox.model.strata))") }
        if let offset = cox.model.offset { lines.append("offset: \(StudyWords.inline(offset.text))") }
        if let weights = cox.weights { lines.append("case weights: \(StudyWords.inline(weights.text))") }
        if let cluster = cox.cluster {
            lines.append("rows that belong together: by \(StudyWords.inline(cluster.name))")
        }
        if let penalty = cox.penalty { lines.append("penalty: \(words(for: penalty, cox.model))") }
        if cox.limits == .profile { lines.append("limits: profile") }
        if let evaluations = cox.statedEvaluations {
            lines.append("evaluations of the model: at most \(evaluations)")
        }
        if let concordance = cox.concordance { lines.append(choice(of: concordance)) }
        return lines + curves(cox.prediction)
    }

    private func curves(_ prediction: AnalysisPlan.Prediction?) -> [String] {
        guard let prediction else { return [] }
        return (prediction.hasBaselineHazard ? ["cumulative baseline hazard"] : [])
            + prediction.profiles.map { "survival predicted for \(StudyWords.inline($0.label))" }
            + (prediction.at.isEmpty ? [] : ["predicted at \(list(prediction.at))"])
            + (prediction.profiles.isEmpty ? [] : ["limits of curves: \(prediction.limits.rawValue)"])
    }

    private func choices(of incidence: AnalysisPlan.IncidencePlan) -> [String] {
        var lines = ["limits: \(incidence.limits.rawValue)"]
        if !incidence.at.isEmpty { lines.append("incidence at \(list(incidence.at))") }
        if let weights = incidence.weights {
            lines.append("case weights: \(StudyWords.inline(weights.text))")
        }
        if let test = incidence.test, test.rho != 0 {
            lines.append("test weighted with (1 - F(t))^\(test.rho)")
        }
        return lines
    }

    private func choice(of concordance: ConcordanceOptions) -> String {
        let limits = [("from", concordance.timeMin), ("to", concordance.timeMax)].compactMap { word, time in
            time.map { " \(word) \($0)" }
        }
        return "concordance with time weight \(concordance.weight.rawValue)\(limits.joined())"
    }

    private func words(for penalty: CoxPenaltyPlan, _ model: ModelSpecification) -> String {
        guard case .ridge(let ridge) = penalty else { return "Firth's" }
        let scale = ridge.isScaled ? " times the covariate's variance" : ""
        let names = StudyWords.list(ridge.columns.map { model.columns[$0].name })
        return "ridge, theta \(ridge.theta)\(scale), on \(names)"
    }

    private func choices(of survival: AnalysisPlan.SurvivalPlan) -> [String] {
        let options = survival.options
        var lines = options.hasCurves ? ["limits: \(survival.limits.rawValue)"] : []
        if options.estimate != .kaplanMeier { lines.append("estimate: \(options.estimate.rawValue)") }
        if let weights = survival.weights { lines.append("case weights: \(StudyWords.inline(weights.text))") }
        if let cluster = survival.cluster {
            lines.append("rows that belong together: by \(StudyWords.inline(cluster))")
        }
        if !survival.at.isEmpty { lines.append("survival at \(list(survival.at))") }
        if !options.quantiles.isEmpty {
            lines.append("times by which shares \(list(options.quantiles)) had the event")
        }
        if !options.restrictedMeans.isEmpty {
            lines.append("restricted means to \(list(options.restrictedMeans))")
        }
        if options.hasFollowUp { lines.append("median follow-up") }
        if survival.logRank, options.rho != 0 { lines.append("test weighted with S(t)^\(options.rho)") }
        if survival.logRank, options.hasTrend { lines.append("test against a trend over the groups") }
        return lines
    }

    private func list(_ expressions: [Expression]) -> String {
        StudyWords.list(expressions.map(\.text))
    }

    private func list(_ numbers: [Double]) -> String { numbers.map { "\($0)" }.joined(separator: ", ") }
}
