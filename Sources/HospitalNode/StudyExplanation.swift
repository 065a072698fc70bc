package import Federation
import CohortStore
import Cryptography
import Ledger
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
        let refused = assessment.refusal.map {
            ["WARNING: this node refused to answer it: \($0.visibleLine)"]
        }
        guard assessment.objections.isEmpty else {
            return (refused ?? []) + ["WARNING: this study cannot be approved here:"]
                + assessment.objections.map { "  - \($0.visibleLine)" }
        }
        return (refused ?? ["This hospital's policy has no objection to this study."]) + personNeeded
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
        var lines = [
            "Analysis \(StudyWords.inline(analysis.plan.id)): \(analysis.plan.kind.summary(in: analysis.plan))"
        ]
        lines += details(of: analysis.plan).map { "  \($0)" }
        lines.append(
            "  here: \(counted(analysis.facts.people, "person", "people")), \(analysis.facts.events) of them with the event"
        )
        lines += overlaps(of: analysis)
        lines.append("  reads: \(StudyWords.list(analysis.plan.variables))")
        lines += smallestLevel(of: analysis)
        lines.append("  leaves, masked, as sums over all hospitals:")
        return lines + analysis.plan.leaving(evaluationsMax: policy.evaluationsMax).map { "    \($0)" }
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

    private var disclosure: [String] {
        [
            "The coordinator sees only the sums over all hospitals: each vector is masked so that only the total can be read.",
            "The results go to the study's lead and to the hospitals that take part.",
            "Policy \(policy.hash.hex). To decide: coxswain node approve \(plan.study.name) --until DAY --by NAME (to the end of that day in UTC), or decline.",
        ]
    }
}
