package import Cryptography
import Foundation
import GRDB

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

extension NodeLedger {
    /// Keeps another hospital's checkpoint for good; one that is known is no change.
    package func keep(_ checkpoint: HeldCheckpoint, logging note: AuditNote? = nil) throws(StoreError) {
        try record(note) { db in
            try db.execute(
                sql:
                    "INSERT OR IGNORE INTO checkpoints (site, sequence, head, at, message) VALUES (?, ?, ?, ?, ?)",
                arguments: [
                    checkpoint.site, checkpoint.sequence, checkpoint.head.hex, checkpoint.at,
                    Data(checkpoint.message),
                ])
            return db.changesCount > 0
        }
    }

    /// The checkpoints of a hospital, the earliest entry first.
    package func checkpoints(of site: String) throws(StoreError) -> [HeldCheckpoint] {
        try file.read { db in
            let sql = "SELECT * FROM checkpoints WHERE site = ? ORDER BY sequence, at"
            return try Row.fetchAll(db, sql: sql, arguments: [site]).map(HeldCheckpoint.init(row:))
        }
    }

    /// Hospitals of which a checkpoint is kept.
    package func checkpointSites() throws(StoreError) -> [String] {
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
