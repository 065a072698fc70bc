package import Cryptography
import Foundation
import GRDB
import SQLiteFiles

/// A round that waits until a person releases it.
package struct HeldRound: Hashable, Sendable {
    package var session: String
    package var round: Int
    /// The coordinator's signed request.
    package var request: [UInt8]
    package var since: Int

    package init(session: String, round: Int, request: [UInt8], since: Int) {
        (self.session, self.round, self.request, self.since) = (session, round, request, since)
    }
}

extension NodeLedger {
    /// Keeps a round that waits for a person, for showing it, and the checkpoints that came with it; the same round again is no
    /// change.
    package func hold(
        _ held: HeldRound, checkpoints: [ArrivedCheckpoint] = [], logging note: AuditNote
    ) throws(LedgerError) {
        try record(note) { db in
            try NodeLedger.keep(db, checkpoints)
            let sql = "INSERT OR IGNORE INTO held_rounds (session, round, request, since) VALUES (?, ?, ?, ?)"
            try db.execute(sql: sql, arguments: [held.session, held.round, Data(held.request), held.since])
            return db.changesCount > 0
        }
    }

    /// The round of a study that waits for a person, if its session is open and has not answered it.
    package func heldRound(of study: SHA256Digest) throws(LedgerError) -> HeldRound? {
        try file.read { db in
            let sql = """
                SELECT held_rounds.* FROM held_rounds JOIN sessions ON sessions.id = held_rounds.session
                WHERE sessions.study = ? AND sessions.outcome IS NULL AND NOT EXISTS (
                    SELECT 1 FROM rounds WHERE rounds.session = held_rounds.session
                    AND rounds.round = held_rounds.round)
                ORDER BY sessions.began_at DESC, held_rounds.round DESC LIMIT 1
                """
            return try Row.fetchOne(db, sql: sql, arguments: [study.hex]).map { row in
                HeldRound(
                    session: try row.stored("session"), round: try row.stored("round"),
                    request: try row.stored("request"), since: try row.stored("since"))
            }
        }
    }
}
