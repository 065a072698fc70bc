import Cryptography
import Foundation
import GRDB
import Survival
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

    @Test func `whatever a call of the ledger recorded is there after a crash right behind it`() throws {
        let ledger = try NodeLedger(path: folder.file("ledger.sqlite"))
        let study = SHA256Digest(of: "study".utf8)
        var copies = 0
        func afterCrash() throws -> NodeLedger {
            copies += 1
            try folder.copyDatabase("ledger.sqlite", to: "crash-\(copies).sqlite")
            return try NodeLedger(path: folder.file("crash-\(copies).sqlite"), creating: false)
        }
        try ledger.recordStudy(hash: study, submission: [1], receivedAt: 1)
        #expect(try afterCrash().study(study)?.submission == [1])
        try ledger.approve(study, until: 9, by: "A", at: 2, policyHash: study)
        #expect(
            try afterCrash().study(study)?.decision == .approved(until: 9, by: "A", at: 2, policyHash: study))
        try ledger.beginSession(id: "s", study: study, secret: [5], hello: [6], at: 3)
        #expect(try afterCrash().session("s")?.secret == [5])
        try ledger.recordRoster(session: "s", roster: [7], ack: [8])
        #expect(try afterCrash().session("s")?.roster == [7])
        try ledger.recordAnswer(session: "s", round: 0, requestDigest: study, request: [1], answer: [2])
        #expect(try afterCrash().rounds(of: "s").map(\.answer) == [[2]])
        try ledger.append(kind: "k", body: "{}", at: 4)
        #expect(try afterCrash().verifyAudit() == 1)
        try ledger.endSession("s", outcome: "finished", at: 5)
        #expect(try afterCrash().session("s")?.secret == nil)
        try ledger.close(study, outcome: "finished", at: 6)
        #expect(try afterCrash().study(study)?.outcome == "finished")
    }

    @Test func `every commit is synced to the disk`() throws {
        let ledger = try NodeLedger(path: folder.file("ledger.sqlite"))
        let store = try Clinic.store(in: folder)
        for file in [ledger.file, store.file] {
            let full = 2
            #expect(try file.read { try Int.fetchOne($0, sql: "PRAGMA synchronous") } == full)
            #expect(try file.read { try String.fetchOne($0, sql: "PRAGMA journal_mode") } == "wal")
            #expect(try file.read { try Int.fetchOne($0, sql: "PRAGMA foreign_keys") } == 1)
        }
    }

    @Test func `a file that was made but never filled is filled by the next who opens it`() throws {
        for name in ["cohort.sqlite", "ledger.sqlite"] { try StoreFile.createPrivate(at: folder.file(name)) }
        #expect(throws: StoreError.file(folder.file("cohort.sqlite"), .older(found: 0, known: 3))) {
            _ = try CohortStore(path: folder.file("cohort.sqlite"), access: .answering)
        }
        #expect(
            try CohortStore(path: folder.file("cohort.sqlite"), access: .importing).dictionaries().isEmpty)
        #expect(try NodeLedger(path: folder.file("ledger.sqlite")).verifyAudit() == 0)
    }
}
