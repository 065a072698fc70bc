package import Cryptography
import GRDB
import Synchronization

extension NodeLedger {
    /// Appends an entry of its own; an entry about a change is better handed to the call that makes the
    /// change.
    package func append(kind: String, body: String, at time: Int) throws(StoreError) {
        try append(AuditNote(kind: kind, body: body, at: time))
    }

    package func append(_ note: AuditNote) throws(StoreError) { try record(note) { _ in true } }

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
    package func verifyAudit() throws(StoreError) -> Int { try verifiedHead().sequence }

    /// The same; gives the newest entry that was walked, after which others may have been appended since.
    package func verifiedHead() throws(StoreError) -> AuditHead {
        let end = try verify(after: AuditHead(sequence: 0, hash: AuditEntry.origin))
        verified.withLock { $0 = end }
        return end
    }

    /// Walks what was appended since the last time, and the whole chain the first time.
    ///
    /// The last entry of then must still be there: a log that was set back is found.
    package func verifyNewAudit() throws(StoreError) {
        guard let start = verified.withLock({ $0 }) else {
            _ = try verifyAudit()
            return
        }
        let end = try verify(after: start)
        verified.withLock { $0 = end }
    }

    private func verify(after start: AuditHead) throws(StoreError) -> AuditHead {
        try file.read { db in
            let head = try NodeLedger.head(db)
            var (last, hash) = (start.sequence, start.hash)
            guard try last == 0 || NodeLedger.auditHash(db, last) == hash else {
                throw StoreError.ledger(.auditBroken(entry: last, .changed))
            }
            let sql = "SELECT * FROM audit WHERE seq > ? ORDER BY seq"
            let rows = try Row.fetchCursor(db, sql: sql, arguments: [last])
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
            return AuditHead(sequence: last, hash: hash)
        }
    }

    /// The newest entry of some kinds whose body is about a study.
    package func lastEntry(of kinds: [String], study: SHA256Digest) throws(StoreError) -> AuditEntry? {
        try file.read { db in try NodeLedger.lastEntry(db, of: kinds, study: study) }
    }

    /// The same, with the study's row, both of one moment: a decision changes the one and adds the other.
    package func studyAndLastEntry(
        of kinds: [String], study: SHA256Digest
    ) throws(StoreError) -> (study: StudyEntry?, entry: AuditEntry?) {
        try file.read { db in
            (try NodeLedger.study(db, study), try NodeLedger.lastEntry(db, of: kinds, study: study))
        }
    }

    private static func lastEntry(
        _ db: Database, of kinds: [String], study: SHA256Digest
    ) throws -> AuditEntry? {
        let places = kinds.map { _ in "?" }.joined(separator: ", ")
        let sql = """
            SELECT * FROM audit WHERE kind IN (\(places)) AND json_extract(body, '$.study') = ?
            ORDER BY seq DESC LIMIT 1
            """
        return try Row.fetchOne(db, sql: sql, arguments: StatementArguments(kinds + [study.hex]))
            .map(AuditEntry.init(row:))
    }

    /// The hash of an entry; nil if there is none of that number.
    package func auditHash(at sequence: Int) throws(StoreError) -> SHA256Digest? {
        try file.read { db in try NodeLedger.auditHash(db, sequence) }
    }

    private static func auditHash(_ db: Database, _ sequence: Int) throws -> SHA256Digest? {
        try Row.fetchOne(db, sql: "SELECT hash FROM audit WHERE seq = ?", arguments: [sequence])
            .map { try $0.stored("hash") }
    }

    static func append(_ db: Database, _ note: AuditNote) throws {
        guard try Bool.fetchOne(db, sql: "SELECT json_valid(?)", arguments: [note.body]) == true else {
            throw StoreError.ledger(.bodyIsNotJSON(kind: note.kind))
        }
        let head = try head(db)
        if let after = note.after, after != head.hash { throw StoreError.ledger(.auditMoved) }
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
