/// Why a message is not accepted.
package enum ProtocolError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The bytes are not a message.
    case malformed(String)
    /// The sender is not who it must be.
    case untrusted(String)
    /// A good message that does not belong here or now.
    case outOfPlace(String)
    /// Members of a session run versions that do not work together; says who has to be updated.
    case incompatible(String)
    /// A rule of this site's disclosure policy.
    case refused(DisclosureError)
    /// Something is not in order that has to do with no row: a file, a log, sums that do not fit together.
    case broken(String)
    /// What a site cannot compute of its rows.
    case failed(String)

    /// All that is said of a refusal that depends on a hospital's rows.
    package static let withoutReason = "this hospital's policy does not allow the study"

    /// What a hospital says of it to others.
    ///
    /// Whatever depends on its rows stays without the reason, which would say something about them: its own log and `node show`
    /// have the rule.
    package var told: String {
        switch self {
        case .malformed, .untrusted, .outOfPlace, .incompatible, .broken: description
        case .refused(let error) where !error.isOfRows: description
        case .refused, .failed: Self.withoutReason
        }
    }

    package var description: String {
        switch self {
        case .malformed(let reason), .untrusted(let reason), .outOfPlace(let reason),
            .incompatible(let reason), .broken(let reason), .failed(let reason):
            reason
        case .refused(let error): "\(error)"
        }
    }
}
