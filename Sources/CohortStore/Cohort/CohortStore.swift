package import Cryptography
import Foundation
import GRDB
import SQLiteFiles
package import Survival

/// A hospital's patients in one SQLite file: the only place where rows of patients are kept.
///
/// One typed table for each installed dictionary, so that an admin can look with `sqlite3`. A node opens
/// the file for answering, and SQLite then refuses every write. Calls block their thread; several processes
/// may hold the file.
package final class CohortStore: Sendable {
    /// What the file is opened for.
    package enum Access: Sendable {
        /// Installing dictionaries and importing files.
        case importing
        /// Reading alone.
        case answering
    }

    private let file: SQLiteFile<StoreError>

    /// Makes a new file that only its owner may open.
    package static func create(at path: String) throws(StoreError) {
        try SQLiteFile<StoreError>.create(at: path)
        _ = try CohortStore(path: path, access: .importing)
    }

    /// Opens an existing file; one of an older version of this program is brought up.
    ///
    /// - Parameters:
    ///   - path: The file.
    ///   - access: Whether the file may be changed.
    ///   - patience: How long to wait for another process that holds the file.
    /// - Throws: `StoreError.file` for a file that is missing, foreign, newer, damaged, in use, or open
    ///   to all accounts.
    package init(path: String, access: Access, patience: Duration = .seconds(10)) throws(StoreError) {
        file = try SQLiteFile(
            path: path, format: .cohort, isReadOnly: access == .answering, patience: patience)
    }

    /// Keeps a dictionary with its exact text, and makes the table for its rows.
    ///
    /// Installing the same text again does nothing; another text under an installed name and version is
    /// refused.
    package func install(_ dictionary: DataDictionary, text: String) throws(StoreError) {
        let identifier = dictionary.identifier
        let schema = try PatientTableSchema(dictionary)
        try file.write { db in
            if let installed = try InstalledDictionary.fetch(db, identifier) {
                guard Array(installed.text.utf8) == Array(text.utf8) else {
                    throw StoreError.dictionary(identifier, .textChanged)
                }
                return
            }
            try db.execute(sql: schema.creation)
            for sql in schema.guards { try db.execute(sql: sql) }
            try InstalledDictionary.insert(db, dictionary, text: text)
        }
    }

    /// Every installed dictionary, by identifier.
    package func dictionaries() throws(StoreError) -> [InstalledDictionary] {
        try file.read { db in try InstalledDictionary.fetchAll(db) }
    }

    /// Reads a CSV file into the table of its dictionary: all of its rows, or none.
    ///
    /// The file is read once and checked cell by cell against the dictionary, in memory that does not grow with it but for the
    /// people's identifiers and eight bytes for each row.
    ///
    /// - Parameters:
    ///   - path: The file: UTF-8, commas, a header with the dictionary's columns in any order; other columns
    ///     are not read.
    ///   - identifier: The dictionary, as `name@version`.
    ///   - replacing: Whether rows that are there go out in the same transaction; else they are an error.
    ///   - time: Now, in seconds since 1970, for the record of the import.
    ///   - log: Told what is about to be committed; if it throws, nothing is imported.
    /// - Returns: What was imported.
    /// - Throws: `StoreError.csv` for a file that cannot be read, `.rejectedRows` with up to 50 problems and
    ///   their number, `.dictionary` if it is not installed or has rows. Nothing is changed then.
    package func importCSV(
        path: String, dictionary identifier: String, replacing: Bool, at time: Int? = nil,
        logging log: (ImportReport) throws -> Void = { _ in }
    ) throws(StoreError) -> ImportReport {
        // Also after a refusal: rows that were rolled back are still in the log.
        defer { file.checkpoint() }
        return try file.write { db in
            let report = try CohortStore.importCSV(db, path, identifier, replacing: replacing, at: time)
            try log(report)
            return report
        }
    }

    /// The digest of a dictionary's rows, stored when they were imported; it changes with any value of any
    /// row.
    ///
    /// Rows can only change by an import, unless somebody removes the table's triggers; `verifyRows` and
    /// `verifiedTable` find that.
    package func snapshotDigest(dictionary identifier: String) throws(StoreError) -> SHA256Digest {
        try file.read { db in
            guard let record = try InstalledDictionary.require(db, identifier).lastImport else {
                throw StoreError.dictionary(identifier, .hasNoRows)
            }
            return record.snapshot
        }
    }

    /// Reads all rows, and refuses them if they are not those that were imported.
    ///
    /// - Throws: `StoreError.dictionary(_, .rowsChanged)` if anything changed since.
    package func verifyRows(dictionary identifier: String) throws(StoreError) {
        try file.read { db in
            let installed = try InstalledDictionary.require(db, identifier)
            _ = try VerifiedRows(db, installed, PatientTableSchema(installed.dictionary))
        }
    }

    /// The variables of all rows, and whose rows they are, in the order of the file, verified as `verifyRows` does in the same
    /// pass, with the digest of the rows; all of one moment.
    ///
    /// - Parameters:
    ///   - identifier: The dictionary, as `name@version`.
    ///   - variables: Names of the dictionary's variables; a name may be repeated. Identifiers are refused.
    /// - Returns: A table with a column for each name.
    /// - Throws: `StoreError.dictionary` for an unknown dictionary or variable, for rows that were changed, and if there are none.
    package func verifiedTable(
        dictionary identifier: String, variables: [String]
    ) throws(StoreError) -> (table: PatientTable, snapshot: SHA256Digest) {
        try file.read { db in
            try VerifiedRows.table(db, try InstalledDictionary.require(db, identifier), variables)
        }
    }

    /// Every row's person in code, in the order of the file.
    package func rowCodes(dictionary identifier: String) throws(StoreError) -> RowCodes {
        try file.read { db in try RowCodes(db, try InstalledDictionary.require(db, identifier)) }
    }

    /// Rows, people, and what each variable holds, all from one snapshot.
    package func describe(dictionary identifier: String) throws(StoreError) -> CohortDescription {
        try file.read { db in try CohortDescription(db, try InstalledDictionary.require(db, identifier)) }
    }

    private static func importCSV(
        _ db: Database, _ path: String, _ identifier: String, replacing: Bool, at time: Int?
    ) throws -> ImportReport {
        let installed = try InstalledDictionary.require(db, identifier)
        guard replacing || installed.rowCount == 0 else { throw StoreError.dictionary(identifier, .hasRows) }
        let schema = try PatientTableSchema(installed.dictionary)
        for sql in schema.guardRemovals { try db.execute(sql: sql) }
        try db.execute(sql: "DELETE FROM \(schema.table)")
        let outcome = try CohortImport(
            path: path, schema: schema, dictionary: installed, into: db
        ).run()
        for sql in schema.guards { try db.execute(sql: sql) }
        let record = ImportRecord(
            fileName: URL(fileURLWithPath: path).lastPathComponent, fileDigest: outcome.fileDigest,
            rowCount: outcome.rowCount, importedAt: time, dictionaryDigest: installed.sha256,
            snapshot: outcome.snapshot)
        try record.insert(db, dictionary: identifier)
        return ImportReport(
            dictionary: identifier, record: record, replacedRowCount: installed.rowCount,
            personCount: outcome.personCount,
            severalRowsPersonCount: outcome.severalRowsPersonCount,
            repeatedRowCount: outcome.repeatedRowCount,
            ignoredColumns: outcome.ignoredColumns, blankLineCount: outcome.blankLineCount)
    }
}
