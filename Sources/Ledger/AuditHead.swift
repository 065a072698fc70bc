package import Cryptography

/// The newest entry of an audit log: whoever keeps a copy elsewhere can prove later that nothing before it
/// changed.
package struct AuditHead: Hashable, Sendable, Codable {
    /// 0 for an empty log.
    package var sequence: Int
    package var hash: SHA256Digest
}
