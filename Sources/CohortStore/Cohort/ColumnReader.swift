import GRDBSQLite
import Survival

/// Gathers one stored column into the type that analyses use.
struct ColumnReader {
    let variable: DataDictionary.Variable
    private let levels: LevelIndex
    private var numbers: [Double] = []
    private var indices: [Int32] = []

    init(_ variable: DataDictionary.Variable, rowCount: Int) {
        self.variable = variable
        if case .category(let names, _) = variable.kind {
            levels = LevelIndex(levels: names, missing: [])
            indices.reserveCapacity(rowCount)
        } else {
            levels = LevelIndex(levels: [], missing: [])
            numbers.reserveCapacity(rowCount)
        }
    }

    /// Takes the value of the stepper's current row; false if it is none that the dictionary allows.
    mutating func append(_ row: RowStepper, _ column: Int) -> Bool {
        switch (variable.kind, row.type(column)) {
        case (.category, SQLITE_NULL): indices.append(-1)
        case (.category, SQLITE_TEXT):
            guard let index = levels.index(of: row.text(column)) else { return false }
            indices.append(index)
        case (.number, SQLITE_NULL), (.boolean, SQLITE_NULL): numbers.append(.nan)
        case (.number, SQLITE_FLOAT): numbers.append(row.double(column))
        case (.boolean, SQLITE_INTEGER) where 0...1 ~= row.integer(column): numbers.append(row.double(column))
        default: return false
        }
        return true
    }

    var column: Survival.Column {
        switch variable.kind {
        case .category: .category(indices)
        case .boolean: .boolean(numbers)
        case .number, .identifier: .number(numbers)
        }
    }
}
