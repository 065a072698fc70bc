import Foundation
import Survival
import TestFiles
import Testing

@testable import CohortStore

/// Every cell of these files has the marker in it; no error and no report may.
struct SecrecyTests {
    private static let marker = "ZZMARKERZZ"

    private static var markedRow: String {
        Array(repeating: marker, count: 6).joined(separator: ",")
    }

    /// Files that fail in every way there is, and one that is imported.
    static let files: [String] = [
        Clinic.csv([markedRow]),
        Clinic.csv(["\(marker),\(marker)"]),
        Clinic.csv(["\(marker),1,1,male,PD,\(marker) "]),
        Clinic.csv(["\"\(marker)\",1,1,male,PD,\"\(marker)"]),
        Clinic.csv(["\"\(marker)\"\(marker),1,1,male,PD,1"]),
        Clinic.csv(["\(marker)\"\(marker),1,1,male,PD,1"]),
        Clinic.csv(["\(marker),1,1,male,PD,1\r\(marker)"]),
        Clinic.csv(["\(marker),1,1,male,PD,\u{0}\(marker)"]),
        Clinic.csv(["\(marker)" + String(repeating: "x", count: 70_000)]),
        Clinic.csv([
            Array(repeating: "\(marker)" + String(repeating: "x", count: 60_000), count: 20)
                .joined(separator: ",")
        ]),
        // Without a header the first line is a patient.
        markedRow + "\n" + markedRow + "\n",
        markedRow.replacing(",", with: ";") + "\n",
        markedRow.replacing(",", with: "\t") + "\n",
        "\(marker)\u{0}\n",
        "\"\(marker)\n",
        Clinic.csv(["\(marker),1,1,male,PD,1"]),
    ]

    @Test(arguments: files)
    func `no error and no report of an import has a cell of the file`(text: String) throws {
        let folder = try TemporaryFolder()
        let store = try Clinic.store(in: folder)
        let path = try folder.write(text, to: "patients.csv")
        var said = ""
        do throws(StoreError) {
            let report = try store.importCSV(path: path, dictionary: "clinic@1", replacing: false)
            said += String(reflecting: report)
            #expect(text == Self.files.last)
        } catch {
            said += "\(error) \(String(reflecting: error)) \((error as any Error).localizedDescription)"
        }
        for entry in try store.dictionaries() { said += String(reflecting: entry) }
        #expect(!said.isEmpty)
        #expect(!said.contains(Self.marker))
    }

    @Test func `a refused file leaves nothing of itself in the database or its log`() throws {
        let folder = try TemporaryFolder()
        let store = try Clinic.store(in: folder)
        // More than SQLite's page cache holds, so that rows reach the log before they are rolled back.
        let long = String(repeating: "x", count: 250)
        let good = (0..<20_000).map { "\(Self.marker)\($0)\(long),1,1,male,PD,1" }
        let path = try folder.write(Clinic.csv(good + ["A1,bad,1,male,PD,1"]), to: "patients.csv")
        #expect(throws: StoreError.self) {
            _ = try store.importCSV(path: path, dictionary: "clinic@1", replacing: false)
        }
        for name in ["cohort.sqlite", "cohort.sqlite-wal"] {
            #expect(folder.bytes(name).range(of: Data(Self.marker.utf8)) == nil, "\(name)")
        }
    }

    @Test func `rows that were replaced are gone from the file`() throws {
        let folder = try TemporaryFolder()
        let store = try Clinic.store(in: folder)
        let rows = (0..<5000).map { "\(Self.marker)\($0),1,1,male,PD,1" }
        let first = try folder.write(Clinic.csv(rows), to: "first.csv")
        _ = try store.importCSV(path: first, dictionary: "clinic@1", replacing: false)
        #expect(folder.bytes("cohort.sqlite").range(of: Data(Self.marker.utf8)) != nil)
        let second = try folder.write(Clinic.csv(["A1,1,1,male,PD,1"]), to: "second.csv")
        _ = try store.importCSV(path: second, dictionary: "clinic@1", replacing: true)
        for name in ["cohort.sqlite", "cohort.sqlite-wal"] {
            #expect(folder.bytes(name).range(of: Data(Self.marker.utf8)) == nil, "\(name)")
        }
    }
}
