import Foundation

/// A JSON value; numbers are read by `JSONDecoder`, which gives the nearest double to the text.
enum JSON: Decodable, Hashable, Sendable {
    case null
    case bool(Bool)
    case number(Double)
    case string(String)
    case array([JSON])
    case object([String: JSON])

    init(from decoder: any Decoder) throws {
        if let members = try? [String: JSON](from: decoder) {
            self = .object(members)
        } else if let elements = try? [JSON](from: decoder) {
            self = .array(elements)
        } else {
            self = try Self.scalar(try decoder.singleValueContainer())
        }
    }

    private static func scalar(_ container: any SingleValueDecodingContainer) throws -> JSON {
        if container.decodeNil() { return .null }
        if let number = try? container.decode(Double.self) { return .number(number) }
        if let text = try? container.decode(String.self) { return .string(text) }
        return .bool(try container.decode(Bool.self))
    }

    init(text: String) throws { self = try JSONDecoder().decode(JSON.self, from: Data(text.utf8)) }

    init(file path: String) throws { try self.init(text: String(contentsOfFile: path, encoding: .utf8)) }

    /// A member of an object; null where there is none.
    subscript(key: String) -> JSON {
        if case .object(let members) = self { members[key] ?? .null } else { .null }
    }

    subscript(index: Int) -> JSON {
        if case .array(let elements) = self, elements.indices.contains(index) {
            elements[index]
        } else {
            .null
        }
    }

    var members: [String: JSON] { if case .object(let members) = self { members } else { [:] } }

    var elements: [JSON] { if case .array(let elements) = self { elements } else { [] } }

    var number: Double? { if case .number(let number) = self { number } else { nil } }

    var string: String? { if case .string(let string) = self { string } else { nil } }

    /// Where a value differs from this one, as paths with both values; members that only `other` has do not count.
    ///
    /// Two numbers agree if they differ by no more than `tolerance` of the larger, or by `tolerance` of 1 when both are near 0.
    func differences(from other: JSON, tolerance: Double, at path: String = "") -> [String] {
        switch (self, other) {
        case (.object(let members), .object):
            return members.sorted { $0.key < $1.key }.flatMap {
                $1.differences(from: other[$0], tolerance: tolerance, at: "\(path)/\($0)")
            }
        case (.array(let elements), .array(let others)) where elements.count == others.count:
            return zip(elements, others).enumerated().flatMap {
                $1.0.differences(from: $1.1, tolerance: tolerance, at: "\(path)/\($0)")
            }
        case (.number(let number), .number(let found)):
            let limit = tolerance * max(abs(number), abs(found))
            return abs(number - found) <= limit ? [] : ["\(path): \(number) expected, \(found) found"]
        default:
            return self == other ? [] : ["\(path): \(self) expected, \(other) found"]
        }
    }

    /// Numbers in it, at any depth.
    var numberCount: Int {
        switch self {
        case .number: 1
        case .array(let elements): elements.reduce(0) { $0 + $1.numberCount }
        case .object(let members): members.values.reduce(0) { $0 + $1.numberCount }
        case .null, .bool, .string: 0
        }
    }
}
