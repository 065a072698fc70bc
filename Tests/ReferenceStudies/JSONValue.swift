/// A JSON document of any shape; `null` and the strings "Inf", "-Inf", "NaN" of the reference files read as numbers too.
package enum JSONValue: Decodable, Hashable, Sendable {
    case null
    case bool(Bool)
    case number(Double)
    case text(String)
    case array([JSONValue])
    case object([String: JSONValue])

    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if container.decodeNil() {
            self = .null
        } else if let value = try? container.decode(Bool.self) {
            self = .bool(value)
        } else if let value = try? container.decode(Double.self) {
            self = .number(value)
        } else if let value = try? container.decode(String.self) {
            self = .text(value)
        } else if let value = try? container.decode([JSONValue].self) {
            self = .array(value)
        } else {
            self = .object(try container.decode([String: JSONValue].self))
        }
    }

    package subscript(key: String) -> JSONValue {
        if case .object(let members) = self { members[key] ?? .null } else { .null }
    }

    package var keys: [String] {
        if case .object(let members) = self { members.keys.sorted() } else { [] }
    }

    package var isTrue: Bool { if case .bool(true) = self { true } else { false } }

    package var isNull: Bool { if case .null = self { true } else { false } }

    /// NaN where the file says `null`.
    package var double: Double {
        switch self {
        case .number(let value): value
        case .text("Inf"): .infinity
        case .text("-Inf"): -.infinity
        default: .nan
        }
    }

    package var string: String? {
        switch self {
        case .text(let value): value
        case .number(let value) where value == value.rounded(): String(Int(value))
        case .number(let value): String(value)
        default: nil
        }
    }

    /// The elements; a lone value is an array of one.
    package var elements: [JSONValue] {
        switch self {
        case .array(let elements): elements
        case .null: []
        default: [self]
        }
    }

    package var doubles: [Double] { elements.map(\.double) }
    package var strings: [String] { elements.compactMap(\.string) }

    /// Whether a CSV field equals this value: as numbers when both are numbers.
    package func equals(field: String) -> Bool {
        if case .number(let value) = self { return Double(field) == value }
        return string == field
    }
}
