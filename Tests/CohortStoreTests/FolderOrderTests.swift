import Foundation
import Testing

/// The folders of `CohortStore` use one another's types in one direction.
struct FolderOrderTests {
    /// Each uses those before it alone.
    static let folders = ["Errors", "CSV", "Rows", "Local", "Cohort"]

    private static let sources = URL(filePath: #filePath)
        .appending(path: "../../../Sources/CohortStore").standardized

    /// The folder and the code, without comments, of each file.
    private static func files() throws -> [(folder: String, name: String, code: String)] {
        let found = FileManager.default.enumerator(at: sources, includingPropertiesForKeys: nil)
        return try (found?.compactMap { $0 as? URL } ?? []).filter { $0.pathExtension == "swift" }.map {
            url in
            let code = try String(contentsOf: url, encoding: .utf8).split(separator: "\n")
                .map { $0.prefix(upTo: $0.firstRange(of: "//")?.lowerBound ?? $0.endIndex) }
                .joined(separator: "\n")
            return (url.deletingLastPathComponent().lastPathComponent, url.lastPathComponent, code)
        }
    }

    /// The types that other files can see, with the folder that has them.
    private static func types(in files: [(folder: String, name: String, code: String)]) -> [String: String] {
        var folders: [String: String] = [:]
        for file in files {
            let declaration = /^(?:package )?(?:final )?(?:struct|class|enum|protocol) (\w+)/
                .anchorsMatchLineEndings()
            for match in file.code.matches(of: declaration) { folders[String(match.1)] = file.folder }
        }
        return folders
    }

    @Test func `a folder uses no type of one that comes after it`() throws {
        let files = try Self.files()
        let types = Self.types(in: files)
        #expect(Set(files.map(\.folder)) == Set(Self.folders))
        #expect(types["StoreError"] == "Errors" && types["CohortStore"] == "Cohort" && types.count > 25)
        for file in files {
            let place = Self.folders.firstIndex(of: file.folder) ?? 0
            for word in Set(file.code.matches(of: /\w+/).map { String($0.0) }) {
                guard let folder = types[word] else { continue }
                #expect(
                    Self.folders.firstIndex(of: folder) ?? 0 <= place,
                    "\(file.folder)/\(file.name) uses \(word) of \(folder)")
            }
        }
    }
}
