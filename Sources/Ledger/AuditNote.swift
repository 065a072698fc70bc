package import Cryptography

/// What an audit entry says: who did what, as JSON, and when.
package struct AuditNote: Hashable, Sendable {
    package var kind: String
    package var body: String
    package var at: Int
    /// The hash of the entry that it must follow, if it was made for that place.
    package var after: SHA256Digest?

    package init(kind: String, body: String, at: Int, after: SHA256Digest? = nil) {
        (self.kind, self.body, self.at, self.after) = (kind, body, at, after)
    }
}
