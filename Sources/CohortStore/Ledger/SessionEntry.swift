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

/// What this node answered to one round: the only answer there will ever be.
package struct RoundEntry: Hashable, Sendable {
    package var round: Int
    package var requestDigest: SHA256Digest
    package var request: [UInt8]
    package var answer: [UInt8]
}
