import Foundation
import GRDB

/// One SQLite file of ours: private to its owner, known by its application id, at the current schema.
///
/// WAL with `synchronous=FULL`: a transaction that returned is on disk. Several processes may hold the file.
/// Automatic checkpoints are off. They run without the write lock, and in SQLite 3.7.0 to 3.51.2 one that
/// starts while another process resets the log can lose pages (sqlite.org/wal.html, "the WAL-reset bug").
/// `checkpoint()` takes the write lock, so that it cannot meet a reset.
final class StoreFile: Sendable {
    let path: String
    private let queue: DatabaseQueue
    private let isReadOnly: Bool

    /// Opens an existing file and brings its schema up, unless it is opened for reading.
    ///
    /// - Parameters:
    ///   - path: The file. A file of zero bytes counts as new.
    ///   - format: What the file must be.
    ///   - isReadOnly: SQLite itself then refuses every write.
    ///   - patience: How long a statement waits for another process's lock.
    /// - Throws: `StoreError.file`; a file that is refused is left as it was.
    init(path: String, format: StoreFormat, isReadOnly: Bool, patience: Duration) throws(StoreError) {
        let path = URL(fileURLWithPath: path).path
        (self.path, self.isReadOnly) = (path, isReadOnly)
        try StoreFile.requirePrivate(path)
        try format.requireOurs(path)
        let configuration = StoreFile.configuration(isReadOnly: isReadOnly, patience: patience)
        do {
            queue = try DatabaseQueue(path: path, configuration: configuration)
            try format.bringUp(queue, path: path, isReadOnly: isReadOnly)
        } catch {
            throw StoreError(error, path: path)
        }
        if !isReadOnly { checkpoint() }
    }

    /// Makes an empty file that only its owner may open, whatever the umask.
    ///
    /// SQLite gives `-wal` and `-shm` the permission bits of the database.
    static func createPrivate(at path: String) throws(StoreError) {
        let descriptor = open(path, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else {
            throw .file(path, errno == EEXIST ? .alreadyExists : FileFault(errno: errno))
        }
        defer { close(descriptor) }
        guard fchmod(descriptor, 0o600) == 0 else { throw .file(path, FileFault(errno: errno)) }
    }

    /// One consistent snapshot for everything that `body` reads.
    func read<Value>(_ body: (Database) throws -> Value) throws(StoreError) -> Value {
        do {
            return try queue.read(body)
        } catch {
            throw StoreError(error, path: path)
        }
    }

    /// One transaction, committed and synced when this returns; an error leaves the file as it was.
    func write<Value>(_ body: (Database) throws -> Value) throws(StoreError) -> Value {
        guard !isReadOnly else { throw .file(path, .openedReadOnly) }
        do {
            return try queue.writeWithoutTransaction { db in try db.immediately { try body(db) } }
        } catch {
            throw StoreError(error, path: path)
        }
    }

    /// Moves the log into the database and cuts it to nothing, so that no erased byte stays in it.
    ///
    /// A failure is not told: what was committed is safe in the log, and the next checkpoint tries again.
    /// So it is when readers of another process hold on for longer than our patience.
    ///
    /// - Parameter logBytes: Do nothing while the log is no longer than this.
    func checkpoint(ifLongerThan logBytes: Int = 0) {
        var status = stat()
        guard stat(path + "-wal", &status) == 0, status.st_size > logBytes else { return }
        queue.writeWithoutTransaction { db in
            _ = try? Row.fetchOne(db, sql: "PRAGMA wal_checkpoint(TRUNCATE)")
        }
    }

    private static func configuration(isReadOnly: Bool, patience: Duration) -> Configuration {
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
            try RowFunction.register(on: db)
        }
        return configuration
    }

    private static func requirePrivate(_ path: String) throws(StoreError) {
        var status = stat()
        guard stat(path, &status) == 0 else { throw .file(path, FileFault(errno: errno)) }
        guard status.st_mode & S_IFMT == S_IFREG else { throw .file(path, .foreign(expected: "file")) }
        guard status.st_mode & 0o007 == 0 else {
            throw .file(path, .exposed(mode: Int(status.st_mode & 0o777)))
        }
    }
}

extension StoreError {
    /// The sentence for whatever was thrown while the file at `path` was used.
    init(_ error: any Error, path: String) {
        self =
            switch error {
            case let error as StoreError: error
            case let error as DatabaseError: .file(path, FileFault(error.extendedResultCode))
            default: .file(path, .damaged)  // a stored value did not decode
            }
    }
}

extension FileFault {
    init(errno code: Int32) {
        self =
            switch code {
            case ENOENT, ENOTDIR: .missing
            case ENOSPC, EDQUOT: .full
            default: .denied
            }
    }
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
