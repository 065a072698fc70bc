import Foundation
import GRDB
import SQLiteFiles
import Survival
import TestFiles
import Testing

@testable import CohortStore

/// A copy of a database and its log, taken while they are in use, is what a process leaves that is killed
/// then.
struct CrashTests {
    let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    @Test func `an import that never finished is as if it had not begun`() throws {
        let store = try Clinic.store(in: folder)
        let path = try folder.write(Clinic.csv(Clinic.lines), to: "patients.csv")
        _ = try store.importCSV(path: path, dictionary: "clinic@1", replacing: false)
        let digest = try store.snapshotDigest(dictionary: "clinic@1")
        let schema = try PatientTableSchema(Clinic.dictionary)
        let raw = try DatabaseQueue(path: folder.file("cohort.sqlite"))
        try raw.writeWithoutTransaction { db in
            // A cache of one page sends rows to the log before there is a commit.
            try db.execute(sql: "PRAGMA cache_size = 1; BEGIN IMMEDIATE")
            for sql in schema.guardRemovals { try db.execute(sql: sql) }
            try db.execute(sql: "DELETE FROM \(schema.table)")
            for row in 0..<3000 {
                try db.execute(
                    sql: "INSERT INTO \(schema.table) (patient, months, died) VALUES (?, 1, 1)",
                    arguments: ["ZZMARKERZZ\(row)"])
            }
            try folder.copyDatabase("cohort.sqlite", to: "crashed.sqlite")
            try db.execute(sql: "ROLLBACK")
        }
        #expect(folder.bytes("crashed.sqlite-wal").range(of: Data("ZZMARKERZZ".utf8)) != nil)
        let crashed = try CohortStore(path: folder.file("crashed.sqlite"), access: .importing)
        #expect(try crashed.snapshotDigest(dictionary: "clinic@1") == digest)
        try crashed.verifyRows(dictionary: "clinic@1")
        #expect(try crashed.table(dictionary: "clinic@1", variables: ["sex"]).rowCount == 4)
        let raws = try DatabaseQueue(path: folder.file("crashed.sqlite"))
        #expect(throws: DatabaseError.self) {
            try raws.write { try $0.execute(sql: "DELETE FROM \(schema.table)") }
        }
    }

    @Test func `a file that was made but never filled is filled by the next who opens it`() throws {
        for access in [CohortStore.Access.importing, .answering] {
            let path = folder.file("\(access).sqlite")
            try SQLiteFile<StoreError>.create(at: path)
            #expect(try CohortStore(path: path, access: access).dictionaries().isEmpty)
        }
    }
}
