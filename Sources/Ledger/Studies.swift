package import Cryptography
import Foundation
import GRDB
import SQLiteFiles

/// A study as the node received it, and what a person decided.
package struct StudyEntry: Hashable, Sendable {
    package enum Decision: Hashable, Sendable {
        case pending
        /// Times in seconds since 1970; the policy is the one that was shown when the person approved.
        case approved(until: Int, by: String, at: Int, policyHash: SHA256Digest)
        case declined(reason: String, by: String, at: Int)
    }

    package var hash: SHA256Digest
    package var submission: [UInt8]
    package var receivedAt: Int
    package var decision: Decision
    /// How it ended; nil while it is open.
    package var outcome: String?
}

extension NodeLedger {
    /// Holds a study as pending.
    ///
    /// A hash that is known keeps its first submission.
    ///
    /// - Returns: Whether the study is new.
    @discardableResult
    package func recordStudy(
        hash: SHA256Digest, submission: [UInt8], receivedAt: Int, logging note: AuditNote? = nil
    ) throws(LedgerError) -> Bool {
        try record(note) { db in
            guard try NodeLedger.study(db, hash) == nil else { return false }
            try db.execute(
                sql: "INSERT INTO studies (hash, submission, received_at) VALUES (?, ?, ?)",
                arguments: [hash.hex, Data(submission), receivedAt])
            return true
        }
    }

    /// All studies, the oldest first.
    package func studies() throws(LedgerError) -> [StudyEntry] {
        try file.read { db in
            try Row.fetchAll(db, sql: "SELECT * FROM studies ORDER BY received_at, rowid")
                .map(StudyEntry.init(row:))
        }
    }

    package func study(_ hash: SHA256Digest) throws(LedgerError) -> StudyEntry? {
        try file.read { db in try NodeLedger.study(db, hash) }
    }

    /// Records a person's approval until a time, under the policy that was shown; it takes the place of an
    /// earlier decision.
    ///
    /// With `earlier`, of that decision alone: one that somebody else made in the meantime stays.
    package func approve(
        _ hash: SHA256Digest, until: Int, by person: String, at time: Int, policyHash: SHA256Digest,
        inPlaceOf earlier: StudyEntry.Decision? = nil, logging note: AuditNote? = nil
    ) throws(LedgerError) {
        guard until > time else { throw .approvalInThePast }
        try decide(
            hash, inPlaceOf: earlier, note,
            """
            UPDATE studies SET decision = 'approved', decided_by = ?, decided_at = ?, approved_until = ?,
                policy_hash = ?, reason = NULL
            WHERE hash = ?
            """,
            [person, time, until, policyHash.hex, hash.hex])
    }

    /// Records that a person declined a study, or withdrew an approval.
    package func decline(
        _ hash: SHA256Digest, reason: String, by person: String, at time: Int, logging note: AuditNote? = nil
    ) throws(LedgerError) {
        try decide(
            hash, note,
            """
            UPDATE studies SET decision = 'declined', decided_by = ?, decided_at = ?, approved_until = NULL,
                policy_hash = NULL, reason = ?
            WHERE hash = ?
            """,
            [person, time, reason, hash.hex])
    }

    /// Records how a study ended; from then on nothing about it can be decided or begun.
    package func close(
        _ hash: SHA256Digest, outcome: String, at time: Int, logging note: AuditNote? = nil
    ) throws(LedgerError) {
        try decide(
            hash, note, "UPDATE studies SET outcome = ?, closed_at = ? WHERE hash = ?",
            [outcome, time, hash.hex])
    }

    private func decide(
        _ hash: SHA256Digest, inPlaceOf earlier: StudyEntry.Decision? = nil, _ note: AuditNote?,
        _ sql: String, _ arguments: StatementArguments
    ) throws(LedgerError) {
        try record(note) { db in
            let study = try NodeLedger.requireOpenStudy(db, hash)
            guard earlier == nil || study.decision == earlier else {
                throw LedgerError.decidedMeanwhile(hash)
            }
            try db.execute(sql: sql, arguments: arguments)
            return true
        }
    }

    @discardableResult
    static func requireOpenStudy(_ db: Database, _ hash: SHA256Digest) throws -> StudyEntry {
        guard let study = try study(db, hash) else { throw LedgerError.unknownStudy(hash) }
        if let outcome = study.outcome { throw LedgerError.studyClosed(hash, outcome: outcome) }
        return study
    }

    static func study(_ db: Database, _ hash: SHA256Digest) throws -> StudyEntry? {
        try Row.fetchOne(db, sql: "SELECT * FROM studies WHERE hash = ?", arguments: [hash.hex])
            .map(StudyEntry.init(row:))
    }
}

extension StudyEntry {
    fileprivate init(row: Row) throws {
        hash = try row.stored("hash")
        submission = try row.stored("submission")
        receivedAt = try row.stored("received_at")
        decision = try Decision(row: row)
        outcome = try row.storedOptional("outcome")
    }
}

extension StudyEntry.Decision {
    fileprivate init(row: Row) throws {
        switch try row.stored("decision") as String {
        case "pending": self = .pending
        case "approved":
            self = .approved(
                until: try row.stored("approved_until"), by: try row.stored("decided_by"),
                at: try row.stored("decided_at"), policyHash: try row.stored("policy_hash"))
        case "declined":
            self = .declined(
                reason: try row.stored("reason"), by: try row.stored("decided_by"),
                at: try row.stored("decided_at"))
        default: throw UnexpectedValue()
        }
    }
}
