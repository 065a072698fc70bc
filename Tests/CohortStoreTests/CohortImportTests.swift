import Cryptography
import Foundation
import Survival
import TestFiles
import Testing

@testable import CohortStore

struct CohortImportTests {
    let folder: TemporaryFolder
    let store: CohortStore

    init() throws {
        folder = try TemporaryFolder()
        store = try Clinic.store(in: folder)
    }

    private func importText(_ text: String, replacing: Bool = false) throws(StoreError) -> ImportReport {
        let path = folder.file("patients.csv")
        #expect(FileManager.default.createFile(atPath: path, contents: Data(text.utf8)))
        return try store.importCSV(
            path: path, dictionary: "clinic@1", replacing: replacing, at: 1_700_000_000)
    }

    private func rowCount() throws -> Int { try store.describe(dictionary: "clinic@1").rowCount }

    @Test func `a good file is imported with a record of where it came from`() throws {
        let text = Clinic.csv(Clinic.lines)
        let report = try importText(text)
        #expect(report.rowCount == 4)
        #expect(report.replacedRowCount == 0)
        #expect(report.ignoredColumns == [])
        let installed = try #require(try store.dictionaries().first)
        #expect(installed.identifier == "clinic@1")
        #expect(installed.text == Clinic.text)
        #expect(installed.dictionary == Clinic.dictionary)
        #expect(installed.sha256 == SHA256Digest(of: Clinic.text.utf8))
        #expect(installed.rowCount == 4)
        let record = try #require(installed.lastImport)
        #expect(record == report.record)
        #expect(record.fileName == "patients.csv")
        #expect(record.fileDigest == SHA256Digest(of: text.utf8))
        #expect(record.importedAt == 1_700_000_000)
        #expect(record.dictionaryDigest == installed.sha256)
        #expect(try store.snapshotDigest(dictionary: "clinic@1") == record.snapshot)
    }

    @Test func `columns may stand in any order, and columns of no variable are left out and listed`() throws {
        let report = try importText(
            "note,tumour_cm,response,Sex,died,months,Patient ID,x\n"
                + "\"says \"\"well\"\", twice\",3.5,PD,female,1,5.9,A1,\n\n\r\n")
        #expect(report.rowCount == 1)
        #expect(report.ignoredColumns == ["note", "x"])
        #expect(report.blankLineCount == 2)
        guard
            case .number(let months)? = try store.table(dictionary: "clinic@1", variables: ["months"])
                .columns["months"]
        else {
            Issue.record("months is not a column of numbers")
            return
        }
        #expect(months == [5.9])
    }

    @Test func `problems are listed by line, column and rule, and nothing is imported`() throws {
        let text = Clinic.csv([
            "A1,5.9,1,female,PD,3.5",
            "A2,500,1,female,PD,3.5",
            "A3,5.95,2,woman,XX,\"3,5\"",
            ",,,female,PD,abc",
            "A5,5.9,1",
            "A6,5.9,1,female,PD,3.5,7",
            "\"A7\n\",5.9 ,1,female,PD,1",
            "A8,-1,1,female,PD,31",
        ])
        let error = failure { () throws(StoreError) in _ = try importText(text) }
        guard case .rejectedRows(let rejected)? = error else {
            Issue.record("expected rejected rows, got \(String(describing: error))")
            return
        }
        let expected = [
            "line 3, column months: outside 0 to 240 months",
            "line 4, column months: not a multiple of 0.1",
            "line 4, column died: not 0 or 1, no or yes, false or true, f or t",
            "line 4, column Sex: not a level (female, male)",
            "line 4, column response: not a level (CR, PR, SD, PD)",
            "line 4, column tumour_cm: a decimal comma; write a decimal point",
            "line 5, column Patient ID: no identifier",
            "line 5, column months: missing, but required",
            "line 5, column died: missing, but required",
            "line 5, column tumour_cm: not a number; a code for missing must stand in the dictionary",
            "line 6: 3 fields where the first line has 6",
            "line 7: 7 fields where the first line has 6",
            "line 8, column Patient ID: spaces around the value",
            "line 8, column months: spaces around the value",
            "line 10, column months: outside 0 to 240 months",
            "line 10, column tumour_cm: outside 0 to 30 cm",
        ]
        #expect(rejected.problems.map(\.description) == expected)
        #expect(rejected.total == expected.count)
        let head = "\(folder.file("patients.csv")): 16 problems, nothing was imported:\n"
        #expect(rejected.description == head + expected.map { "  \($0)" }.joined(separator: "\n"))
        #expect(try rowCount() == 0)
        #expect(try store.dictionaries().first?.lastImport == nil)
    }

    @Test func `of many problems the first fifty are listed and all are counted`() throws {
        let error = failure { () throws(StoreError) in
            _ = try importText(Clinic.csv((0..<1000).map { "A\($0),bad,1,female,PD,bad" }))
        }
        guard case .rejectedRows(let rejected)? = error else {
            Issue.record("expected rejected rows, got \(String(describing: error))")
            return
        }
        #expect(rejected.total == 2000)
        #expect(rejected.problems.count == 50)
        #expect(rejected.problems.last?.line == 26)
        #expect(
            rejected.description.contains("2000 problems, nothing was imported, of which the first 50 are:"))
    }

    @Test func `text that is not UTF-8 and NUL bytes are refused, in columns that are not used too`() throws {
        let rows = [
            Array("A1,1,1,female,PD,1,".utf8) + [0xE9],
            Array("A".utf8) + [0xFF] + Array(",1,1,male,PD,1,x".utf8),
            Array("A\u{0}3,1,1,male,PD,1,x".utf8), Array("A4,1,1,male,PD,1,é".utf8),
        ]
        let bytes = Array("\(Clinic.header),note\n".utf8) + rows.flatMap { $0 + [0x0A] }
        let path = try folder.write(bytes, to: "latin.csv")
        let error = failure { () throws(StoreError) in
            _ = try store.importCSV(path: path, dictionary: "clinic@1", replacing: false)
        }
        guard case .rejectedRows(let rejected)? = error else {
            Issue.record("expected rejected rows, got \(String(describing: error))")
            return
        }
        #expect(
            rejected.problems.map(\.description) == [
                "line 2, field 7: not UTF-8 text", "line 3, column Patient ID: not UTF-8 text",
                "line 4, column Patient ID: has a NUL byte",
            ])
    }

    @Test(arguments: [
        ("", CSVFault.empty), ("\n\n", .empty), ("\u{FEFF}", .empty), (Clinic.header, .headerOnly),
        (Clinic.header + "\n\n", .headerOnly), ("Patient ID;months;died\nA1;1;1\n", .separator(.semicolons)),
        (Clinic.header.replacing(",", with: "\t") + "\n", .separator(.tabs)),
        ("Patient ID,months,died,sex\n", .header(missing: ["Sex", "response", "tumour_cm"], repeated: [])),
        (Clinic.header + ",months,x,x\n", .header(missing: [], repeated: ["months"])),
        (
            "Patient ID,months,died,Sex,response,response\n",
            .header(missing: ["tumour_cm"], repeated: ["response"])
        ),
        ("a\u{0},b\n", .headerNotText), (Clinic.header + "\nA1,1,1,female,\"PD,1\n", .unclosedQuote(line: 2)),
    ])
    func `a file that is not for the dictionary is refused with a sentence`(text: String, fault: CSVFault)
        throws
    {
        let error = failure { () throws(StoreError) in _ = try importText(text) }
        #expect(error == .csv(folder.file("patients.csv"), fault))
        #expect(error?.description.hasPrefix(folder.file("patients.csv") + ": ") == true)
        #expect(error?.description.hasSuffix("; nothing was imported") == true)
        #expect(try rowCount() == 0)
    }

    @Test func `a header in Latin-1 is refused`() throws {
        let path = try folder.write([0x67, 0x72, 0xFC, 0x6E, 0x0A], to: "latin.csv")
        #expect(throws: StoreError.csv(path, .headerNotText)) {
            _ = try store.importCSV(path: path, dictionary: "clinic@1", replacing: false)
        }
    }

    @Test func `rows that are there are replaced only when asked, and stay when the new file is bad`() throws
    {
        _ = try importText(Clinic.csv(Clinic.lines))
        let before = try store.snapshotDigest(dictionary: "clinic@1")
        #expect(throws: StoreError.dictionary("clinic@1", .hasRows)) {
            _ = try importText(Clinic.csv(["B1,1,1,male,CR,1"]))
        }
        #expect(throws: StoreError.self) {
            _ = try importText(Clinic.csv(["B1,1,1,male,CR,1", "B2,1,1,male,CR,x"]), replacing: true)
        }
        #expect(try store.snapshotDigest(dictionary: "clinic@1") == before)
        #expect(try rowCount() == 4)
        try store.verifyRows(dictionary: "clinic@1")
        let report = try importText(Clinic.csv(["B1,1,1,male,CR,1"]), replacing: true)
        #expect(report.replacedRowCount == 4)
        #expect(try rowCount() == 1)
        #expect(try store.snapshotDigest(dictionary: "clinic@1") != before)
    }

    @Test func `a dictionary that is not installed is refused by name`() throws {
        let error = failure { () throws(StoreError) in
            _ = try store.importCSV(path: "/none", dictionary: "clinic@2", replacing: false)
        }
        #expect(error == .dictionary("clinic@2", .notInstalled(installed: ["clinic@1"])))
        #expect(error?.description == "dictionary clinic@2 is not installed here; installed: clinic@1")
    }
}
