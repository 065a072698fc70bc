import Survival

/// Text measured and cut for a terminal with a fixed pitch.
///
/// Names come from study files and other hospitals: what could repaint a terminal, reorder a line or hide in it becomes
/// U+FFFD (`String.masked`); line breaks and tabs become spaces.
struct TerminalText: Hashable {
    let string: String
    /// Columns taken: 2 for wide East Asian characters and emoji, 1 for other graphemes.
    let width: Int

    init(_ raw: String) {
        string = String(raw.map { $0.isNewline || $0 == "\t" ? " " : $0 }).masked
        width = string.reduce(0) { $0 + columns(of: $1) }
    }

    func padded(to columnCount: Int) -> String {
        string + String(repeating: " ", count: max(0, columnCount - width))
    }

    func flushedRight(to columnCount: Int) -> String {
        String(repeating: " ", count: max(0, columnCount - width)) + string
    }

    /// Lines of at most `columnMax` columns, broken at spaces, or inside a word longer than a line; never
    /// none.
    func wrapped(to columnMax: Int) -> [String] {
        var lines: [String] = []
        var (line, lineWidth) = ("", 0)
        func endLine() {
            lines.append(line)
            (line, lineWidth) = ("", 0)
        }
        for word in string.split(separator: " ") {
            let wordWidth = word.reduce(0) { $0 + columns(of: $1) }
            if lineWidth > 0, lineWidth + 1 + wordWidth <= columnMax {
                (line, lineWidth) = (line + " " + word, lineWidth + 1 + wordWidth)
                continue
            }
            if lineWidth > 0 { endLine() }
            for character in word {
                if lineWidth > 0, lineWidth + columns(of: character) > columnMax { endLine() }
                line.append(character)
                lineWidth += columns(of: character)
            }
        }
        if lineWidth > 0 || lines.isEmpty { endLine() }
        return lines
    }
}

/// Columns of one grapheme, after the ranges W and F of Unicode's EastAsianWidth (UAX #11), to the block.
private func columns(of character: Character) -> Int {
    guard let first = character.unicodeScalars.first else { return 0 }
    // A mark with nothing before it to combine with, a zero-width space: no column.
    if [.nonspacingMark, .enclosingMark, .format].contains(first.properties.generalCategory) { return 0 }
    if first.properties.isEmojiPresentation { return 2 }
    if character.unicodeScalars.dropFirst().contains("\u{FE0F}") { return 2 }
    switch first.value {
    case 0x1100...0x115F, 0x2E80...0x303E, 0x3041...0x33FF, 0x3400...0x4DBF, 0x4E00...0x9FFF, 0xA000...0xA4CF,
        0xA960...0xA97F, 0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE30...0xFE6F, 0xFF01...0xFF60, 0xFFE0...0xFFE6,
        0x17000...0x18CFF, 0x1B000...0x1B2FF, 0x20000...0x3FFFD:
        return 2
    default: return 1
    }
}
