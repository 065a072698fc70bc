import CohortStore
package import Cryptography
import Federation
import Ledger

/// Whose rows a study sums here, held against all that was answered before.
extension NodeOffice {
    /// The rows of each analysis of a study, by the ledger's numbers.
    struct StudyRows: Sendable {
        var analyses: [(id: String, cohort: AnsweredCohort, people: Int)]
        /// The person of each number.
        var person: [Int32]
        /// The rows that were answered for before, all of them among those numbers.
        var answered: [AnsweredRows]

        /// What the ledger keeps with the first answer.
        var records: [CohortRecord] {
            analyses.map { id, cohort, people in
                CohortRecord(
                    analysis: id, people: people, rows: cohort.rows.bytes, eligible: cohort.eligible?.bytes)
            }
        }
    }

    /// The rows of a study's analyses by number; refuses if a loaded row is not the one of its place in the file any more.
    func rows(of plan: StudyPlan, in loaded: LoadedCohort) throws -> StudyRows {
        let store = try CohortStore(path: configuration.cohort, access: .answering)
        let codes = try store.rowCodes(dictionary: plan.study.dictionary)
        guard codes.snapshot == loaded.snapshot else {
            throw NodeError.ask("the patients were imported anew in the meantime", hint: "try again")
        }
        // Before the numbers are read, to which another process may add rows and answer for them.
        let answered = try ledger.answeredRows()
        let numbered = try ledger.number(codes.rows, codedUnder: codes.key)
        // An analysis that the rows do not fit is answered with nothing but that.
        let answerable = plan.analyses.filter { loaded.cohort.failure(of: $0.id) == nil }
        let analyses = try answerable.map { analysis in
            let (rows, eligible) = try loaded.cohort.rows(of: analysis.id)
            let set = AnsweredCohort(
                rows: RowSet(rows.lazy.map { numbered.numbers[$0] }),
                eligible: eligible.map { RowSet($0.lazy.map { numbered.numbers[$0] }) })
            return (id: analysis.id, cohort: set, people: try loaded.cohort.facts(of: analysis.id).people)
        }
        return StudyRows(analyses: analyses, person: numbered.person, answered: answered)
    }

    /// For each analysis the first objection of the policy against its people beside those of other analyses.
    func differences(
        of study: SHA256Digest, _ rows: StudyRows, under policy: DisclosurePolicy
    ) -> [DisclosureError] {
        let before = rows.answered.map { answered in
            (
                AnsweredCohort(
                    rows: RowSet(bytes: answered.record.rows),
                    eligible: answered.record.eligible.map { RowSet(bytes: $0) }),
                answered.answers.first { $0.study == study }?.analysis
            )
        }
        return rows.analyses.indices.compactMap { index in
            let (id, cohort, _) = rows.analyses[index]
            let beside = rows.analyses[..<index].map { ($0.cohort, String?.some($0.id)) } + before
            for (other, name) in beside {
                do throws(DisclosureError) {
                    try policy.admit(id, of: cohort, beside: other, named: name, person: rows.person)
                } catch {
                    return error
                }
            }
            return nil
        }
    }

    /// What the node remembers of rows that left in sums, a line for each analysis that was answered; for local eyes.
    package func answeredAnalyses() throws -> [AnsweredAnalysis] {
        let names = try studies().reduce(into: [SHA256Digest: String]()) {
            $0[$1.plan.hash] = $1.plan.study.name
        }
        return try ledger.answeredRows().flatMap { answered in
            answered.answers.map { answer in
                AnsweredAnalysis(
                    cohort: answered.record.digest, people: answered.record.people, study: answer.study,
                    name: names[answer.study] ?? "", analysis: answer.analysis, at: answer.at)
            }
        }.sorted { ($0.at, $0.analysis) < ($1.at, $1.analysis) }
    }
}

/// An analysis that was answered, and by which set of people.
package struct AnsweredAnalysis: Hashable, Sendable {
    /// Equal for equal sets.
    package var cohort: SHA256Digest
    package var people: Int
    package var study: SHA256Digest
    package var name: String
    package var analysis: String
    package var at: Int
}
