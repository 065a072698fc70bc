import Foundation
import Survival
import TestFiles
import Testing

@testable import CohortStore

struct LargeImportTests {
    /// A reader that held the file or its rows would need several times the file's size.
    ///
    /// In a process of its own, so that the peak of its memory is the import's.
    @Test func `300,000 rows are imported in memory that does not grow with the file`() async {
        await #expect(processExitsWith: .success) {
            let rowCount = 300_000
            let folder = try TemporaryFolder()
            let store = try Clinic.store(in: folder)
            let path = folder.file("large.csv")
            let size = try LargeFile.write(to: path, rowCount: rowCount)
            let before = try LargeFile.peakMemoryBytes()
            let report = try store.importCSV(path: path, dictionary: "clinic@1", replacing: false)
            let growth = try LargeFile.peakMemoryBytes() - before
            #expect(report.rowCount == rowCount)
            #expect(growth < size / 4, "peak memory grew by \(growth) bytes for a file of \(size)")
            let table = try store.table(dictionary: "clinic@1", variables: ["months"])
            #expect(table.rowCount == rowCount)
            #expect(table.person.last == Int32(rowCount / 2 - 1))
        }
    }
}

/// A file of many rows, and the memory of this process.
private enum LargeFile {
    /// Writes a file of two rows a person with a wide column that is not used; gives its size.
    static func write(to path: String, rowCount: Int) throws -> Int {
        try #require(FileManager.default.createFile(atPath: path, contents: nil))
        let file = try #require(FileHandle(forWritingAtPath: path))
        let note = String(repeating: "lorem ipsum ", count: 12)
        var block = "\(Clinic.header),note\n"
        for row in 0..<rowCount {
            block += "P\(row / 2),\(row % 240),\(row % 2),male,PD,\(row % 30),\(note)\n"
            guard row % 1000 == 999 || row == rowCount - 1 else { continue }
            try file.write(contentsOf: Data(block.utf8))
            block = ""
        }
        let size = try file.offset()
        try file.close()
        return Int(size)
    }

    /// The kernel's record of the largest resident size (proc(5), VmHWM).
    static func peakMemoryBytes() throws -> Int {
        let status = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
        let line = try #require(status.split(separator: "\n").first { $0.hasPrefix("VmHWM:") })
        return try #require(Int(line.split(whereSeparator: \.isWhitespace)[1])) << 10
    }
}
