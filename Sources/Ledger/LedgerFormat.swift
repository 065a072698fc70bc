import SQLiteFiles

extension FileFormat {
    /// The file of approvals, sessions, answers and the audit log; every page is checked when it is opened.
    static let ledger = FileFormat(
        noun: "ledger", applicationID: 0x4378_4C47 /* CxLG */,
        migrations: [.change(ledger1), .change(ledger2)],
        isCheckedWhole: true)

    /// The triggers stop accidents and `INSERT OR REPLACE`; a deliberate change is what the hash chain is
    /// for.
    private static let ledger1 = """
        CREATE TABLE studies (
            hash TEXT NOT NULL PRIMARY KEY,
            submission BLOB NOT NULL,
            received_at INTEGER NOT NULL,
            decision TEXT NOT NULL DEFAULT 'pending' CHECK (decision IN ('pending', 'approved', 'declined')),
            decided_by TEXT,
            decided_at INTEGER,
            approved_until INTEGER,
            policy_hash TEXT,
            reason TEXT,
            outcome TEXT,
            closed_at INTEGER
        ) STRICT;

        CREATE TABLE sessions (
            id TEXT NOT NULL PRIMARY KEY,
            study TEXT NOT NULL REFERENCES studies (hash),
            secret BLOB,
            hello BLOB NOT NULL,
            roster BLOB,
            ack BLOB,
            began_at INTEGER NOT NULL,
            ended_at INTEGER,
            outcome TEXT,
            CHECK (ended_at IS NULL OR secret IS NULL)
        ) STRICT;

        CREATE TABLE rounds (
            session TEXT NOT NULL REFERENCES sessions (id),
            round INTEGER NOT NULL,
            request_sha256 TEXT NOT NULL,
            request BLOB NOT NULL,
            answer BLOB NOT NULL,
            PRIMARY KEY (session, round)
        ) STRICT;
        CREATE TRIGGER rounds_once BEFORE INSERT ON rounds
        WHEN EXISTS (SELECT 1 FROM rounds WHERE session = NEW.session AND round = NEW.round)
        BEGIN SELECT RAISE(ABORT, 'a round is answered once'); END;
        CREATE TRIGGER rounds_update BEFORE UPDATE ON rounds
        BEGIN SELECT RAISE(ABORT, 'an answer is never changed'); END;
        CREATE TRIGGER rounds_delete BEFORE DELETE ON rounds
        BEGIN SELECT RAISE(ABORT, 'an answer is never removed'); END;

        CREATE TABLE audit (
            seq INTEGER PRIMARY KEY,
            at INTEGER NOT NULL,
            kind TEXT NOT NULL,
            body TEXT NOT NULL,
            previous TEXT NOT NULL,
            hash TEXT NOT NULL
        ) STRICT;
        CREATE TRIGGER audit_append BEFORE INSERT ON audit
        WHEN NEW.seq <> (SELECT ifnull(max(seq), 0) + 1 FROM audit)
        BEGIN SELECT RAISE(ABORT, 'the audit log is only appended to'); END;
        CREATE TRIGGER audit_update BEFORE UPDATE ON audit
        BEGIN SELECT RAISE(ABORT, 'the audit log is only appended to'); END;
        CREATE TRIGGER audit_delete BEFORE DELETE ON audit
        BEGIN SELECT RAISE(ABORT, 'the audit log is only appended to'); END;

        -- The newest entry again, so that a log cut off at its end does not look whole.
        CREATE TABLE audit_head (
            id INTEGER PRIMARY KEY CHECK (id = 1),
            seq INTEGER NOT NULL,
            hash TEXT NOT NULL
        ) STRICT;
        """

    /// Whose rows were answered for, rounds that wait for a person, and where other members' audit logs stood.
    ///
    /// None of it is ever changed or removed, but for the held rounds: they are there to be shown, and what was held, and
    /// released, is in the audit log.
    private static let ledger2 =
        """
        CREATE TABLE cohort_key (
            id INTEGER PRIMARY KEY CHECK (id = 1),
            sha256 TEXT NOT NULL
        ) STRICT;

        CREATE TABLE cohort_rows (
            number INTEGER PRIMARY KEY,
            code BLOB NOT NULL,
            ordinal INTEGER NOT NULL,
            UNIQUE (code, ordinal)
        ) STRICT;

        CREATE TABLE cohorts (
            id INTEGER PRIMARY KEY,
            digest TEXT NOT NULL UNIQUE,
            people INTEGER NOT NULL,
            members BLOB NOT NULL,
            eligible BLOB
        ) STRICT;

        CREATE TABLE cohort_answers (
            cohort INTEGER NOT NULL REFERENCES cohorts (id),
            study TEXT NOT NULL,
            analysis TEXT NOT NULL,
            session TEXT NOT NULL REFERENCES sessions (id),
            at INTEGER NOT NULL,
            PRIMARY KEY (session, analysis)
        ) STRICT;

        CREATE TABLE held_rounds (
            session TEXT NOT NULL REFERENCES sessions (id),
            round INTEGER NOT NULL,
            request BLOB NOT NULL,
            since INTEGER NOT NULL,
            PRIMARY KEY (session, round)
        ) STRICT;

        CREATE TABLE checkpoints (
            site TEXT NOT NULL,
            sequence INTEGER NOT NULL,
            head TEXT NOT NULL,
            at INTEGER NOT NULL,
            message BLOB NOT NULL,
            PRIMARY KEY (site, sequence, head)
        ) STRICT;

        """ + ["cohort_key", "cohort_rows", "cohorts", "cohort_answers", "checkpoints"].map(guards).joined()

    private static func guards(_ table: String) -> String {
        ["UPDATE", "DELETE"].map { change in
            """
            CREATE TRIGGER \(table)_\(change.lowercased()) BEFORE \(change) ON \(table)
            BEGIN SELECT RAISE(ABORT, 'what the node remembers is only added to'); END;

            """
        }.joined()
    }
}
