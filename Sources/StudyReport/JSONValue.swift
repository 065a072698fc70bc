import JSONText
import Survival

/// A JSON document as a value, written in one canonical way.
///
/// Keys, numbers and strings have the form of RFC 8785, as `JSONText` writes them for signed messages too.
/// For people's sake there are line breaks: an array of scalars stays on one line, other arrays and objects
/// are indented by two spaces a level.
enum JSONValue: Hashable {
    case null
    case integer(Int)
    /// An infinity is written as `"Inf"` or `"-Inf"`, NaN as `null`, since JSON has no such numbers.
    case number(Double)
    case string(String)
    /// Written as `{"suppressed": "<rule>"}`, on one line.
    case suppressed(rule: String)
    case array([JSONValue])
    case object([String: JSONValue])

    static func reported(_ value: Reported) -> JSONValue {
        switch value {
        case .value(let value): .number(value)
        case .notAvailable: .null
        case .suppressed(let rule): .suppressed(rule: rule)
        }
    }

    static func reported(_ values: [Reported]) -> JSONValue { .array(values.map(reported)) }
    static func numbers(_ values: [Double]) -> JSONValue { .array(values.map(JSONValue.number)) }
    static func strings(_ values: [String]) -> JSONValue { .array(values.map(JSONValue.string)) }

    /// The document, ending in a line break.
    var text: String { written(indent: 0) + "\n" }

    private var isScalar: Bool {
        switch self {
        case .array, .object: false
        default: true
        }
    }

    private func written(indent: Int) -> String {
        switch self {
        case .null: return "null"
        case .integer(let value): return String(value)
        case .number(let value): return jsonText(of: value)
        case .string(let value): return quotedText(of: value)
        case .suppressed(let rule): return "{\"suppressed\": \(quotedText(of: rule))}"
        case .array(let values):
            let parts = values.map { $0.written(indent: indent + 1) }
            return values.allSatisfy(\.isScalar)
                ? "[" + parts.joined(separator: ", ") + "]"
                : enclosed(parts, in: ("[", "]"), indent: indent)
        case .object(let members):
            let parts = members.inCanonicalOrder.map {
                "\(quotedText(of: $0.key)): \($0.value.written(indent: indent + 1))"
            }
            return parts.isEmpty ? "{}" : enclosed(parts, in: ("{", "}"), indent: indent)
        }
    }

    private func enclosed(_ parts: [String], in brackets: (String, String), indent: Int) -> String {
        let (outer, inner) = (
            String(repeating: "  ", count: indent), String(repeating: "  ", count: indent + 1)
        )
        return brackets.0 + "\n" + parts.map { inner + $0 }.joined(separator: ",\n") + "\n" + outer
            + brackets.1
    }
}

/// A double as JSON; infinities as strings, NaN as `null`.
private func jsonText(of value: Double) -> String {
    if value.isNaN { return "null" }
    if value.isInfinite { return value > 0 ? "\"Inf\"" : "\"-Inf\"" }
    return shortestText(of: value)
}
