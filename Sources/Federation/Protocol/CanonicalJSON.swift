import Foundation

/// The one way in which messages become bytes: sorted keys, no white space, shortest round-trip numbers.
///
/// Decoding accepts nothing that encoding would not have written: unknown or duplicate keys, other spellings of a number and
/// stray white space are refused, so equal meaning is equal bytes.
package enum CanonicalJSON {
    package static func bytes(_ value: some Encodable) -> [UInt8] {
        do {
            return try encoded(value)
        } catch {
            preconditionFailure("messages hold finite numbers only: \(error)")
        }
    }

    /// Throws only for numbers that are not finite, which JSON does not have.
    private static func encoded(_ value: some Encodable) throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return Array(try encoder.encode(value))
    }

    package static func decode<Value: Codable>(
        _ type: Value.Type, from bytes: [UInt8]
    ) throws(ProtocolError) -> Value {
        let value: Value
        do {
            value = try JSONDecoder().decode(Value.self, from: Data(bytes))
        } catch {
            throw .malformed("a message is not a \(Value.self)")
        }
        // A number that overflowed on the way in cannot be written again.
        guard let spelling = try? encoded(value), spelling == bytes else {
            throw .malformed("a \(Value.self) is not in canonical form")
        }
        return value
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

extension MaskedVector: Codable {
    /// As base64 of the little-endian lanes.
    package init(from decoder: any Decoder) throws {
        let text = try decoder.singleValueContainer().decode(String.self)
        guard let data = Data(base64Encoded: text), let vector = MaskedVector(bytes: Array(data)) else {
            throw DecodingError.dataCorrupted(
                .init(codingPath: decoder.codingPath, debugDescription: "not base64 of whole lanes"))
        }
        self = vector
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(Data(bytes).base64EncodedString())
    }
}
