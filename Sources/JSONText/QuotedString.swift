extension [UInt8] {
    /// Appends a string in quotes, with the escapes of RFC 8785 section 3.2.2.2 and no others.
    package mutating func appendQuoted(_ string: String) {
        var string = string
        append(UInt8(ascii: "\""))
        string.withUTF8 { appendEscaped($0) }
        append(UInt8(ascii: "\""))
    }

    /// Long texts are mostly plain (certificates, masked vectors): what lies between two escapes is copied in one piece.
    private mutating func appendEscaped(_ text: UnsafeBufferPointer<UInt8>) {
        var plain = 0
        for index in text.indices {
            let byte = text[index]
            guard byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") else { continue }
            append(contentsOf: text[plain..<index])
            append(contentsOf: Self.escape(of: byte))
            plain = index + 1
        }
        append(contentsOf: text[plain...])
    }

    private static func escape(of byte: UInt8) -> [UInt8] {
        switch byte {
        case UInt8(ascii: "\""): return Array("\\\"".utf8)
        case UInt8(ascii: "\\"): return Array("\\\\".utf8)
        case 0x08: return Array("\\b".utf8)
        case 0x09: return Array("\\t".utf8)
        case 0x0A: return Array("\\n".utf8)
        case 0x0C: return Array("\\f".utf8)
        case 0x0D: return Array("\\r".utf8)
        default:
            let digits = Array("0123456789abcdef".utf8)
            return Array("\\u00".utf8) + [digits[Int(byte >> 4)], digits[Int(byte & 15)]]
        }
    }
}

/// A string in quotes, with the escapes of RFC 8785 section 3.2.2.2.
package func quotedText(of string: String) -> String {
    var bytes: [UInt8] = []
    bytes.appendQuoted(string)
    return String(decoding: bytes, as: UTF8.self)
}
