import Foundation
import GRDB
import Survival
import TestFiles
import Testing

@testable import CohortStore

/// Files of patients that earlier versions of the program wrote.
struct OlderFileTests {
    let folder: TemporaryFolder
    private let path: String

    init() throws {
        folder = try TemporaryFolder()
        path = folder.file("cohort.sqlite")
        let store = try Clinic.store(in: folder)
        let lines = (0..<3000).map { "P\($0 / 2),\($0 % 240),\($0 % 2),male,PD,\($0 % 30)" }
        try Clinic.importLines(into: store, folder, lines)
    }

    private func change(_ sql: String) throws {
        let raw = try DatabaseQueue(path: path)
        try raw.writeWithoutTransaction { try $0.execute(sql: sql) }
        try raw.close()
    }

    /// Version 3, which had the columns of the patients a second time; the marker stands for their values.
    private func makeVersion3() throws {
        try change(
            """
            CREATE TABLE prepared_columns (
                id INTEGER PRIMARY KEY,
                dictionary TEXT NOT NULL REFERENCES dictionaries (identifier),
                variable TEXT NOT NULL,
                code BLOB NOT NULL,
                UNIQUE (dictionary, variable)
            ) STRICT;
            CREATE TABLE prepared_parts (
                id INTEGER PRIMARY KEY,
                dictionary TEXT NOT NULL REFERENCES dictionaries (identifier),
                variable TEXT NOT NULL,
                part INTEGER NOT NULL,
                cells BLOB NOT NULL,
                UNIQUE (dictionary, variable, part)
            ) STRICT;
            INSERT INTO prepared_columns (dictionary, variable, code) VALUES ('clinic@1', 'months', zeroblob(16));
            WITH RECURSIVE parts (part) AS (SELECT 0 UNION ALL SELECT part + 1 FROM parts WHERE part < 99)
            INSERT INTO prepared_parts (dictionary, variable, part, cells)
            SELECT 'clinic@1', 'months', part, CAST('ZZMARKERZZ' || hex(randomblob(2000)) AS BLOB) FROM parts;
            PRAGMA user_version = 3
            """)
        #expect(folder.bytes("cohort.sqlite").range(of: Data("ZZMARKERZZ".utf8)) != nil)
    }

    private func facts() throws -> [String] {
        let raw = try DatabaseQueue(path: path)
        defer { try? raw.close() }  // the test's own connection
        return try raw.read { db in
            try [
                "SELECT group_concat(name, ' ') FROM (SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name)",
                "PRAGMA user_version", "PRAGMA freelist_count", "PRAGMA integrity_check",
            ].map { try String.fetchOne(db, sql: $0) ?? "" }
        }
    }

    /// As a node that was updated opens it: for answering, before anything is imported.
    @Test(arguments: [CohortStore.Access.answering, .importing])
    func `a file with prepared columns opens, and no copy of the patients stays in it`(
        access: CohortStore.Access
    ) throws {
        let variables = ["months", "sex"]
        let (before, codes) = try {
            let store = try CohortStore(path: path, access: .answering)
            return (
                try store.verifiedTable(dictionary: "clinic@1", variables: variables),
                try store.rowCodes(dictionary: "clinic@1")
            )
        }()
        try makeVersion3()
        let size = folder.bytes("cohort.sqlite").count
        let store = try CohortStore(path: path, access: access)
        for name in ["cohort.sqlite", "cohort.sqlite-wal"] {
            #expect(folder.bytes(name).range(of: Data("ZZMARKERZZ".utf8)) == nil, "\(name)")
        }
        #expect(folder.bytes("cohort.sqlite").count < size - 300_000)
        #expect(try facts() == ["clinic@1 dictionaries imports person_key", "4", "0", "ok"])
        let after = try store.verifiedTable(dictionary: "clinic@1", variables: variables)
        #expect(after.snapshot == before.snapshot)
        #expect(after.table.person == before.table.person)
        for variable in variables {
            let columns = [before, after].map { String(reflecting: $0.table.columns[variable]) }
            #expect(columns[0] == columns[1])
        }
        let codesAfter = try store.rowCodes(dictionary: "clinic@1")
        #expect(codesAfter.key == codes.key && codesAfter.rows == codes.rows)
        #expect(try folder.mode("cohort.sqlite") == 0o600)
    }

    @Test func `a file from before the key of people and the prepared columns opens too`() throws {
        try change("DROP TABLE person_key; PRAGMA user_version = 1")
        let store = try CohortStore(path: path, access: .answering)
        try store.verifyRows(dictionary: "clinic@1")
        #expect(try store.rowCodes(dictionary: "clinic@1").rows.count == 3000)
        #expect(try facts() == ["clinic@1 dictionaries imports person_key", "4", "0", "ok"])
    }

    @Test func `the triggers of the patients' table stay`() throws {
        try makeVersion3()
        _ = try CohortStore(path: path, access: .answering)
        for sql in ["UPDATE \"clinic@1\" SET months = 1", "DELETE FROM \"clinic@1\""] {
            #expect(throws: DatabaseError.self) { try change(sql) }
        }
    }
}
