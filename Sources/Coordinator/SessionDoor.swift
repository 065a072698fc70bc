import Cryptography
import Synchronization

/// What the coordinator takes for its sessions at this moment, for those who decide before a request's body is read.
///
/// They cannot wait for the coordinator; it says here what changed.
final class SessionDoor: Sendable {
    /// A session that messages may be sent to.
    struct Entry {
        var sites: [String]
        /// The round that is being asked; 0 before the first.
        var round: Int
        /// The longest answer to any round so far.
        var answerBytesMax: Int
    }

    private let entries = Mutex<[SHA256Digest: Entry]>([:])

    subscript(session: SHA256Digest) -> Entry? {
        get { entries.withLock { $0[session] } }
        set { entries.withLock { $0[session] = newValue } }
    }
}

/// What the coordinator lets a request's body have.
enum BodyLimit {
    /// A study and its dictionary, each of at most 1 MiB of YAML, whose every byte may be written as four within a message.
    static let study = 2 * (4 << 20) + signed
    /// A decision, a hello, an acknowledgement, a refusal: a certificate, a checkpoint of the audit log, a sentence.
    static let message = signed
    private static let signed = 64 << 10

    /// An answer of so many lanes, of 16 bytes each in base64.
    static func answer(lanes: Int) -> Int { signed + (lanes + 2) * 22 }
}
