import TestFiles
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

    @Test func `an admin cannot change a patient by accident`() throws {
        let store = try Clinic.store(in: folder)
        let path = try folder.write(Clinic.csv(Clinic.lines), to: "patients.csv")
        _ = try store.importCSV(path: path, dictionary: "clinic@1", replacing: false)
        for sql in ["UPDATE \"clinic@1\" SET months = 1", "DELETE FROM \"clinic@1\""] {
            let attempt = try SQLiteShell.once(folder.file("cohort.sqlite"), sql)
            #expect(attempt.status != 0)
            #expect(attempt.output.contains("patients are changed by importing a file"))
        }
        try store.verifyRows(dictionary: "clinic@1")
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
}
