package import Cryptography
import GRDB
package import Survival

extension CohortStore {
    /// The variables of all rows, and whose rows they are, from one consistent snapshot, in the order of
    /// the file.
    ///
    /// From the prepared columns, if they are those of the last import to the byte; else from the rows.
    ///
    /// - Parameters:
    ///   - identifier: The dictionary, as `name@version`.
    ///   - variables: Names of the dictionary's variables; a name may be repeated. Identifiers are refused.
    /// - Returns: A table with a column for each name.
    /// - Throws: `StoreError.dictionary` for an unknown dictionary or variable, and for a stored value that
    ///   the dictionary does not allow.
    package func table(
        dictionary identifier: String, variables: [String]
    ) throws(StoreError) -> PatientTable {
        try file.read { db in
            try CohortStore.table(db, try InstalledDictionary.require(db, identifier), variables)
        }
    }

    /// The same, after `verifyRows`, with the digest of the rows; all three of one moment.
    package func verifiedTable(
        dictionary identifier: String, variables: [String]
    ) throws(StoreError) -> (table: PatientTable, snapshot: SHA256Digest) {
        try file.read { db in
            let installed = try InstalledDictionary.require(db, identifier)
            let snapshot = try CohortStore.verifyRows(db, installed)
            return (try CohortStore.table(db, installed, variables), snapshot)
        }
    }

    private static func table(
        _ db: Database, _ installed: InstalledDictionary, _ variables: [String]
    ) throws -> PatientTable {
        let chosen = try Set(variables).sorted().map { try installed.analysisVariable($0) }
        let schema = try PatientTableSchema(installed.dictionary)
        let prepared = try PreparedReader(db, installed)?.table(chosen, person: schema.person)
        return try prepared ?? CohortStore.rowTable(db, installed, schema, chosen)
    }

    /// Computes the digest of the rows again and compares it with the one stored at import; and what is prepared with the rows.
    ///
    /// - Throws: `StoreError.dictionary(_, .rowsChanged)` if anything changed either since.
    package func verifyRows(dictionary identifier: String) throws(StoreError) {
        try file.read { db in
            _ = try CohortStore.verifyRows(db, try InstalledDictionary.require(db, identifier))
        }
    }

    private static func verifyRows(_ db: Database, _ installed: InstalledDictionary) throws -> SHA256Digest {
        guard let record = installed.lastImport else {
            throw StoreError.dictionary(installed.identifier, .hasNoRows)
        }
        guard try CohortStore.areImported(db, installed, record) else {
            throw StoreError.dictionary(installed.identifier, .rowsChanged)
        }
        return record.snapshot
    }

    /// The table as it is read from the rows themselves.
    static func rowTable(
        _ db: Database, _ installed: InstalledDictionary, _ schema: PatientTableSchema,
        _ variables: [DataDictionary.Variable]
    ) throws -> PatientTable {
        let rows = try StoredRows(db, schema, variables + [schema.person])
        var people = GrowingPeople(rowCount: installed.rowCount)
        var columns = GrowingColumns(variables, rowCount: installed.rowCount)
        let place = variables.count
        while try rows.next() {
            if let column = rows.unreadable {
                throw installed.unreadable((variables + [schema.person])[column])
            }
            guard !rows.value(place).isNaN else { throw installed.unreadable(schema.person) }
            people.append(rows.identifier(place))
            columns.append(rows)
        }
        let person = people.finish()
        let named = zip(variables.map(\.name), columns.finish())
        return PatientTable(
            rowCount: person.count, person: person,
            columns: Dictionary(named, uniquingKeysWith: { first, _ in first }))
    }

    /// One variable of all rows.
    static func column(
        _ db: Database, _ installed: InstalledDictionary, _ schema: PatientTableSchema,
        _ variable: DataDictionary.Variable
    ) throws -> Survival.Column {
        let rows = try StoredRows(db, schema, [variable])
        var columns = GrowingColumns([variable], rowCount: installed.rowCount)
        while try rows.next() {
            guard rows.unreadable == nil else { throw installed.unreadable(variable) }
            columns.append(rows)
        }
        return columns.finish()[0]
    }

    /// Whether the rows have the digest of their import, and the prepared columns are those that the rows would have.
    private static func areImported(
        _ db: Database, _ installed: InstalledDictionary, _ record: ImportRecord
    ) throws -> Bool {
        let schema = try PatientTableSchema(installed.dictionary)
        let rows = try StoredRows(db, schema, schema.variables)
        let stored = try PreparedComparison(db, dictionary: installed.identifier)
        var hasher = SnapshotHasher(dictionary: installed.sha256)
        var prepared = PreparedColumns(schema, dictionary: installed.sha256)
        var (isEqual, partCount) = (true, 0)
        let (count, isPrepared) = (schema.variables.count, stored.isPrepared)
        func compare(_ variable: String, _ part: Int, _ cells: [UInt8]) throws {
            partCount += 1
            isEqual = try isEqual && stored.isStored(variable, part, cells)
        }
        while isEqual, try rows.next() {
            guard rows.unreadable == nil else { return false }
            for column in 0..<count {
                let cell = rows.cell(column)
                hasher.add(cell, text: rows.identifier(column))
                if isPrepared { prepared.add(column, cell, text: rows.identifier(column)) }
            }
            hasher.endRow()
            if isPrepared { try prepared.endRow(compare) }
        }
        let rowCount = hasher.rowCount
        guard isEqual, hasher.finish() == record.snapshot else { return false }
        guard isPrepared else { return true }
        let codes = try prepared.finish(snapshot: record.snapshot, rowCount: rowCount, compare)
        return isEqual && stored.areAll(codes, partCount: partCount)
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

    fileprivate func unreadable(_ variable: DataDictionary.Variable) -> StoreError {
        .dictionary(identifier, .unreadableValue(variable: variable.name))
    }
}
