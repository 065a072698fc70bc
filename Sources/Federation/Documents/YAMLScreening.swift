/// Checks of a YAML text before it is parsed.
enum YAMLScreening {
    /// More places that look like an alias are refused unparsed: what nested aliases stand for grows as a
    /// power of their number.
    static let aliasCountMax = 8

    /// Refuses characters by which a text reads otherwise than it looks (Boucher & Anderson, "Trojan Source",
    /// 2021).
    static func refuseInvisible(in text: String, file: String) throws(DocumentError) {
        var (line, column) = (1, 1)
        for scalar in text.unicodeScalars {
            if isInvisible(scalar), scalar != "\r" {
                throw DocumentError(
                    file: file, line: line, column: column,
                    message: "the invisible character \(name(of: scalar))")
            }
            (line, column) = scalar == "\n" ? (line + 1, 1) : (line, column + 1)
        }
    }

    /// The name of an invisible character in a text, which may have come there by an escape such as
    /// `"\u202E"`.
    static func invisibleCharacter(in text: String) -> String? {
        text.unicodeScalars.first(where: isInvisible).map(name)
    }

    /// Control characters but tab and line feed, line separators, directional overrides, and zero-width
    /// characters that no script needs; the joiners that some scripts do need are allowed.
    private static func isInvisible(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x09, 0x0A: false
        case 0x00...0x1F, 0x7F...0x9F: true
        case 0xAD, 0x200B, 0x2028...0x202E, 0x2060...0x2069, 0xFEFF: true
        case 0xE0000...0xE007F: true
        default: false
        }
    }

    private static func name(of scalar: Unicode.Scalar) -> String {
        let digits = String(scalar.value, radix: 16, uppercase: true)
        return "U+" + String(repeating: "0", count: max(0, 4 - digits.count)) + digits
    }

    /// Refuses a text with many places where an alias could begin: `*` and a letter at the start of a line or
    /// behind `[{,:-?`.
    ///
    /// An alias elsewhere is no alias to YAML, so that none escapes; a few false alarms do no harm, since
    /// true anchors are found after parsing.
    static func refuseManyAliases(in text: String, file: String) throws(DocumentError) {
        let starts = Set("[{,:-?\n".utf8)
        var (previous, count) = (UInt8(ascii: "\n"), 0)
        var isAfterStar = false
        for byte in text.utf8 {
            if isAfterStar, isNameByte(byte) { count += 1 }
            isAfterStar = byte == UInt8(ascii: "*") && starts.contains(previous)
            if byte != UInt8(ascii: " "), byte != UInt8(ascii: "\t"), byte != UInt8(ascii: "\r") {
                previous = byte
            }
        }
        guard count <= aliasCountMax else {
            throw DocumentError(
                file: file, message: "anchors (&name) and aliases (*name) are not read; write the values out")
        }
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): true
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"): true
        default: false
        }
    }
}
