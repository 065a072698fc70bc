import Cryptography
import Federation
import Foundation
import GRDB
import SQLiteFiles
import Survival

/// The coordinator's own state in SQLite: studies, decisions, sessions, the messages of each session, results.
///
/// Every write is committed (`synchronous=FULL`) before it returns. Nothing here is a site's own number: the messages are
/// keys, acknowledgements and masked vectors.
final class CoordinatorStore: Sendable {
    private let file: SQLiteFile<FileError>

    /// Opens the database, and makes it if there is none; one of an older version of this program is brought up.
    init(path: String) throws(FileError) {
        try SQLiteFile<FileError>.create(at: path, mayExist: true)
        file = try SQLiteFile(path: path, format: .coordinator, isReadOnly: false, patience: .seconds(10))
    }

    struct StudyRow: Sendable {
        var hash: String
        /// The signed message's text, not read yet: one that is damaged must not hide the other studies.
        var submission: String
        var state: StudyState
        var reason: String
    }

    struct SessionRow: Sendable {
        var id: String
        var opening: SignedMessage
        var since: Int
    }

    struct MessageRow: Sendable {
        var site: String
        var body: SignedMessage
    }

    func addStudy(_ hash: SHA256Digest, _ submission: SignedMessage, at time: Int) throws {
        try file.write { database in
            try database.execute(
                sql:
                    "INSERT INTO study (hash, submission, submitted_at, state) VALUES (?, ?, ?, 'submitted')",
                arguments: [hash.hex, Self.text(submission), time])
        }
    }

    func studies() throws -> [StudyRow] {
        try file.read { database in
            try Row.fetchAll(database, sql: "SELECT * FROM study ORDER BY submitted_at, hash").map { row in
                StudyRow(
                    hash: try row.stored("hash"), submission: try row.stored("submission"),
                    state: StudyState(rawValue: try row.stored("state")) ?? .failed,
                    reason: try row.stored("reason"))
            }
        }
    }

    func setState(of study: SHA256Digest, _ state: StudyState, reason: String, result: StudyResult?) throws {
        let body = result.map { Data(CanonicalJSON.bytes($0)) }
        try file.write { database in
            try database.execute(
                sql: "UPDATE study SET state = ?, reason = ?, result = ? WHERE hash = ?",
                arguments: [state.rawValue, reason, body, study.hex])
        }
    }

    func result(of study: SHA256Digest) throws -> [UInt8]? {
        try file.read { database in
            try Data.fetchOne(
                database, sql: "SELECT result FROM study WHERE hash = ? AND result IS NOT NULL",
                arguments: [study.hex]
            ).map { Array($0) }
        }
    }

    func setDecision(_ message: SignedMessage, study: SHA256Digest, site: String) throws {
        try file.write { database in
            try database.execute(
                sql:
                    "INSERT INTO decision VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET message = excluded.message",
                arguments: [study.hex, site, Self.text(message)])
        }
    }

    func decisions(of study: String) throws -> [String: SignedMessage] {
        try file.read { database in
            let rows = try Row.fetchAll(
                database, sql: "SELECT site, message FROM decision WHERE study = ?", arguments: [study])
            var decisions: [String: SignedMessage] = [:]
            for row in rows { decisions[try row.stored("site")] = try Self.message(row.stored("message")) }
            return decisions
        }
    }

    /// Keeps when a hospital called last, and what it said it runs.
    func setHospital(_ site: String, seen: Int, versions: Versions?) throws {
        try file.write { database in
            try database.execute(
                sql: """
                    INSERT INTO hospital VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE
                    SET seen = excluded.seen, protocol = excluded.protocol, engine = excluded.engine
                    """,
                arguments: [site, seen, versions?.protocol, versions?.engine])
        }
    }

    struct HospitalRow: Sendable {
        var site: String
        var seen: Int
        var versions: Versions?
    }

    func hospitals() throws -> [HospitalRow] {
        try file.read { database in
            try Row.fetchAll(database, sql: "SELECT * FROM hospital").map { row in
                let version: Int? = try row.storedOptional("protocol")
                let engine: Int? = try row.storedOptional("engine")
                return HospitalRow(
                    site: try row.stored("site"), seen: try row.stored("seen"),
                    versions: version.flatMap { version in
                        engine.map { Versions(protocol: version, engine: $0) }
                    })
            }
        }
    }

    /// Opens a session and marks the study as running, in one transaction.
    func addSession(_ id: SHA256Digest, study: SHA256Digest, opening: SignedMessage, at time: Int) throws {
        try file.write { database in
            try database.execute(
                sql: "INSERT INTO session VALUES (?, ?, ?, ?)",
                arguments: [id.hex, study.hex, Self.text(opening), time])
            try database.execute(
                sql: "UPDATE study SET state = 'running', reason = '' WHERE hash = ?", arguments: [study.hex])
        }
    }

    /// The latest session of a study.
    func session(of study: String) throws -> SessionRow? {
        try file.read { database in
            try Row.fetchOne(
                database, sql: "SELECT * FROM session WHERE study = ? ORDER BY rowid DESC LIMIT 1",
                arguments: [study]
            ).map { row in
                SessionRow(
                    id: try row.stored("id"), opening: try Self.message(row.stored("opening")),
                    since: try row.stored("since"))
            }
        }
    }

    func addMessage(
        _ message: SignedMessage, from site: String, session: SHA256Digest, round: Int, at time: Int,
        checkpoint: SignedMessage? = nil
    ) throws {
        let kept = try checkpoint.map { message in
            (message, try CanonicalJSON.decode(AuditCheckpoint.self, from: Array(message.payload.utf8)))
        }
        try file.write { database in
            try database.execute(
                sql: "INSERT INTO message (session, site, type, round, body) VALUES (?, ?, ?, ?, ?)",
                arguments: [session.hex, site, message.type, round, Self.text(message)])
            try database.execute(
                sql: "UPDATE session SET since = ? WHERE id = ?", arguments: [time, session.hex])
            if let (message, checkpoint) = kept { try Self.keep(message, checkpoint, in: database) }
        }
    }

    private static func keep(
        _ message: SignedMessage, _ checkpoint: AuditCheckpoint, in database: Database
    ) throws {
        try database.execute(
            sql: "INSERT OR IGNORE INTO checkpoint (site, sequence, head, body) VALUES (?, ?, ?, ?)",
            arguments: [checkpoint.site, checkpoint.sequence, checkpoint.head.hex, text(message)])
    }

    /// The checkpoint of the newest entry of each site's audit log; several where the site signed several.
    func checkpoints() throws -> [SignedMessage] {
        try file.read { database in
            try String.fetchAll(
                database,
                sql: """
                    SELECT body FROM checkpoint WHERE sequence = (
                        SELECT max(sequence) FROM checkpoint AS other WHERE other.site = checkpoint.site)
                    ORDER BY site, head
                    """
            ).map { try Self.message($0) }
        }
    }

    /// A stored message of a site, if this very step has one.
    func message(type: String, round: Int, of site: String, session: String) throws -> SignedMessage? {
        try file.read { database in
            try String.fetchOne(
                database,
                sql: "SELECT body FROM message WHERE session = ? AND site = ? AND type = ? AND round = ?",
                arguments: [session, site, type, round]
            ).map { try Self.message($0) }
        }
    }

    /// All messages of a session, in the order in which they were taken.
    func messages(of session: String) throws -> [MessageRow] {
        try file.read { database in
            try Row.fetchAll(
                database, sql: "SELECT site, body FROM message WHERE session = ? ORDER BY number",
                arguments: [session]
            ).map { MessageRow(site: try $0.stored("site"), body: try Self.message($0.stored("body"))) }
        }
    }

    private static func text(_ message: SignedMessage) -> String {
        String(decoding: CanonicalJSON.bytes(message), as: UTF8.self)
    }

    static func message(_ text: String) throws -> SignedMessage {
        try CanonicalJSON.decode(SignedMessage.self, from: Array(text.utf8))
    }
}

extension FileFormat {
    /// The coordinator's database; every page is checked when it is opened.
    ///
    /// Before version 4 the tables were made one by one, with the names of what was made in `grdb_migrations` and without a number
    /// in the file's header: what is there already is left as it is.
    static let coordinator = FileFormat(
        noun: "coordinator database", applicationID: 0x4378_7343 /* CxsC */,
        migrations: [
            .change(coordinator1), .change(coordinator2), .change(coordinator3), .change(coordinator4),
        ],
        isCheckedWhole: true)

    private static let coordinator1 = """
        CREATE TABLE IF NOT EXISTS study (
            hash TEXT PRIMARY KEY, submission TEXT NOT NULL, submitted_at INTEGER NOT NULL,
            state TEXT NOT NULL, reason TEXT NOT NULL DEFAULT '', result BLOB) STRICT;
        CREATE TABLE IF NOT EXISTS decision (
            study TEXT NOT NULL REFERENCES study, site TEXT NOT NULL, message TEXT NOT NULL,
            PRIMARY KEY (study, site)) STRICT;
        CREATE TABLE IF NOT EXISTS session (
            id TEXT PRIMARY KEY, study TEXT NOT NULL REFERENCES study, opening TEXT NOT NULL,
            since INTEGER NOT NULL) STRICT;
        CREATE TABLE IF NOT EXISTS message (
            number INTEGER PRIMARY KEY, session TEXT NOT NULL REFERENCES session, site TEXT NOT NULL,
            type TEXT NOT NULL, round INTEGER NOT NULL, body TEXT NOT NULL,
            UNIQUE (session, site, type, round)) STRICT;
        """

    private static let coordinator2 = """
        CREATE TABLE IF NOT EXISTS checkpoint (
            site TEXT NOT NULL, sequence INTEGER NOT NULL, head TEXT NOT NULL, body TEXT NOT NULL,
            PRIMARY KEY (site, sequence, head)) STRICT;
        """

    private static let coordinator3 = """
        CREATE TABLE IF NOT EXISTS hospital (
            site TEXT PRIMARY KEY, seen INTEGER NOT NULL, protocol INTEGER, engine INTEGER) STRICT;
        """

    /// By this an older program knows that the file is newer than it is, and refuses it.
    private static let coordinator4 = """
        CREATE TABLE IF NOT EXISTS grdb_migrations (identifier TEXT NOT NULL PRIMARY KEY);
        INSERT INTO grdb_migrations VALUES ('4');
        """
}
