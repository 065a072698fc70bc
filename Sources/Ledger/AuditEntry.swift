package import Cryptography

/// One line of the audit log, chained to the one before it.
package struct AuditEntry: Hashable, Sendable, Codable {
    /// From 1, without gaps.
    package var sequence: Int
    /// Seconds since 1970.
    package var at: Int
    package var kind: String
    /// JSON.
    package var body: String
    package var previous: SHA256Digest
    package var hash: SHA256Digest

    /// What the first entry has for the hash of the entry before it.
    static let origin = SHA256Digest(of: "coxswain audit log 1\n".utf8)

    /// An entry with its place in the chain.
    init(sequence: Int, note: AuditNote, previous: SHA256Digest) {
        (self.sequence, self.at, self.kind, self.body) = (sequence, note.at, note.kind, note.body)
        self.previous = previous
        hash = AuditEntry.origin
        hash = computedHash
    }

    /// An entry as it is stored, whatever its hash says.
    init(sequence: Int, note: AuditNote, previous: SHA256Digest, hash: SHA256Digest) {
        self.init(sequence: sequence, note: note, previous: previous)
        self.hash = hash
    }

    /// SHA-256 of "coxswain audit entry 1\n", the previous hash (32 bytes), the sequence number, the time,
    /// and kind and body, each after its length in bytes; numbers are 8 bytes, big-endian.
    var computedHash: SHA256Digest {
        var bytes = Array("coxswain audit entry 1\n".utf8) + previous.bytes
        func append(_ number: Int) {
            withUnsafeBytes(of: UInt64(bitPattern: Int64(number)).bigEndian) { bytes.append(contentsOf: $0) }
        }
        append(sequence)
        append(at)
        for text in [kind, body] {
            append(text.utf8.count)
            bytes.append(contentsOf: text.utf8)
        }
        return SHA256Digest(of: bytes)
    }
}

/// The newest entry of an audit log: whoever keeps a copy elsewhere can prove later that nothing before it
/// changed.
package struct AuditHead: Hashable, Sendable, Codable {
    /// 0 for an empty log.
    package var sequence: Int
    package var hash: SHA256Digest
}

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
