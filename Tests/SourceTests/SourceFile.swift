import Foundation

/// A Swift file of a target, without its comments and texts.
struct SourceFile {
    /// From the target's folder on: `Cox/CoxFit.swift`.
    let path: String
    /// The code: names, numbers and signs, each a token; what stands between two quotes is none, but an interpolation is code.
    let tokens: [Substring]

    init(path: String, text: String) {
        self.path = path
        tokens = Self.tokens(of: Self.code(of: text))
    }

    /// The folder within the target, which may be the target's own.
    var folder: String {
        path.contains("/") ? path.split(separator: "/").dropLast().joined(separator: "/") : "."
    }

    /// All files of a target.
    static func files(of target: String) throws -> [SourceFile] {
        let folder = root.appending(path: target)
        let paths = FileManager.default.enumerator(atPath: folder.path)?.compactMap { $0 as? String } ?? []
        return try paths.filter { $0.hasSuffix(".swift") }.sorted().map { path in
            try SourceFile(
                path: path, text: String(contentsOf: folder.appending(path: path), encoding: .utf8))
        }
    }

    /// The targets that are written in Swift.
    static func targets() throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: root.path).sorted().filter {
            try !files(of: $0).isEmpty
        }
    }

    private static let root = URL(filePath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent().appending(path: "Sources")

    // MARK: - Reading

    /// The text with a blank in place of every comment and every text.
    static func code(of text: String) -> String {
        var (code, rest) = ("", text[...])
        while !rest.isEmpty {
            if rest.hasPrefix("//") {
                rest = rest.drop { !$0.isNewline }
            } else if rest.hasPrefix("/*") {
                dropComment(&rest)
            } else if rest.first == "\"" {
                code += " " + interpolations(takenFrom: &rest) + " "
            } else {
                code.append(rest.removeFirst())
            }
        }
        return code
    }

    /// Comments may lie within each other.
    private static func dropComment(_ rest: inout Substring) {
        var depth = 0
        repeat {
            if rest.hasPrefix("/*") {
                (depth, rest) = (depth + 1, rest.dropFirst(2))
            } else if rest.hasPrefix("*/") {
                (depth, rest) = (depth - 1, rest.dropFirst(2))
            } else {
                rest.removeFirst()
            }
        } while depth > 0 && !rest.isEmpty
    }

    /// Takes a text off, and gives the code of its interpolations.
    private static func interpolations(takenFrom rest: inout Substring) -> String {
        let quote = rest.hasPrefix("\"\"\"") ? "\"\"\"" : "\""
        rest = rest.dropFirst(quote.count)
        var code = ""
        while !rest.isEmpty, !rest.hasPrefix(quote) {
            if rest.hasPrefix("\\(") {
                rest = rest.dropFirst(2)
                code += " " + self.code(of: interpolation(takenFrom: &rest))
            } else {
                rest = rest.dropFirst(rest.first == "\\" ? 2 : 1)
            }
        }
        rest = rest.dropFirst(quote.count)
        return code
    }

    /// Up to the parenthesis that closes it; texts within it may have parentheses of their own.
    private static func interpolation(takenFrom rest: inout Substring) -> String {
        var (text, depth) = ("", 1)
        while let next = rest.first {
            if next == "\"" {
                text += " " + interpolations(takenFrom: &rest) + " "
                continue
            }
            rest.removeFirst()
            depth += next == "(" ? 1 : next == ")" ? -1 : 0
            if depth == 0 { break }
            text.append(next)
        }
        return text
    }

    private static func tokens(of code: String) -> [Substring] {
        var (tokens, rest) = ([Substring](), code[...])
        while let first = rest.first {
            let word = rest.prefix { $0.isLetter || $0.isNumber || $0 == "_" }
            if !word.isEmpty {
                tokens.append(word)
            } else if !first.isWhitespace {
                tokens.append(rest.prefix(1))
            }
            rest = rest.dropFirst(max(word.count, 1))
        }
        return tokens
    }
}
