package import Cryptography
import GRDB
import GRDBSQLite
import SQLiteFiles

/// The rows of a dictionary in code.
package struct RowCodes: Sendable {
    /// SHA-256 of the key that the codes were made under.
    package var key: SHA256Digest
    /// One for each row, in the order of the file.
    package var rows: [RowCode]
    /// The digest of these rows (`CohortStore.snapshotDigest`); nil if none were imported.
    package var snapshot: SHA256Digest?

    init(_ db: Database, _ installed: InstalledDictionary) throws {
        let schema = try PatientTableSchema(installed.dictionary)
        guard let row = try Row.fetchOne(db, sql: "SELECT key FROM person_key") else {
            throw UnexpectedValue()
        }
        let key: [UInt8] = try row.stored("key")
        self.key = SHA256Digest(of: key)
        snapshot = installed.lastImport?.snapshot
        rows = try RowCodes.rows(db, schema, MessageAuthenticationCode(key: key), count: installed.rowCount)
    }

    private static func rows(
        _ db: Database, _ schema: PatientTableSchema, _ key: MessageAuthenticationCode, count: Int
    ) throws -> [RowCode] {
        var seen: [PersonCode: Int] = Dictionary(minimumCapacity: count)
        var codes: [RowCode] = []
        codes.reserveCapacity(count)
        let rows = try RowStepper(db, sql: schema.selection([schema.person]))
        while try rows.next() {
            guard rows.type(0) == SQLITE_TEXT else { throw UnexpectedValue() }
            let person = PersonCode(rows.text(0), under: key)
            seen[person, default: -1] += 1
            codes.append(RowCode(person: person, ordinal: seen[person, default: 0]))
        }
        return codes
    }
}
