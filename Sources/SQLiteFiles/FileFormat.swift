import Foundation
package import GRDB
import GRDBSQLite

/// How one kind of our files is told from others, and the steps that made its schema.
///
/// The schema version is SQLite's `user_version`: the number of migrations that ran. It and the application
/// id stand in the file's header, where `file(1)` shows them.
package struct FileFormat: Sendable {
    /// A step from one version of a schema to the next; never changed once released.
    package enum Migration: Sendable {
        case change(String)
        /// One that removes what shall stand nowhere in the file any more: the file is written anew without it.
        case erasure(String)
    }

    /// What a person calls it: "cohort" or "ledger".
    package var noun: String
    package var applicationID: Int
    /// Each brings a file from the version of its index to the next.
    package var migrations: [Migration]
    /// Whether every page is checked when the file is opened for writing.
    package var isCheckedWhole: Bool
    /// Gives a connection what it needs beside SQLite: functions that the store's statements call.
    package var prepare: @Sendable (Database) throws -> Void

    package init(
        noun: String, applicationID: Int, migrations: [Migration], isCheckedWhole: Bool,
        prepare: @escaping @Sendable (Database) throws -> Void = { _ in }
    ) {
        (self.noun, self.applicationID, self.migrations) = (noun, applicationID, migrations)
        (self.isCheckedWhole, self.prepare) = (isCheckedWhole, prepare)
    }

    // MARK: - Before the file is opened

    /// Refuses a file that is not ours, without touching it.
    ///
    /// SQLite reads the header with `immutable=1`: no lock, no log, no file beside it. Reading it with our
    /// own `open` and `close` would drop the POSIX locks that this process holds on the same file
    /// (sqlite.org/howtocorrupt.html §2.2).
    func requireOurs(_ path: String) throws {
        var status = stat()
        guard stat(path, &status) == 0 else { throw FileFault(errno: errno) }
        guard status.st_size > 0 else { return }
        do {
            var header = try FileFormat.header(path, options: "immutable=1")
            if header.applicationID == 0, FileFormat.hasLog(path) {
                // The log may have the id: coordinators before version 4 turned the log on first.
                header = try FileFormat.header(path, options: "mode=ro")
            }
            guard header.applicationID == applicationID else { throw FileFault.foreign(expected: noun) }
            try requireKnown(header.version)
        } catch let error as DatabaseError where error.resultCode == .SQLITE_NOTADB {
            throw FileFault.foreign(expected: noun)
        } catch let error as DatabaseError
            where error.resultCode == .SQLITE_CORRUPT && FileFormat.hasLog(path)
        {
            // A process that ended in the middle of a checkpoint leaves a main file that only its log makes whole;
            // `bringUp` judges both together.
            return
        }
    }

    /// Whether a write-ahead log with something in it lies beside the file.
    private static func hasLog(_ path: String) -> Bool {
        var status = stat()
        return stat(path + "-wal", &status) == 0 && status.st_size > 0
    }

    // MARK: - The schema

    /// Whether migrations are missing; throws if the file, its log included, is another's or newer.
    func isOlder(_ queue: DatabaseQueue) throws -> Bool {
        try queue.read { db in
            let version = try FileFormat.version(db)
            try requireKnown(version)
            let found = try Int.fetchOne(db, sql: "PRAGMA application_id") ?? 0
            let isNew = try version == 0 && Int.fetchOne(db, sql: "SELECT count(*) FROM sqlite_schema") == 0
            guard found == applicationID || isNew else { throw FileFault.foreign(expected: noun) }
            return version < migrations.count
        }
    }

    /// Runs the migrations that are missing, turns on the write-ahead log, and checks the pages.
    func bringUp(_ queue: DatabaseQueue) throws {
        while try isOlder(queue) { try migrate(queue) }
        try queue.writeWithoutTransaction { db in
            guard try String.fetchOne(db, sql: "PRAGMA journal_mode = WAL") == "wal" else {
                throw FileFault.noWriteAheadLog
            }
            guard isCheckedWhole else { return }
            guard try String.fetchOne(db, sql: "PRAGMA quick_check(1)") == "ok" else {
                throw FileFault.damaged
            }
        }
    }

    /// Runs the next migration, unless another process ran the last one since the version was read.
    func migrate(_ queue: DatabaseQueue) throws {
        try queue.writeWithoutTransaction { db in
            let version = try FileFormat.version(db)
            guard version < migrations.count else { return }
            switch migrations[version] {
            case .change(let sql): try step(db, from: version, sql)
            case .erasure(let sql):
                // The version stays until the file is written anew: a process that ends in between leaves it to the next.
                try step(db, from: version, to: version, sql)
                if try Int.fetchOne(db, sql: "PRAGMA freelist_count") ?? 0 > 0 {
                    try db.execute(sql: "VACUUM")
                }
                try step(db, from: version, "")
            }
        }
    }

    /// Runs the SQL in a transaction with the version that it leads to, the next if none is given.
    private func step(_ db: Database, from version: Int, to next: Int? = nil, _ sql: String) throws {
        try db.immediately {
            guard try FileFormat.version(db) == version else { return }
            // The id goes in with the first step, before the file is in WAL mode, so that the header in
            // the main file has it from then on.
            try db.execute(sql: "PRAGMA application_id = \(applicationID)")
            try db.execute(sql: sql)
            try db.execute(sql: "PRAGMA user_version = \(next ?? version + 1)")
        }
    }

    private func requireKnown(_ version: Int) throws {
        guard version <= migrations.count else {
            throw FileFault.newer(found: version, known: migrations.count)
        }
    }

    private static func version(_ db: Database) throws -> Int {
        try Int.fetchOne(db, sql: "PRAGMA user_version") ?? 0
    }

    // MARK: - The header

    /// The application id and schema version, by a connection with these options of SQLite's URIs.
    private static func header(_ path: String, options: String) throws -> (applicationID: Int, version: Int) {
        let escaped = path.addingPercentEncoding(withAllowedCharacters: .urlPathAllowed) ?? path
        var connection: OpaquePointer?
        let flags = SQLITE_OPEN_READONLY | SQLITE_OPEN_URI
        let code = sqlite3_open_v2("file:\(escaped)?\(options)", &connection, flags, nil)
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
