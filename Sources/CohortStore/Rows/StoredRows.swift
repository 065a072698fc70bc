import GRDB
import GRDBSQLite
import Survival

/// The stored rows of some variables in the order of the file, each cell as a number: a level by its index, 1 for yes, NaN for a
/// missing value.
///
/// The values of a row are taken straight from SQLite's registers, as the arguments of an SQL function (`RowFunction`): SQLite's
/// functions for the columns of a result, called for each cell, take longer than to read the cell.
final class StoredRows {
    enum Kind { case number, boolean, category, identifier }

    private let rows: RowStepper
    private let columnCount: Int
    private let kinds: UnsafeMutablePointer<Kind>
    private let levels: [LevelIndex]
    private let values: UnsafeMutablePointer<Double>
    /// The identifiers of the row, one after the other, and for each column where its own lies.
    private var texts = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: 256)
    private var textBytes = 0
    private var textRanges: [Range<Int>]
    /// A column whose value in the current row is none that an import stores.
    private(set) var unreadable: Int?

    init(_ db: Database, _ schema: PatientTableSchema, _ variables: [DataDictionary.Variable]) throws {
        rows = try RowStepper(db, sql: schema.selection(variables, of: RowFunction.calls))
        columnCount = variables.count
        kinds = .allocate(capacity: columnCount)
        values = .allocate(capacity: columnCount)
        values.initialize(repeating: .nan, count: columnCount)
        for (column, variable) in variables.enumerated() {
            (kinds + column).initialize(to: variable.storedKind)
        }
        levels = variables.map { variable in
            guard case .category(let levels, _) = variable.kind else { return .none }
            return LevelIndex(levels: levels, missing: [])
        }
        textRanges = Array(repeating: 0..<0, count: columnCount)
        RowFunction.bind(self, to: rows)
    }

    deinit {
        kinds.deallocate()
        values.deallocate()
        texts.deallocate()
    }

    /// Moves to the next row; false after the last.
    func next() throws -> Bool {
        textBytes = 0
        return try rows.next()
    }

    @inline(__always)
    func value(_ column: Int) -> Double { values[column] }

    /// The bytes of an identifier in the current row, until the next; none if it is missing.
    func identifier(_ column: Int) -> UnsafeBufferPointer<UInt8> {
        UnsafeBufferPointer(rebasing: UnsafeBufferPointer(texts)[textRanges[column]])
    }

    /// The current row of a variable as the cell it was imported from.
    @inline(__always)
    func cell(_ column: Int) -> Cell {
        let value = values[column]
        guard !value.isNaN else { return .missing }
        return switch kinds[column] {
        case .number: .number(value)
        case .boolean: .boolean(value == 1)
        case .category: .level(Int32(value))
        case .identifier: .text
        }
    }

    /// Takes some columns of a row, from `first` on; SQLite's values are its only until this returns.
    fileprivate func receive(_ arguments: UnsafeBufferPointer<OpaquePointer?>, first: Int) {
        for (place, argument) in arguments.enumerated() where first + place < columnCount {
            let column = first + place
            let type = sqlite3_value_type(argument)
            switch (type, kinds[column]) {
            case (SQLITE_FLOAT, .number): values[column] = sqlite3_value_double(argument)
            case (SQLITE_NULL, _): values[column] = .nan
            case (SQLITE_INTEGER, .boolean): receive(boolean: sqlite3_value_int64(argument), column)
            case (SQLITE_TEXT, .category):
                receive(level: levels[column].index(of: StoredRows.text(argument)), column)
            case (SQLITE_TEXT, .identifier): receive(identifier: StoredRows.text(argument), column)
            default: unreadable = column
            }
        }
    }

    private func receive(boolean value: Int64, _ column: Int) {
        if value != 0 && value != 1 { unreadable = column }
        values[column] = Double(value)
    }

    private func receive(level: Int32?, _ column: Int) {
        if level == nil { unreadable = column }
        values[column] = Double(level ?? -1)
    }

    private func receive(identifier: UnsafeBufferPointer<UInt8>, _ column: Int) {
        values[column] = 0
        let range = textBytes..<textBytes + identifier.count
        if range.upperBound > texts.count { makeRoom(range.upperBound) }
        _ = UnsafeMutableBufferPointer(rebasing: texts[range]).update(fromContentsOf: identifier)
        (textRanges[column], textBytes) = (range, range.upperBound)
    }

    private func makeRoom(_ byteCount: Int) {
        let larger = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: 2 * byteCount)
        _ = larger.update(fromContentsOf: texts[..<textBytes])
        texts.deallocate()
        texts = larger
    }

    private static func text(_ value: OpaquePointer?) -> UnsafeBufferPointer<UInt8> {
        let start = sqlite3_value_text(value)
        return UnsafeBufferPointer(start: start, count: Int(sqlite3_value_bytes(value)))
    }
}

extension DataDictionary.Variable {
    var storedKind: StoredRows.Kind {
        switch kind {
        case .number: .number
        case .boolean: .boolean
        case .category: .category
        case .identifier: .identifier
        }
    }
}

/// The SQL function that hands values of a row to a `StoredRows`: `coxswain_row(?1, 0, a, b)`.
enum RowFunction {
    private static let name = "coxswain_row"
    private static let pointerType: StaticString = "coxswain rows"
    /// Fewer than the 127 arguments that SQLite allows as it is usually built.
    private static let columnsMax = 100

    /// Makes the function known to a connection; nothing in a file's schema may call it.
    static func register(on db: Database) throws {
        let code = sqlite3_create_function_v2(
            db.sqliteConnection, name, -1, SQLITE_UTF8 | SQLITE_DIRECTONLY, nil, call, nil, nil, nil)
        guard code == SQLITE_OK else { throw DatabaseError(resultCode: ResultCode(rawValue: code)) }
    }

    /// The calls for all columns, to stand behind `SELECT`.
    static func calls(_ columns: [String]) -> String {
        stride(from: 0, to: columns.count, by: columnsMax).map { first in
            let piece = columns[first..<min(first + columnsMax, columns.count)]
            return "\(name)(?1, \(first), \(piece.joined(separator: ", ")))"
        }.joined(separator: ", ")
    }

    /// The rows must live as long as their statement is stepped.
    static func bind(_ rows: StoredRows, to statement: RowStepper) {
        pointerType.withUTF8Buffer { type in
            type.withMemoryRebound(to: CChar.self) { type in
                statement.bind(Unmanaged.passUnretained(rows).toOpaque(), type: type.baseAddress)
            }
        }
    }

    private static let call:
        @convention(c) (OpaquePointer?, Int32, UnsafeMutablePointer<OpaquePointer?>?) -> Void = {
            context, count, arguments in
            let rows = pointerType.withUTF8Buffer { type in
                type.withMemoryRebound(to: CChar.self) {
                    sqlite3_value_pointer(arguments?[0], $0.baseAddress)
                }
            }
            guard let rows, let arguments, count > 2 else {
                return sqlite3_result_error(context, "not for use outside coxswain", -1)
            }
            let columns = UnsafeBufferPointer(start: arguments + 2, count: Int(count) - 2)
            Unmanaged<StoredRows>.fromOpaque(rows).takeUnretainedValue()
                .receive(columns, first: Int(sqlite3_value_int64(arguments[1])))
        }
}
