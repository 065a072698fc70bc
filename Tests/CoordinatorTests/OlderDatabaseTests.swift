import Cryptography
import Foundation
import GRDB
import SQLiteFiles
import TestFiles
import Testing

@testable import Coordinator

/// Databases that earlier versions of the coordinator wrote, and damaged ones.
struct OlderDatabaseTests {
    let folder: TemporaryFolder
    private let path: String

    init() throws {
        folder = try TemporaryFolder()
        path = folder.file("coordinator.sqlite")
    }

    /// Makes a database as versions before 4 did, with a study in it; gives its connection, still open.
    private func makeOlder(_ versions: Int) throws -> DatabaseQueue {
        try SQLiteFile<FileError>.create(at: path)
        let queue = try DatabaseQueue(path: path)
        try queue.writeWithoutTransaction { db in
            // In this order, so that the id is in the log until there is a checkpoint.
            try db.execute(sql: "PRAGMA journal_mode = WAL; PRAGMA application_id = \(0x4378_7343)")
        }
        try Self.migrator(versions).migrate(queue)
        try queue.write { db in
            try db.execute(
                sql: """
                    INSERT INTO study (hash, submission, submitted_at, state)
                    VALUES ('\(SHA256Digest(of: "study".utf8).hex)', '{}', 5, 'submitted')
                    """)
        }
        return queue
    }

    private static func migrator(_ versions: Int) -> DatabaseMigrator {
        var migrator = DatabaseMigrator()
        let tables = [
            """
            CREATE TABLE study (
                hash TEXT PRIMARY KEY, submission TEXT NOT NULL, submitted_at INTEGER NOT NULL,
                state TEXT NOT NULL, reason TEXT NOT NULL DEFAULT '', result BLOB) STRICT;
            CREATE TABLE decision (
                study TEXT NOT NULL REFERENCES study, site TEXT NOT NULL, message TEXT NOT NULL,
                PRIMARY KEY (study, site)) STRICT;
            CREATE TABLE session (
                id TEXT PRIMARY KEY, study TEXT NOT NULL REFERENCES study, opening TEXT NOT NULL,
                since INTEGER NOT NULL) STRICT;
            CREATE TABLE message (
                number INTEGER PRIMARY KEY, session TEXT NOT NULL REFERENCES session, site TEXT NOT NULL,
                type TEXT NOT NULL, round INTEGER NOT NULL, body TEXT NOT NULL,
                UNIQUE (session, site, type, round)) STRICT;
            """,
            """
            CREATE TABLE checkpoint (
                site TEXT NOT NULL, sequence INTEGER NOT NULL, head TEXT NOT NULL, body TEXT NOT NULL,
                PRIMARY KEY (site, sequence, head)) STRICT;
            """,
            """
            CREATE TABLE hospital (
                site TEXT PRIMARY KEY, seen INTEGER NOT NULL, protocol INTEGER, engine INTEGER) STRICT;
            """,
        ]
        for version in 1...versions {
            migrator.registerMigration("\(version)") { try $0.execute(sql: tables[version - 1]) }
        }
        return migrator
    }

    private func requireWhole(_ file: String) throws {
        for _ in 0..<2 {
            let store = try CoordinatorStore(path: file)
            #expect(try store.studies().map(\.hash) == [SHA256Digest(of: "study".utf8).hex])
            #expect(try store.checkpoints().isEmpty && store.hospitals().isEmpty)
        }
    }

    @Test(arguments: 1...3)
    func `an older database is brought up with what is in it`(versions: Int) throws {
        try makeOlder(versions).close()
        try requireWhole(path)
    }

    /// Its header has no id yet.
    @Test(arguments: 1...3)
    func `so is one whose coordinator was killed`(versions: Int) throws {
        let queue = try makeOlder(versions)
        try folder.copyDatabase("coordinator.sqlite", to: "killed.sqlite")
        #expect(folder.bytes("killed.sqlite-wal").count > 0)
        chmod(folder.file("killed.sqlite"), 0o600)
        try requireWhole(folder.file("killed.sqlite"))
        try queue.close()
    }

    @Test func `a program of before knows a database of today as newer`() throws {
        _ = try CoordinatorStore(path: path)
        let queue = try DatabaseQueue(path: path)
        #expect(try queue.read { try Self.migrator(3).hasBeenSuperseded($0) })
        try queue.close()
    }

    @Test func `what is not a coordinator's is refused with a sentence`() throws {
        _ = try folder.write("no database, but a text of some length, to be sure", to: "text")
        chmod(folder.file("text"), 0o600)
        #expect(throws: FileError.file(folder.file("text"), .foreign(expected: "coordinator database"))) {
            _ = try CoordinatorStore(path: folder.file("text"))
        }
        #expect(throws: FileError.file(folder.file("none/x"), .missing)) {
            _ = try CoordinatorStore(path: folder.file("none/x"))
        }
    }

    /// Such a value ended the process before.
    @Test func `a message that cannot be read is damage, told with the file's name`() throws {
        let store = try CoordinatorStore(path: path)
        let (study, session) = (SHA256Digest(of: "study".utf8).hex, SHA256Digest(of: "session".utf8).hex)
        let queue = try DatabaseQueue(path: path)
        try queue.writeWithoutTransaction { db in
            try db.execute(
                sql: """
                    INSERT INTO study (hash, submission, submitted_at, state) VALUES ('\(study)', '', 1, 'running');
                    INSERT INTO session VALUES ('\(session)', '\(study)', 'no JSON', 1);
                    INSERT INTO decision VALUES ('\(study)', 'north', '{}');
                    INSERT INTO message (session, site, type, round, body)
                    VALUES ('\(session)', 'north', 'hello', 0, '[')
                    """)
        }
        try queue.close()
        let damaged = FileError.file(path, .damaged)
        #expect(throws: damaged) { _ = try store.session(of: study) }
        #expect(throws: damaged) { _ = try store.decisions(of: study) }
        #expect(throws: damaged) { _ = try store.messages(of: session) }
        #expect(damaged.description == "\(path) is damaged; restore it from a backup")
    }
}
