import Foundation
import GRDB
import TestFiles
import Testing

@testable import SQLiteFiles

/// What holds for each kind of file that a node or a coordinator has.
struct SQLiteFileTests {
    let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private func open(_ kind: FileKind, _ name: String, isReadOnly: Bool = false) -> FileError? {
        failure { () throws(FileError) in
            _ = try kind.open(folder.file(name), isReadOnly: isReadOnly)
        }
    }

    private func make(_ kind: FileKind) throws -> String {
        try kind.make(folder.file(kind.rawValue))
        return kind.rawValue
    }

    /// Changes a file as another program does.
    private func outside(_ name: String, _ sql: String) throws {
        let raw = try DatabaseQueue(path: folder.file(name))
        try raw.writeWithoutTransaction { try $0.execute(sql: sql) }
        try raw.close()
    }

    // MARK: - Whose file it is

    /// In a process of its own: the umask is the whole process's.
    @Test func `files are their owner's alone, whatever the umask, the log and its index too`() async {
        await #expect(processExitsWith: .success) {
            let folder = try TemporaryFolder()
            for mask in [0o000, 0o022, 0o277] as [mode_t] {
                umask(mask)
                for kind in FileKind.allCases {
                    let name = "\(kind)-\(mask)"
                    let file = try kind.make(folder.file(name))
                    try file.write { try $0.execute(sql: "CREATE TABLE more (x)") }
                    for suffix in ["", "-wal", "-shm"] {
                        #expect(try folder.mode(name + suffix) == 0o600, "\(name)\(suffix)")
                    }
                }
            }
        }
    }

    @Test(arguments: FileKind.allCases)
    func `a file that others may open is refused until that is mended`(kind: FileKind) throws {
        let name = try make(kind)
        for mode in [0o604, 0o666, 0o601] {
            chmod(folder.file(name), mode_t(mode))
            for isReadOnly in [false, true] {
                #expect(
                    open(kind, name, isReadOnly: isReadOnly)
                        == .file(folder.file(name), .exposed(mode: mode)))
            }
        }
        #expect(
            open(kind, name)?.description
                == "\(folder.file(name)) is open to every account of this machine (mode 601); run chmod 600 on it"
        )
        chmod(folder.file(name), 0o640)
        #expect(open(kind, name) == nil)
    }

    @Test func `a file is made once, not by accident, and not where a link leads`() throws {
        let path = folder.file("cohort.sqlite")
        for isReadOnly in [false, true] {
            #expect(open(.cohort, "cohort.sqlite", isReadOnly: isReadOnly) == .file(path, .missing))
        }
        try SQLiteFile<FileError>.create(at: path)
        #expect(throws: FileError.file(path, .alreadyExists)) { try SQLiteFile<FileError>.create(at: path) }
        _ = try FileKind.cohort.make(path)
        let before = folder.bytes("cohort.sqlite")
        try SQLiteFile<FileError>.create(at: path, mayExist: true)
        #expect(folder.bytes("cohort.sqlite") == before)
        #expect(throws: FileError.file(folder.file("none/x"), .missing)) {
            try SQLiteFile<FileError>.create(at: folder.file("none/x"))
        }
        try FileManager.default.createSymbolicLink(
            atPath: folder.file("link"), withDestinationPath: folder.file("elsewhere"))
        #expect(throws: FileError.file(folder.file("link"), .missing)) {
            _ = try FileKind.ledger.make(folder.file("link"))
        }
        #expect(!FileManager.default.fileExists(atPath: folder.file("elsewhere")))
    }

    @Test func `another program's database, another kind of ours, and what is no database are left alone`()
        throws
    {
        _ = try folder.write("This is a text file, and a rather long one at that.\n", to: "text")
        _ = try folder.write(Array(repeating: 0, count: 8192), to: "zeros")
        for (name, mode) in [("rollback", "DELETE"), ("wal", "WAL")] {
            try outside(
                name, "PRAGMA journal_mode = \(mode); CREATE TABLE notes (text); INSERT INTO notes VALUES (1)"
            )
        }
        for name in ["text", "zeros", "rollback", "wal"] { chmod(folder.file(name), 0o600) }
        let names = try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
        for kind in FileKind.allCases {
            for name in names {
                let before = folder.bytes(name)
                for isReadOnly in [false, true] {
                    #expect(
                        open(kind, name, isReadOnly: isReadOnly)
                            == .file(folder.file(name), .foreign(expected: kind.format.noun)))
                }
                #expect(folder.bytes(name) == before)
            }
        }
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted() == names)
        for kind in FileKind.allCases {
            let name = try make(kind)
            for other in FileKind.allCases where other != kind {
                #expect(
                    open(other, name) == .file(folder.file(name), .foreign(expected: other.format.noun)))
            }
        }
        #expect(open(.ledger, "") == .file(folder.path, .foreign(expected: "file")))
    }

    /// Its header has no application id, and its log is not empty: the log is looked into.
    @Test func `another program's database in use is no file of ours`() throws {
        let raw = try DatabaseQueue(path: folder.file("busy"))
        try raw.writeWithoutTransaction { db in
            try db.execute(
                sql: """
                    PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0;
                    CREATE TABLE notes (text); INSERT INTO notes VALUES (1)
                    """)
        }
        chmod(folder.file("busy"), 0o600)
        for kind in FileKind.allCases {
            #expect(
                open(kind, "busy") == .file(folder.file("busy"), .foreign(expected: kind.format.noun)))
        }
        #expect(try raw.read { try Int.fetchOne($0, sql: "SELECT text FROM notes") } == 1)
        #expect(try raw.read { try String.fetchAll($0, sql: "SELECT name FROM sqlite_schema") } == ["notes"])
        try raw.close()
    }

    @Test func `names with spaces, percent signs and question marks are paths like others`() throws {
        let name = "my cohort 100% ?mode=memory#1.sqlite"
        try FileKind.cohort.make(folder.file(name))
        #expect(open(.cohort, name, isReadOnly: true) == nil)
        #expect(FileManager.default.fileExists(atPath: folder.file(name)))
    }

    // MARK: - Whole, on disk, and in nobody's way

    @Test(arguments: FileKind.allCases)
    func `every commit is synced, and what is erased is overwritten`(kind: FileKind) throws {
        let file = try kind.make(folder.file(kind.rawValue))
        let settings = try file.read { db in
            try [
                "synchronous", "journal_mode", "foreign_keys", "secure_delete", "temp_store",
                "trusted_schema",
                "cell_size_check", "wal_autocheckpoint",
            ].map { "\($0) = \(try String.fetchOne(db, sql: "PRAGMA \($0)") ?? "")" }
        }
        #expect(
            settings == [
                "synchronous = 2", "journal_mode = wal", "foreign_keys = 1", "secure_delete = 1",
                "temp_store = 2", "trusted_schema = 0", "cell_size_check = 1", "wal_autocheckpoint = 0",
            ])
    }

    @Test(arguments: FileKind.allCases)
    func `a file that another process has locked is told to be in use`(kind: FileKind) throws {
        let name = try make(kind)
        let raw = try DatabaseQueue(path: folder.file(name))
        try raw.writeWithoutTransaction {
            try $0.execute(sql: "PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE; COMMIT")
        }
        for isReadOnly in [false, true] {
            let error = open(kind, name, isReadOnly: isReadOnly)
            #expect(error == .file(folder.file(name), .locked))
            #expect(error?.isLasting == false)
            #expect(
                error?.description.hasSuffix("is in use by another program; try again when that has finished")
                    == true)
        }
        try raw.close()
        #expect(open(kind, name) == nil)
    }

    @Test(arguments: FileKind.allCases.filter(\.format.isCheckedWhole))
    func `a file with a damaged page is refused and left alone`(kind: FileKind) throws {
        let name = kind.rawValue
        do {
            let file = try kind.make(folder.file(name))
            try file.write { db in
                try db.execute(sql: "CREATE TABLE more (x)")
                for _ in 0..<200 { try db.execute(sql: "INSERT INTO more VALUES (hex(randomblob(100)))") }
            }
        }
        var bytes = folder.bytes(name)
        #expect(bytes.count > 5 * 4096)
        for offset in stride(from: bytes.count - 3 * 4096, to: bytes.count, by: 1) { bytes[offset] = 0xA5 }
        try bytes.write(to: URL(fileURLWithPath: folder.file(name)))
        chmod(folder.file(name), 0o600)
        let error = open(kind, name)
        #expect(error == .file(folder.file(name), .damaged))
        #expect(error?.description.hasSuffix("is damaged; restore it from a backup") == true)
        #expect(folder.bytes(name) == bytes)
    }

    /// In a process of its own, whose files may not grow: SQLite has another code for its index than for the files themselves.
    @Test func `a disk without room for the log's index is told as full`() async {
        await #expect(processExitsWith: .success) {
            let folder = try TemporaryFolder()
            let path = folder.file("ledger.sqlite")
            do { try FileKind.ledger.make(path).write { try $0.execute(sql: "CREATE TABLE more (x)") } }
            let resource = __rlimit_resource_t(RLIMIT_FSIZE.rawValue)
            var before = rlimit()
            getrlimit(resource, &before)
            var limit = rlimit(rlim_cur: 1024, rlim_max: before.rlim_max)
            signal(SIGXFSZ, SIG_IGN)
            setrlimit(resource, &limit)
            let error = failure { () throws(FileError) in _ = try FileKind.ledger.open(path) }
            setrlimit(resource, &before)
            #expect(error == .file(path, .full))
        }
    }

    @Test func `a reader has one snapshot while another connection writes`() throws {
        let writer = try FileKind.ledger.make(folder.file("ledger"))
        try writer.write { try $0.execute(sql: "CREATE TABLE more (x)") }
        let reader = try FileKind.ledger.open(folder.file("ledger"), isReadOnly: true)
        let counts = try reader.read { db in
            let before = try Int.fetchOne(db, sql: "SELECT count(*) FROM more")
            try writer.write { try $0.execute(sql: "INSERT INTO more VALUES (1)") }
            return [before, try Int.fetchOne(db, sql: "SELECT count(*) FROM more")]
        }
        #expect(counts == [0, 0])
        #expect(try reader.read { try Int.fetchOne($0, sql: "SELECT count(*) FROM more") } == 1)
        #expect(throws: FileError.file(folder.file("ledger"), .openedReadOnly)) {
            try reader.write { try $0.execute(sql: "INSERT INTO more VALUES (1)") }
        }
    }

    @Test func `a stored value that does not decode is damage, and a store's own error is told as it is`()
        throws
    {
        let path = folder.file("ledger")
        let file = try FileKind.ledger.make(path)
        #expect(throws: FileError.file(path, .damaged)) { try file.read { _ in throw UnexpectedValue() } }
        #expect(throws: FileError.file("other", .missing)) {
            try file.write { _ in throw FileError.file("other", .missing) }
        }
        #expect(throws: FileError.file(path, .failed(code: 1))) {
            try file.read { try $0.execute(sql: "SELECT * FROM nowhere") }
        }
    }
}

/// The formats of the program.
enum FileKind: String, CaseIterable, Sendable {
    case cohort, ledger, coordinator

    @discardableResult
    func make(_ path: String) throws(FileError) -> SQLiteFile<FileError> {
        try SQLiteFile<FileError>.create(at: path, mayExist: true)
        return try open(path)
    }

    func open(_ path: String, isReadOnly: Bool = false) throws(FileError) -> SQLiteFile<FileError> {
        try SQLiteFile(path: path, format: format, isReadOnly: isReadOnly, patience: .milliseconds(20))
    }
}
