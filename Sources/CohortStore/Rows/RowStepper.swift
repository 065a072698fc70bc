import GRDB
import GRDBSQLite

/// Steps through a statement's rows at SQLite's own speed, without an object for each row.
///
/// GRDB's typed access ends the process on a value of another type; here a caller asks for the type first.
struct RowStepper {
    /// Owns `handle`.
    private let statement: Statement
    private let handle: OpaquePointer

    init(_ db: Database, sql: String, arguments: StatementArguments? = nil) throws {
        statement = try db.makeStatement(sql: sql)
        if let arguments { try statement.setArguments(arguments) }
        handle = statement.sqliteStatement
    }

    /// Binds the first argument to a pointer that SQL cannot read; `type` must be a constant of the program.
    func bind(_ pointer: UnsafeMutableRawPointer, type: UnsafePointer<CChar>?) {
        sqlite3_bind_pointer(handle, 1, pointer, type, nil)
    }

    /// Moves to the next row; false after the last.
    func next() throws -> Bool {
        let code = sqlite3_step(handle)
        if code == SQLITE_ROW { return true }
        guard code == SQLITE_DONE else { throw DatabaseError(resultCode: ResultCode(rawValue: code)) }
        return false
    }

    /// `SQLITE_NULL`, `SQLITE_INTEGER`, `SQLITE_FLOAT`, `SQLITE_TEXT` or `SQLITE_BLOB`.
    func type(_ column: Int) -> Int32 { sqlite3_column_type(handle, Int32(column)) }

    func integer(_ column: Int) -> Int64 { sqlite3_column_int64(handle, Int32(column)) }

    /// UTF-8, valid until the next step.
    func text(_ column: Int) -> UnsafeBufferPointer<UInt8> {
        let start = sqlite3_column_text(handle, Int32(column))
        return UnsafeBufferPointer(start: start, count: Int(sqlite3_column_bytes(handle, Int32(column))))
    }
}
