import Foundation
import JSONText

/// The one way in which messages become bytes: RFC 8785, written by `JSONText` without Foundation's formatting.
///
/// Decoding accepts nothing that encoding would not have written: unknown or duplicate keys, other spellings of a number and
/// stray white space are refused, so equal meaning is equal bytes.
package enum CanonicalJSON {
    package static func bytes(_ value: some Encodable) -> [UInt8] { tree(of: value).canonicalBytes }

    private static func tree(of value: some Encodable) -> JSONTree {
        do {
            return try JSONTree(encoding: value)
        } catch {
            preconditionFailure("every message can be written: \(error)")
        }
    }

    package static func decode<Value: Codable>(
        _ type: Value.Type, from bytes: [UInt8]
    ) throws(ProtocolError) -> Value {
        let value: Value = try read(bytes).value
        guard tree(of: value).canonicalBytes == bytes else { throw notCanonical(type) }
        return value
    }

    /// Reads what an older program may have written into a ledger or a database.
    ///
    /// Up to protocol 1 Foundation wrote the numbers (`1e-05`, `-0`). A number may be spelled in any way here, in whatever order
    /// keys stand; what is read must still be all that is there.
    package static func decode<Value: Codable>(
        _ type: Value.Type, fromStored bytes: [UInt8]
    ) throws(ProtocolError) -> Value {
        let (value, found): (Value, JSONTree) = try read(bytes)
        guard tree(of: value).canonicalBytes == found.canonicalBytes else { throw notCanonical(type) }
        return value
    }

    private static func read<Value: Codable>(
        _ bytes: [UInt8]
    ) throws(ProtocolError) -> (value: Value, tree: JSONTree) {
        do {
            let tree = try JSONTree(parsing: bytes)
            return (try tree.decoded(as: Value.self), tree)
        } catch {
            throw .malformed("a message is not a \(Value.self)")
        }
    }

    private static func notCanonical(_ type: Any.Type) -> ProtocolError {
        .malformed("a \(type) is not in canonical form")
    }

    /// The value as whoever receives it will have it; throws if it could not be received.
    package static func sent<Value: Codable>(_ value: Value) throws(ProtocolError) -> Value {
        try decode(Value.self, from: bytes(value))
    }
}

/// Bytes written as lower-case hex.
package struct HexBytes: Hashable, Sendable, Codable {
    package var bytes: [UInt8]

    package init(_ bytes: [UInt8]) { self.bytes = bytes }

    package init(from decoder: any Decoder) throws {
        let text = try decoder.singleValueContainer().decode(String.self)
        let digits = Array(text.utf8)
        guard digits.count.isMultiple(of: 2), digits.count <= 1 << 16 else {
            throw DecodingError.dataCorrupted(
                .init(codingPath: decoder.codingPath, debugDescription: "not hex"))
        }
        bytes = try stride(from: 0, to: digits.count, by: 2).map { index in
            guard let byte = UInt8(String(decoding: digits[index..<(index + 2)], as: UTF8.self), radix: 16)
            else {
                throw DecodingError.dataCorrupted(
                    .init(codingPath: decoder.codingPath, debugDescription: "not hex"))
            }
            return byte
        }
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(hex)
    }

    package var hex: String {
        let digits = Array("0123456789abcdef".utf8)
        return String(
            decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }
}
