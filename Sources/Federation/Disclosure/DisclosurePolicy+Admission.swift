package import Cryptography
import Survival

/// Whether a study may be asked at all, by its text and by how many people and events there are here.
extension DisclosurePolicy {
    /// Refuses a study whose text asks for what this policy never allows.
    ///
    /// All that it says is of the text: everybody may know it, and could have known it before.
    package func admit(_ plan: StudyPlan, from submitter: SPIFFEID) throws(DisclosureError) {
        guard case .operator(let name) = submitter.role else {
            throw .ofText("operators", "studies are considered of operators only")
        }
        if let first = objections(to: plan, ofOperator: name).first { throw first }
    }

    /// Everything in a study's text that this policy never allows, as far as it is known who would submit it.
    ///
    /// What depends on a hospital's patients, only the hospital can tell.
    package func objections(to plan: StudyPlan, ofOperator name: String?) -> [DisclosureError] {
        var objections: [DisclosureError] = []
        if let name, !operators.isEmpty, !operators.contains(name) {
            objections.append(.ofText("operators", "studies of operator \(name) are not considered here"))
        }
        if plan.study.sites.count < sitesMin {
            objections.append(.ofText("sites-min", "the study names fewer than \(sitesMin) hospitals"))
        }
        if self != .local {
            do { try plan.requireAnswerable() } catch { objections.append(.ofText("formulas", "\(error)")) }
        }
        for analysis in plan.analyses {
            do { try admit(analysis, in: plan) } catch {
                if !objections.contains(error) { objections.append(error) }
            }
        }
        return objections
    }

    /// The same, whoever asks.
    package func admit(_ plan: StudyPlan) throws(DisclosureError) {
        if let first = objections(to: plan, ofOperator: nil).first { throw first }
    }

    func admit(_ analysis: AnalysisPlan, in plan: StudyPlan) throws(DisclosureError) {
        let study = plan.study
        if self != .local {
            do { try plan.requireAnswerable(analysis) } catch { throw .ofText("formulas", "\(error)") }
        }
        if let cox = analysis.cox { try admit(cox, in: analysis.id) }
        if let table = analysis.description { try admit(table, in: analysis.id, of: study) }
        try admitTimes(of: analysis, in: plan)
        guard analysis.usesTimes else { return }
        switch analysis.times {
        case .exact where !allowsExactTimes:
            throw .ofText(
                "times-exact", in: analysis.id, "sums at exact times are not allowed; use times: grid")
        case .exact: return
        case .grid:
            guard study.privacy.smallestInterval >= intervalExitsMin else {
                throw .ofText(
                    "interval-exits-min", in: analysis.id,
                    "the study's smallest-interval is below \(intervalExitsMin)")
            }
        }
    }

    private func admit(_ cox: CoxPlan, in analysis: String) throws(DisclosureError) {
        if let asked = cox.statedEvaluations, asked > evaluationsMax {
            throw .ofText(
                "evaluations-max", in: analysis,
                "the study may need \(asked) evaluations of the model; \(evaluationsMax) are allowed (evaluations:)"
            )
        }
        guard cox.baseline == .site || allowsCommonBaseline else {
            throw .ofText(
                "baseline-common", in: analysis,
                "one baseline hazard over all hospitals needs sums indexed by time; use baseline: site")
        }
        guard let diagnostics = cox.diagnostics else { return }
        guard diagnostics.covariates.isEmpty || diagnostics.smallestBin >= levelPeopleMin else {
            throw .ofText(
                "level-people-min", in: analysis,
                "the smallest-bin of its diagnostics: is below \(levelPeopleMin)")
        }
        guard !diagnostics.hasSchoenfeld || diagnostics.smallestBin >= intervalExitsMin else {
            throw .ofText(
                "interval-exits-min", in: analysis,
                "the smallest-bin of its diagnostics: is below \(intervalExitsMin)")
        }
    }

    private func admit(
        _ table: DescriptionPlan, in analysis: String, of study: StudyFile
    ) throws(DisclosureError) {
        guard study.privacy.smallestCell >= tableCellMin else {
            throw .ofText(
                "table-cell-min", in: analysis, "the study's smallest-cell is below \(tableCellMin)")
        }
        guard allowsValueCounts || !table.countsValues else {
            throw .ofText(
                "value-counts", in: analysis,
                "counts of people by single values are not allowed; use bins of a width, or none")
        }
    }

    /// Refuses an analysis for which this hospital has too few people or events.
    package func admit(_ analysis: AnalysisPlan, on cohort: SiteCohort) throws(ProtocolError) {
        let facts: SiteFacts
        do { facts = try cohort.facts(of: analysis.id) } catch { throw .failed("\(error)") }
        guard facts.people >= peopleMin else {
            throw .refused(
                DisclosureError(
                    rule: "people-min", in: analysis.id, "fewer than \(peopleMin) people at this hospital"))
        }
        guard facts.events >= eventsMin else {
            throw .refused(
                DisclosureError(
                    rule: "events-min", in: analysis.id, "fewer than \(eventsMin) events at this hospital"))
        }
        guard self == .local || facts.concentration <= Self.concentrationMax else {
            throw .refused(
                DisclosureError(
                    rule: "concentration", in: analysis.id,
                    "two people carry more than nine tenths of a covariate's variation at this hospital; use its logarithm or cut-points"
                ))
        }
        guard facts.weightRatio <= weightRatioMax else {
            throw .refused(
                DisclosureError(
                    rule: "weight-ratio-max", in: analysis.id,
                    "a case weight is more than \(weightRatioMax.formattedShort) times another; truncate the weights"
                ))
        }
        guard Double(facts.events) >= eventsPerParameterMin * Double(facts.parameters) else {
            throw .refused(
                DisclosureError(
                    rule: "events-per-parameter-min", in: analysis.id,
                    "fewer than \(eventsPerParameterMin.formattedShort) events for each parameter at this hospital"
                ))
        }
    }
}
