import Cryptography
import Foundation
import GRDB
import Survival
import TestFiles
import Testing

@testable import CohortStore

struct CohortTableTests {
    let folder: TemporaryFolder
    let store: CohortStore

    init() throws {
        folder = try TemporaryFolder()
        store = try Clinic.store(in: folder)
    }

    @Test func `variables come in the types of the dictionary, missing values marked`() throws {
        try Clinic.importLines(into: store, folder, Clinic.lines)
        let table = try store.table(
            dictionary: "clinic@1", variables: ["months", "died", "sex", "response", "tumour_cm", "months"])
        #expect(table.rowCount == 4)
        #expect(table.person == [0, 1, 0, 2])
        #expect(table.columns.count == 5)
        guard case .number(let months)? = table.columns["months"],
            case .number(let tumour)? = table.columns["tumour_cm"],
            case .boolean(let died)? = table.columns["died"],
            case .category(let sex)? = table.columns["sex"],
            case .category(let response)? = table.columns["response"]
        else {
            Issue.record("a column has another type: \(table.columns)")
            return
        }
        #expect(months == [5.9, 12, 7, 0])
        #expect(died == [1, 0, 1, 0])
        #expect(sex == [0, 1, 0, -1])
        #expect(response == [3, 0, 2, -1])
        #expect(tumour.map(\.isNaN) == [false, true, true, false])
        #expect([tumour[0], tumour[3]] == [3.5, 12])
    }

    @Test func `every row of a person has the person's index, however far apart the rows are`() throws {
        try Clinic.importLines(
            into: store, folder, ["A", "B", "A", "C", "A", "B", "D", "A"].map { "\($0),1,1,male,PD,1" })
        #expect(try store.table(dictionary: "clinic@1", variables: []).person == [0, 1, 0, 2, 0, 1, 3, 0])
    }

    @Test func `zero is one value, however it is signed`() throws {
        try Clinic.importLines(into: store, folder, ["A,0,1,male,PD,0"])
        let digest = try store.snapshotDigest(dictionary: "clinic@1")
        try Clinic.importLines(into: store, folder, ["A,-0,1,male,PD,-0.00"], replacing: true)
        #expect(try store.snapshotDigest(dictionary: "clinic@1") == digest)
        try store.verifyRows(dictionary: "clinic@1")
    }

    @Test func `a dictionary without rows has no table and no digest`() throws {
        #expect(throws: StoreError.dictionary("clinic@1", .hasNoRows)) {
            _ = try store.verifiedTable(dictionary: "clinic@1", variables: ["sex"])
        }
        #expect(throws: StoreError.dictionary("clinic@1", .hasNoRows)) {
            _ = try store.snapshotDigest(dictionary: "clinic@1")
        }
    }

    @Test func `unknown variables and identifiers are refused by name`() throws {
        let unknown = failure { () throws(StoreError) in
            _ = try store.table(dictionary: "clinic@1", variables: ["tumor_cm"])
        }
        #expect(
            unknown?.description
                == "dictionary clinic@1 has no variable \"tumor_cm\"; did you mean \"tumour_cm\"?")
        #expect(throws: StoreError.dictionary("clinic@1", .identifierVariable("patient"))) {
            _ = try store.table(dictionary: "clinic@1", variables: ["patient"])
        }
    }

    /// The bytes of `SnapshotHasher`'s description, written out.
    @Test func `the snapshot digest is SHA-256 of the values in the order of the file`() throws {
        try Clinic.importLines(into: store, folder, ["A1,1.5,1,male,,3", "é,0,no,?,CR,-9"])
        var bytes = Array("coxswain snapshot 1\n".utf8) + SHA256Digest(of: Clinic.text.utf8).bytes
        bytes += [4, 2, 0, 0, 0, 0x41, 0x31]  // A1
        bytes += [1, 0, 0, 0, 0, 0, 0, 0xF8, 0x3F]  // 1.5 = 0x3FF8000000000000
        bytes += [2, 1, 3, 1, 0, 0, 0, 0]  // yes, male, missing
        bytes += [1, 0, 0, 0, 0, 0, 0, 0x08, 0x40]  // 3 = 0x4008000000000000
        bytes += [4, 2, 0, 0, 0, 0xC3, 0xA9]  // é
        bytes += [1, 0, 0, 0, 0, 0, 0, 0, 0]
        bytes += [2, 0, 0, 3, 0, 0, 0, 0, 0]  // no, missing, CR, missing
        bytes += [2, 0, 0, 0, 0, 0, 0, 0]  // two rows
        #expect(try store.snapshotDigest(dictionary: "clinic@1") == SHA256Digest(of: bytes))
        try store.verifyRows(dictionary: "clinic@1")
    }

    @Test func `the digest follows the values, not their spelling or the file's other columns`() throws {
        try Clinic.importLines(into: store, folder, ["A1,1.5,1,male,PD,3"])
        let digest = try store.snapshotDigest(dictionary: "clinic@1")
        let spelled = try folder.write(
            "note,Sex,Patient ID,months,died,response,tumour_cm\r\nx,male,A1,1.50,TRUE,PD,3e0\r\n",
            to: "other.csv")
        _ = try store.importCSV(path: spelled, dictionary: "clinic@1", replacing: true)
        #expect(try store.snapshotDigest(dictionary: "clinic@1") == digest)
        for line in [
            "A2,1.5,1,male,PD,3", "A1,1.6,1,male,PD,3", "A1,1.5,0,male,PD,3", "A1,1.5,1,female,PD,3",
            "A1,1.5,1,male,SD,3", "A1,1.5,1,male,PD,", "A1,1.5,1,male,PD,3\nA1,1.5,1,male,PD,3",
        ] {
            try Clinic.importLines(into: store, folder, [line], replacing: true)
            #expect(try store.snapshotDigest(dictionary: "clinic@1") != digest, "\(line)")
        }
    }

    @Test func `rows are not changed but by an import, and a change behind our back is found`() throws {
        try Clinic.importLines(into: store, folder, Clinic.lines)
        let raw = try DatabaseQueue(path: folder.file("cohort.sqlite"))
        for sql in [
            "UPDATE \"clinic@1\" SET months = 1", "DELETE FROM \"clinic@1\"",
            "INSERT INTO \"clinic@1\" (patient, months, died) VALUES ('A9', 1, 1)",
            "INSERT OR REPLACE INTO \"clinic@1\" (rowid, patient, months, died) VALUES (1, 'A9', 1, 1)",
        ] {
            #expect(throws: DatabaseError.self, "\(sql)") { try raw.write { try $0.execute(sql: sql) } }
        }
        try store.verifyRows(dictionary: "clinic@1")
        try raw.write { db in
            try db.execute(sql: "DROP TRIGGER \"clinic@1 refuses UPDATE\"")
            try db.execute(sql: "UPDATE \"clinic@1\" SET months = 6.0 WHERE patient = 'A1' AND months = 5.9")
        }
        #expect(throws: StoreError.dictionary("clinic@1", .rowsChanged)) {
            try store.verifyRows(dictionary: "clinic@1")
        }
        for variable in ["months", "sex"] {
            #expect(throws: StoreError.dictionary("clinic@1", .rowsChanged)) {
                _ = try store.verifiedTable(dictionary: "clinic@1", variables: [variable])
            }
        }
    }

    @Test func `a value that no import stores is an error, not a crash, and is not in it`() throws {
        try Clinic.importLines(into: store, folder, Clinic.lines)
        let raw = try DatabaseQueue(path: folder.file("cohort.sqlite"))
        try raw.writeWithoutTransaction { db in
            try db.execute(
                sql: """
                    DROP TRIGGER "clinic@1 refuses UPDATE";
                    PRAGMA ignore_check_constraints = ON;
                    UPDATE "clinic@1" SET response = 'ZZMARKERZZ' WHERE patient = 'A2';
                    """)
        }
        for variable in ["response", "months"] {
            #expect(throws: StoreError.dictionary("clinic@1", .rowsChanged)) {
                _ = try store.verifiedTable(dictionary: "clinic@1", variables: [variable])
            }
        }
        let error = failure { () throws(StoreError) in _ = try store.describe(dictionary: "clinic@1") }
        #expect(error == .dictionary("clinic@1", .unreadableValue(variable: "response")))
        #expect(error?.description.contains("ZZMARKERZZ") == false)
    }

    @Test func `the digest comes with the table, of one moment`() throws {
        try Clinic.importLines(into: store, folder, Clinic.lines)
        let reader = try CohortStore(path: folder.file("cohort.sqlite"), access: .answering)
        let before = try reader.verifiedTable(dictionary: "clinic@1", variables: [])
        #expect(try before.snapshot == store.snapshotDigest(dictionary: "clinic@1"))
        try Clinic.importLines(into: store, folder, ["B1,1,1,male,CR,1"], replacing: true)
        let after = try reader.verifiedTable(dictionary: "clinic@1", variables: [])
        #expect(try after.snapshot == store.snapshotDigest(dictionary: "clinic@1"))
        #expect(after.table.rowCount == 1 && after.snapshot != before.snapshot)
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
        for chosen in [names, Array(names.reversed()[..<100]), ["x229", "x0"]] {
            let table = try store.table(dictionary: "wide@1", variables: chosen)
            for name in chosen {
                guard case .number(let found)? = table.columns[name] else {
                    Issue.record("\(name) is no column of numbers")
                    continue
                }
                #expect(found.map { "x\(Int($0))" } == [name, name])
            }
        }
    }
}
