/// Whose rows an analysis sums at this hospital, as its node remembers them; local.
///
/// Rows go by numbers of the node's own that stay the same over imports: the row's person, and which of the person's rows it is.
/// Deliberately not `Codable`: it has no way onto the wire.
package struct AnsweredCohort: Hashable, Sendable {
    /// The rows that are summed.
    package var rows: RowSet
    /// Those, and the rows of the cohort that are left out because a variable is missing in them.
    ///
    /// Nil if a row is summed although one of the analysis's variables is missing in it: then a formula chooses among the rows
    /// with missing values, and leaving out cannot be put down to the data.
    package var eligible: RowSet?

    package init(rows: RowSet, eligible: RowSet?) { (self.rows, self.eligible) = (rows, eligible) }

    /// How many people have other rows in `other` than here, counted up to `limit`; `person` has the person of each number.
    package func peopleApart(from other: AnsweredCohort, person: [Int32], limit: Int) -> Int {
        var people: Set<Int32> = []
        rows.symmetricDifference(other.rows).forEach { number in
            people.insert(person[number])
            return people.count < limit
        }
        return people.count
    }

    /// Whether missing values alone make the difference: every row of one would be in the other if its values were there.
    package func differsByMissingValuesAlone(from other: AnsweredCohort) -> Bool {
        guard let eligible, let others = other.eligible else { return false }
        return rows.subtracting(others).isEmpty && other.rows.subtracting(eligible).isEmpty
    }
}

extension DisclosurePolicy {
    /// Refuses an analysis whose people are nearly, but not quite, those of another one: subtracting the two results would give
    /// the few who are in one of them only.
    ///
    /// - Parameters:
    ///   - analysis: The analysis that is asked.
    ///   - cohort: Its rows.
    ///   - other: The rows of another analysis, answered before or asked along with it.
    ///   - name: The other analysis if it is of the same study; other studies are not named.
    ///   - person: The person of each row number.
    package func admit(
        _ analysis: String, of cohort: AnsweredCohort, beside other: AnsweredCohort, named name: String?,
        person: [Int32]
    ) throws(DisclosureError) {
        let apart = cohort.peopleApart(from: other, person: person, limit: cohortDifferenceMin)
        guard apart > 0, apart < cohortDifferenceMin else { return }
        if allowsMissingDataDifference, cohort.differsByMissingValuesAlone(from: other) { return }
        let whom = name.map { "analysis \"\($0)\"" } ?? "an analysis that was answered before"
        throw DisclosureError(
            rule: "cohort-difference-min", in: analysis,
            "its people at this hospital are nearly those of \(whom): fewer than \(cohortDifferenceMin) differ; use the same cohort"
        )
    }
}
