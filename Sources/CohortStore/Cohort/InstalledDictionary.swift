package import Cryptography
import Foundation
import GRDB
import SQLiteFiles
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

    static func fetchAll(_ db: Database) throws -> [InstalledDictionary] {
        let rows = try Row.fetchAll(db, sql: "SELECT * FROM dictionaries ORDER BY identifier")
        return try rows.map { try InstalledDictionary(db, $0) }
    }

    static func fetch(_ db: Database, _ identifier: String) throws -> InstalledDictionary? {
        let row = try Row.fetchOne(
            db, sql: "SELECT * FROM dictionaries WHERE identifier = ?", arguments: [identifier])
        return try row.map { try InstalledDictionary(db, $0) }
    }

    /// The dictionary, or an error that names those that are installed.
    static func require(_ db: Database, _ identifier: String) throws -> InstalledDictionary {
        guard let installed = try fetch(db, identifier) else {
            let names = try String.fetchAll(
                db, sql: "SELECT identifier FROM dictionaries ORDER BY identifier")
            throw StoreError.dictionary(identifier, .notInstalled(installed: names))
        }
        return installed
    }

    static func insert(_ db: Database, _ dictionary: DataDictionary, text: String) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        let definition = String(decoding: try encoder.encode(dictionary), as: UTF8.self)
        try db.execute(
            sql: "INSERT INTO dictionaries (identifier, text, sha256, definition) VALUES (?, ?, ?, ?)",
            arguments: [dictionary.identifier, text, SHA256Digest(of: text.utf8).hex, definition])
    }

    private init(_ db: Database, _ row: Row) throws {
        let definition: String = try row.stored("definition")
        identifier = try row.stored("identifier")
        dictionary = try JSONDecoder().decode(DataDictionary.self, from: Data(definition.utf8))
        text = try row.stored("text")
        sha256 = try row.stored("sha256")
        lastImport = try ImportRecord.fetchLast(db, dictionary: identifier)
        rowCount = lastImport?.rowCount ?? 0
    }
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

    static func fetchLast(_ db: Database, dictionary identifier: String) throws -> ImportRecord? {
        let sql = "SELECT * FROM imports WHERE dictionary = ? ORDER BY id DESC LIMIT 1"
        return try Row.fetchOne(db, sql: sql, arguments: [identifier]).map { row in
            ImportRecord(
                fileName: try row.stored("file_name"), fileDigest: try row.stored("file_sha256"),
                rowCount: try row.stored("row_count"), importedAt: try row.storedOptional("imported_at"),
                dictionaryDigest: try row.stored("dictionary_sha256"),
                snapshot: try row.stored("snapshot_sha256"))
        }
    }

    func insert(_ db: Database, dictionary identifier: String) throws {
        try db.execute(
            sql: """
                INSERT INTO imports (dictionary, dictionary_sha256, file_name, file_sha256, row_count,
                    snapshot_sha256, imported_at)
                VALUES (?, ?, ?, ?, ?, ?, ?)
                """,
            arguments: [
                identifier, dictionaryDigest.hex, fileName, fileDigest.hex, rowCount, snapshot.hex,
                importedAt,
            ])
    }
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
