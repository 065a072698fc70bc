import Foundation
import Testing

/// Options that take several values, and those that the command line lets be given several times, are the same.
struct RepeatableOptionsTests {
    private static let sources = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "Sources/coxswain")

    @Test func `an option may be given twice if, and only if, it takes several values`() throws {
        let files = try FileManager.default.contentsOfDirectory(
            at: Self.sources, includingPropertiesForKeys: nil)
        var several: Set<String> = []
        for file in files where file.pathExtension == "swift" {
            let text = try String(contentsOf: file, encoding: .utf8)
            for option in text.components(separatedBy: "@Option").dropFirst() {
                guard let declared = option.firstMatch(of: #/\bvar `?(\w+)`?: (\[)?/#), declared.2 != nil
                else {
                    continue
                }
                let custom = option[..<declared.range.lowerBound].firstMatch(of: #/customLong\("([^"]+)"\)/#)
                several.insert("--\(custom?.1 ?? declared.1)")
            }
        }
        let list = try String(
            contentsOf: Self.sources.appending(path: "RepeatedOptions.swift"), encoding: .utf8)
        let names = try #require(list.firstMatch(of: #/repeatable: Set<String> = \[([^\]]*)\]/#)).1
        #expect(Set(names.matches(of: #/"([^"]+)"/#).map { String($0.1) }) == several)
        #expect(several.count > 2)
    }
}
