import Foundation
import Testing

/// `Deploy/THREATS.md` names tests in italics: each must exist, or a claim has lost what showed it.
struct ThreatModel {
    /// Texts between single asterisks, over line ends.
    private static func italics(in text: String) -> [String] {
        let joined = text.split(separator: "\n", omittingEmptySubsequences: false)
            .map { $0.trimmingCharacters(in: .whitespaces) }
            .map { $0.hasPrefix("* ") ? String($0.dropFirst(2)) : $0 }
            .joined(separator: " ").replacingOccurrences(of: "**", with: "")
        return joined.components(separatedBy: "*").enumerated().filter { $0.offset % 2 == 1 }.map(\.element)
    }

    private static func testNames() throws -> Set<String> {
        let tests = URL(fileURLWithPath: Repository.root).appendingPathComponent("Tests")
        // What a build leaves is hidden: the benchmarks' packages have a folder named *.swift.
        let files = FileManager.default.enumerator(
            at: tests, includingPropertiesForKeys: nil, options: .skipsHiddenFiles)
        var names: Set<String> = []
        for case let file as URL in try #require(files) where file.pathExtension == "swift" {
            let parts = try String(contentsOf: file, encoding: .utf8).components(separatedBy: "func `")
            for part in parts.dropFirst() { names.insert(String(part.prefix { $0 != "`" })) }
        }
        return names
    }

    @Test func `every test that the threat model names exists`() throws {
        let names = try Self.testNames()
        let claims = Self.italics(in: try Repository.text("Deploy/THREATS.md")).filter { $0 != "In italics:" }
        #expect(claims.count > 40)
        for claim in claims { #expect(names.contains(claim), "\(claim)") }
    }
}
