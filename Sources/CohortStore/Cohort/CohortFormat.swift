extension StoreFormat {
    /// The file of patients.
    ///
    /// Its pages are not all read when it is opened: a cohort can be large, and damage is
    /// found when rows are read.
    static let cohort = StoreFormat(
        noun: "cohort", applicationID: 0x4378_5043 /* CxPC */, migrations: [cohort1, cohort2, cohort3],
        isCheckedWhole: false)

    /// Beside these two tables there is one for each dictionary, named by its identifier
    /// (`PatientTableSchema`).
    private static let cohort1 = """
        CREATE TABLE dictionaries (
            identifier TEXT NOT NULL PRIMARY KEY,
            text TEXT NOT NULL,
            sha256 TEXT NOT NULL,
            definition TEXT NOT NULL
        ) STRICT;
        CREATE TABLE imports (
            id INTEGER PRIMARY KEY,
            dictionary TEXT NOT NULL REFERENCES dictionaries (identifier),
            dictionary_sha256 TEXT NOT NULL,
            file_name TEXT NOT NULL,
            file_sha256 TEXT NOT NULL,
            row_count INTEGER NOT NULL,
            snapshot_sha256 TEXT NOT NULL,
            imported_at INTEGER
        ) STRICT;
        """

    /// The key under which a node's ledger knows people: it stays with the patients, so that the ledger alone names nobody.
    private static let cohort2 = """
        CREATE TABLE person_key (
            id INTEGER PRIMARY KEY CHECK (id = 1),
            key BLOB NOT NULL
        ) STRICT;
        INSERT INTO person_key (id, key) VALUES (1, randomblob(32));
        """

    /// The columns of the rows as they are loaded (`PreparedColumns`); the typed tables stay the truth.
    private static let cohort3 = """
        CREATE TABLE prepared_columns (
            id INTEGER PRIMARY KEY,
            dictionary TEXT NOT NULL REFERENCES dictionaries (identifier),
            variable TEXT NOT NULL,
            code BLOB NOT NULL,
            UNIQUE (dictionary, variable)
        ) STRICT;
        CREATE TABLE prepared_parts (
            id INTEGER PRIMARY KEY,
            dictionary TEXT NOT NULL REFERENCES dictionaries (identifier),
            variable TEXT NOT NULL,
            part INTEGER NOT NULL,
            cells BLOB NOT NULL,
            UNIQUE (dictionary, variable, part)
        ) STRICT;
        """
}
