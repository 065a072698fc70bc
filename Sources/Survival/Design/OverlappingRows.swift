/// What an analysis does with rows of one person that overlap in time.
package enum OverlappingRows: String, Hashable, Sendable, CaseIterable {
    /// Of rows that overlap, the one that begins first is taken; of those that begin together, the first of the file.
    case firstRow = "first-row"
    /// All are counted: they are follow-up of different things, such as two eyes.
    case allRows = "all-rows"
}

/// Finds the rows that overlap in time with an earlier row of the same person.
///
/// A row is at risk in (entry, exit], or until its exit if there is no entry: then any two rows of a person overlap. Times that
/// differ by rounding only do not overlap.
struct OverlapSearch {
    /// Rows of the table that overlap with an earlier one of their person which does not itself; none in most data.
    let laterRows: Set<Int>
    /// People of whom there are such rows.
    let peopleCount: Int

    /// Relative; as much as a formula for the times may be off, and less than any real overlap.
    private static let tolerance = 1e-8

    /// Looks at some rows of a table; `times` gives the times of all its rows, and is asked if a person has several rows.
    init(
        rows: [Int], of table: PatientTable,
        times: () throws(ScopeError) -> (entry: [Double]?, exit: [Double])
    ) throws(ScopeError) {
        guard Self.hasSeveralRows(rows, table.person) else {
            (laterRows, peopleCount) = ([], 0)
            return
        }
        let (entry, exit) = try times()
        let order = Self.order(rows, table.person, entry)
        var (later, people) = (Set<Int>(), Set<Int32>())
        var kept = order[0]
        for row in order.dropFirst() {
            guard table.person[row] == table.person[kept], Self.begins(row, beforeTheEndOf: kept, entry, exit)
            else {
                kept = row
                continue
            }
            later.insert(row)
            people.insert(table.person[row])
        }
        (laterRows, peopleCount) = (later, people.count)
    }

    private static func hasSeveralRows(_ rows: [Int], _ person: [Int32]) -> Bool {
        var isKnown = [Bool](repeating: false, count: Int(person.max() ?? -1) + 1)
        for row in rows {
            if isKnown[Int(person[row])] { return true }
            isKnown[Int(person[row])] = true
        }
        return false
    }

    /// Rows by person, then by entry, then as they stand.
    private static func order(_ rows: [Int], _ person: [Int32], _ entry: [Double]?) -> [Int] {
        rows.sorted { a, b in
            if person[a] != person[b] { return person[a] < person[b] }
            if let entry, entry[a] != entry[b] { return entry[a] < entry[b] }
            return a < b
        }
    }

    private static func begins(
        _ row: Int, beforeTheEndOf earlier: Int, _ entry: [Double]?, _ exit: [Double]
    ) -> Bool {
        guard let start = entry?[row] else { return true }
        let end = exit[earlier]
        return start < end - tolerance * max(abs(start), abs(end))
    }
}
