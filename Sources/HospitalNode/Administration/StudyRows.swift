import Ledger
package import Cryptography
import CohortStore
import Federation

/// Whose rows a study's analyses sum here, by the ledger's numbers, beside all that was answered before.
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

    /// For each analysis the first objection of the policy against its people beside those of other analyses.
    func differences(of study: SHA256Digest, under policy: DisclosurePolicy) -> [DisclosureError] {
        let before = answered.map { answered in
            (
                AnsweredCohort(
                    rows: RowSet(bytes: answered.record.rows),
                    eligible: answered.record.eligible.map { RowSet(bytes: $0) }),
                answered.answers.first { $0.study == study }?.analysis
            )
        }
        return analyses.indices.compactMap { index in
            let (id, cohort, _) = analyses[index]
            let beside = analyses[..<index].map { ($0.cohort, String?.some($0.id)) } + before
            for (other, name) in beside {
                do throws(DisclosureError) {
                    try policy.admit(id, of: cohort, beside: other, named: name, person: person)
                } catch {
                    return error
                }
            }
            return nil
        }
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
