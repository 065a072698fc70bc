import Cryptography
import Foundation
import GRDB
import Survival
import Testing

@testable import CohortStore

/// Loads from prepared columns beside loads from the rows.
struct PreparedColumnsTests {
    static let variables = ["months", "died", "sex", "response", "tumour_cm"]
    let folder: TemporaryFolder
    let store: CohortStore

    init() throws {
        folder = try TemporaryFolder()
        store = try Clinic.store(in: folder)
    }

    /// Rows of several people with everything that may be missing missing now and then.
    private static func lines(_ count: Int, seed: UInt64) -> [String] {
        var generator = SeededGenerator(state: seed)
        return (0..<count).map { _ in
            let months = Double(Int.random(in: 0...2400, using: &generator)) / 10
            let died = ["0", "1", "no", "TRUE"].randomElement(using: &generator) ?? ""
            let sex = ["female", "male", "?", ""].randomElement(using: &generator) ?? ""
            let response = ["CR", "PR", "SD", "PD", ""].randomElement(using: &generator) ?? ""
            let size = Double.random(in: 0...30, using: &generator)
            let tumour =
                ["\(size)", "\(size.rounded())", "-9", "-0", ""].randomElement(using: &generator) ?? ""
            let person = Int.random(in: 0...count / 2, using: &generator)
            return "P\(person),\(months),\(died),\(sex),\(response),\(tumour)"
        }
    }

    /// The table from the prepared columns alone; nil if they are not used.
    private func prepared(_ variables: [String] = variables) throws -> PatientTable? {
        try Self.prepared(store, variables)
    }

    private static func prepared(
        _ store: CohortStore, _ variables: [String] = variables
    ) throws -> PatientTable? {
        try store.file.read { db in
            let installed = try InstalledDictionary.require(db, "clinic@1")
            let chosen = variables.compactMap { installed.dictionary[$0] }
            let schema = try PatientTableSchema(installed.dictionary)
            return try PreparedReader(db, installed)?.table(chosen, person: schema.person)
        }
    }

    /// The table from the rows alone.
    private func fromRows(_ variables: [String] = variables) throws -> PatientTable {
        try store.file.read { db in
            let installed = try InstalledDictionary.require(db, "clinic@1")
            let chosen = variables.compactMap { installed.dictionary[$0] }
            return try CohortStore.rowTable(
                db, installed, PatientTableSchema(installed.dictionary), chosen)
        }
    }

    private func change(_ sql: String, _ arguments: StatementArguments = []) throws {
        let raw = try DatabaseQueue(path: folder.file("cohort.sqlite"))
        try raw.writeWithoutTransaction { try $0.execute(sql: sql, arguments: arguments) }
        try raw.close()
    }

    @Test(arguments: [1, 2, 700, PreparedPart.rowCount, PreparedPart.rowCount + 1])
    func `prepared columns give the table of the rows, bit for bit`(rowCount: Int) throws {
        try Clinic.importLines(into: store, folder, Self.lines(rowCount, seed: UInt64(rowCount)))
        let (columns, rows) = (try #require(try prepared()), try fromRows())
        #expect(columns.rowCount == rowCount)
        #expect(columns.bits == rows.bits)
        #expect(try store.table(dictionary: "clinic@1", variables: Self.variables).bits == rows.bits)
        try store.verifyRows(dictionary: "clinic@1")
    }

    @Test func `a load looks at the columns that it uses, and at the person`() throws {
        try Clinic.importLines(into: store, folder, Clinic.lines)
        try change("UPDATE prepared_parts SET cells = x'00' WHERE variable = 'sex'")
        #expect(try prepared(["months"]) != nil)
        #expect(try prepared(["months", "sex"]) == nil)
        try change("UPDATE prepared_parts SET cells = x'00' WHERE variable = 'patient'")
        #expect(try prepared(["months"]) == nil)
    }

    /// What may happen to what is prepared; the file has two parts of each column.
    static let damages = [
        "UPDATE prepared_parts SET cells = CAST(substr(cells, 1, 99) || x'7B' || substr(cells, 101) AS BLOB) WHERE part = 0",
        "UPDATE prepared_parts SET cells = substr(cells, 1, length(cells) - 1) WHERE part = 1",
        "UPDATE prepared_parts SET cells = CAST(cells || x'00' AS BLOB) WHERE part = 1",
        "UPDATE prepared_parts SET cells = CAST(x'0101' || substr(cells, 3) AS BLOB) WHERE part = 1",
        "UPDATE prepared_parts SET cells = x'' WHERE part = 0",
        "UPDATE prepared_parts SET cells = zeroblob(length(cells)) WHERE part = 0",
        "DELETE FROM prepared_parts WHERE part = 0",
        "DELETE FROM prepared_parts WHERE part = 1",
        "DELETE FROM prepared_parts",
        "UPDATE prepared_parts SET part = 2 WHERE part = 1",
        "UPDATE prepared_parts SET part = 11 - part; UPDATE prepared_parts SET part = part - 10",
        "UPDATE prepared_columns SET code = zeroblob(16)",
        "DELETE FROM prepared_columns",
        """
        UPDATE prepared_parts SET variable = variable || ' ';
        UPDATE prepared_parts SET variable = 'sex' WHERE variable = 'response ';
        UPDATE prepared_parts SET variable = 'response' WHERE variable = 'sex ';
        UPDATE prepared_parts SET variable = rtrim(variable)
        """,
        """
        UPDATE prepared_columns SET variable = variable || ' ';
        UPDATE prepared_columns SET variable = 'sex' WHERE variable = 'response ';
        UPDATE prepared_columns SET variable = 'response' WHERE variable = 'sex ';
        UPDATE prepared_columns SET variable = rtrim(variable)
        """,
    ]

    @Test func `prepared columns that are not what the import stored are not used, and are told`() throws {
        try Clinic.importLines(into: store, folder, Self.lines(PreparedPart.rowCount + 300, seed: 5))
        let rows = try fromRows()
        for (index, damage) in Self.damages.enumerated() {
            try folder.copyDatabase("cohort.sqlite", to: "\(index).sqlite")
            let raw = try DatabaseQueue(path: folder.file("\(index).sqlite"))
            try raw.writeWithoutTransaction { try $0.execute(sql: damage) }
            try raw.close()
            let damaged = try CohortStore(path: folder.file("\(index).sqlite"), access: .importing)
            #expect(try Self.prepared(damaged) == nil, "\(damage)")
            #expect(
                try damaged.table(dictionary: "clinic@1", variables: Self.variables).bits == rows.bits,
                "\(damage)")
            #expect(throws: StoreError.dictionary("clinic@1", .rowsChanged), "\(damage)") {
                try damaged.verifyRows(dictionary: "clinic@1")
            }
            let path = try folder.write(Clinic.csv(Clinic.lines), to: "small.csv")
            _ = try damaged.importCSV(path: path, dictionary: "clinic@1", replacing: true)
            #expect(try Self.prepared(damaged) != nil)
            try damaged.verifyRows(dictionary: "clinic@1")
        }
    }

    @Test func `columns prepared of other rows are not used`() throws {
        try Clinic.importLines(into: store, folder, Self.lines(300, seed: 1))
        try change("CREATE TABLE parts AS SELECT * FROM prepared_parts")
        try change("CREATE TABLE codes AS SELECT * FROM prepared_columns")
        try Clinic.importLines(into: store, folder, Self.lines(300, seed: 2), replacing: true)
        let rows = try fromRows()
        try change(
            """
            DELETE FROM prepared_parts; INSERT INTO prepared_parts SELECT * FROM parts;
            DELETE FROM prepared_columns; INSERT INTO prepared_columns SELECT * FROM codes
            """)
        #expect(try prepared() == nil)
        #expect(try store.table(dictionary: "clinic@1", variables: Self.variables).bits == rows.bits)
    }

    /// Its code is no secret: only a comparison with the rows finds it.
    @Test func `a forged column is refused with the rows that it is not of`() throws {
        try Clinic.importLines(into: store, folder, Clinic.lines)
        let digest = try store.snapshotDigest(dictionary: "clinic@1")
        let cells: [UInt8] = [1, 1, 59, 120, 70, 1]  // 0.1 months for the last patient, not 0
        let code = ColumnCode("months", dictionary: SHA256Digest(of: Clinic.text.utf8))
        cells.withUnsafeBytes { code.update($0) }
        try change("UPDATE prepared_parts SET cells = ? WHERE variable = 'months'", [Data(cells)])
        try change(
            "UPDATE prepared_columns SET code = ? WHERE variable = 'months'",
            [Data(code.finish(snapshot: digest, rowCount: 4))])
        #expect(
            try prepared(["months"])?.bits
                == PatientTable(
                    rowCount: 4, person: [0, 1, 0, 2], columns: ["months": .number([5.9, 12, 7, 0.1])]
                ).bits)
        #expect(throws: StoreError.dictionary("clinic@1", .rowsChanged)) {
            try store.verifyRows(dictionary: "clinic@1")
        }
    }

    @Test func `rows changed past the import are refused, whatever is prepared`() throws {
        try Clinic.importLines(into: store, folder, Self.lines(50, seed: 3))
        try change("DROP TRIGGER \"clinic@1 refuses UPDATE\"; UPDATE \"clinic@1\" SET months = months + 1")
        #expect(throws: StoreError.dictionary("clinic@1", .rowsChanged)) {
            try store.verifyRows(dictionary: "clinic@1")
        }
    }

    @Test func `a level or a person that the dictionary has no place for is not used, even with its code`()
        throws
    {
        try Clinic.importLines(into: store, folder, Clinic.lines)
        let digest = try store.snapshotDigest(dictionary: "clinic@1")
        for (variable, cells) in [
            ("sex", [0, 2, 0, 0]), ("patient", [0, 1, 0, 3]), ("patient", [1, 0, 0, 0]),
        ] {
            let cells = [1, 0] + cells.map(UInt8.init)
            let code = ColumnCode(variable, dictionary: SHA256Digest(of: Clinic.text.utf8))
            cells.withUnsafeBytes { code.update($0) }
            try change("UPDATE prepared_parts SET cells = ? WHERE variable = ?", [Data(cells), variable])
            try change(
                "UPDATE prepared_columns SET code = ? WHERE variable = ?",
                [Data(code.finish(snapshot: digest, rowCount: 4)), variable])
            #expect(try prepared(["sex"]) == nil)
        }
    }

    @Test func `an import replaces what was prepared, and a refused one leaves it`() throws {
        try Clinic.importLines(into: store, folder, Self.lines(PreparedPart.rowCount + 1, seed: 1))
        let rows = try fromRows()
        #expect(throws: StoreError.self) {
            try Clinic.importLines(into: store, folder, ["A1,bad,1,male,PD,3"], replacing: true)
        }
        #expect(try prepared()?.bits == rows.bits)
        try Clinic.importLines(into: store, folder, ["A1,1.5,1,male,PD,3"], replacing: true)
        #expect(try prepared()?.rowCount == 1)
        let counts = try store.file.read { db in
            try ["prepared_parts", "prepared_columns"].map {
                try Int.fetchOne(db, sql: "SELECT count(*) FROM \($0)")
            }
        }
        #expect(counts == [6, 6])
    }

    @Test func `a crash while columns are prepared leaves those before it`() throws {
        try Clinic.importLines(into: store, folder, Self.lines(500, seed: 8))
        let rows = try fromRows()
        let raw = try DatabaseQueue(path: folder.file("cohort.sqlite"))
        try raw.writeWithoutTransaction { db in
            // A cache of one page sends what is written to the log before there is a commit.
            try db.execute(sql: "PRAGMA cache_size = 1; BEGIN IMMEDIATE")
            let storage = try PreparedStorage(db, replacing: "clinic@1")
            for part in 0..<20 { try storage.store("months", part, Array(repeating: 7, count: 50_000)) }
            try folder.copyDatabase("cohort.sqlite", to: "crashed.sqlite")
            try db.execute(sql: "ROLLBACK")
        }
        #expect(folder.bytes("crashed.sqlite-wal").count > 500_000)
        let crashed = try CohortStore(path: folder.file("crashed.sqlite"), access: .importing)
        #expect(try crashed.table(dictionary: "clinic@1", variables: Self.variables).bits == rows.bits)
        try crashed.verifyRows(dictionary: "clinic@1")
    }

    @Test func `a file of the version before is brought up when it is opened for importing`() throws {
        try Clinic.importLines(into: store, folder, Self.lines(30, seed: 4))
        let rows = try fromRows()
        try change("DROP TABLE prepared_parts; DROP TABLE prepared_columns; PRAGMA user_version = 2")
        let path = folder.file("cohort.sqlite")
        #expect(throws: StoreError.file(path, .older(found: 2, known: 3))) {
            _ = try CohortStore(path: path, access: .answering)
        }
        let opened = try CohortStore(path: path, access: .importing)
        #expect(try prepared() == nil)
        #expect(try opened.table(dictionary: "clinic@1", variables: Self.variables).bits == rows.bits)
        try opened.verifyRows(dictionary: "clinic@1")
        try Clinic.importLines(into: store, folder, Self.lines(30, seed: 4), replacing: true)
        #expect(try prepared()?.bits == rows.bits)
    }

    @Test(.enabled(if: SQLiteShell.isInstalled, "sqlite3 is not installed"))
    func `an admin sees what is prepared, and a whole file`() throws {
        try Clinic.importLines(into: store, folder, Clinic.lines)
        let seen = try SQLiteShell.once(
            folder.file("cohort.sqlite"),
            """
            SELECT variable, part, hex(cells) FROM prepared_parts ORDER BY id;
            SELECT count(*), sum(length(code)) FROM prepared_columns;
            PRAGMA integrity_check
            """)
        #expect(seen.status == 0)
        #expect(
            seen.output == """
                patient|0|010000010002
                months|0|01013B784600
                died|0|010001000100
                sex|0|010000010080
                response|0|010003000280
                tumour_cm|0|010123808078
                6|96
                ok

                """)
    }

    @Test func `identifiers of people stand in what is prepared under a number only`() throws {
        try Clinic.importLines(into: store, folder, ["ZZMARKERZZ,1,1,male,PD,1"])
        let parts = try store.file.read { db in
            try Data.fetchAll(db, sql: "SELECT cells FROM prepared_parts")
        }
        #expect(parts.count == 6)
        #expect(parts.allSatisfy { $0.range(of: Data("ZZMARKERZZ".utf8)) == nil })
    }

    @Test func `more columns than SQLite hands to one function come in their places`() throws {
        let names = (0..<230).map { "x\($0)" }
        let dictionary = DataDictionary(
            name: "wide", version: 1, person: "patient",
            variables: [.init(name: "patient", kind: .identifier)]
                + names.map { .init(name: $0, kind: .number(lower: 0, upper: 1000, resolution: nil)) })
        try store.install(dictionary, text: "wide")
        let header = (["patient"] + names).joined(separator: ",")
        let values = names.indices.map { "\($0)" }.joined(separator: ",")
        let path = try folder.write("\(header)\nA,\(values)\nB,\(values)\n", to: "wide.csv")
        _ = try store.importCSV(path: path, dictionary: "wide@1", replacing: false)
        try store.verifyRows(dictionary: "wide@1")
        let expected = names.indices.map { [Double($0), Double($0)] }
        for delete in ["", "DELETE FROM prepared_parts; DELETE FROM prepared_columns"] {
            if !delete.isEmpty { try change(delete) }
            let table = try store.table(dictionary: "wide@1", variables: names)
            let found = names.map { name -> [Double] in
                if case .number(let values)? = table.columns[name] { values } else { [] }
            }
            #expect(found == expected)
        }
        try store.verifyRows(dictionary: "wide@1")
    }
}

extension PatientTable {
    /// Everything in it, numbers by their bits.
    fileprivate var bits: [String: [UInt64]] {
        var bits = columns.mapValues { column in
            switch column {
            case .number(let values), .boolean(let values): values.map(\.bitPattern)
            case .category(let indices): indices.map { UInt64(bitPattern: Int64($0)) }
            }
        }
        bits["person of the row"] = person.map { UInt64($0) }
        return bits
    }
}
