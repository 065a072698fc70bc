import Survival

/// What a study's author wrote, set apart from this program's own words: between « and », or in lines that begin with `|`.
///
/// It is on its author's account: a purpose may say "this hospital's policy has no objection", and line breaks, blanks or
/// characters that are not seen may try to put that where the program speaks.
package enum StudyWords {
    /// Terminals have 80 columns or more; a line that the terminal breaks would go on where ours begin.
    package static let columnMax = 78

    /// A text inside a line of ours.
    ///
    /// A short one without blanks, such as a variable's name, says no sentence and stands as it is.
    package static func inline(_ text: String) -> String {
        let line = text.visibleLine.replacing("«", with: "\\u{ab}").replacing("»", with: "\\u{bb}")
        return !line.isEmpty && line.count <= 60 && !line.contains(" ") ? line : "«\(line)»"
    }

    package static func list(_ texts: [String]) -> String { texts.map(inline).joined(separator: ", ") }

    static func list(_ numbers: [Double]) -> String { numbers.map { "\($0)" }.joined(separator: ", ") }

    /// Said of what is made by group; nothing without groups.
    static func by(_ groups: Expression?) -> String { groups.map { ", by \(inline($0.text))" } ?? "" }

    /// Said of what is weighted; nothing without weights.
    static func weighted(by weights: Expression?) -> String {
        weights.map { ", weighted by \(inline($0.text))" } ?? ""
    }

    /// A text of its own lines, each behind a bar.
    package static func block(_ text: String, indent: String) -> [String] {
        text.split(whereSeparator: \.isNewline).flatMap { line in
            wrapped(String(line).visibleLine, to: columnMax - indent.count - 2)
        }.map { "\(indent)| \($0)" }
    }

    /// A line of ours with others' words in it: where it is too long, it goes on behind a bar.
    package static func wrapped(_ line: String) -> [String] {
        guard line.contains("«"), line.count > columnMax else { return [line] }
        let indent = String(line.prefix { $0 == " " })
        let first = wrapped(String(line.dropFirst(indent.count)), to: columnMax - indent.count)
        guard first.count > 1 else { return [line] }
        let rest = wrapped(first.dropFirst().joined(separator: " "), to: columnMax - indent.count - 6)
        return [indent + first[0]] + rest.map { "\(indent)    | \($0)" }
    }

    /// The words of a text without line breaks, in pieces of at most so many characters; never none.
    private static func wrapped(_ text: String, to width: Int) -> [String] {
        var pieces = [""]
        for word in text.split(separator: " ", omittingEmptySubsequences: false) {
            var word = word[...]
            let last = pieces.count - 1
            if pieces[last].isEmpty || pieces[last].count + 1 + word.count <= width {
                pieces[last] += (pieces[last].isEmpty ? "" : " ") + word.prefix(width)
                word = word.dropFirst(min(word.count, width))
            } else {
                pieces.append(String(word.prefix(width)))
                word = word.dropFirst(width)
            }
            while !word.isEmpty {
                pieces.append(String(word.prefix(width)))
                word = word.dropFirst(width)
            }
        }
        return pieces
    }

    /// The lines of a study file as they are, indented; what does not fit goes on behind a bar.
    ///
    /// Two words too many may stay, so that a line is broken only where what goes over could be a sentence.
    package static func verbatim(_ text: String) -> [String] {
        text.split(separator: "\n", omittingEmptySubsequences: false).flatMap { line in
            let shown = String(line).visible
            var rest = shown.dropFirst(columnMax - 4)
            if rest.count <= 20, rest.count(where: { $0.isWhitespace }) <= 1 { return ["    \(shown)"] }
            var lines = ["    \(shown.prefix(columnMax - 4))"]
            while !rest.isEmpty {
                lines.append("      | \(rest.prefix(columnMax - 8))")
                rest = rest.dropFirst(columnMax - 8)
            }
            return lines
        }
    }
}
