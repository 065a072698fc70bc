package import Federation
import CohortStore
import Cryptography
import Survival

/// A study in plain words for the person who decides about it.
///
/// Warnings first, then what is asked, on how many of this hospital's people, what leaves, who sees it, and last the study
/// file itself: whatever an approval covers. For local eyes: it shows this hospital's own numbers.
package struct StudyExplanation {
    private let assessment: StudyAssessment
    private let policy: DisclosurePolicy
    private let site: String

    package init(_ assessment: StudyAssessment, policy: DisclosurePolicy, site: String) {
        (self.assessment, self.policy, self.site) = (assessment, policy, site)
    }

    var plan: StudyPlan { assessment.study.plan }

    package var text: String {
        ((warnings + [""] + heading + [""] + analyses + [""] + disclosure + [""]).flatMap(StudyWords.wrapped)
            + studyFile)
            .joined(separator: "\n")
    }

    private var warnings: [String] {
        guard !assessment.objections.isEmpty else {
            return ["This hospital's policy has no objection to this study."] + personNeeded
        }
        return ["WARNING: this study cannot be approved here:"]
            + assessment.objections.map { "  - \($0.visibleLine)" }
    }

    /// Why it waits for a person, where the policy approves other studies without one.
    private var personNeeded: [String] {
        guard policy.unattended != nil, case .pending = assessment.study.entry.decision else { return [] }
        let submitter: String? =
            if case .operator(let name) = assessment.study.submission.submitter.role { name } else { nil }
        let reason = policy.reasonForPerson(plan, ofOperator: submitter)
        return [
            "A person decides about it: \((reason ?? "unattended: its day is over, it was decided before, or patients here are too few or differ too little for it").visibleLine)."
        ]
    }

    private var heading: [String] {
        let study = plan.study
        let about = [
            "Study \(study.name). What its lead wrote stands between « and », or behind a bar.",
            "  study       \(study.name), SHA-256 \(plan.hash.hex)",
            "  title       \(StudyWords.inline(study.title))",
            "  asked by    \(assessment.study.submission.submitter)\(study.lead.map { " (\(StudyWords.inline($0)))" } ?? "")",
            "  purpose     \(study.purpose == nil ? "not stated" : "as its lead states it:")",
        ]
        let asked = [
            "  hospitals   \(study.sites.joined(separator: ", "))",
            "  dictionary  \(study.dictionary)",
            "  patients    \(study.cohort.map { "those with \(StudyWords.inline($0))" } ?? "all that were imported")",
            "  outcome     \(outcome(of: study))",
        ]
        return about + StudyWords.block(study.purpose ?? "", indent: "    ") + asked
            + study.definitions.map { "  define      \($0.name) := \(StudyWords.inline($0.text))" }
            + (study.privacy.timeGrid.map { [grid(of: $0, in: study)] } ?? [])
            + ["  silence     \(silence(in: study))"]
    }

    private func outcome(of study: StudyFile) -> String {
        let endpoint = study.endpoint
        let entry = endpoint.start.map { ", at risk from \(StudyWords.inline($0))" } ?? ""
        let end = endpoint.censorAt.map {
            ", everybody's follow-up ended at \($0.length(in: endpoint.unit)) \(endpoint.unit.rawValue)s"
        }
        return
            "\(StudyWords.inline(endpoint.event)) by \(StudyWords.inline(endpoint.time)) (\(endpoint.unit.rawValue)s)\(entry)\(end ?? "")"
    }

    private func grid(of step: Double, in study: StudyFile) -> String {
        "  time grid   \(measured(step, study.endpoint.unit.rawValue)), merged until each interval has \(counted(study.privacy.smallestInterval, "exit")) over all hospitals"
    }

    private func silence(in study: StudyFile) -> String {
        let wait =
            "a hospital that does not answer is waited for \(counted(study.patienceSeconds, "second")), then"
        return study.missingSite == .fail
            ? "\(wait) the study fails" : "\(wait) it goes on without, from the start"
    }

    /// Indented, so that no line of it can pass for one of ours.
    private var studyFile: [String] {
        ["The study file, word for word:"] + StudyWords.verbatim(assessment.study.submission.study)
    }

    private var analyses: [String] {
        assessment.analyses.flatMap { lines(about: $0) }
    }

    private func lines(about analysis: StudyAssessment.Analysis) -> [String] {
        var lines = ["Analysis \(StudyWords.inline(analysis.plan.id)): \(asked(by: analysis.plan))"]
        lines += details(of: analysis.plan).map { "  \($0)" }
        lines.append(
            "  here: \(counted(analysis.facts.people, "person", "people")), \(analysis.facts.events) of them with the event"
        )
        lines += overlaps(of: analysis)
        lines.append("  reads: \(StudyWords.list(analysis.plan.variables))")
        lines += smallestLevel(of: analysis)
        lines.append("  leaves, masked, as sums over all hospitals: \(leaving(analysis.plan))")
        return lines
    }

    private func asked(by analysis: AnalysisPlan) -> String {
        switch analysis.kind {
        case .survival(let survival):
            let groups = survival.by.map { ", by \(StudyWords.inline($0.text))" } ?? ""
            let strata = StudyWords.list(survival.strata.map(\.expression.text))
            let test = survival.logRank ? ", log-rank test\(strata.isEmpty ? "" : " within \(strata)")" : ""
            let robust = survival.cluster.map { ", robust standard errors by \(StudyWords.inline($0))" } ?? ""
            let weights = survival.weights.map { ", weighted by \(StudyWords.inline($0.text))" } ?? ""
            let event = analysis.ownEvent.map { " to \(StudyWords.inline($0))" } ?? ""
            return "survival curve\(event)\(groups)\(weights)\(robust)\(test), \(times(analysis))"
        case .incidence(let incidence):
            let groups = incidence.by.map { ", by \(StudyWords.inline($0.text))" } ?? ""
            let weights = incidence.weights.map { ", weighted by \(StudyWords.inline($0.text))" } ?? ""
            let causes = analysis.causes.map {
                "\(StudyWords.inline($0.name)) (\(StudyWords.inline($0.condition.text)))"
            }.joined(separator: ", ")
            let strata = StudyWords.list(incidence.strata.map(\.expression.text))
            let test =
                incidence.test == nil ? "" : ", Gray's test\(strata.isEmpty ? "" : " within \(strata)")"
            return "cumulative incidence of \(causes)\(groups)\(weights)\(test), \(times(analysis))"
        case .concordance(let concordance):
            let strata = StudyWords.list(concordance.model.strata.map(\.text))
            let weights = concordance.weights.map { ", weighted by \(StudyWords.inline($0.text))" } ?? ""
            let robust =
                concordance.cluster.map { ", robust standard error by \(StudyWords.inline($0))" } ?? ""
            let event = analysis.ownEvent.map { ", event \(StudyWords.inline($0))" } ?? ""
            return
                "concordance of \(StudyWords.inline(concordance.marker.text)), of pairs within hospitals\(strata.isEmpty ? "" : " and \(strata)")\(event)\(weights)\(robust)"
        case .cox(let cox):
            let baseline =
                cox.baseline == .site
                ? "each hospital with its own baseline hazard"
                : "one baseline hazard for all hospitals, \(times(analysis))"
            let check = cox.check.map {
                "; test of proportional hazards along \($0.rawValue)\($0 == .km ? ", \(times(analysis))" : "")"
            }
            let robust = cox.cluster.map { "; robust variance by \(StudyWords.inline($0.name))" }
            let concordance = cox.concordance == nil ? "" : "; concordance of pairs within hospitals"
            let event = analysis.ownEvent.map { "; event \(StudyWords.inline($0))" } ?? ""
            let hazard = cox.hazard == .subdistribution ? "; subdistribution hazard (Fine and Gray)" : ""
            let curves = cox.prediction == nil ? "" : "; curves of the baseline hazard, from the same sums"
            return
                "Cox model of \(StudyWords.list(cox.model.parameterNames)); \(baseline)\(event)\(hazard)\(robust ?? "")\(check ?? "")\(concordance)\(curves)"
        case .table(let table):
            let names = StudyWords.list(table.variables.map(\.name))
            return
                "table of \(names)\(table.by.map { ", by \(StudyWords.inline($0.text)), with tests" } ?? "")"
        }
    }

    private func times(_ analysis: AnalysisPlan) -> String {
        let unit = plan.study.endpoint.unit.rawValue
        guard let step = analysis.axis?.step else { return "at exact times" }
        return analysis.times == .exact
            ? "at exact times (to \(step) \(unit))" : "on a grid of \(step) \(unit)"
    }

    private func positions(of analysis: AnalysisPlan) -> String {
        analysis.axis.map { "\(counted($0.count, "time"))" } ?? "every time at which someone leaves"
    }

    /// People whose rows overlap in time, and what the study makes of it.
    private func overlaps(of analysis: StudyAssessment.Analysis) -> [String] {
        guard analysis.facts.overlappingPeople > 0, analysis.plan.countsRows else { return [] }
        let people = counted(analysis.facts.overlappingPeople, "person", "people")
        let have = analysis.facts.overlappingPeople == 1 ? "has" : "have"
        let outcome = analysis.plan.people == .firstRow ? "the first of them is taken" : "all are counted"
        return ["  rows that overlap in time here: \(people) \(have) some; \(outcome)"]
    }

    private func smallestLevel(of analysis: StudyAssessment.Analysis) -> [String] {
        let present = zip(analysis.plan.levels, analysis.facts.levels).filter { $0.1 > 0 }
        guard let smallest = present.min(by: { $0.1 < $1.1 }) else { return [] }
        return [
            "  smallest group here: \(StudyWords.inline(smallest.0.variable)) = \(StudyWords.inline(smallest.0.level)), \(counted(smallest.1, "person", "people"))"
        ]
    }

    private func leaving(_ analysis: AnalysisPlan) -> String {
        let counts =
            "counts of rows, people, events\(analysis.levels.isEmpty ? " and missing values" : ", missing values and levels")"
            + (analysis.model == nil ? "" : "; how many times there are, and their sum")
        switch analysis.kind {
        case .survival(let survival):
            let squares =
                survival.cluster == nil
                ? "" : "; sums over people of squares of their influence on each curve"
            return "\(counts); \(exits(of: analysis))\(squares)"
        case .incidence:
            return
                "\(counts); \(exits(of: analysis)); sums over people of squares of their influence on each curve"
        case .concordance: return "\(counts); \(Self.pairs)"
        case .cox(let cox):
            let p = analysis.columnCount
            let means =
                "\(counts); sums and sums of squares of \(counted(p, "covariate"))\(leavingForRidge(analysis))\(leavingForCheck(cox, of: analysis))\(leavingForVariance(cox))\(leavingForConcordance(cox))\(leavingForComparison(cox))\(leavingForDiagnostics(cox, of: analysis))"
            if cox.baseline == .site {
                let usual = 1 + p + SymmetricMatrix.packedCount(order: p)
                let sums =
                    cox.penalty == .firth
                    ? "log-likelihood, score, information and its derivatives (\(counted(usual + ThirdDerivatives.packedCount(order: p), "number")))"
                    : "log-likelihood, score and information (\(counted(usual, "number")))"
                return "\(means); \(sums), at most \(counted(policy.evaluationsMax, "time"))"
            }
            return
                "\(means); \(exits(of: analysis)); risk sums at event times, score and Gram matrix, at most \(counted(policy.evaluationsMax, "time")); covariate risk sums, a few times"
        case .table(let table): return "\(counts); \(leaving(table))"
        }
    }

    private func leaving(_ table: TablePlan) -> String {
        let smallest = plan.study.privacy.smallestCell
        let sums =
            "people by group and level, and whose value is known; sums and sums of squares of numbers, by group, where at least \(counted(smallest, "person", "people")) of all hospitals have one"
        let counted = table.variables.compactMap { variable -> String? in
            guard case .number(_, let bins?) = variable.kind else { return nil }
            return bins.isExact
                ? "people by single value of \(StudyWords.inline(variable.name))"
                : "people by bins of \(StudyWords.inline(variable.name)), first only bins in which a hospital has at least \(TablePlan.floorMin), then merged bins that hold at least \(smallest) of each group"
        }
        return ([sums] + counted).joined(separator: "; ")
            + "; smaller cells are known to the coordinator and withheld from the result"
    }

    /// The sums at times from which curves are made.
    private func exits(of analysis: AnalysisPlan) -> String {
        let events =
            analysis.causes.isEmpty ? "events" : "events of \(counted(analysis.causes.count, "cause"))"
        let weights = analysis.weights == nil ? "" : ", and sums of their weights,"
        return
            "\(events) and censorings\(weights) at \(positions(of: analysis)) (\(counted(analysis.exitGroupCount, "group")))"
    }

    private func leavingForDiagnostics(
        _ cox: AnalysisPlan.CoxPlan, of analysis: AnalysisPlan
    ) -> String {
        guard let diagnostics = cox.diagnostics else { return "" }
        let covariates = diagnostics.covariates.map {
            "; people in \(counted($0.cells.count, "cell")) of \(StudyWords.inline($0.expression.text)); rows, people, events and expected events in bins of it of \(counted(diagnostics.smallestBin, "person", "people")) or more over all hospitals"
        }
        let isCounted = cox.check == .km || cox.baseline == .common
        let counts =
            isCounted ? "" : "; events and censorings at \(counted(analysis.axis?.count ?? 0, "time"))"
        return covariates.joined()
            + (diagnostics.hasSchoenfeld
                ? "\(counts); sums of Schoenfeld residuals in time bins of \(counted(diagnostics.smallestBin, "event")) or more over all hospitals"
                : "")
    }

    private func leavingForComparison(_ cox: AnalysisPlan.CoxPlan) -> String {
        cox.testsHeterogeneity
            ? "; to compare coefficients between hospitals, the rank of this one's information, its score statistic, and three numbers for each covariate, once"
            : ""
    }

    /// The variances of a ridge are taken before rows are dropped that lack something else.
    private func leavingForRidge(_ analysis: AnalysisPlan) -> String {
        let names = analysis.spreadColumns.count
        return names == 0
            ? ""
            : "; the same of \(counted(names, "penalised covariate")) over all patients who have them, and how many of those are not in the analysis"
    }

    private func leavingForVariance(_ cox: AnalysisPlan.CoxPlan) -> String {
        guard let cluster = cox.cluster else { return "" }
        return cluster.levels == nil
            ? "; sums over people of squares and products of score residuals"
            : "; sums of score residuals for each \(StudyWords.inline(cluster.name))"
    }

    private func leavingForConcordance(_ cox: AnalysisPlan.CoxPlan) -> String {
        cox.concordance == nil ? "" : "; \(Self.pairs)"
    }

    private static let pairs =
        "numbers of pairs of this hospital's rows by their order in time and risk, and sums of squares of each row's part in them, once"

    /// What a test of proportional hazards takes besides: the model's sums over events, weighted with a function of time.
    private func leavingForCheck(_ cox: AnalysisPlan.CoxPlan, of analysis: AnalysisPlan) -> String {
        guard let check = cox.check else { return "" }
        let weighted = "score and information weighted with a function of time, once each"
        if cox.baseline == .common { return "; \(weighted)" }
        return check == .km
            ? "; events and censorings at \(positions(of: analysis)); \(weighted)"
            : "; sums of the event times and of their squares; \(weighted)"
    }

    private var disclosure: [String] {
        [
            "The coordinator sees only the sums over all hospitals: each vector is masked so that only the total can be read.",
            "The results go to the study's lead and to the hospitals that take part.",
            "Policy \(policy.hash.hex). To decide: coxswain node approve \(plan.study.name) --until DAY --by NAME (to the end of that day in UTC), or decline.",
        ]
    }
}
