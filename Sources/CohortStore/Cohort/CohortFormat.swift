import SQLiteFiles

extension FileFormat {
    /// The file of patients.
    ///
    /// Its pages are not all read when it is opened: a cohort can be large, and damage is
    /// found when rows are read.
    static let cohort = FileFormat(
        noun: "cohort", applicationID: 0x4378_5043 /* CxPC */,
        migrations: [.change(cohort1), .change(cohort2), .change(""), .erasure(cohort4)],
        isCheckedWhole: false, prepare: { try RowFunction.register(on: $0) })

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

    /// Version 3 had the patients a second time, in compact columns that a load made anew and compared.
    private static let cohort4 = """
        DROP TABLE IF EXISTS prepared_parts;
        DROP TABLE IF EXISTS prepared_columns;
        """
}
