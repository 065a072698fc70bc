import Foundation
import Testing

/// Counts of one, wherever the program says a count.
struct CountsOfOneTests {
    private static let sources = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "Sources")

    /// Plurals that a message may have after a number that is not a count of one: the smallest that the code allows is larger.
    private static let allowed = [
        // Limits that are constants, or have a floor above one.
        "maximum", "Max)", "Max(", "eventsMin", "peopleMin", "sitesMin", "intervalExitsMin", "formattedShort",
        "countMax", "limits.",
        // Numbers that were found not to be one.
        "heterogeneity.sites", "publicKey.count", "secret.count", "key.count", "of \\(days) days",
        "in \\(iterations) evaluations", "\\(maximum) sums", "\\(alike.count) times",
        // Multiplied, not counted.
        "times e^(",
        // YAML, which has its own words.
        "keys.append",
    ]

    /// Every interpolated number before a plural goes through `counted` or `measured`, which know of one.
    @Test func `no message says a number of things without asking whether it is one`() throws {
        let things =
            "rows|people|persons|events|sites|hospitals|rounds|entries|numbers|questions|problems|fields|columns|times|patients|analyses|evaluations|days|seconds|levels|values|coefficients|covariates|clusters|groups|exits|checkpoints|studies|files|variables|bytes|cells|causes|minutes|intervals|iterations|lines|counts|moments|tallies|pairs|sums|lanes|terms|words"
        let pattern = try Regex(#"\\\(([^()"]|\([^()]*\))*\) ("# + things + #")\b"#)
        // A number of what another interpolation says: `\(count) \(kind)`.
        let counting = try Regex(#"\\\([^()]*[cC]ount\) \\\((?!.* == 1 \?)"#)
        let files = try #require(
            FileManager.default.enumerator(at: Self.sources, includingPropertiesForKeys: nil))
        var found: [String] = []
        var fileCount = 0
        for case let url as URL in files where url.pathExtension == "swift" {
            fileCount += 1
            for (index, line) in try String(contentsOf: url, encoding: .utf8).split(
                separator: "\n", omittingEmptySubsequences: false
            ).enumerated() {
                let text = line.trimmingCharacters(in: .whitespaces)
                guard !text.hasPrefix("//"),
                    text.firstMatch(of: pattern) != nil || text.firstMatch(of: counting) != nil
                else { continue }
                if !Self.allowed.contains(where: text.contains) {
                    found.append("\(url.lastPathComponent):\(index + 1): \(text)")
                }
            }
        }
        #expect(fileCount > 200)
        #expect(found == [])
    }
}
