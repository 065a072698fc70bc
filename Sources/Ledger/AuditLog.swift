import Cryptography
import GRDB
import SQLiteFiles
import Synchronization

/// The audit log as it stands in the ledger's file: a chain of entries, and apart from it the newest one.
///
/// Its calls take part in the transaction of whoever calls. It remembers how far the chain was walked, so that what was walked once
/// is not walked again.
final class AuditLog: Sendable {
    /// The end of what was walked last; nil before the first walk.
    private let walked = Mutex<AuditHead?>(nil)

    // MARK: Writing

    static func append(_ db: Database, _ note: AuditNote) throws {
        guard try Bool.fetchOne(db, sql: "SELECT json_valid(?)", arguments: [note.body]) == true else {
            throw LedgerError.bodyIsNotJSON(kind: note.kind)
        }
        let head = try head(db)
        if let after = note.after, after != head.hash { throw LedgerError.auditMoved }
        let entry = AuditEntry(sequence: head.sequence + 1, note: note, previous: head.hash)
        try db.execute(
            sql: "INSERT INTO audit (seq, at, kind, body, previous, hash) VALUES (?, ?, ?, ?, ?, ?)",
            arguments: [
                entry.sequence, entry.at, entry.kind, entry.body, entry.previous.hex, entry.hash.hex,
            ])
        try db.execute(
            sql: "INSERT OR REPLACE INTO audit_head (id, seq, hash) VALUES (1, ?, ?)",
            arguments: [entry.sequence, entry.hash.hex])
    }

    // MARK: Reading

    static func head(_ db: Database) throws -> AuditHead {
        guard let row = try Row.fetchOne(db, sql: "SELECT * FROM audit_head") else {
            return AuditHead(sequence: 0, hash: AuditEntry.origin)
        }
        return AuditHead(sequence: try row.stored("seq"), hash: try row.stored("hash"))
    }

    static func hash(_ db: Database, at sequence: Int) throws -> SHA256Digest? {
        try Row.fetchOne(db, sql: "SELECT hash FROM audit WHERE seq = ?", arguments: [sequence])
            .map { try $0.stored("hash") }
    }

    static func entries(_ db: Database, after sequence: Int, limit: Int) throws -> [AuditEntry] {
        let sql = "SELECT * FROM audit WHERE seq > ? ORDER BY seq LIMIT ?"
        return try Row.fetchAll(db, sql: sql, arguments: [sequence, limit]).map(AuditEntry.init(row:))
    }

    static func lastEntry(_ db: Database, of kinds: [String], study: SHA256Digest) throws -> AuditEntry? {
        let places = kinds.map { _ in "?" }.joined(separator: ", ")
        let sql = """
            SELECT * FROM audit WHERE kind IN (\(places)) AND json_extract(body, '$.study') = ?
            ORDER BY seq DESC LIMIT 1
            """
        return try Row.fetchOne(db, sql: sql, arguments: StatementArguments(kinds + [study.hex]))
            .map(AuditEntry.init(row:))
    }

    // MARK: Walking

    /// Walks the whole chain; gives its newest entry.
    func walk(_ db: Database) throws -> AuditHead {
        let end = try AuditLog.walk(db, after: AuditHead(sequence: 0, hash: AuditEntry.origin))
        walked.withLock { $0 = end }
        return end
    }

    /// Walks what was appended since the last walk, and the whole chain the first time.
    ///
    /// The last entry of then must still be there: a log that was set back is found.
    func walkOn(_ db: Database) throws {
        guard let start = walked.withLock({ $0 }) else {
            _ = try walk(db)
            return
        }
        let end = try AuditLog.walk(db, after: start)
        walked.withLock { $0 = end }
    }

    private static func walk(_ db: Database, after start: AuditHead) throws -> AuditHead {
        let head = try head(db)
        var (last, hash) = (start.sequence, start.hash)
        guard try last == 0 || AuditLog.hash(db, at: last) == hash else {
            throw LedgerError.auditBroken(entry: last, .changed)
        }
        let sql = "SELECT * FROM audit WHERE seq > ? ORDER BY seq"
        let rows = try Row.fetchCursor(db, sql: sql, arguments: [last])
        while let row = try rows.next() {
            let expected = last + 1
            guard row["seq"] == expected else { throw LedgerError.auditBroken(entry: expected, .missing) }
            if let breach = AuditEntry.breach(of: row, after: hash) {
                throw LedgerError.auditBroken(entry: expected, breach)
            }
            if last == head.sequence { throw LedgerError.auditBroken(entry: expected, .added) }
            (last, hash) = (expected, try row.stored("hash"))
        }
        guard last == head.sequence else { throw LedgerError.auditBroken(entry: last + 1, .missing) }
        guard hash == head.hash else { throw LedgerError.auditBroken(entry: last, .changed) }
        return AuditHead(sequence: last, hash: hash)
    }
}

extension AuditEntry {
    fileprivate init(row: Row) throws {
        let note = AuditNote(
            kind: try row.stored("kind"), body: try row.stored("body"), at: try row.stored("at"))
        self.init(
            sequence: try row.stored("seq"), note: note, previous: try row.stored("previous"),
            hash: try row.stored("hash"))
    }

    /// What is wrong with a stored entry, given the hash of the one before it.
    fileprivate static func breach(of row: Row, after previous: SHA256Digest) -> AuditBreach? {
        // A value that is not even of its column's type was not written by us.
        guard let entry = try? AuditEntry(row: row), entry.hash == entry.computedHash else { return .changed }
        return entry.previous == previous ? nil : .detached
    }
}
