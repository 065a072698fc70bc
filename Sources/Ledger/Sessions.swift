package import Cryptography
import Foundation
import GRDB
import SQLiteFiles

/// One run of a study at this node.
package struct SessionEntry: Hashable, Sendable {
    package var id: String
    package var study: SHA256Digest
    /// The session's X25519 secret; nil once the session has ended.
    package var secret: [UInt8]?
    package var hello: [UInt8]
    package var roster: [UInt8]?
    package var ack: [UInt8]?
    package var beganAt: Int
    package var endedAt: Int?
    package var outcome: String?
}

/// What this node answered to one round: the only answer there will ever be.
package struct RoundEntry: Hashable, Sendable {
    package var round: Int
    package var requestDigest: SHA256Digest
    package var request: [UInt8]
    package var answer: [UInt8]
}

extension NodeLedger {
    /// Records a session with its secret, before anything of it is sent.
    ///
    /// Recording the same again does nothing; the same id with other contents is refused.
    package func beginSession(
        id: String, study: SHA256Digest, secret: [UInt8], hello: [UInt8], at time: Int,
        logging note: AuditNote? = nil
    ) throws(LedgerError) {
        try record(note) { db in
            if let session = try NodeLedger.session(db, id) {
                let isSame = session.study == study && session.secret == secret && session.hello == hello
                guard isSame else { throw LedgerError.sessionDiffers(id) }
                return false
            }
            try NodeLedger.requireOpenStudy(db, study)
            try db.execute(
                sql: "INSERT INTO sessions (id, study, secret, hello, began_at) VALUES (?, ?, ?, ?, ?)",
                arguments: [id, study.hex, Data(secret), Data(hello), time])
            return true
        }
    }

    package func session(_ id: String) throws(LedgerError) -> SessionEntry? {
        try file.read { db in try NodeLedger.session(db, id) }
    }

    /// The sessions of a study, the oldest first.
    package func sessions(of study: SHA256Digest) throws(LedgerError) -> [SessionEntry] {
        try file.read { db in
            let sql = "SELECT * FROM sessions WHERE study = ? ORDER BY began_at, rowid"
            return try Row.fetchAll(db, sql: sql, arguments: [study.hex]).map(SessionEntry.init(row:))
        }
    }

    /// Records the roster that the node accepted and what it acknowledged, with the checkpoints that came along; a session has
    /// one roster.
    package func recordRoster(
        session id: String, roster: [UInt8], ack: [UInt8], checkpoints: [ArrivedCheckpoint] = [],
        logging note: AuditNote? = nil
    ) throws(LedgerError) {
        try record(note) { db in
            let session = try NodeLedger.requireOpenSession(db, id)
            if let recorded = session.roster {
                let isSame = recorded == roster && session.ack == ack
                guard isSame else { throw LedgerError.rosterDiffers(id) }
                return false
            }
            try NodeLedger.keep(db, checkpoints)
            try db.execute(
                sql: "UPDATE sessions SET roster = ?, ack = ? WHERE id = ?",
                arguments: [Data(roster), Data(ack), id])
            return true
        }
    }

    /// Ends a session and erases its secret.
    ///
    /// SQLite overwrites the bytes with zeros, in the file and, by a checkpoint, in its log; if another
    /// process reads at that moment, the log's copy goes with the next checkpoint. Backups and the disk's
    /// own copies are out of reach. Ending it again with the same outcome does nothing.
    package func endSession(
        _ id: String, outcome: String, at time: Int, logging note: AuditNote? = nil
    ) throws(LedgerError) {
        try record(note) { db in
            guard let session = try NodeLedger.session(db, id) else {
                throw LedgerError.unknownSession(id)
            }
            if let ended = session.outcome {
                guard ended == outcome else { throw LedgerError.sessionEnded(id, outcome: ended) }
                return false
            }
            try db.execute(
                sql: "UPDATE sessions SET secret = NULL, ended_at = ?, outcome = ? WHERE id = ?",
                arguments: [time, outcome, id])
            return true
        }
        file.checkpoint()
    }

    /// Records the answer to a round before it is sent: one for a session and round, ever.
    ///
    /// Recording the same again does nothing, so that a repeated request gets the stored bytes. `cohorts` are the rows that the
    /// session's analyses sum, if this is the first answer that holds them; `checkpoints` are those that came with the request.
    /// With `decision`, the answer is recorded only while that is what is decided about the study.
    ///
    /// - Throws: `LedgerError.answerDiffers` for another request or answer, `.sessionEnded` after the end,
    ///   `.decidedMeanwhile` after another decision.
    package func recordAnswer(
        session id: String, round: Int, requestDigest: SHA256Digest, request: [UInt8], answer: [UInt8],
        under decision: StudyEntry.Decision? = nil, cohorts: [CohortRecord] = [],
        checkpoints: [ArrivedCheckpoint] = [], at time: Int = 0, logging note: AuditNote? = nil
    ) throws(LedgerError) {
        let entry = RoundEntry(round: round, requestDigest: requestDigest, request: request, answer: answer)
        try record(note) { db in
            if let recorded = try NodeLedger.round(db, id, round) {
                guard recorded == entry else {
                    throw LedgerError.answerDiffers(session: id, round: round)
                }
                return false
            }
            let session = try NodeLedger.requireOpenSession(db, id)
            let study = try NodeLedger.study(db, session.study)
            guard decision == nil || study?.decision == decision else {
                throw LedgerError.decidedMeanwhile(session.study)
            }
            try NodeLedger.keep(db, checkpoints)
            try NodeLedger.record(db, cohorts, session: id, study: session.study, at: time)
            try db.execute(
                sql: """
                    INSERT INTO rounds (session, round, request_sha256, request, answer)
                    VALUES (?, ?, ?, ?, ?)
                    """,
                arguments: [id, round, requestDigest.hex, Data(request), Data(answer)])
            return true
        }
    }

    /// The rounds that were answered, in order.
    package func rounds(of session: String) throws(LedgerError) -> [RoundEntry] {
        try file.read { db in
            let sql = "SELECT * FROM rounds WHERE session = ? ORDER BY round"
            return try Row.fetchAll(db, sql: sql, arguments: [session]).map(RoundEntry.init(row:))
        }
    }

    /// The answer to a round; nil if there is none yet.
    package func round(_ round: Int, of session: String) throws(LedgerError) -> RoundEntry? {
        try file.read { db in try NodeLedger.round(db, session, round) }
    }

    @discardableResult
    private static func requireOpenSession(_ db: Database, _ id: String) throws -> SessionEntry {
        guard let session = try session(db, id) else { throw LedgerError.unknownSession(id) }
        if let outcome = session.outcome { throw LedgerError.sessionEnded(id, outcome: outcome) }
        return session
    }

    private static func session(_ db: Database, _ id: String) throws -> SessionEntry? {
        try Row.fetchOne(db, sql: "SELECT * FROM sessions WHERE id = ?", arguments: [id])
            .map(SessionEntry.init(row:))
    }

    private static func round(_ db: Database, _ session: String, _ round: Int) throws -> RoundEntry? {
        let sql = "SELECT * FROM rounds WHERE session = ? AND round = ?"
        return try Row.fetchOne(db, sql: sql, arguments: [session, round]).map(RoundEntry.init(row:))
    }
}

extension SessionEntry {
    fileprivate init(row: Row) throws {
        id = try row.stored("id")
        study = try row.stored("study")
        secret = try row.storedOptional("secret")
        hello = try row.stored("hello")
        roster = try row.storedOptional("roster")
        ack = try row.storedOptional("ack")
        beganAt = try row.stored("began_at")
        endedAt = try row.storedOptional("ended_at")
        outcome = try row.storedOptional("outcome")
    }
}

extension RoundEntry {
    fileprivate init(row: Row) throws {
        round = try row.stored("round")
        requestDigest = try row.stored("request_sha256")
        request = try row.stored("request")
        answer = try row.stored("answer")
    }
}
