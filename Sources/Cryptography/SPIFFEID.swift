/// Who a party of a consortium is: `spiffe://CONSORTIUM/node/SITE`, `…/coordinator` or `…/operator/NAME`.
///
/// Every name is 1 to 63 of `a-z 0-9 -`; any other spelling is refused, so that equal parties have equal
/// texts and a name can stand in a path, a log line or a certificate extension as it is. Source: SPIFFE ID
/// 1.0, narrowed.
package struct SPIFFEID: Hashable, Sendable, Codable, CustomStringConvertible {
    package enum Role: Hashable, Sendable {
        case node(String)
        case coordinator
        case `operator`(String)

        /// The site's or operator's own name.
        package var name: String? {
            switch self {
            case .node(let name), .operator(let name): name
            case .coordinator: nil
            }
        }
    }

    package let consortium: String
    package let role: Role

    /// Both names must be names (`isName`); text from outside goes through `init(_:)` or is checked first.
    package init(consortium: String, role: Role) {
        precondition(Self.isName(consortium), "a consortium's name is 1 to 63 of a-z 0-9 -")
        precondition(role.name.map(Self.isName) ?? true, "a party's name is 1 to 63 of a-z 0-9 -")
        (self.consortium, self.role) = (consortium, role)
    }

    package init?(_ uri: String) {
        let scheme = "spiffe://"
        guard uri.utf8.starts(with: scheme.utf8) else { return nil }
        let parts = uri.utf8.dropFirst(scheme.utf8.count)
            .split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
            .map { String(decoding: $0, as: UTF8.self) }
        guard parts.allSatisfy(Self.isName) else { return nil }
        switch (parts.count, parts.dropFirst().first) {
        case (2, "coordinator"): role = .coordinator
        case (3, "node"): role = .node(parts[2])
        case (3, "operator"): role = .operator(parts[2])
        default: return nil
        }
        consortium = parts[0]
    }

    package var description: String {
        switch role {
        case .node(let site): "spiffe://\(consortium)/node/\(site)"
        case .coordinator: "spiffe://\(consortium)/coordinator"
        case .operator(let name): "spiffe://\(consortium)/operator/\(name)"
        }
    }

    /// Whether `text` may name a consortium, a site or an operator.
    package static func isName(_ text: String) -> Bool {
        let bytes = text.utf8
        return (1...63).contains(bytes.count)
            && bytes.allSatisfy {
                switch $0 {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
                    UInt8(ascii: "-"):
                    true
                default: false
                }
            }
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        guard let id = SPIFFEID(try container.decode(String.self)) else {
            throw DecodingError.dataCorruptedError(
                in: container, debugDescription: "not a SPIFFE id of a consortium's party")
        }
        self = id
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}
