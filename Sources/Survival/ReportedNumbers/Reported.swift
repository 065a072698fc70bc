/// A number of a report that may be missing for a reason a reader must see.
///
/// In JSON a value is a number, `notAvailable` is `null`, and `suppressed` is the object `{"suppressed": "<rule>"}`, so that
/// a suppressed number is never mistaken for a zero.
package enum Reported: Hashable, Sendable {
    case value(Double)
    /// R's `NA`: an aliased coefficient, a median that is not reached.
    case notAvailable
    /// Withheld by the named disclosure rule.
    case suppressed(rule: String)

    /// NaN counts as not available; infinities are kept.
    package init(_ value: Double?) {
        if let value, !value.isNaN { self = .value(value) } else { self = .notAvailable }
    }

    package var value: Double? {
        if case .value(let value) = self { value } else { nil }
    }
}

extension Reported: Codable {
    private struct Suppressed: Codable { var suppressed: String }

    /// Infinities travel as the strings `"Inf"` and `"-Inf"`, since JSON has no such numbers.
    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if container.decodeNil() {
            self = .notAvailable
        } else if let value = try? container.decode(Double.self), !value.isNaN {  // else a text is tried
            self = .value(value)
        } else if let text = try? container.decode(String.self) {  // another type is tried next
            switch text {
            case "Inf": self = .value(.infinity)
            case "-Inf": self = .value(-.infinity)
            default:
                throw DecodingError.dataCorruptedError(
                    in: container, debugDescription: "not a reported number")
            }
        } else {
            self = .suppressed(rule: try container.decode(Suppressed.self).suppressed)
        }
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .value(let value) where value.isInfinite: try container.encode(value > 0 ? "Inf" : "-Inf")
        case .value(let value) where value.isNaN: try container.encodeNil()
        case .value(let value): try container.encode(value)
        case .notAvailable: try container.encodeNil()
        case .suppressed(let rule): try container.encode(Suppressed(suppressed: rule))
        }
    }
}

/// Between which values a number lies that a grid of times does not tell exactly.
package struct Bounds: Hashable, Sendable, Codable {
    package var lowest: Reported
    package var highest: Reported

    package init(lowest: Reported, highest: Reported) {
        (self.lowest, self.highest) = (lowest, highest)
    }

    package static var notAvailable: Self { Self(lowest: .notAvailable, highest: .notAvailable) }
}
