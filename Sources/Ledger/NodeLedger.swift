import Cryptography
import Foundation
import GRDB
import Synchronization

/// What a hospital's node must never forget: studies and decisions, sessions, answers, and the audit log.
///
/// One SQLite file. Whatever a call recorded is on disk when it returns; what it refused changed nothing.
/// Each call that changes something can append to the audit log in the same transaction, so that neither
/// happens without the other. The node and the command line may hold the file at the same time. Calls block
/// their thread. Times are seconds since 1970, handed in.
package final class NodeLedger: Sendable {
    let file: StoreFile
    /// The end of what `verifyAudit` or `verifyNewAudit` walked last; nil before the first walk.
    let verified = Mutex<AuditHead?>(nil)

    /// Opens a ledger, and makes it if there is none.
    ///
    /// - Parameters:
    ///   - path: The file.
    ///   - creating: Whether a ledger may be made; without it, a path without a file is an error.
    ///   - patience: How long to wait for another process that holds the file.
    /// - Throws: `StoreError.file` for a file that is foreign, newer, damaged, in use, or open to all.
    package init(
        path: String, creating: Bool = true, patience: Duration = .seconds(10)
    ) throws(StoreError) {
        if creating {
            do {
                try StoreFile.createPrivate(at: path)
            } catch .file(_, .alreadyExists) {
                // Then it is opened, whoever made it.
            }
        }
        file = try StoreFile(path: path, format: .ledger, isReadOnly: false, patience: patience)
    }

    /// One transaction; if `body` says that it changed something, the audit entry is part of it.
    @discardableResult
    func record(_ note: AuditNote?, _ body: (Database) throws -> Bool) throws(StoreError) -> Bool {
        let hasChanged = try file.write { db in
            let hasChanged = try body(db)
            if hasChanged, let note { try NodeLedger.append(db, note) }
            return hasChanged
        }
        let logBytesMax = 4 << 20
        file.checkpoint(ifLongerThan: logBytesMax)
        return hasChanged
    }
}
