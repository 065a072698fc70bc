package import Cryptography

/// One run of a study at this node.
package struct SessionEntry: Hashable, Sendable {
    package var id: String
    package var study: SHA256Digest
    /// The session's X25519 secret; nil once the session has ended.
    package var secret: [UInt8]?
    package var hello: [UInt8]
    package var roster: [UInt8]?
    package var ack: [UInt8]?
    package var beganAt: Int
    package var endedAt: Int?
    package var outcome: String?
}
