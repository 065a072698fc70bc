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
        case .number(let values): .number(values.selecting(rows))
        case .boolean(let values): .boolean(values.selecting(rows))
        case .category(let indices): .category(indices.selecting(rows))
        }
    }

    /// Whether each row's value is missing; nil if none is.
    var missingRows: [Bool]? {
        switch self {
        case .number(let values), .boolean(let values): values.flags { $0.isNaN }
        case .category(let indices): indices.flags { $0 < 0 }
        }
    }
}

extension Array {
    /// The elements at `indices`, in their order.
    fileprivate func selecting(_ indices: [Int]) -> [Element] {
        withUnsafeBufferPointer { source in
            Array(unsafeUninitializedCapacity: indices.count) { buffer, initialized in
                for (position, index) in indices.enumerated() {
                    buffer.initializeElement(at: position, to: source[index])
                }
                initialized = indices.count
            }
        }
    }

    /// The condition for each element; nil if it holds for none, found without storing anything.
    @inline(__always)
    fileprivate func flags(_ condition: (Element) -> Bool) -> [Bool]? {
        var isAny = false
        for element in self { isAny = isAny || condition(element) }
        return isAny ? map(condition) : nil
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
            rowCount: rows.count, person: person.selecting(rows),
            columns: columns.mapValues { $0.selecting(rows) })
    }
}
