import Cryptography
import GRDB

extension NodeLedger {
    /// Appends an entry of its own; an entry about a change is better handed to the call that makes the
    /// change.
    package func append(kind: String, body: String, at time: Int) throws(StoreError) {
        try record(AuditNote(kind: kind, body: body, at: time)) { _ in true }
    }

    /// Entries in order, after a sequence number, `limit` of them at most.
    package func auditEntries(after sequence: Int = 0, limit: Int = .max) throws(StoreError) -> [AuditEntry] {
        try file.read { db in
            let sql = "SELECT * FROM audit WHERE seq > ? ORDER BY seq LIMIT ?"
            return try Row.fetchAll(db, sql: sql, arguments: [sequence, limit]).map(AuditEntry.init(row:))
        }
    }

    /// The newest entry, for keeping a copy outside of this file.
    package func auditHead() throws(StoreError) -> AuditHead {
        try file.read { db in try NodeLedger.head(db) }
    }

    /// Walks the whole chain.
    ///
    /// The chain shows what was changed, removed or put in between. Who can write the file can also write a
    /// whole new chain: only a head that was kept elsewhere shows that.
    ///
    /// - Returns: The number of entries.
    /// - Throws: `LedgerFault.auditBroken` with the first bad entry.
    package func verifyAudit() throws(StoreError) -> Int {
        try file.read { db in
            let head = try NodeLedger.head(db)
            var (last, hash) = (0, AuditEntry.origin)
            let rows = try Row.fetchCursor(db, sql: "SELECT * FROM audit ORDER BY seq")
            while let row = try rows.next() {
                let expected = last + 1
                guard row["seq"] == expected else {
                    throw StoreError.ledger(.auditBroken(entry: expected, .missing))
                }
                if let breach = AuditEntry.breach(of: row, after: hash) {
                    throw StoreError.ledger(.auditBroken(entry: expected, breach))
                }
                if last == head.sequence { throw StoreError.ledger(.auditBroken(entry: expected, .added)) }
                (last, hash) = (expected, try row.stored("hash"))
            }
            guard last == head.sequence else {
                throw StoreError.ledger(.auditBroken(entry: last + 1, .missing))
            }
            guard hash == head.hash else { throw StoreError.ledger(.auditBroken(entry: last, .changed)) }
            return last
        }
    }

    static func append(_ db: Database, _ note: AuditNote) throws {
        guard try Bool.fetchOne(db, sql: "SELECT json_valid(?)", arguments: [note.body]) == true else {
            throw StoreError.ledger(.bodyIsNotJSON(kind: note.kind))
        }
        let head = try head(db)
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

    private static func head(_ db: Database) throws -> AuditHead {
        guard let row = try Row.fetchOne(db, sql: "SELECT * FROM audit_head") else {
            return AuditHead(sequence: 0, hash: AuditEntry.origin)
        }
        return AuditHead(sequence: try row.stored("seq"), hash: try row.stored("hash"))
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
