import Foundation
import Testing

/// Every reader of bytes from outside, on its corpus and on thousands of alterations of it, the same in every run.
///
/// `Tests/FuzzingTests/fuzz TARGET` looks for more with libFuzzer, for as long as one likes.
struct MutationTests {
    /// Alterations of a target, by how long a reading takes.
    private static func count(_ target: FuzzTarget) -> Int {
        switch target {
        case .message, .study, .dictionary, .policy, .configuration: 400
        case .patients, .trust, .privateKey, .certificatePEM: 800
        case .maskedVector, .formula, .certificateDER, .requestHead: 3000
        }
    }

    @Test(arguments: FuzzTarget.allCases)
    func `readers refuse altered bytes with a sentence, and never trap`(_ target: FuzzTarget) throws {
        let corpus = try Corpus.examples(of: target)
        try #require(!corpus.isEmpty, "the corpus has an example")
        for example in corpus { try target.check(example) }
        var mutator = Mutator(seed: 2026)
        for index in 0..<Self.count(target) {
            let bytes = mutator.alter(
                corpus[index % corpus.count], with: corpus[(index / corpus.count) % corpus.count])
            do { try target.check(bytes) } catch {
                Issue.record("\(error)\n\(String(decoding: bytes.prefix(2000), as: UTF8.self))")
            }
        }
    }

    @Test func `words without a sentence are a finding`() {
        #expect(throws: Finding.self) { try FuzzTarget.requireSentence("refused") }
        #expect(throws: Never.self) { try FuzzTarget.requireSentence("a key is missing") }
    }
}

/// The committed examples: `Corpus/TARGET/*`, and the repository's own files.
enum Corpus {
    static let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Corpus")

    static func examples(of target: FuzzTarget) throws -> [[UInt8]] {
        let own = folder.appending(path: target.rawValue)
        let names = try FileManager.default.contentsOfDirectory(atPath: own.path).sorted()
        return try names.map { Array(try Data(contentsOf: own.appending(path: $0))) }
    }
}
