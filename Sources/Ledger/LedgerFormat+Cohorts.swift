extension StoreFormat {
    /// Whose rows were answered for, rounds that wait for a person, and where other members' audit logs stood.
    ///
    /// None of it is ever changed or removed, but for the held rounds: they are there to be shown, and what was held, and
    /// released, is in the audit log.
    static let ledger2 =
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
