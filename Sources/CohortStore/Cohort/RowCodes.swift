package import Cryptography
import GRDB
import GRDBSQLite

/// Whose row it is, in code, and which of the person's rows, from 0 in the order of the file.
///
/// The code is the same over imports and dictionaries, and names nobody without the key that the patients' file holds.
package struct RowCode: Hashable, Sendable {
    package var person: PersonCode
    package var ordinal: Int

    package init(person: PersonCode, ordinal: Int) { (self.person, self.ordinal) = (person, ordinal) }
}

/// The first 16 bytes of an HMAC-SHA256 over a person's identifier, under the key of the patients' file.
package struct PersonCode: Hashable, Sendable {
    package let high: UInt64
    package let low: UInt64

    package init(high: UInt64, low: UInt64) { (self.high, self.low) = (high, low) }

    private static let context = Array("coxswain person 1\n".utf8)

    /// Of an identifier's UTF-8.
    init(_ identifier: UnsafeBufferPointer<UInt8>, under key: MessageAuthenticationCode) {
        self = PersonCode.context.withUnsafeBufferPointer { context in
            key.withCode(of: context, identifier) { PersonCode(bytes: $0[0..<16]) }
        }
    }

    /// From 16 bytes, big-endian.
    init(bytes: some Collection<UInt8>) {
        high = bytes.prefix(8).reduce(0) { $0 << 8 | UInt64($1) }
        low = bytes.dropFirst(8).prefix(8).reduce(0) { $0 << 8 | UInt64($1) }
    }

    var bytes: [UInt8] {
        [high, low].flatMap { word in (0..<8).map { UInt8(truncatingIfNeeded: word >> (56 - 8 * $0)) } }
    }
}

/// The rows of a dictionary in code.
package struct RowCodes: Sendable {
    /// SHA-256 of the key that the codes were made under.
    package var key: SHA256Digest
    /// One for each row, in the order of `CohortStore.table`.
    package var rows: [RowCode]
    /// The digest of these rows (`CohortStore.snapshotDigest`); nil if none were imported.
    package var snapshot: SHA256Digest?

    package init(key: SHA256Digest, rows: [RowCode], snapshot: SHA256Digest? = nil) {
        (self.key, self.rows, self.snapshot) = (key, rows, snapshot)
    }
}

extension CohortStore {
    /// Every row's person in code, in the order of the file.
    package func rowCodes(dictionary identifier: String) throws(StoreError) -> RowCodes {
        try file.read { db in
            let installed = try InstalledDictionary.require(db, identifier)
            let schema = try PatientTableSchema(installed.dictionary)
            guard let row = try Row.fetchOne(db, sql: "SELECT key FROM person_key") else {
                throw UnexpectedValue()
            }
            let key: [UInt8] = try row.stored("key")
            let code = MessageAuthenticationCode(key: key)
            var seen: [PersonCode: Int] = Dictionary(minimumCapacity: installed.rowCount)
            var codes: [RowCode] = []
            codes.reserveCapacity(installed.rowCount)
            let rows = try RowStepper(db, sql: schema.selection([schema.person]))
            while try rows.next() {
                guard rows.type(0) == SQLITE_TEXT else { throw UnexpectedValue() }
                let person = PersonCode(rows.text(0), under: code)
                seen[person, default: -1] += 1
                codes.append(RowCode(person: person, ordinal: seen[person, default: 0]))
            }
            return RowCodes(
                key: SHA256Digest(of: key), rows: codes, snapshot: installed.lastImport?.snapshot)
        }
    }
}
