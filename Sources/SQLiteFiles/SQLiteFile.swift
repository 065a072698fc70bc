import Foundation
package import GRDB

/// One SQLite file of ours: private to its owner, known by its application id, at the current schema.
///
/// WAL with `synchronous=FULL`: a transaction that returned is on disk. Several processes may hold the file.
/// Automatic checkpoints are off. They run without the write lock, and in SQLite 3.7.0 to 3.51.2 one that
/// starts while another process resets the log can lose pages (sqlite.org/wal.html, "the WAL-reset bug").
/// `checkpoint()` takes the write lock, so that it cannot meet a reset.
///
/// Whatever goes wrong with the file is thrown as the store's own kind of error; an error that a store's own code throws passes
/// through, if it is of that kind.
package final class SQLiteFile<Failure: FileFailure>: Sendable {
    package let path: String
    private let queue: DatabaseQueue
    private let isReadOnly: Bool

    /// Opens an existing file, of which an older version is brought up first.
    ///
    /// - Parameters:
    ///   - path: The file. A file of zero bytes counts as new.
    ///   - format: What the file must be.
    ///   - isReadOnly: SQLite itself then refuses every write, once the file is at the current schema.
    ///   - patience: How long a statement waits for another process's lock.
    /// - Throws: The file's fault; a file that is refused is left as it was.
    package init(path: String, format: FileFormat, isReadOnly: Bool, patience: Duration) throws(Failure) {
        let path = URL(fileURLWithPath: path).path
        (self.path, self.isReadOnly) = (path, isReadOnly)
        do {
            try requirePrivate(path)
            try format.requireOurs(path)
            let connect = { (isReadOnly: Bool) in
                try DatabaseQueue(
                    path: path,
                    configuration: configuration(format, isReadOnly: isReadOnly, patience: patience))
            }
            if isReadOnly {
                try Self.bringUp(format, connect)
                queue = try connect(true)
            } else {
                queue = try connect(false)
                try format.bringUp(queue)
            }
        } catch {
            throw Self.failure(error, path)
        }
        if !isReadOnly { checkpoint() }
    }

    /// Brings an older file up by a connection that is closed again.
    private static func bringUp(_ format: FileFormat, _ connect: (Bool) throws -> DatabaseQueue) throws {
        let reader = try connect(true)
        let isOlder = try format.isOlder(reader)
        try reader.close()
        guard isOlder else { return }
        let writer = try connect(false)
        try format.bringUp(writer)
        takeLog(of: writer)
        try writer.close()
    }

    /// Makes an empty file that only its owner may open, whatever the umask.
    ///
    /// SQLite gives `-wal` and `-shm` the permission bits of the database.
    ///
    /// - Parameters:
    ///   - path: The file; a symbolic link in its place is not followed.
    ///   - mayExist: Whether a file that is there already is left as it is; else it is an error.
    package static func create(at path: String, mayExist: Bool = false) throws(Failure) {
        let descriptor = open(path, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else {
            if errno == EEXIST && mayExist { return }
            throw .file(path, errno == EEXIST ? .alreadyExists : FileFault(errno: errno))
        }
        defer { close(descriptor) }
        guard fchmod(descriptor, 0o600) == 0 else { throw .file(path, FileFault(errno: errno)) }
    }

    /// One consistent snapshot for everything that `body` reads.
    package func read<Value>(_ body: (Database) throws -> Value) throws(Failure) -> Value {
        do {
            return try queue.read(body)
        } catch {
            throw Self.failure(error, path)
        }
    }

    /// One transaction, committed and synced when this returns; an error leaves the file as it was.
    ///
    /// A log that has grown long is moved into the database then.
    package func write<Value>(_ body: (Database) throws -> Value) throws(Failure) -> Value {
        guard !isReadOnly else { throw .file(path, .openedReadOnly) }
        let value: Value
        do {
            value = try queue.writeWithoutTransaction { db in try db.immediately { try body(db) } }
        } catch {
            throw Self.failure(error, path)
        }
        let logBytesMax = 4 << 20
        checkpoint(ifLongerThan: logBytesMax)
        return value
    }

    /// Moves the log into the database and cuts it to nothing, so that no erased byte stays in it.
    ///
    /// A failure is not told: what was committed is safe in the log, and the next checkpoint tries again.
    /// So it is when readers of another process hold on for longer than our patience.
    ///
    /// - Parameter logBytes: Do nothing while the log is no longer than this.
    package func checkpoint(ifLongerThan logBytes: Int = 0) {
        var status = stat()
        guard stat(path + "-wal", &status) == 0, status.st_size > logBytes else { return }
        Self.takeLog(of: queue)
    }

    private static func takeLog(of queue: DatabaseQueue) {
        queue.writeWithoutTransaction { db in
            _ = try? Row.fetchOne(db, sql: "PRAGMA wal_checkpoint(TRUNCATE)")
        }
    }

    private static func failure(_ error: any Error, _ path: String) -> Failure {
        error as? Failure ?? .file(path, FileFault(error))
    }
}

private func configuration(_ format: FileFormat, isReadOnly: Bool, patience: Duration) -> Configuration {
    var configuration = Configuration()
    configuration.readonly = isReadOnly
    configuration.busyMode = .timeout(patience / .seconds(1))
    configuration.prepareDatabase { db in
        try db.execute(
            sql: """
                PRAGMA synchronous = FULL;
                PRAGMA secure_delete = ON;
                PRAGMA temp_store = MEMORY;
                PRAGMA trusted_schema = OFF;
                PRAGMA cell_size_check = ON;
                PRAGMA wal_autocheckpoint = 0;
                """)
        try format.prepare(db)
    }
    return configuration
}

private func requirePrivate(_ path: String) throws {
    var status = stat()
    guard stat(path, &status) == 0 else { throw FileFault(errno: errno) }
    guard status.st_mode & S_IFMT == S_IFREG else { throw FileFault.foreign(expected: "file") }
    guard status.st_mode & 0o007 == 0 else { throw FileFault.exposed(mode: Int(status.st_mode & 0o777)) }
}

extension Database {
    /// Runs `body` in a transaction that holds the write lock from its start, so that what it reads stays
    /// true.
    func immediately<Value>(_ body: () throws -> Value) throws -> Value {
        try execute(sql: "BEGIN IMMEDIATE")
        do {
            let value = try body()
            try execute(sql: "COMMIT")
            return value
        } catch {
            // A full disk or an I/O error may have ended the transaction already; the first error is told.
            if isInsideTransaction { try? rollback() }
            throw error
        }
    }
}
