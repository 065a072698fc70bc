/// How tied event times are handled.
package enum Ties: String, Hashable, Sendable, Codable, CaseIterable {
    case efron
    case breslow
    /// The discrete partial likelihood, for a baseline hazard of each site's own.
    case exact
}
