package import Cryptography

/// Where a hospital's audit log stood, by its own signed word.
///
/// It travels with hellos and answers to the coordinator and to the other hospitals of a session. Who has it can show later that
/// the log was cut or rewritten: a log that is still the same has an entry of that number and hash.
package struct AuditCheckpoint: Message {
    package static let type = "checkpoint"
    package var site: String
    /// Number of the newest entry; 0 for an empty log.
    package var sequence: Int
    /// Its hash.
    package var head: SHA256Digest
    /// Seconds since 1970.
    package var at: Int

    package init(site: String, sequence: Int, head: SHA256Digest, at: Int) {
        (self.site, self.sequence, self.head, self.at) = (site, sequence, head, at)
    }

    /// Whether one log cannot have been in both states: another entry of the same number, or fewer entries later.
    package func contradicts(_ other: AuditCheckpoint) -> Bool {
        guard site == other.site else { return false }
        if sequence == other.sequence { return head != other.head }
        return sequence < other.sequence ? at > other.at : at < other.at
    }
}

extension SignedMessage {
    /// The checkpoint in this message; throws unless the hospital itself signed it.
    package func checkpoint(of site: String, under trustView: TrustView) throws(ProtocolError)
        -> AuditCheckpoint
    {
        let (checkpoint, signer) = try open(as: AuditCheckpoint.self, under: trustView)
        guard signer.role == .node(site), checkpoint.site == site else {
            throw .untrusted("the checkpoint of \(site)'s audit log is not from \(site)")
        }
        return checkpoint
    }
}
