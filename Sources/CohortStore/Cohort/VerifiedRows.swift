import Cryptography
import GRDB
import Survival

/// The rows of a dictionary, found to be those of its last import in the same pass in which they are read.
struct VerifiedRows {
    /// The digest of the rows.
    let snapshot: SHA256Digest

    /// Reads all rows and computes their digest again.
    ///
    /// - Parameter take: Given each row in the order of the file, before it is known whether they are the import's.
    /// - Throws: `StoreError.dictionary`: `.rowsChanged` if anything is not as it was imported, `.hasNoRows`.
    init(
        _ db: Database, _ installed: InstalledDictionary, _ schema: PatientTableSchema,
        take: (StoredRows) -> Void = { _ in }
    ) throws {
        guard let record = installed.lastImport else {
            throw StoreError.dictionary(installed.identifier, .hasNoRows)
        }
        let changed = StoreError.dictionary(installed.identifier, .rowsChanged)
        let rows = try StoredRows(db, schema, schema.variables)
        var hasher = SnapshotHasher(dictionary: installed.sha256)
        let count = schema.variables.count
        while try rows.next() {
            guard rows.unreadable == nil else { throw changed }
            for column in 0..<count { hasher.add(rows.cell(column), text: rows.identifier(column)) }
            hasher.endRow()
            take(rows)
        }
        snapshot = hasher.finish()
        guard snapshot == record.snapshot else { throw changed }
    }

    /// Some variables of all rows, and whose rows they are, with the digest.
    static func table(
        _ db: Database, _ installed: InstalledDictionary, _ names: [String]
    ) throws -> (table: PatientTable, snapshot: SHA256Digest) {
        let schema = try PatientTableSchema(installed.dictionary)
        let chosen = try Set(names).sorted().map { try installed.analysisVariable($0) }
        var columns = GrowingColumns(chosen, of: schema.variables, rowCount: installed.rowCount)
        var people = GrowingPeople(rowCount: installed.rowCount)
        let person = schema.personPlace
        let verified = try VerifiedRows(db, installed, schema) { rows in
            people.append(rows.identifier(person))
            columns.append(rows)
        }
        let named = zip(chosen.map(\.name), columns.finish())
        let peopleOfRows = people.finish()
        let table = PatientTable(
            rowCount: peopleOfRows.count, person: peopleOfRows,
            columns: Dictionary(named, uniquingKeysWith: { first, _ in first }))
        return (table, verified.snapshot)
    }
}

extension InstalledDictionary {
    /// A variable that may take part in an analysis.
    fileprivate func analysisVariable(_ name: String) throws(StoreError) -> DataDictionary.Variable {
        guard let variable = dictionary[name] else {
            let suggestion = Spelling.nearest(to: name, among: dictionary.variables.map(\.name))
            throw .dictionary(identifier, .unknownVariable(name, suggestion: suggestion))
        }
        guard variable.kind != .identifier else { throw .dictionary(identifier, .identifierVariable(name)) }
        return variable
    }
}
