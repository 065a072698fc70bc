package import Cryptography

/// A study as the node received it, and what a person decided.
package struct StudyEntry: Hashable, Sendable {
    package enum Decision: Hashable, Sendable {
        case pending
        /// Times in seconds since 1970; the policy is the one that was shown when the person approved.
        case approved(until: Int, by: String, at: Int, policyHash: SHA256Digest)
        case declined(reason: String, by: String, at: Int)
    }

    package var hash: SHA256Digest
    package var submission: [UInt8]
    package var receivedAt: Int
    package var decision: Decision
    /// How it ended; nil while it is open.
    package var outcome: String?
}
