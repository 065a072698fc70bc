import Cryptography
import Federation
import Foundation
import GRDB
import Survival

/// The coordinator's own state in SQLite: studies, decisions, sessions, the messages of each session, results.
///
/// Every write is committed (`synchronous=FULL`) before it returns. Nothing here is a site's own number: the messages are
/// keys, acknowledgements and masked vectors.
final class CoordinatorStore: Sendable {
    private let queue: DatabaseQueue

    /// "CxsC": marks the file as a coordinator's.
    private static let applicationID = 0x4378_7343

    init(path: String) throws {
        var configuration = Configuration()
        configuration.foreignKeysEnabled = true
        configuration.busyMode = .timeout(10)
        configuration.prepareDatabase { database in
            try database.execute(sql: "PRAGMA synchronous = FULL")
        }
        let isNew = !FileManager.default.fileExists(atPath: path)
        if isNew {
            let descriptor = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
            guard descriptor >= 0 else { throw StoreFault.unusable(path, "the file cannot be made") }
            close(descriptor)
        }
        try Self.requireUnexposed(path)
        do {
            queue = try DatabaseQueue(path: path, configuration: configuration)
            try queue.writeWithoutTransaction { database in
                let found = try Int.fetchOne(database, sql: "PRAGMA application_id") ?? 0
                guard isNew || found == Self.applicationID else { throw StoreFault.foreign(path) }
                try database.execute(sql: "PRAGMA journal_mode = WAL")
                try database.execute(sql: "PRAGMA application_id = \(Self.applicationID)")
            }
            let migrator = Self.migrator
            try queue.read { database in
                guard try !migrator.hasBeenSuperseded(database) else { throw StoreFault.newer(path) }
            }
            try migrator.migrate(queue)
        } catch let error as DatabaseError {
            throw StoreFault.unusable(path, error.message ?? "\(error.resultCode)")
        }
    }

    /// Refuses a file that every account of the machine can open, as a node does with its own.
    private static func requireUnexposed(_ path: String) throws {
        var status = stat()
        guard stat(path, &status) == 0 else {
            throw StoreFault.unusable(path, "the file cannot be looked at")
        }
        guard status.st_mode & 0o007 == 0 else {
            throw StoreFault.exposed(path, mode: Int(status.st_mode & 0o777))
        }
    }

    private static var migrator: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("1") { database in
            try database.execute(
                sql: """
                    CREATE TABLE study (
                        hash TEXT PRIMARY KEY, submission TEXT NOT NULL, submitted_at INTEGER NOT NULL,
                        state TEXT NOT NULL, reason TEXT NOT NULL DEFAULT '', result BLOB) STRICT;
                    CREATE TABLE decision (
                        study TEXT NOT NULL REFERENCES study, site TEXT NOT NULL, message TEXT NOT NULL,
                        PRIMARY KEY (study, site)) STRICT;
                    CREATE TABLE session (
                        id TEXT PRIMARY KEY, study TEXT NOT NULL REFERENCES study, opening TEXT NOT NULL,
                        since INTEGER NOT NULL) STRICT;
                    CREATE TABLE message (
                        number INTEGER PRIMARY KEY, session TEXT NOT NULL REFERENCES session, site TEXT NOT NULL,
                        type TEXT NOT NULL, round INTEGER NOT NULL, body TEXT NOT NULL,
                        UNIQUE (session, site, type, round)) STRICT;
                    """)
        }
        migrator.registerMigration("2") { database in
            try database.execute(
                sql: """
                    CREATE TABLE checkpoint (
                        site TEXT NOT NULL, sequence INTEGER NOT NULL, head TEXT NOT NULL, body TEXT NOT NULL,
                        PRIMARY KEY (site, sequence, head)) STRICT;
                    """)
        }
        migrator.registerMigration("3") { database in
            try database.execute(
                sql: """
                    CREATE TABLE hospital (
                        site TEXT PRIMARY KEY, seen INTEGER NOT NULL, protocol INTEGER, engine INTEGER) STRICT;
                    """)
        }
        return migrator
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
        try queue.write { database in
            try database.execute(
                sql:
                    "INSERT INTO study (hash, submission, submitted_at, state) VALUES (?, ?, ?, 'submitted')",
                arguments: [hash.hex, Self.text(submission), time])
        }
    }

    func studies() throws -> [StudyRow] {
        try queue.read { database in
            try Row.fetchAll(database, sql: "SELECT * FROM study ORDER BY submitted_at, hash").map { row in
                StudyRow(
                    hash: row["hash"], submission: row["submission"],
                    state: StudyState(rawValue: row["state"]) ?? .failed, reason: row["reason"])
            }
        }
    }

    func setState(of study: SHA256Digest, _ state: StudyState, reason: String, result: StudyResult?) throws {
        let body = result.map { Data(CanonicalJSON.bytes($0)) }
        try queue.write { database in
            try database.execute(
                sql: "UPDATE study SET state = ?, reason = ?, result = ? WHERE hash = ?",
                arguments: [state.rawValue, reason, body, study.hex])
        }
    }

    func result(of study: SHA256Digest) throws -> [UInt8]? {
        try queue.read { database in
            try Data.fetchOne(
                database, sql: "SELECT result FROM study WHERE hash = ? AND result IS NOT NULL",
                arguments: [study.hex]
            ).map { Array($0) }
        }
    }

    func setDecision(_ message: SignedMessage, study: SHA256Digest, site: String) throws {
        try queue.write { database in
            try database.execute(
                sql:
                    "INSERT INTO decision VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET message = excluded.message",
                arguments: [study.hex, site, Self.text(message)])
        }
    }

    func decisions(of study: String) throws -> [String: SignedMessage] {
        try queue.read { database in
            let rows = try Row.fetchAll(
                database, sql: "SELECT site, message FROM decision WHERE study = ?", arguments: [study])
            var decisions: [String: SignedMessage] = [:]
            for row in rows { decisions[row["site"]] = try Self.message(row["message"]) }
            return decisions
        }
    }

    /// Keeps when a hospital called last, and what it said it runs.
    func setHospital(_ site: String, seen: Int, versions: Versions?) throws {
        try queue.write { database in
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
        try queue.read { database in
            try Row.fetchAll(database, sql: "SELECT * FROM hospital").map { row in
                let (version, engine): (Int?, Int?) = (row["protocol"], row["engine"])
                return HospitalRow(
                    site: row["site"], seen: row["seen"],
                    versions: version.flatMap { version in
                        engine.map { Versions(protocol: version, engine: $0) }
                    })
            }
        }
    }

    /// Opens a session and marks the study as running, in one transaction.
    func addSession(_ id: SHA256Digest, study: SHA256Digest, opening: SignedMessage, at time: Int) throws {
        try queue.write { database in
            try database.execute(
                sql: "INSERT INTO session VALUES (?, ?, ?, ?)",
                arguments: [id.hex, study.hex, Self.text(opening), time])
            try database.execute(
                sql: "UPDATE study SET state = 'running', reason = '' WHERE hash = ?", arguments: [study.hex])
        }
    }

    /// The latest session of a study.
    func session(of study: String) throws -> SessionRow? {
        try queue.read { database in
            try Row.fetchOne(
                database, sql: "SELECT * FROM session WHERE study = ? ORDER BY rowid DESC LIMIT 1",
                arguments: [study]
            ).map { row in
                SessionRow(id: row["id"], opening: try Self.message(row["opening"]), since: row["since"])
            }
        }
    }

    func addMessage(
        _ message: SignedMessage, from site: String, session: SHA256Digest, round: Int, at time: Int,
        checkpoint: SignedMessage? = nil
    ) throws {
        try queue.write { database in
            try database.execute(
                sql: "INSERT INTO message (session, site, type, round, body) VALUES (?, ?, ?, ?, ?)",
                arguments: [session.hex, site, message.type, round, Self.text(message)])
            try database.execute(
                sql: "UPDATE session SET since = ? WHERE id = ?", arguments: [time, session.hex])
            if let checkpoint { try Self.keep(checkpoint, in: database) }
        }
    }

    private static func keep(_ message: SignedMessage, in database: Database) throws {
        let checkpoint = try CanonicalJSON.decode(AuditCheckpoint.self, from: Array(message.payload.utf8))
        try database.execute(
            sql: "INSERT OR IGNORE INTO checkpoint (site, sequence, head, body) VALUES (?, ?, ?, ?)",
            arguments: [checkpoint.site, checkpoint.sequence, checkpoint.head.hex, text(message)])
    }

    /// The checkpoint of the newest entry of each site's audit log; several where the site signed several.
    func checkpoints() throws -> [SignedMessage] {
        try queue.read { database in
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
        try queue.read { database in
            try String.fetchOne(
                database,
                sql: "SELECT body FROM message WHERE session = ? AND site = ? AND type = ? AND round = ?",
                arguments: [session, site, type, round]
            ).map { try Self.message($0) }
        }
    }

    /// All messages of a session, in the order in which they were taken.
    func messages(of session: String) throws -> [MessageRow] {
        try queue.read { database in
            try Row.fetchAll(
                database, sql: "SELECT site, body FROM message WHERE session = ? ORDER BY number",
                arguments: [session]
            ).map { MessageRow(site: $0["site"], body: try Self.message($0["body"])) }
        }
    }

    private static func text(_ message: SignedMessage) -> String {
        String(decoding: CanonicalJSON.bytes(message), as: UTF8.self)
    }

    static func message(_ text: String) throws -> SignedMessage {
        try CanonicalJSON.decode(SignedMessage.self, from: Array(text.utf8))
    }
}

/// Why a coordinator's database cannot be used.
enum StoreFault: Error, CustomStringConvertible {
    case foreign(String)
    case newer(String)
    case unusable(String, String)
    case exposed(String, mode: Int)

    var description: String {
        switch self {
        case .foreign(let path): "\(path) is not a coordinator's database; name another file or move it away"
        case .newer(let path): "\(path) was written by a newer coxswain; install that version"
        case .unusable(let path, let reason): "\(path) cannot be used: \(reason); restore it from a backup"
        case .exposed(let path, let mode):
            "\(path) is open to every account of this machine (mode \(String(mode, radix: 8))); run chmod 600 on it"
        }
    }
}
