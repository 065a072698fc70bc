import GRDB
import GRDBSQLite

/// An insertion that is run once for each row, without an array of arguments.
struct RowInserter {
    /// Owns `handle`.
    private let statement: Statement
    private let handle: OpaquePointer

    init(_ db: Database, sql: String) throws {
        statement = try db.makeStatement(sql: sql)
        handle = statement.sqliteStatement
    }

    func bindNull(_ column: Int) { sqlite3_bind_null(handle, Int32(column + 1)) }

    func bind(_ column: Int, _ value: Double) { sqlite3_bind_double(handle, Int32(column + 1), value) }

    func bind(_ column: Int, _ value: Bool) { sqlite3_bind_int(handle, Int32(column + 1), value ? 1 : 0) }

    /// The text is not copied: it has to stay where it is until `insert()` has returned.
    func bind(_ column: Int, borrowing text: UnsafeBufferPointer<UInt8>) {
        let bytes = UnsafeRawPointer(text.baseAddress)?.assumingMemoryBound(to: CChar.self)
        sqlite3_bind_text(handle, Int32(column + 1), bytes, Int32(text.count), nil)
    }

    func insert() throws {
        let code = sqlite3_step(handle)
        sqlite3_reset(handle)
        guard code == SQLITE_DONE else { throw DatabaseError(resultCode: ResultCode(rawValue: code)) }
    }
}
