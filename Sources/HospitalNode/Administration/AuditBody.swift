import Ledger
import Cryptography
import Federation

/// The body of an audit entry: who, what, under which hashes.
///
/// Never a patient's value or a count.
struct AuditBody: Codable, Hashable {
    var study: SHA256Digest?
    var session: SHA256Digest?
    var round: Int?
    var statements: [QueryStatement]?
    var request: SHA256Digest?
    var answer: SHA256Digest?
    var answerBytes: Int?
    var reason: String?
    var person: String?
    var peer: String?
    var policy: SHA256Digest?
    var dictionary: String?
    var file: SHA256Digest?
    var snapshot: SHA256Digest?
    /// When an approval ends, in seconds since 1970.
    var until: Int?
    /// Whether an approval lets each round wait for a person.
    var isHeld: Bool?
    /// The sets of rows that an answer was the first to hold, by analysis.
    var cohorts: [String: SHA256Digest]?
    /// The hash of the entry that a signed one follows.
    var after: SHA256Digest?
    var signature: HexBytes?

    var json: String { String(decoding: CanonicalJSON.bytes(self), as: UTF8.self) }
}
