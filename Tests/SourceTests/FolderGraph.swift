/// Which folder of a target uses the types and functions of which other.
///
/// Read off the text: a name that a file of one folder declares outside of any type, and that a file of another writes down, is a
/// use, unless that file has a type or case of that name itself. Members are not looked at, since they come with their types.
struct FolderGraph {
    /// By folder: the folders that it uses, with an example of each.
    private(set) var uses: [String: [String: String]] = [:]

    init(_ files: [SourceFile]) {
        var homes: [Substring: String] = [:]
        for file in files {
            for name in Self.declarations(of: file).shared { homes[name] = file.folder }
        }
        for file in files {
            let own = Self.declarations(of: file).all
            for (place, name) in file.tokens.enumerated() {
                guard let home = homes[name], home != file.folder, !own.contains(name),
                    place == 0 || file.tokens[place - 1] != "."
                else { continue }
                uses[file.folder, default: [:]][home] =
                    uses[file.folder]?[home] ?? "\(file.path) uses \(name)"
            }
        }
    }

    /// The folders that lead back to themselves, each with all that it can be reached from and reach; then how.
    var cycles: [(folders: [String], uses: [String])] {
        let reached = uses.mapValues { _ in Set<String>() }.merging(
            uses.keys.map { ($0, reachable(from: $0)) }, uniquingKeysWith: { $1 })
        let groups = reached.keys.sorted().compactMap { folder -> [String]? in
            let group = reached.keys.filter {
                reached[folder]?.contains($0) == true && reached[$0]?.contains(folder) == true
            }
            return group.sorted().first == folder ? group.sorted() : nil
        }
        return groups.map { group in
            let edges = group.flatMap { folder in
                (uses[folder] ?? [:]).filter { group.contains($0.key) }.sorted { $0.key < $1.key }.map {
                    "\(folder) -> \($0.key): \($0.value)"
                }
            }
            return (group, edges)
        }
    }

    private func reachable(from start: String) -> Set<String> {
        var (found, open) = (Set<String>(), [start])
        while let folder = open.popLast() {
            for next in (uses[folder] ?? [:]).keys where found.insert(next).inserted { open.append(next) }
        }
        return found
    }

    private static let typeWords: Set<Substring> = [
        "struct", "enum", "class", "protocol", "actor", "typealias",
    ]

    /// What a file declares: for its target, and anywhere in it, cases included.
    private static func declarations(of file: SourceFile) -> (shared: Set<Substring>, all: Set<Substring>) {
        var (shared, all, depth) = (Set<Substring>(), Set<Substring>(), 0)
        for (place, token) in file.tokens.enumerated() {
            if token == "{" { depth += 1 }
            if token == "}" { depth -= 1 }
            let isType = typeWords.contains(token)
            guard isType || token == "func" || token == "case", place + 1 < file.tokens.count else {
                continue
            }
            let name = file.tokens[place + 1]
            if isType || token == "case" { all.insert(name) }
            let isPrivate = place > 0 && ["private", "fileprivate"].contains(file.tokens[place - 1])
            if depth == 0, token != "case", !isPrivate { shared.insert(name) }
        }
        return (shared, all)
    }
}
