package import Cryptography
import GRDB
import SQLiteFiles

/// What a hospital's node must never forget: studies and decisions, sessions, answers, and the audit log.
///
/// One SQLite file. Whatever a call recorded is on disk when it returns; what it refused changed nothing.
/// Each call that changes something can append to the audit log in the same transaction, so that neither
/// happens without the other. The node and the command line may hold the file at the same time. Calls block
/// their thread. Times are seconds since 1970, handed in. The calls about studies, sessions and so on stand in the files of those names.
package final class NodeLedger: Sendable {
    let file: SQLiteFile<LedgerError>
    private let audit = AuditLog()

    /// Opens a ledger, and makes it if there is none.
    ///
    /// - Parameters:
    ///   - path: The file.
    ///   - creating: Whether a ledger may be made; without it, a path without a file is an error.
    ///   - patience: How long to wait for another process that holds the file.
    /// - Throws: `LedgerError.file` for a file that is foreign, newer, damaged, in use, or open to all.
    package init(
        path: String, creating: Bool = true, patience: Duration = .seconds(10)
    ) throws(LedgerError) {
        if creating { try SQLiteFile<LedgerError>.create(at: path, mayExist: true) }
        file = try SQLiteFile(path: path, format: .ledger, isReadOnly: false, patience: patience)
    }

    /// One transaction; if `body` says that it changed something, the audit entry is part of it.
    @discardableResult
    func record(_ note: AuditNote?, _ body: (Database) throws -> Bool) throws(LedgerError) -> Bool {
        try file.write { db in
            let hasChanged = try body(db)
            if hasChanged, let note { try AuditLog.append(db, note) }
            return hasChanged
        }
    }

    // MARK: - The audit log

    /// Appends an entry of its own; an entry about a change is better handed to the call that makes the
    /// change.
    package func append(kind: String, body: String, at time: Int) throws(LedgerError) {
        try append(AuditNote(kind: kind, body: body, at: time))
    }

    package func append(_ note: AuditNote) throws(LedgerError) { try record(note) { _ in true } }

    /// Entries in order, after a sequence number, `limit` of them at most.
    package func auditEntries(after sequence: Int = 0, limit: Int = .max) throws(LedgerError) -> [AuditEntry]
    {
        try file.read { db in try AuditLog.entries(db, after: sequence, limit: limit) }
    }

    /// The newest entry, for keeping a copy outside of this file.
    package func auditHead() throws(LedgerError) -> AuditHead {
        try file.read { db in try AuditLog.head(db) }
    }

    /// The hash of an entry; nil if there is none of that number.
    package func auditHash(at sequence: Int) throws(LedgerError) -> SHA256Digest? {
        try file.read { db in try AuditLog.hash(db, at: sequence) }
    }

    /// Walks the whole chain.
    ///
    /// The chain shows what was changed, removed or put in between. Who can write the file can also write a
    /// whole new chain: only a head that was kept elsewhere shows that.
    ///
    /// - Returns: The number of entries.
    /// - Throws: `LedgerError.auditBroken` with the first bad entry.
    package func verifyAudit() throws(LedgerError) -> Int { try verifiedHead().sequence }

    /// The same; gives the newest entry that was walked, after which others may have been appended since.
    package func verifiedHead() throws(LedgerError) -> AuditHead {
        try file.read { db in try audit.walk(db) }
    }

    /// Walks what was appended since the last time, and the whole chain the first time.
    package func verifyNewAudit() throws(LedgerError) {
        try file.read { db in try audit.walkOn(db) }
    }

    /// The newest entry of some kinds whose body is about a study.
    package func lastEntry(of kinds: [String], study: SHA256Digest) throws(LedgerError) -> AuditEntry? {
        try file.read { db in try AuditLog.lastEntry(db, of: kinds, study: study) }
    }

    /// The same, with the study's row, both of one moment: a decision changes the one and adds the other.
    package func studyAndLastEntry(
        of kinds: [String], study: SHA256Digest
    ) throws(LedgerError) -> (study: StudyEntry?, entry: AuditEntry?) {
        try file.read { db in
            (try NodeLedger.study(db, study), try AuditLog.lastEntry(db, of: kinds, study: study))
        }
    }
}
