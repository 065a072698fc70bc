import Cryptography
import Foundation
import GRDB
import TestFiles
import Testing

@testable import Ledger

struct AuditLogTests {
    let folder: TemporaryFolder
    let ledger: NodeLedger

    init() throws {
        folder = try TemporaryFolder()
        ledger = try NodeLedger(path: folder.file("ledger.sqlite"))
    }

    private func appendFive() throws {
        for index in 1...5 {
            try ledger.append(kind: "round", body: "{\"round\": \(index)}", at: 1000 + index)
        }
    }

    /// Runs SQL as somebody would who has the file and removes what guards the log.
    private func tamper(_ sql: String) throws {
        let raw = try DatabaseQueue(path: folder.file("ledger.sqlite"))
        try raw.writeWithoutTransaction { db in
            try db.execute(
                sql: ["append", "update", "delete"].map { "DROP TRIGGER IF EXISTS audit_\($0); " }.joined()
                    + sql)
        }
        try raw.close()
    }

    @Test func `an entry made for one place in the log is not appended at another`() throws {
        try appendFive()
        let head = try ledger.auditHead()
        try ledger.append(AuditNote(kind: "a", body: "1", at: 1, after: head.hash))
        #expect(throws: LedgerError.auditMoved) {
            try ledger.append(AuditNote(kind: "b", body: "1", at: 1, after: head.hash))
        }
        #expect(try ledger.auditEntries().map(\.kind).suffix(2) == ["round", "a"])
        #expect(try ledger.auditHash(at: 5) == head.hash && ledger.auditHash(at: 7) == nil)
    }

    @Test func `the newest entry about a study is found by kind`() throws {
        let (one, other) = (SHA256Digest(of: "1".utf8), SHA256Digest(of: "2".utf8))
        for (kind, study) in [("a", one), ("b", one), ("a", other), ("c", one)] {
            try ledger.append(kind: kind, body: "{\"study\": \"\(study.hex)\"}", at: 1)
        }
        #expect(try ledger.lastEntry(of: ["a", "b"], study: one)?.sequence == 2)
        #expect(try ledger.lastEntry(of: ["a"], study: other)?.sequence == 3)
        #expect(try ledger.lastEntry(of: ["d"], study: one) == nil)
    }

    @Test func `what was appended since is walked, and the place where the last walk ended`() throws {
        try appendFive()
        try ledger.verifyNewAudit()
        try ledger.append(kind: "x", body: "1", at: 1)
        try ledger.verifyNewAudit()
        try tamper("UPDATE audit SET body = '2' WHERE seq = 6")
        #expect(throws: Never.self) { try ledger.verifyNewAudit() }
        #expect(throws: LedgerError.auditBroken(entry: 6, .changed)) { try ledger.verifyAudit() }
        try tamper("DELETE FROM audit WHERE seq = 6")
        #expect(throws: LedgerError.auditBroken(entry: 6, .changed)) { try ledger.verifyNewAudit() }
    }

    @Test func `an empty log is sound`() throws {
        #expect(try ledger.verifyAudit() == 0)
        #expect(try ledger.auditEntries() == [])
        #expect(try ledger.auditHead().sequence == 0)
    }

    @Test func `entries come back in order, from any place on`() throws {
        try appendFive()
        #expect(try ledger.verifyAudit() == 5)
        let entries = try ledger.auditEntries()
        #expect(entries.map(\.sequence) == [1, 2, 3, 4, 5])
        #expect(entries.map(\.at) == [1001, 1002, 1003, 1004, 1005])
        #expect(entries[2].body == "{\"round\": 3}")
        #expect(try ledger.auditEntries(after: 3) == Array(entries[3...]))
        #expect(try ledger.auditEntries(after: 1, limit: 2) == Array(entries[1...2]))
        #expect(try ledger.auditEntries(after: 5) == [])
        #expect(try ledger.auditHead() == AuditHead(sequence: 5, hash: entries[4].hash))
    }

    /// The bytes of `AuditEntry.computedHash`'s description, written out.
    @Test func `an entry's hash is SHA-256 of the previous hash, its number, time, kind and body`() throws {
        try ledger.append(kind: "study", body: "{\"é\":1}", at: 0x1_0203)
        try ledger.append(kind: "x", body: "2", at: -1)
        let origin = SHA256Digest(of: "coxswain audit log 1\n".utf8)
        var first = Array("coxswain audit entry 1\n".utf8) + origin.bytes
        first += [0, 0, 0, 0, 0, 0, 0, 1] + [0, 0, 0, 0, 0, 1, 2, 3]
        first += [0, 0, 0, 0, 0, 0, 0, 5] + Array("study".utf8)
        first += [0, 0, 0, 0, 0, 0, 0, 8, 0x7B, 0x22, 0xC3, 0xA9, 0x22, 0x3A, 0x31, 0x7D]
        var second = Array("coxswain audit entry 1\n".utf8) + SHA256Digest(of: first).bytes
        second += [0, 0, 0, 0, 0, 0, 0, 2] + Array(repeating: 0xFF, count: 8)
        second += [0, 0, 0, 0, 0, 0, 0, 1, 0x78] + [0, 0, 0, 0, 0, 0, 0, 1, 0x32]
        let entries = try ledger.auditEntries()
        #expect(entries.map(\.previous) == [origin, SHA256Digest(of: first)])
        #expect(entries.map(\.hash) == [SHA256Digest(of: first), SHA256Digest(of: second)])
    }

    @Test(arguments: [
        "UPDATE audit SET body = '{}' WHERE seq = 3", "DELETE FROM audit", "DELETE FROM audit WHERE seq = 5",
        "INSERT OR REPLACE INTO audit VALUES (3, 1, 'x', '{}', '', '')",
        "INSERT INTO audit VALUES (9, 1, 'x', '{}', '', '')",
        "INSERT INTO audit (at, kind, body, previous, hash) VALUES (1, 'x', '{}', '', '')",
    ])
    func `the log refuses every change but the next entry`(sql: String) throws {
        try appendFive()
        let raw = try DatabaseQueue(path: folder.file("ledger.sqlite"))
        #expect(throws: DatabaseError.self) { try raw.write { try $0.execute(sql: sql) } }
        #expect(try ledger.verifyAudit() == 5)
    }

    static let tampering: [(String, Int, AuditBreach)] = [
        ("UPDATE audit SET body = '{\"round\": 9}' WHERE seq = 3", 3, .changed),
        ("UPDATE audit SET kind = 'roun' WHERE seq = 1", 1, .changed),
        ("UPDATE audit SET at = at + 1 WHERE seq = 5", 5, .changed),
        ("UPDATE audit SET hash = upper(hash) WHERE seq = 4", 4, .changed),
        ("UPDATE audit SET hash = 'x' WHERE seq = 4", 4, .changed),
        ("UPDATE audit SET previous = (SELECT hash FROM audit WHERE seq = 1) WHERE seq = 4", 4, .changed),
        (
            "UPDATE audit SET kind = 'round{' , body = substr(body, 2) WHERE seq = 2 AND 0; "
                + "UPDATE audit SET body = '[]' WHERE seq IN (2, 4)", 2, .changed
        ),
        ("DELETE FROM audit WHERE seq = 2", 2, .missing),
        ("DELETE FROM audit WHERE seq = 1", 1, .missing),
        ("DELETE FROM audit WHERE seq > 3", 4, .missing),
        ("DELETE FROM audit", 1, .missing),
        ("DELETE FROM audit WHERE seq = 2; UPDATE audit SET seq = seq - 1 WHERE seq > 2", 2, .changed),
        ("INSERT INTO audit SELECT 6, at, kind, body, previous, hash FROM audit WHERE seq = 5", 6, .changed),
        ("DELETE FROM audit_head", 1, .added),
        ("UPDATE audit_head SET hash = (SELECT hash FROM audit WHERE seq = 1)", 5, .changed),
        ("UPDATE audit_head SET seq = 3", 4, .added),
    ]

    @Test(arguments: tampering)
    func `the first bad entry of a log that was tampered with is named`(
        sql: String, entry: Int, breach: AuditBreach
    ) throws {
        try appendFive()
        try tamper(sql)
        #expect(throws: LedgerError.auditBroken(entry: entry, breach)) {
            _ = try ledger.verifyAudit()
        }
    }

    @Test func `an entry that is sound in itself but written after another is detached`() throws {
        try appendFive()
        let elsewhere = try NodeLedger(path: folder.file("elsewhere.sqlite"))
        for index in 1...3 { try elsewhere.append(kind: "round", body: "{\"round\": \(index)0}", at: index) }
        let forged = try elsewhere.auditEntries()[2]
        try tamper(
            """
            UPDATE audit SET at = \(forged.at), kind = '\(forged.kind)', body = '\(forged.body)',
                previous = '\(forged.previous)', hash = '\(forged.hash)' WHERE seq = 3
            """)
        let error = failure { () throws(LedgerError) in _ = try ledger.verifyAudit() }
        #expect(error == .auditBroken(entry: 3, .detached))
        #expect(
            error?.description
                == "audit entry 3 does not follow the entry before it; the log before it is sound")
    }

    @Test func `a whole new chain passes, but not against a head that was kept`() throws {
        try appendFive()
        let kept = try ledger.auditHead()
        let elsewhere = try NodeLedger(path: folder.file("elsewhere.sqlite"))
        for index in 1...5 { try elsewhere.append(kind: "round", body: "{}", at: index) }
        #expect(try elsewhere.verifyAudit() == 5)
        #expect(try elsewhere.auditHead() != kept)
    }

    @Test func `a body that is not JSON is refused`() throws {
        #expect(throws: LedgerError.bodyIsNotJSON(kind: "note")) {
            try ledger.append(kind: "note", body: "{", at: 1)
        }
        #expect(try ledger.verifyAudit() == 0)
    }

    @Test func `a change and its audit entry are made together or not at all`() throws {
        let study = SHA256Digest(of: "study".utf8)
        let note = { (kind: String) in AuditNote(kind: kind, body: "{}", at: 7) }
        try ledger.recordStudy(hash: study, submission: [], receivedAt: 1, logging: note("received"))
        try ledger.recordStudy(hash: study, submission: [], receivedAt: 2, logging: note("received again"))
        try ledger.approve(study, until: 9, by: "A", at: 3, policyHash: study, logging: note("approved"))
        try ledger.beginSession(id: "s", study: study, secret: [], hello: [], at: 4, logging: note("began"))
        try ledger.beginSession(
            id: "s", study: study, secret: [], hello: [], at: 4, logging: note("began again"))
        try ledger.recordRoster(session: "s", roster: [1], ack: [], logging: note("roster"))
        for _ in 0..<2 {
            try ledger.recordAnswer(
                session: "s", round: 0, requestDigest: study, request: [], answer: [1],
                logging: note("answered"))
        }
        #expect(throws: LedgerError.answerDiffers(session: "s", round: 0)) {
            try ledger.recordAnswer(
                session: "s", round: 0, requestDigest: study, request: [], answer: [2], logging: note("wrong")
            )
        }
        #expect(throws: LedgerError.bodyIsNotJSON(kind: "bad")) {
            try ledger.recordAnswer(
                session: "s", round: 1, requestDigest: study, request: [], answer: [2],
                logging: AuditNote(kind: "bad", body: "", at: 1))
        }
        try ledger.endSession("s", outcome: "finished", at: 5, logging: note("ended"))
        try ledger.decline(study, reason: "r", by: "A", at: 6, logging: note("declined"))
        try ledger.close(study, outcome: "finished", at: 6, logging: note("closed"))
        let kinds = ["received", "approved", "began", "roster", "answered", "ended", "declined", "closed"]
        #expect(try ledger.auditEntries().map(\.kind) == kinds)
        #expect(try ledger.rounds(of: "s").count == 1)
        #expect(try ledger.verifyAudit() == kinds.count)
    }

    @Test func `an entry is exported and read back as JSON`() throws {
        try appendFive()
        let entries = try ledger.auditEntries()
        let exported = try JSONEncoder().encode(entries)
        #expect(try JSONDecoder().decode([AuditEntry].self, from: exported) == entries)
    }
}
