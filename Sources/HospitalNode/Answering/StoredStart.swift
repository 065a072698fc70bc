import Cryptography
import Federation
import Ledger

/// How a session began, as the journal keeps it.
struct StoredStart: Codable, Hashable {
    var opening: SignedMessage
    var hello: SignedMessage
    /// The patients' digest when the session began.
    var snapshot: SHA256Digest
    /// Whether no person approved; nil if one did.
    var isUnattended: Bool?

    init(opening: SignedMessage, hello: SignedMessage, snapshot: SHA256Digest, isUnattended: Bool?) {
        (self.opening, self.hello, self.snapshot) = (opening, hello, snapshot)
        self.isUnattended = isUnattended
    }

    init(from entry: SessionEntry) throws {
        self = try CanonicalJSON.decode(StoredStart.self, from: entry.hello)
    }

    /// The checkpoint of the hello, which is the same after a restart.
    var checkpoint: SignedMessage? {
        get throws { try helloContent.checkpoint }
    }

    var helloContent: Hello {
        get throws { try CanonicalJSON.decode(Hello.self, from: Array(hello.payload.utf8)) }
    }

    var openingContent: SessionOpening {
        get throws { try CanonicalJSON.decode(SessionOpening.self, from: Array(opening.payload.utf8)) }
    }
}
