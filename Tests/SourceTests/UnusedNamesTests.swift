import Testing

/// What nobody calls goes: a name that is declared and stands nowhere else in `Sources` is of no use to the program.
struct UnusedNamesTests {
    /// Named by protocols of others' packages, or by `@main`.
    private static let requirements: Set<Substring> = [
        "Coxswain", "InboundOut", "allKeys", "handlerAdded", "metadataProvider", "warn",
    ]
    /// Called by tests alone.
    private static let forTests: Set<Substring> = ["isRevoked"]

    private static let words: Set<Substring> = [
        "func", "var", "let", "struct", "enum", "class", "actor", "protocol", "typealias",
    ]

    @Test func `every name is used`() throws {
        var (declared, count) = ([Substring: String](), [Substring: Int]())
        for target in try SourceFile.targets() {
            for file in try SourceFile.files(of: target) {
                for (word, name) in zip(file.tokens, file.tokens.dropFirst()) where Self.words.contains(word)
                {
                    declared[name] = "\(target)/\(file.path)"
                }
                for token in file.tokens { count[token, default: 0] += 1 }
            }
        }
        let isName = { (token: Substring) in token.first.map { $0.isLetter || $0 == "_" } ?? false }
        for (name, file) in declared.sorted(by: { $0.key < $1.key })
        where isName(name) && count[name] == 1 && name != "_" {
            let isKnown = Self.requirements.contains(name) || Self.forTests.contains(name)
            #expect(isKnown, "\(file) declares \(name), which nothing uses")
        }
    }
}
