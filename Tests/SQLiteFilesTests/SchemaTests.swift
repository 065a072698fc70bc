import Foundation
import GRDB
import TestFiles
import Testing

@testable import CohortStore
@testable import Coordinator
@testable import Ledger
@testable import SQLiteFiles

extension FileKind {
    var format: FileFormat {
        switch self {
        case .cohort: .cohort
        case .ledger: .ledger
        case .coordinator: .coordinator
        }
    }
}

/// The steps from one version of a schema to the next.
struct SchemaTests {
    let folder: TemporaryFolder
    private let path: String

    init() throws {
        folder = try TemporaryFolder()
        path = folder.file("x.sqlite")
    }

    private func format(_ migrations: FileFormat.Migration...) -> FileFormat {
        FileFormat(noun: "test", applicationID: 77, migrations: migrations, isCheckedWhole: true)
    }

    private func open(_ format: FileFormat, isReadOnly: Bool = false) throws -> SQLiteFile<FileError> {
        try SQLiteFile(path: path, format: format, isReadOnly: isReadOnly, patience: .seconds(5))
    }

    @Test func `a new file has the newest schema, its number and its id`() throws {
        for kind in FileKind.allCases {
            let file = try kind.make(folder.file(kind.rawValue))
            let header = try file.read { db in
                try ["user_version", "application_id", "freelist_count"].map {
                    try Int.fetchOne(db, sql: "PRAGMA \($0)") ?? -1
                }
            }
            #expect(header == [kind.format.migrations.count, kind.format.applicationID, 0])
        }
    }

    @Test(arguments: [false, true])
    func `migrations run once, in order, whatever an older file is opened for`(isReadOnly: Bool) throws {
        let first = FileFormat.Migration.change("CREATE TABLE a (x); INSERT INTO a VALUES (1)")
        try SQLiteFile<FileError>.create(at: path)
        _ = try open(format(first))
        let new = format(
            first, .change("CREATE TABLE b AS SELECT x + 1 AS x FROM a"), .change("UPDATE b SET x = x * 10"))
        for _ in 0..<2 {
            let file = try open(new, isReadOnly: isReadOnly)
            #expect(
                try file.read { try Int.fetchAll($0, sql: "SELECT x FROM a UNION SELECT x FROM b") } == [
                    1, 20,
                ])
        }
    }

    @Test func `a migration that another process has just run is not run again`() throws {
        let format = format(.change("CREATE TABLE a (x)"), .change("INSERT INTO a VALUES (1)"))
        let queue = try DatabaseQueue(path: path)
        for _ in 0..<4 { try format.migrate(queue) }
        #expect(try queue.read { try Int.fetchAll($0, sql: "SELECT x FROM a") } == [1])
        #expect(try queue.read { try Int.fetchOne($0, sql: "PRAGMA user_version") } == 2)
        #expect(try queue.read { try Int.fetchOne($0, sql: "PRAGMA application_id") } == 77)
    }

    @Test func `a migration that fails leaves the version before it`() throws {
        let good = FileFormat.Migration.change("CREATE TABLE a (x)")
        try SQLiteFile<FileError>.create(at: path)
        for bad in [
            FileFormat.Migration.change("CREATE TABLE b (x); INSERT INTO nowhere VALUES (1)"),
            .erasure("DROP TABLE a; DROP TABLE nowhere"),
        ] {
            #expect(throws: FileError.file(path, .failed(code: 1))) { _ = try open(format(good, bad)) }
            let file = try open(format(good))
            #expect(try file.read { try String.fetchAll($0, sql: "SELECT name FROM sqlite_schema") } == ["a"])
        }
    }

    @Test(arguments: FileKind.allCases)
    func `a newer schema is refused and left alone`(kind: FileKind) throws {
        _ = try kind.make(path)
        let known = kind.format.migrations.count
        let raw = try DatabaseQueue(path: path)
        try raw.writeWithoutTransaction { db in
            try db.execute(sql: "PRAGMA wal_autocheckpoint = 0; PRAGMA user_version = 17")
        }
        for isReadOnly in [false, true] {
            #expect(throws: FileError.file(path, .newer(found: 17, known: known)), "it is in the log yet") {
                _ = try kind.open(path, isReadOnly: isReadOnly)
            }
        }
        try raw.close()
        let before = folder.bytes("x.sqlite")
        for isReadOnly in [false, true] {
            let error = failure { () throws(FileError) in _ = try kind.open(path, isReadOnly: isReadOnly) }
            #expect(
                error?.description
                    == "\(path) has schema version 17 and this program knows \(known); "
                    + "install the newer coxswain")
        }
        #expect(folder.bytes("x.sqlite") == before)
    }

    // MARK: - Erasures

    private static let marker = Data("ZZMARKERZZ".utf8)
    private static let kept = FileFormat.Migration.change(
        "CREATE TABLE kept (x); CREATE TABLE gone (x); CREATE TABLE left_alone (id INTEGER PRIMARY KEY, x)")
    private static let erasure = FileFormat.Migration.erasure("DROP TABLE IF EXISTS gone")

    /// A file of the version before the erasure, in a log or not.
    private func makeOlder() throws {
        try SQLiteFile<FileError>.create(at: path)
        let file = try open(format(Self.kept))
        try file.write { db in
            for row in 0..<2000 {
                try db.execute(sql: "INSERT INTO gone VALUES ('ZZMARKERZZ' || ?)", arguments: [row])
                try db.execute(sql: "INSERT INTO kept VALUES (?)", arguments: [row * 7 % 2000])
                try db.execute(sql: "INSERT INTO left_alone VALUES (?, ?)", arguments: [row * 3, row])
            }
            // Row numbers with gaps are those that writing a file anew may close.
            try db.execute(sql: "DELETE FROM kept WHERE rowid % 5 = 0")
        }
    }

    /// What must not change: rows in the order of their numbers, and the numbers that have a name.
    private func content(_ file: SQLiteFile<FileError>) throws -> [[Int]] {
        try file.read { db in
            [
                try Int.fetchAll(db, sql: "SELECT x FROM kept ORDER BY rowid"),
                try Int.fetchAll(db, sql: "SELECT id FROM left_alone ORDER BY id"),
            ]
        }
    }

    private func requireErased(_ file: SQLiteFile<FileError>) throws {
        for name in ["x.sqlite", "x.sqlite-wal"] {
            #expect(folder.bytes(name).range(of: Self.marker) == nil, "\(name)")
        }
        let facts = try file.read { db in
            try [
                "SELECT count(*) FROM sqlite_schema WHERE name = 'gone'", "PRAGMA freelist_count",
                "PRAGMA user_version", "PRAGMA application_id",
            ].map { try Int.fetchOne(db, sql: $0) }
        }
        #expect(facts == [0, 0, 2, 77])
        #expect(try file.read { try String.fetchOne($0, sql: "PRAGMA integrity_check") } == "ok")
    }

    @Test(arguments: [false, true])
    func `what an erasure removes is nowhere in the file or its log, and the file is smaller`(
        isReadOnly: Bool
    ) throws {
        try makeOlder()
        let before = folder.bytes("x.sqlite")
        let content = try content(open(format(Self.kept)))
        #expect(before.range(of: Self.marker) != nil)
        let file = try open(format(Self.kept, Self.erasure), isReadOnly: isReadOnly)
        try requireErased(file)
        #expect(try self.content(file) == content)
        #expect(folder.bytes("x.sqlite").count < before.count * 3 / 4)
    }

    /// A process that is killed between the removal and the writing anew leaves the version as it was.
    @Test func `an erasure that was cut off is brought to its end by the next who opens the file`() throws {
        try makeOlder()
        let raw = try DatabaseQueue(path: path)
        // Without `secure_delete` the pages keep what was on them.
        try raw.writeWithoutTransaction { db in
            try db.execute(sql: "PRAGMA secure_delete = OFF; DROP TABLE gone")
        }
        try raw.close()
        #expect(folder.bytes("x.sqlite").range(of: Self.marker) != nil)
        try requireErased(try open(format(Self.kept, Self.erasure)))
    }

    @Test func `processes that bring up the same file at the same time do it once`() async throws {
        try makeOlder()
        let content = try content(open(format(Self.kept)))
        let (path, new) = (path, format(Self.kept, Self.erasure))
        try await withThrowingTaskGroup { group in
            for opener in 0..<4 {
                group.addTask {
                    _ = try SQLiteFile<FileError>(
                        path: path, format: new, isReadOnly: opener.isMultiple(of: 2), patience: .seconds(20))
                }
            }
            try await group.waitForAll()
        }
        let file = try open(new)
        try requireErased(file)
        #expect(try self.content(file) == content)
    }
}
