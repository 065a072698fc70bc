package import Ledger
import Cryptography
package import Federation
import Survival

/// A study as it arrived at this node, with what was decided about it.
package struct LocalStudy: Sendable {
    package let plan: StudyPlan
    package let submission: StudySubmission
    package let entry: StudyEntry

    init(_ entry: StudyEntry) throws {
        let message = try CanonicalJSON.decode(SignedMessage.self, from: entry.submission)
        guard message.payloadDigest == entry.hash else {
            throw ProtocolError.untrusted(
                "study \(entry.hash.short) in the ledger is not the text that its hash is of; restore the ledger from its backup"
            )
        }
        (submission, plan) = try Self.read(message)
        self.entry = entry
    }

    /// A submission's study, without judging its signature, which was done when it arrived.
    static func read(_ message: SignedMessage) throws -> (StudySubmission, StudyPlan) {
        let submission = try CanonicalJSON.decode(StudySubmission.self, from: Array(message.payload.utf8))
        let plan = try StudyPlan(
            study: try StudyFile(yaml: submission.study, file: "study"),
            dictionary: try DataDictionary(yaml: submission.dictionary, file: "dictionary"),
            hash: message.payloadDigest)
        return (submission, plan)
    }
}

/// An approval in force: given under the policy that is in force, on the patients that are there, and signed.
struct StudyApproval: Sendable {
    var entry: StudyEntry
    /// The rows that it is for.
    var snapshot: SHA256Digest
    /// The rules to answer under: the policy's, or the stricter ones for studies that no person approved.
    var policy: DisclosurePolicy
    var isUnattended: Bool
    /// Whether each round waits for a person.
    var isHeld: Bool
}
