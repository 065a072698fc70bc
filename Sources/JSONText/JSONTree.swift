/// A JSON document as a value, with one way to write it: RFC 8785, the JSON Canonicalization Scheme.
package enum JSONTree: Hashable, Sendable {
    case null
    case bool(Bool)
    case integer(Int)
    /// Finite.
    case number(Double)
    case string(String)
    case array([JSONTree])
    case object([String: JSONTree])

    /// The canonical bytes: no white space, keys in the order of their UTF-16 code units, ECMAScript's numbers.
    ///
    /// An integer has all its digits; up to 2^53 that is its form as a double too.
    package var canonicalBytes: [UInt8] {
        var bytes: [UInt8] = []
        write(to: &bytes)
        return bytes
    }

    private func write(to bytes: inout [UInt8]) {
        switch self {
        case .null: bytes += "null".utf8
        case .bool(let value): bytes += value ? "true".utf8 : "false".utf8
        case .integer(let value): bytes += String(value).utf8
        case .number(let value): bytes += shortestText(of: value).utf8
        case .string(let value): bytes.appendQuoted(value)
        case .array(let values):
            bytes.append(UInt8(ascii: "["))
            for (index, value) in values.enumerated() {
                if index > 0 { bytes.append(UInt8(ascii: ",")) }
                value.write(to: &bytes)
            }
            bytes.append(UInt8(ascii: "]"))
        case .object(let members):
            bytes.append(UInt8(ascii: "{"))
            for (index, member) in members.inCanonicalOrder.enumerated() {
                if index > 0 { bytes.append(UInt8(ascii: ",")) }
                bytes.appendQuoted(member.key)
                bytes.append(UInt8(ascii: ":"))
                member.value.write(to: &bytes)
            }
            bytes.append(UInt8(ascii: "}"))
        }
    }
}

extension Dictionary where Key == String {
    /// By the keys' UTF-16 code units, as RFC 8785 section 3.2.3 orders the members of an object.
    package var inCanonicalOrder: [(key: String, value: Value)] {
        sorted { $0.key.utf16.lexicographicallyPrecedes($1.key.utf16) }
    }
}
