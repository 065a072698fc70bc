package import Cryptography
package import SQLiteFiles

/// Why the ledger did not record something, or does not vouch for itself, as a sentence.
package enum LedgerError: FileFailure, Hashable, Sendable {
    /// The database file at a path.
    case file(String, FileFault)
    case unknownStudy(SHA256Digest)
    case studyClosed(SHA256Digest, outcome: String)
    /// The study's decision is not the one that was looked at.
    case decidedMeanwhile(SHA256Digest)
    /// An approval has to end after it is given.
    case approvalInThePast
    case unknownSession(String)
    /// The session is recorded with another study, secret or hello.
    case sessionDiffers(String)
    case sessionEnded(String, outcome: String)
    /// The session has another roster.
    case rosterDiffers(String)
    /// The round was answered for another request, or with other bytes.
    case answerDiffers(session: String, round: Int)
    case bodyIsNotJSON(kind: String)
    case auditBroken(entry: Int, AuditBreach)
    /// An entry was made for a place in the log that another one has taken.
    case auditMoved
    /// The rows of earlier analyses were coded under another key than the patients' file has now.
    case otherPersonKey

    package var description: String {
        switch self {
        case .file(let path, let fault): fault.sentence(path: path)
        case .unknownStudy(let hash): "study \(hash) is not in the ledger"
        case .studyClosed(let hash, let outcome):
            "study \(hash) is closed (\(outcome)); a new run needs a new submission"
        case .decidedMeanwhile(let hash): "study \(hash) was decided about in the meantime"
        case .approvalInThePast: "an approval has to end later than now; give a later date"
        case .unknownSession(let id): "session \(id) is not in the ledger"
        case .sessionDiffers(let id): "session \(id) began already, with other contents; begin a new one"
        case .sessionEnded(let id, let outcome): "session \(id) has ended (\(outcome)); begin a new one"
        case .rosterDiffers(let id): "session \(id) has another roster already; begin a new one"
        case .answerDiffers(let session, let round):
            "round \(round) of session \(session) was answered already, and a round is answered once"
        case .bodyIsNotJSON(let kind): "the body of an audit entry of kind \(kind) is not JSON"
        case .auditBroken(let entry, let breach): "audit entry \(entry) \(breach.clause)"
        case .auditMoved: "the audit log went on in the meantime; try again"
        case .otherPersonKey:
            "the patients' file is not the one whose people the ledger remembers; restore it from its backup"
        }
    }

    package var isLasting: Bool {
        switch self {
        case .file(_, let fault): fault.isLasting
        case .auditMoved: false
        default: true
        }
    }
}

/// What is wrong with the first bad entry of the audit log.
package enum AuditBreach: Hashable, Sendable {
    /// The log goes on, or should go on, but this entry is not there.
    case missing
    /// Its content is not what it was when it was written.
    case changed
    /// It was not written after the entry that stands before it.
    case detached
    /// It stands after the entry that was the newest.
    case added

    fileprivate var clause: String {
        switch self {
        case .missing: "is missing; the log before it is sound"
        case .changed: "was changed after it was written; the log before it is sound"
        case .detached: "does not follow the entry before it; the log before it is sound"
        case .added: "was not added by coxswain; the log before it is sound"
        }
    }
}
