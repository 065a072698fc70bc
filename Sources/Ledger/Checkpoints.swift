package import Cryptography
import Foundation
import GRDB
import SQLiteFiles

/// Where another hospital's audit log stood, with its signed word for it.
package struct HeldCheckpoint: Hashable, Sendable {
    package var site: String
    package var sequence: Int
    package var head: SHA256Digest
    package var at: Int
    package var message: [UInt8]

    package init(site: String, sequence: Int, head: SHA256Digest, at: Int, message: [UInt8]) {
        (self.site, self.sequence, self.head, self.at) = (site, sequence, head, at)
        self.message = message
    }
}

/// Another hospital's checkpoint on its way into the ledger.
package struct ArrivedCheckpoint: Hashable, Sendable {
    package var checkpoint: HeldCheckpoint
    /// What the audit log says of it, if it contradicts one that is kept.
    package var contradiction: AuditNote?

    package init(_ checkpoint: HeldCheckpoint, contradiction: AuditNote? = nil) {
        (self.checkpoint, self.contradiction) = (checkpoint, contradiction)
    }
}

extension NodeLedger {
    /// Keeps other hospitals' checkpoints for good, all in one transaction; one that is known is no change.
    package func keep(_ arrived: [ArrivedCheckpoint]) throws(LedgerError) {
        guard !arrived.isEmpty else { return }
        try record(nil) { db in
            try NodeLedger.keep(db, arrived)
            return true
        }
    }

    static func keep(_ db: Database, _ arrived: [ArrivedCheckpoint]) throws {
        for (checkpoint, contradiction) in arrived.map({ ($0.checkpoint, $0.contradiction) }) {
            try db.execute(
                sql:
                    "INSERT OR IGNORE INTO checkpoints (site, sequence, head, at, message) VALUES (?, ?, ?, ?, ?)",
                arguments: [
                    checkpoint.site, checkpoint.sequence, checkpoint.head.hex, checkpoint.at,
                    Data(checkpoint.message),
                ])
            if db.changesCount > 0, let contradiction { try AuditLog.append(db, contradiction) }
        }
    }

    /// The checkpoints of a hospital, the earliest entry first.
    package func checkpoints(of site: String) throws(LedgerError) -> [HeldCheckpoint] {
        try file.read { db in
            let sql = "SELECT * FROM checkpoints WHERE site = ? ORDER BY sequence, at"
            return try Row.fetchAll(db, sql: sql, arguments: [site]).map(HeldCheckpoint.init(row:))
        }
    }

    /// Hospitals of which a checkpoint is kept.
    package func checkpointSites() throws(LedgerError) -> [String] {
        try file.read { try String.fetchAll($0, sql: "SELECT DISTINCT site FROM checkpoints ORDER BY site") }
    }
}

extension HeldCheckpoint {
    fileprivate init(row: Row) throws {
        site = try row.stored("site")
        sequence = try row.stored("sequence")
        head = try row.stored("head")
        at = try row.stored("at")
        message = try row.stored("message")
    }
}
