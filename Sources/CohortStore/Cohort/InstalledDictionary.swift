package import Cryptography
package import Survival

/// A dictionary that a cohort holds, with the file its rows came from.
package struct InstalledDictionary: Sendable {
    package var identifier: String
    package var dictionary: DataDictionary
    /// The YAML text as it was installed, to the byte.
    package var text: String
    /// SHA-256 of the text: what a study file means by this dictionary.
    package var sha256: SHA256Digest
    package var rowCount: Int
    package var lastImport: ImportRecord?
}

/// Which file the rows of a dictionary came from.
package struct ImportRecord: Hashable, Sendable {
    /// The last part of its path.
    package var fileName: String
    package var fileDigest: SHA256Digest
    package var rowCount: Int
    /// Seconds since 1970, if the importing program said.
    package var importedAt: Int?
    package var dictionaryDigest: SHA256Digest
    /// See `CohortStore.snapshotDigest(dictionary:)`.
    package var snapshot: SHA256Digest
}

/// What an import did.
package struct ImportReport: Hashable, Sendable {
    package var dictionary: String
    package var record: ImportRecord
    /// Rows of the dictionary that were there before and are not any more.
    package var replacedRowCount: Int
    /// People, those of them who have more than one row, and rows that are the same as an earlier one in every variable.
    package var personCount: Int
    package var severalRowsPersonCount: Int
    package var repeatedRowCount: Int
    /// Columns of the file that the dictionary does not name; they were not read.
    package var ignoredColumns: [String]
    package var blankLineCount: Int

    package var rowCount: Int { record.rowCount }
}
