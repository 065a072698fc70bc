import Testing

/// No two folders of a target use each other, not even by a detour: what a folder needs can be read before it.
struct FolderCycleTests {
    /// Folders that are still in a cycle; a list that only becomes shorter.
    private static let known: [String: Set<String>] = [
        "Federation": [
            "Analyses", "Analyses/Comparison", "Analyses/Concordance", "Analyses/Cox", "Analyses/Description",
            "Analyses/Incidence", "Analyses/Survival", "Questions", "Run", "Site", "Study",
        ]
    ]

    @Test(arguments: try SourceFile.targets())
    func `folders of a target have an order`(_ target: String) throws {
        let cycles = FolderGraph(try SourceFile.files(of: target)).cycles
        let known = Self.known[target] ?? []
        for cycle in cycles where !known.isSuperset(of: cycle.folders) {
            Issue.record("\(target): \(cycle.folders.joined(separator: ", ")) use each other: \(cycle.uses)")
        }
        let gone = known.subtracting(cycles.flatMap(\.folders)).sorted()
        #expect(gone.isEmpty, "\(target): these are in no cycle any more; take them off the list")
    }

    @Test func `a cycle is found, whatever its length, and with what makes it`() {
        let graph = FolderGraph([
            SourceFile(path: "A/One.swift", text: "struct One { let two: Two }"),
            SourceFile(path: "B/Two.swift", text: "package enum Two { static let all = three() }"),
            SourceFile(path: "C/Three.swift", text: "func three() -> Int { One().value }"),
            SourceFile(path: "Four.swift", text: "extension One { var four: Int { 4 } }"),
        ])
        #expect(graph.cycles.map(\.folders) == [["A", "B", "C"]])
        #expect(
            graph.cycles.first?.uses == [
                "A -> B: A/One.swift uses Two", "B -> C: B/Two.swift uses three",
                "C -> A: C/Three.swift uses One",
            ])
        #expect(graph.uses["."] == ["A": "Four.swift uses One"])
    }

    @Test func `words in comments and texts, members and a file's own types are no use`() {
        let graph = FolderGraph([
            SourceFile(path: "A/One.swift", text: "struct One {}\nstruct Other {}\nprivate struct Mine {}"),
            SourceFile(
                path: "B/Two.swift",
                text: """
                    // One
                    /* One /* One */ One */
                    /// One
                    struct Two {
                        enum Other { case a }
                        let text = "One \\(name("One)")) One", other: Other, mine: Mine, long = \"""
                            One "One" \\(5)
                            \"""
                        func call() { value.One() }
                    }
                    """),
        ])
        #expect(graph.uses.isEmpty)
        let interpolated = SourceFile(path: "B/Two.swift", text: #"let text = "of \(One("a) b")) and""#)
        #expect(interpolated.tokens == ["let", "text", "=", "One", "(", ")"])
    }
}
