/// A JSON document of any shape, as R's results are written.
enum JSONValue: Decodable, Sendable {
    case null
    case bool(Bool)
    case number(Double)
    case text(String)
    case array([JSONValue])
    case object([String: JSONValue])

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if container.decodeNil() {
            self = .null
        } else if let value = try? container.decode(Bool.self) {  // another type is tried next
            self = .bool(value)
        } else if let value = try? container.decode(Double.self) {  // another type is tried next
            self = .number(value)
        } else if let value = try? container.decode(String.self) {  // another type is tried next
            self = .text(value)
        } else if let value = try? container.decode([JSONValue].self) {  // another type is tried next
            self = .array(value)
        } else {
            self = .object(try container.decode([String: JSONValue].self))
        }
    }

    subscript(key: String) -> JSONValue {
        if case .object(let members) = self { members[key] ?? .null } else { .null }
    }

    var keys: [String] {
        if case .object(let members) = self { members.keys.sorted() } else { [] }
    }

    /// NaN where the file says `null`.
    var double: Double {
        switch self {
        case .number(let value): value
        case .text("Inf"): .infinity
        case .text("-Inf"): -.infinity
        default: .nan
        }
    }

    var string: String? {
        if case .text(let text) = self { text } else { nil }
    }

    var elements: [JSONValue] {
        if case .array(let elements) = self { elements } else { [] }
    }

    var doubles: [Double] { elements.map(\.double) }
}
