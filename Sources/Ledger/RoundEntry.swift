package import Cryptography

/// What this node answered to one round: the only answer there will ever be.
package struct RoundEntry: Hashable, Sendable {
    package var round: Int
    package var requestDigest: SHA256Digest
    package var request: [UInt8]
    package var answer: [UInt8]
}
