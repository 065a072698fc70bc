import Foundation
import GRDB
import GRDBSQLite

/// How one kind of our files is told from others, and the steps that made its schema.
///
/// The schema version is SQLite's `user_version`: the number of migrations that ran. It and the application
/// id stand in the file's header, where `file(1)` shows them.
struct StoreFormat: Sendable {
    /// What a person calls it: "cohort" or "ledger".
    var noun: String
    var applicationID: Int
    /// SQL that brings a file from the version of its index to the next; never changed once released.
    var migrations: [String]
    /// Whether every page is checked when the file is opened for writing.
    var isCheckedWhole: Bool

    /// Refuses a file that is not ours, without touching it.
    ///
    /// SQLite reads the header with `immutable=1`: no lock, no log, no file beside it. Reading it with our
    /// own `open` and `close` would drop the POSIX locks that this process holds on the same file
    /// (sqlite.org/howtocorrupt.html §2.2).
    func requireOurs(_ path: String) throws(StoreError) {
        var status = stat()
        guard stat(path, &status) == 0 else { throw .file(path, FileFault(errno: errno)) }
        guard status.st_size > 0 else { return }
        do {
            let (applicationID, version) = try StoreFormat.header(path)
            guard applicationID == self.applicationID else {
                throw StoreError.file(path, .foreign(expected: noun))
            }
            try requireKnown(version, path: path)
        } catch let error as DatabaseError where error.resultCode == .SQLITE_NOTADB {
            throw .file(path, .foreign(expected: noun))
        } catch let error as DatabaseError
            where error.resultCode == .SQLITE_CORRUPT && StoreFormat.hasLog(path)
        {
            // A process that ended in the middle of a checkpoint leaves a main file that only its log makes whole;
            // `bringUp` judges both together.
            return
        } catch {
            throw StoreError(error, path: path)
        }
    }

    /// Whether a write-ahead log with something in it lies beside the file.
    private static func hasLog(_ path: String) -> Bool {
        var status = stat()
        return stat(path + "-wal", &status) == 0 && status.st_size > 0
    }

    /// Runs the migrations that are missing, each in its own transaction, and turns on the write-ahead log.
    func bringUp(_ queue: DatabaseQueue, path: String, isReadOnly: Bool) throws {
        let version = try queue.read(Self.version)
        try requireKnown(version, path: path)
        let found = try queue.read { try Int.fetchOne($0, sql: "PRAGMA application_id") ?? 0 }
        guard version == 0 || found == applicationID else {
            throw StoreError.file(path, .foreign(expected: noun))
        }
        if isReadOnly {
            guard version == migrations.count else {
                throw StoreError.file(path, .older(found: version, known: migrations.count))
            }
            return
        }
        while try queue.read(Self.version) < migrations.count { try migrate(queue) }
        try queue.writeWithoutTransaction { db in
            guard try String.fetchOne(db, sql: "PRAGMA journal_mode = WAL") == "wal" else {
                throw StoreError.file(path, .noWriteAheadLog)
            }
            guard isCheckedWhole else { return }
            guard try String.fetchOne(db, sql: "PRAGMA quick_check(1)") == "ok" else {
                throw StoreError.file(path, .damaged)
            }
        }
    }

    /// Runs the next migration, unless another process ran the last one since the version was read.
    func migrate(_ queue: DatabaseQueue) throws {
        try queue.writeWithoutTransaction { db in
            try db.immediately {
                let version = try Self.version(db)
                guard version < migrations.count else { return }
                // The id goes in with the first step, before the file is in WAL mode, so that the header in
                // the main file has it from then on.
                try db.execute(sql: "PRAGMA application_id = \(applicationID)")
                try db.execute(sql: migrations[version])
                try db.execute(sql: "PRAGMA user_version = \(version + 1)")
            }
        }
    }

    private func requireKnown(_ version: Int, path: String) throws {
        guard version <= migrations.count else {
            throw StoreError.file(path, .newer(found: version, known: migrations.count))
        }
    }

    private static func version(_ db: Database) throws -> Int {
        try Int.fetchOne(db, sql: "PRAGMA user_version") ?? 0
    }

    /// The application id and schema version in the header of the main file.
    private static func header(_ path: String) throws -> (applicationID: Int, version: Int) {
        let escaped = path.addingPercentEncoding(withAllowedCharacters: .urlPathAllowed) ?? path
        var connection: OpaquePointer?
        let flags = SQLITE_OPEN_READONLY | SQLITE_OPEN_URI
        let code = sqlite3_open_v2("file:\(escaped)?immutable=1", &connection, flags, nil)
        defer { sqlite3_close(connection) }
        guard code == SQLITE_OK else { throw DatabaseError(resultCode: ResultCode(rawValue: code)) }
        return (
            try integer("PRAGMA application_id", connection), try integer("PRAGMA user_version", connection)
        )
    }

    private static func integer(_ sql: String, _ connection: OpaquePointer?) throws -> Int {
        var statement: OpaquePointer?
        let code = sqlite3_prepare_v2(connection, sql, -1, &statement, nil)
        defer { sqlite3_finalize(statement) }
        guard code == SQLITE_OK else { throw DatabaseError(resultCode: ResultCode(rawValue: code)) }
        let step = sqlite3_step(statement)
        guard step == SQLITE_ROW else { throw DatabaseError(resultCode: ResultCode(rawValue: step)) }
        return Int(sqlite3_column_int(statement, 0))
    }
}
