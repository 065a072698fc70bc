import GRDB
import Survival

extension CohortStore {
    /// Rows, people, and what each variable holds; one column in memory at a time, all from one snapshot.
    package func describe(dictionary identifier: String) throws(StoreError) -> CohortDescription {
        try file.read { db in
            let installed = try InstalledDictionary.require(db, identifier)
            let schema = try PatientTableSchema(installed.dictionary)
            let people = try schema.distinct(db, schema.person)
            let variables = try schema.variables.map { try schema.describe(db, $0, of: installed) }
            let rows = variables.first.map { $0.presentCount + $0.missingCount } ?? 0
            return CohortDescription(
                dictionary: identifier, rowCount: rows, personCount: people,
                severalRowsPersonCount: people < rows ? try schema.severalRowsPersonCount(db) : 0,
                variables: variables)
        }
    }
}

extension PatientTableSchema {
    /// People who have more than one row.
    func severalRowsPersonCount(_ db: Database) throws -> Int {
        let rows = "SELECT 1 FROM \(table) GROUP BY \(person.name.quotedIdentifier) HAVING count(*) > 1"
        return try Int.fetchOne(db, sql: "SELECT count(*) FROM (\(rows))") ?? 0
    }

    fileprivate func distinct(_ db: Database, _ variable: DataDictionary.Variable) throws -> Int {
        let sql = "SELECT count(DISTINCT \(variable.name.quotedIdentifier)) FROM \(table)"
        return try Int.fetchOne(db, sql: sql) ?? 0
    }

    fileprivate func describe(
        _ db: Database, _ variable: DataDictionary.Variable, of installed: InstalledDictionary
    ) throws -> CohortDescription.Variable {
        guard variable.kind != .identifier else { return try describeIdentifier(db, variable) }
        let column = try CohortStore.column(db, installed, self, variable)
        let (missing, summary) = column.described(as: variable)
        return CohortDescription.Variable(
            name: variable.name, presentCount: column.count - missing, missingCount: missing, summary: summary
        )
    }

    private func describeIdentifier(
        _ db: Database, _ variable: DataDictionary.Variable
    ) throws -> CohortDescription.Variable {
        let name = variable.name.quotedIdentifier
        let present = try Int.fetchOne(db, sql: "SELECT count(\(name)) FROM \(table)") ?? 0
        let all = try Int.fetchOne(db, sql: "SELECT count(*) FROM \(table)") ?? 0
        return CohortDescription.Variable(
            name: variable.name, presentCount: present, missingCount: all - present,
            summary: .identifier(distinct: try distinct(db, variable)))
    }
}

extension Survival.Column {
    /// How many values are missing, and a summary of the others.
    fileprivate func described(
        as variable: DataDictionary.Variable
    ) -> (missing: Int, summary: CohortDescription.Summary) {
        switch self {
        case .number(let values):
            let present = values.filter { !$0.isNaN }
            return (values.count - present.count, .number(NumberSummary(present)))
        case .boolean(let values):
            let (yes, no) = (values.count { $0 == 1 }, values.count { $0 == 0 })
            return (values.count - yes - no, .boolean(yes: yes, no: no))
        case .category(let indices):
            guard case .category(let levels, _) = variable.kind else { return (indices.count, .levels([])) }
            var counts = [Int](repeating: 0, count: levels.count)
            for index in indices where index >= 0 { counts[Int(index)] += 1 }
            let missing = indices.count - counts.reduce(0, +)
            return (missing, .levels(zip(levels, counts).map { (level: $0, count: $1) }))
        }
    }
}
