package import Cryptography
import Survival

/// Whether a study may be asked at all, by its text and by how many people and events there are here.
extension DisclosurePolicy {
    /// Refuses a study whose text asks for what this policy never allows.
    package func admit(_ plan: StudyPlan, from submitter: SPIFFEID) throws(DisclosureError) {
        guard case .operator(let name) = submitter.role else {
            throw DisclosureError(rule: "operators", "studies are considered of operators only")
        }
        if let first = objections(to: plan, ofOperator: name).first { throw first }
    }

    /// Everything in a study's text that this policy never allows, as far as it is known who would submit it.
    ///
    /// What depends on a hospital's patients, only the hospital can tell.
    package func objections(to plan: StudyPlan, ofOperator name: String?) -> [DisclosureError] {
        var objections: [DisclosureError] = []
        if let name, !operators.isEmpty, !operators.contains(name) {
            objections.append(
                DisclosureError(
                    rule: "operators", "studies of operator \(name) are not considered here"))
        }
        if plan.study.sites.count < sitesMin {
            objections.append(
                DisclosureError(rule: "sites-min", "the study names fewer than \(sitesMin) hospitals"))
        }
        for analysis in plan.analyses {
            do { try admit(analysis, of: plan.study) } catch { objections.append(error) }
        }
        return objections
    }

    func admit(_ analysis: AnalysisPlan, of study: StudyFile) throws(DisclosureError) {
        if case .cox(let cox) = analysis.kind, let asked = cox.statedEvaluations, asked > evaluationsMax {
            throw DisclosureError(
                rule: "evaluations-max", in: analysis.id,
                "the study may need \(asked) evaluations of the model; \(evaluationsMax) are allowed (evaluations:)"
            )
        }
        if case .cox(let cox) = analysis.kind, cox.baseline == .common, !allowsCommonBaseline {
            throw DisclosureError(
                rule: "baseline-common", in: analysis.id,
                "one baseline hazard over all hospitals needs sums indexed by time; use baseline: site")
        }
        if case .table(let table) = analysis.kind { try admit(table, in: analysis.id, of: study) }
        try admitLandmark(of: analysis, in: study)
        guard analysis.usesTimes else { return }
        switch analysis.times {
        case .exact where !allowsExactTimes:
            throw DisclosureError(
                rule: "times-exact", in: analysis.id, "sums at exact times are not allowed; use times: grid")
        case .exact: return
        case .grid:
            guard (study.privacy.timeGrid ?? 0) * study.endpoint.unit.days >= timeGridDaysMin else {
                throw DisclosureError(
                    rule: "time-grid-days-min", in: analysis.id,
                    "the study's time-grid is finer than \(timeGridDaysMin.formattedShort) days")
            }
            guard study.privacy.smallestInterval >= intervalExitsMin else {
                throw DisclosureError(
                    rule: "interval-exits-min", in: analysis.id,
                    "the study's smallest-interval is below \(intervalExitsMin)")
            }
        }
    }

    private func admit(
        _ table: TablePlan, in analysis: String, of study: StudyFile
    ) throws(DisclosureError) {
        guard study.privacy.smallestCell >= tableCellMin else {
            throw DisclosureError(
                rule: "table-cell-min", in: analysis, "the study's smallest-cell is below \(tableCellMin)")
        }
        guard allowsValueCounts || !table.countsValues else {
            throw DisclosureError(
                rule: "value-counts", in: analysis,
                "counts of people by single values are not allowed; use bins of a width, or none")
        }
    }

    /// A landmark cuts the time axis as a grid does: cohorts of two landmarks differ by who left in between.
    private func admitLandmark(
        of analysis: AnalysisPlan, in study: StudyFile
    ) throws(DisclosureError) {
        guard !allowsExactTimes, let landmark = analysis.endpoint.landmark else { return }
        let unit = study.endpoint.unit
        let others =
            [0] + study.analyses.compactMap { $0.landmark?.length(in: unit) }.filter { $0 != landmark }
        let distances = others.map { abs($0 - landmark) * unit.days }
        guard distances.allSatisfy({ $0 >= timeGridDaysMin }) else {
            throw DisclosureError(
                rule: "time-grid-days-min", in: analysis.id,
                "its landmark is less than \(timeGridDaysMin.formattedShort) days from time zero or from another analysis's"
            )
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
