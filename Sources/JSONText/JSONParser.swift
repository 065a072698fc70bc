extension JSONTree {
    /// Reads a JSON document (RFC 8259), strictly: a key may stand once, text is valid UTF-8, and nothing follows.
    ///
    /// A number without fraction and exponent that fits is an integer; any other is the nearest double, and finite.
    package init(parsing bytes: [UInt8]) throws(JSONFault) {
        var parser = JSONParser(bytes)
        self = try parser.document()
    }
}

/// Reads a document from its first byte to its last.
private struct JSONParser {
    private let bytes: [UInt8]
    private var offset = 0
    private var depth = 0

    /// A document of ours has a few levels; recursion must not be led deeper by others.
    private static let depthMax = 64

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    mutating func document() throws(JSONFault) -> JSONTree {
        let tree = try value()
        skipSpace()
        guard offset == bytes.count else { throw fault("something follows the document") }
        return tree
    }

    private func fault(_ reason: String) -> JSONFault { JSONFault(reason, at: offset) }

    private var next: UInt8? { offset < bytes.count ? bytes[offset] : nil }

    private mutating func skipSpace() {
        while let byte = next, byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D { offset += 1 }
    }

    private mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard next == UInt8(ascii: character) else { return false }
        offset += 1
        return true
    }

    private mutating func value() throws(JSONFault) -> JSONTree {
        skipSpace()
        switch next {
        case UInt8(ascii: "{"): return try nested { (parser) throws(JSONFault) in try parser.object() }
        case UInt8(ascii: "["): return try nested { (parser) throws(JSONFault) in try parser.array() }
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"): return try word("true", .bool(true))
        case UInt8(ascii: "f"): return try word("false", .bool(false))
        case UInt8(ascii: "n"): return try word("null", .null)
        default: return try number()
        }
    }

    private mutating func nested(
        _ read: (inout JSONParser) throws(JSONFault) -> JSONTree
    ) throws(JSONFault) -> JSONTree {
        guard depth < Self.depthMax else { throw fault("it is nested too deeply") }
        depth += 1
        offset += 1
        let tree = try read(&self)
        depth -= 1
        return tree
    }

    private mutating func word(_ word: String, _ tree: JSONTree) throws(JSONFault) -> JSONTree {
        guard bytes[offset...].starts(with: word.utf8) else { throw fault("an unknown word") }
        offset += word.utf8.count
        return tree
    }

    private mutating func array() throws(JSONFault) -> JSONTree {
        var values: [JSONTree] = []
        skipSpace()
        if take("]") { return .array([]) }
        repeat {
            values.append(try value())
            skipSpace()
        } while take(",")
        guard take("]") else { throw fault("an array without its end") }
        return .array(values)
    }

    private mutating func object() throws(JSONFault) -> JSONTree {
        var members: [String: JSONTree] = [:]
        skipSpace()
        if take("}") { return .object([:]) }
        repeat {
            skipSpace()
            let key = try string()
            skipSpace()
            guard take(":") else { throw fault("a key without its value") }
            guard members.updateValue(try value(), forKey: key) == nil else {
                throw fault("a key stands twice")
            }
            skipSpace()
        } while take(",")
        guard take("}") else { throw fault("an object without its end") }
        return .object(members)
    }
}

// MARK: Scalars

extension JSONParser {
    private mutating func string() throws(JSONFault) -> String {
        guard take("\"") else { throw fault("a string was expected") }
        var text: [UInt8] = []
        while true {
            let start = offset
            while let byte = next, byte >= 0x20, byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\") {
                offset += 1
            }
            text += bytes[start..<offset]
            if take("\"") { break }
            guard take("\\") else { throw fault("a string without its end") }
            text += try escaped()
        }
        guard let string = String(validating: text, as: UTF8.self) else {
            throw fault("a string is not UTF-8")
        }
        return string
    }

    private mutating func escaped() throws(JSONFault) -> [UInt8] {
        guard let byte = next else { throw fault("a string without its end") }
        offset += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return [byte]
        case UInt8(ascii: "b"): return [0x08]
        case UInt8(ascii: "f"): return [0x0C]
        case UInt8(ascii: "n"): return [0x0A]
        case UInt8(ascii: "r"): return [0x0D]
        case UInt8(ascii: "t"): return [0x09]
        case UInt8(ascii: "u"): return try escapedScalar()
        default: throw fault("an unknown escape")
        }
    }

    /// `\uXXXX`, or two of them that are one character beyond the first plane.
    private mutating func escapedScalar() throws(JSONFault) -> [UInt8] {
        var units = [try codeUnit()]
        if UTF16.isLeadSurrogate(units[0]) {
            guard take("\\"), take("u") else { throw fault("half a character") }
            units.append(try codeUnit())
        }
        guard let text = String(validating: units, as: UTF16.self) else { throw fault("half a character") }
        return Array(text.utf8)
    }

    private mutating func codeUnit() throws(JSONFault) -> UInt16 {
        var unit: UInt16 = 0
        for _ in 0..<4 {
            guard let byte = next, byte < 0x80,
                let digit = Character(Unicode.Scalar(byte)).hexDigitValue
            else { throw fault("four hex digits were expected") }
            unit = unit << 4 | UInt16(digit)
            offset += 1
        }
        return unit
    }

    /// A number by RFC 8259, section 6: `-? (0 | [1-9][0-9]*) (\.[0-9]+)? ([eE][+-]?[0-9]+)?`.
    private mutating func number() throws(JSONFault) -> JSONTree {
        let start = offset
        let isNegative = take("-")
        guard take("0") || skipDigits() else { throw fault("a value was expected") }
        var isWhole = true
        if take(".") {
            isWhole = false
            guard skipDigits() else { throw fault("a point without digits") }
        }
        if take("e") || take("E") {
            isWhole = false
            if !take("+") { _ = take("-") }
            guard skipDigits() else { throw fault("an exponent without digits") }
        }
        let text = String(decoding: bytes[start..<offset], as: UTF8.self)
        if isWhole, let integer = Int(text), integer != 0 || !isNegative { return .integer(integer) }
        guard let number = Double(text), number.isFinite else { throw fault("a number without end") }
        return .number(number)
    }

    private mutating func skipDigits() -> Bool {
        let start = offset
        while let byte = next, (0x30...0x39).contains(byte) { offset += 1 }
        return offset > start
    }
}
