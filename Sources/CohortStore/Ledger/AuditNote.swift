/// What an audit entry says: who did what, as JSON, and when.
package struct AuditNote: Hashable, Sendable {
    package var kind: String
    package var body: String
    package var at: Int

    package init(kind: String, body: String, at: Int) {
        (self.kind, self.body, self.at) = (kind, body, at)
    }
}
