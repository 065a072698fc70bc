import Cryptography
import Testing

@testable import CohortStore

/// What an admin sees and can do with `sqlite3`, while the store is open.
@Suite(.enabled(if: SQLiteShell.isInstalled, "sqlite3 is not installed"))
struct OutsiderTests {
    let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    @Test func `an admin reads patients in named and typed columns`() throws {
        let store = try Clinic.store(in: folder)
        let path = try folder.write(Clinic.csv(Clinic.lines), to: "patients.csv")
        _ = try store.importCSV(path: path, dictionary: "clinic@1", replacing: false, at: 1_700_000_000)
        let rows = try SQLiteShell.once(folder.file("cohort.sqlite"), "SELECT * FROM \"clinic@1\"")
        #expect(rows.status == 0)
        #expect(
            rows.output == """
                A1|5.9|1|female|PD|3.5
                A2|12.0|0|male|CR|
                A1|7.0|1|female|SD|
                A3|0.0|0|||12.0

                """)
        let columns = try SQLiteShell.once(
            folder.file("cohort.sqlite"),
            "SELECT name, type, \"notnull\" FROM pragma_table_info('clinic@1')")
        #expect(
            columns.output == """
                patient|TEXT|1
                months|REAL|1
                died|INTEGER|1
                sex|TEXT|0
                response|TEXT|0
                tumour_cm|REAL|0

                """)
        let imports = try SQLiteShell.once(
            folder.file("cohort.sqlite"), "SELECT dictionary, file_name, row_count, imported_at FROM imports")
        #expect(imports.output == "clinic@1|patients.csv|4|1700000000\n")
    }

    @Test func `an admin cannot change a patient, an answer or the audit log by accident`() throws {
        let store = try Clinic.store(in: folder)
        let path = try folder.write(Clinic.csv(Clinic.lines), to: "patients.csv")
        _ = try store.importCSV(path: path, dictionary: "clinic@1", replacing: false)
        let ledger = try NodeLedger(path: folder.file("ledger.sqlite"))
        try ledger.append(kind: "test", body: "{}", at: 1)
        for (file, sql, reason) in [
            (
                "cohort.sqlite", "UPDATE \"clinic@1\" SET months = 1",
                "patients are changed by importing a file"
            ),
            ("cohort.sqlite", "DELETE FROM \"clinic@1\"", "patients are changed by importing a file"),
            ("ledger.sqlite", "DELETE FROM audit", "the audit log is only appended to"),
            ("ledger.sqlite", "UPDATE audit SET at = 2", "the audit log is only appended to"),
            (
                "ledger.sqlite", "REPLACE INTO audit VALUES (1, 1, 'x', '{}', '', '')",
                "the audit log is only appended to"
            ),
        ] {
            let attempt = try SQLiteShell.once(folder.file(file), sql)
            #expect(attempt.status != 0)
            #expect(attempt.output.contains(reason))
        }
        try store.verifyRows(dictionary: "clinic@1")
        #expect(try ledger.verifyAudit() == 1)
    }

    /// Whose rows were summed, by whose key they are numbered, and where other logs stood.
    @Test func `what a node remembers is not changed or removed through SQL`() throws {
        let ledger = try NodeLedger(path: folder.file("ledger.sqlite"))
        let (study, key) = (SHA256Digest(of: "study".utf8), SHA256Digest(of: "key".utf8))
        try ledger.recordStudy(hash: study, submission: [1], receivedAt: 1)
        try ledger.beginSession(id: "s", study: study, secret: [1], hello: [1], at: 1)
        _ = try ledger.number(
            RowCodes(key: key, rows: [RowCode(person: PersonCode(high: 7, low: 7), ordinal: 0)]))
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

    @Test func `without the triggers the columns still refuse what is no value of theirs`() throws {
        _ = try Clinic.store(in: folder)
        for (columns, values) in [
            ("patient, months, died", "'A', 'x', 1"), ("patient, months, died", "'A', 1, 2"),
            ("patient, months, died", "NULL, 1, 1"), ("patient, months, died", "'A', NULL, 1"),
            ("patient, months, died, sex", "'A', 1, 1, 'x'"),
        ] {
            let attempt = try SQLiteShell.once(
                folder.file("cohort.sqlite"),
                """
                BEGIN; DROP TRIGGER "clinic@1 refuses INSERT";
                INSERT INTO "clinic@1" (\(columns)) VALUES (\(values)); ROLLBACK
                """)
            #expect(attempt.status != 0, "\(columns): \(values)")
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
        #expect(throws: StoreError.file(folder.file("ledger.sqlite"), .locked)) {
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
