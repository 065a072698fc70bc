import Cryptography
import GRDB
import GRDBSQLite
package import Survival

extension CohortStore {
    /// The variables of all rows, and whose rows they are, from one consistent snapshot, in the order of
    /// the file.
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
            let installed = try InstalledDictionary.require(db, identifier)
            let chosen = try Set(variables).sorted().map { try installed.analysisVariable($0) }
            return try CohortStore.table(db, installed, chosen)
        }
    }

    /// Computes the digest of the rows again and compares it with the one stored at import.
    ///
    /// - Throws: `StoreError.dictionary(_, .rowsChanged)` if anything changed the rows since.
    package func verifyRows(dictionary identifier: String) throws(StoreError) {
        try file.read { db in
            let installed = try InstalledDictionary.require(db, identifier)
            guard let record = installed.lastImport else {
                throw StoreError.dictionary(identifier, .hasNoRows)
            }
            guard try CohortStore.digest(db, installed) == record.snapshot else {
                throw StoreError.dictionary(identifier, .rowsChanged)
            }
        }
    }

    private static func table(
        _ db: Database, _ installed: InstalledDictionary, _ variables: [DataDictionary.Variable]
    ) throws -> PatientTable {
        let schema = try PatientTableSchema(installed.dictionary)
        let rows = try RowStepper(db, sql: schema.selection([schema.person] + variables))
        var people = PersonIndex(rowCount: installed.rowCount)
        var readers = variables.map { ColumnReader($0, rowCount: installed.rowCount) }
        while try rows.next() {
            guard rows.type(0) == SQLITE_TEXT else { throw installed.unreadable(schema.person) }
            people.append(rows.text(0))
            for index in readers.indices where !readers[index].append(rows, index + 1) {
                throw installed.unreadable(variables[index])
            }
        }
        let columns = readers.map { ($0.variable.name, $0.column) }
        return PatientTable(
            rowCount: people.rows.count, person: people.rows,
            columns: Dictionary(columns, uniquingKeysWith: { first, _ in first }))
    }

    /// One variable of all rows.
    static func column(
        _ db: Database, _ installed: InstalledDictionary, _ schema: PatientTableSchema,
        _ variable: DataDictionary.Variable
    ) throws -> Survival.Column {
        let rows = try RowStepper(db, sql: schema.selection([variable]))
        var reader = ColumnReader(variable, rowCount: installed.rowCount)
        while try rows.next() {
            guard reader.append(rows, 0) else { throw installed.unreadable(variable) }
        }
        return reader.column
    }

    /// The digest that an import of the stored rows would have, or nil if a value is none that an import
    /// stores.
    private static func digest(_ db: Database, _ installed: InstalledDictionary) throws -> SHA256Digest? {
        let schema = try PatientTableSchema(installed.dictionary)
        let levels = schema.variables.map(\.levelIndex)
        let rows = try RowStepper(db, sql: schema.selection(schema.variables))
        var hasher = SnapshotHasher(dictionary: installed.sha256)
        while try rows.next() {
            for (index, variable) in schema.variables.enumerated() {
                guard let cell = rows.cell(index, of: variable, levels: levels[index]) else { return nil }
                hasher.add(cell, text: rows.text(index))
            }
            hasher.endRow()
        }
        return hasher.finish()
    }
}

extension RowStepper {
    /// A stored value as the cell it was imported from; nil if no import stores it.
    fileprivate func cell(_ column: Int, of variable: DataDictionary.Variable, levels: LevelIndex) -> Cell? {
        switch (variable.kind, type(column)) {
        case (_, SQLITE_NULL): .missing
        case (.number, SQLITE_FLOAT): .number(double(column))
        case (.boolean, SQLITE_INTEGER) where 0...1 ~= integer(column): .boolean(integer(column) == 1)
        case (.category, SQLITE_TEXT): levels.index(of: text(column)).map(Cell.level)
        case (.identifier, SQLITE_TEXT): .text
        default: nil
        }
    }
}

extension DataDictionary.Variable {
    fileprivate var levelIndex: LevelIndex {
        guard case .category(let levels, _) = kind else { return LevelIndex(levels: [], missing: []) }
        return LevelIndex(levels: levels, missing: [])
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
