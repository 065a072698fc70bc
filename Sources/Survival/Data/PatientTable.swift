/// The values of one variable or expression, one a row.
///
/// Deliberately not `Codable`: rows have no way onto the wire.
package enum Column: Sendable {
    /// NaN is missing.
    case number([Double])
    /// 0 is no, 1 is yes, NaN is missing.
    case boolean([Double])
    /// Index into the dictionary's levels, -1 if missing.
    case category([Int32])

    package var count: Int {
        switch self {
        case .number(let values), .boolean(let values): values.count
        case .category(let indices): indices.count
        }
    }

    /// The values of `rows`, in their order.
    func selecting(_ rows: [Int]) -> Column {
        switch self {
        case .number(let values): .number(rows.map { values[$0] })
        case .boolean(let values): .boolean(rows.map { values[$0] })
        case .category(let indices): .category(rows.map { indices[$0] })
        }
    }
}

/// A hospital's rows, by column; what the store hands to an analysis.
///
/// Deliberately not `Codable`: rows have no way onto the wire.
package struct PatientTable: Sendable {
    package var rowCount: Int
    /// Index of the person each row belongs to, from 0 without gaps.
    package var person: [Int32]
    package var columns: [String: Column]

    package init(rowCount: Int, person: [Int32], columns: [String: Column]) {
        precondition(person.count == rowCount && columns.values.allSatisfy { $0.count == rowCount })
        (self.rowCount, self.person, self.columns) = (rowCount, person, columns)
    }

    /// The table of some ascending rows; the people keep their indices, so that gaps may arise.
    func selecting(_ rows: [Int]) -> PatientTable {
        guard rows.count < rowCount else { return self }
        return PatientTable(
            rowCount: rows.count, person: rows.map { person[$0] },
            columns: columns.mapValues { $0.selecting(rows) })
    }
}
