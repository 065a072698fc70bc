import Cryptography
import SQLiteFiles
import TestFiles
import Testing

@testable import Ledger

/// What an admin sees and can do with `sqlite3`, while the ledger is open.
@Suite(.enabled(if: SQLiteShell.isInstalled, "sqlite3 is not installed"))
struct LedgerOutsiderTests {
    let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    @Test func `an admin cannot change the audit log by accident`() throws {
        let ledger = try NodeLedger(path: folder.file("ledger.sqlite"))
        try ledger.append(kind: "test", body: "{}", at: 1)
        for sql in [
            "DELETE FROM audit", "UPDATE audit SET at = 2",
            "REPLACE INTO audit VALUES (1, 1, 'x', '{}', '', '')",
        ] {
            let attempt = try SQLiteShell.once(folder.file("ledger.sqlite"), sql)
            #expect(attempt.status != 0)
            #expect(attempt.output.contains("the audit log is only appended to"))
        }
        #expect(try ledger.verifyAudit() == 1)
    }

    /// Whose rows were summed, by whose key they are numbered, and where other logs stood.
    @Test func `what a node remembers is not changed or removed through SQL`() throws {
        let ledger = try NodeLedger(path: folder.file("ledger.sqlite"))
        let (study, key) = (SHA256Digest(of: "study".utf8), SHA256Digest(of: "key".utf8))
        try ledger.recordStudy(hash: study, submission: [1], receivedAt: 1)
        try ledger.beginSession(id: "s", study: study, secret: [1], hello: [1], at: 1)
        _ = try ledger.number(
            [RowCode(person: PersonCode(high: 7, low: 7), ordinal: 0)], codedUnder: key)
        let cohort = CohortRecord(analysis: "m", people: 1, rows: [1], eligible: nil)
        let word = HeldCheckpoint(site: "south", sequence: 1, head: key, at: 1, message: [1])
        try ledger.recordAnswer(
            session: "s", round: 1, requestDigest: key, request: [1], answer: [1], cohorts: [cohort],
            checkpoints: [ArrivedCheckpoint(word)])
        for (table, column) in [
            ("cohort_key", "sha256"), ("cohort_rows", "ordinal"), ("cohorts", "people"),
            ("cohort_answers", "at"), ("checkpoints", "at"),
        ] {
            for sql in ["UPDATE \(table) SET \(column) = 0", "DELETE FROM \(table)"] {
                let attempt = try SQLiteShell.once(folder.file("ledger.sqlite"), sql)
                #expect(attempt.status != 0, "\(sql)")
                #expect(attempt.output.contains("what the node remembers is only added to"), "\(sql)")
            }
        }
    }

    @Test func `another process and the node see each other's changes`() throws {
        let ledger = try NodeLedger(path: folder.file("ledger.sqlite"))
        let study = SHA256Digest(of: "study".utf8)
        try ledger.recordStudy(hash: study, submission: [1], receivedAt: 5)
        let shell = try SQLiteShell(folder.file("ledger.sqlite"))
        #expect(try shell.run("SELECT decision FROM studies") == "pending\n")
        try ledger.decline(study, reason: "r", by: "A", at: 6)
        #expect(try shell.run("SELECT decision FROM studies") == "declined\n")
        _ = try shell.run("UPDATE studies SET reason = 'other'")
        #expect(try ledger.study(study)?.decision == .declined(reason: "other", by: "A", at: 6))
        shell.kill()
    }

    @Test func `a process killed in the middle of a change leaves none of it, and no lock`() throws {
        let ledger = try NodeLedger(path: folder.file("ledger.sqlite"), patience: .milliseconds(20))
        try ledger.append(kind: "before", body: "{}", at: 1)
        let shell = try SQLiteShell(folder.file("ledger.sqlite"))
        let hash = SHA256Digest(of: "never".utf8).hex
        _ = try shell.run(
            """
            PRAGMA cache_size = 1; BEGIN IMMEDIATE;
            INSERT INTO studies (hash, submission, received_at) VALUES ('\(hash)', zeroblob(1000000), 1)
            """)
        #expect(throws: LedgerError.file(folder.file("ledger.sqlite"), .locked)) {
            try ledger.append(kind: "meanwhile", body: "{}", at: 2)
        }
        shell.kill()
        try ledger.append(kind: "after", body: "{}", at: 3)
        let reopened = try NodeLedger(path: folder.file("ledger.sqlite"))
        #expect(try reopened.studies() == [])
        #expect(try reopened.auditEntries().map(\.kind) == ["before", "after"])
        #expect(try reopened.verifyAudit() == 2)
    }
}
