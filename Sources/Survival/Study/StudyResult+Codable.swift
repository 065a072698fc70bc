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

extension AnalysisResult: Codable {
    private enum Key: String, CodingKey { case kind, id, reason }
    private struct Failure: Codable { var id, failed, reason: String }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        switch try container.decode(String.self, forKey: .kind) {
        case "cox": self = .cox(try CoxResult(from: decoder))
        case "survival": self = .survival(try SurvivalResult(from: decoder))
        case "describe": self = .describe(try DescriptionResult(from: decoder))
        case "incidence": self = .incidence(try IncidenceResult(from: decoder))
        case "concordance": self = .concordance(try ConcordanceResult(from: decoder))
        case "failed":
            let failure = try Failure(from: decoder)
            self = .failed(id: failure.id, kind: failure.failed, reason: failure.reason)
        default:
            throw DecodingError.dataCorruptedError(
                forKey: .kind, in: container, debugDescription: "not a kind of analysis")
        }
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        switch self {
        case .cox(let result):
            try container.encode("cox", forKey: .kind)
            try result.encode(to: encoder)
        case .survival(let result):
            try container.encode("survival", forKey: .kind)
            try result.encode(to: encoder)
        case .describe(let result):
            try container.encode("describe", forKey: .kind)
            try result.encode(to: encoder)
        case .incidence(let result):
            try container.encode("incidence", forKey: .kind)
            try result.encode(to: encoder)
        case .concordance(let result):
            try container.encode("concordance", forKey: .kind)
            try result.encode(to: encoder)
        case .failed(let id, let kind, let reason):
            try container.encode("failed", forKey: .kind)
            try Failure(id: id, failed: kind, reason: reason).encode(to: encoder)
        }
    }
}
