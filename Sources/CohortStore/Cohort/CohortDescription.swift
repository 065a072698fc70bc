import GRDB
import Survival

/// A cohort in numbers, for the eyes of the hospital that owns it.
///
/// Deliberately not `Codable`: no disclosure rule was applied, so it has no way onto the wire.
package struct CohortDescription: Sendable {
    package var dictionary: String
    package var rowCount: Int
    package var personCount: Int
    /// People with more than one row.
    package var severalRowsPersonCount: Int
    /// In the order of the dictionary.
    package var variables: [Variable]

    package struct Variable: Sendable {
        package var name: String
        package var presentCount: Int
        package var missingCount: Int
        package var summary: Summary
    }

    package enum Summary: Sendable {
        /// Nil if every value is missing.
        case number(NumberSummary?)
        case boolean(yes: Int, no: Int)
        /// Rows at each level, in the order of the dictionary, zeros included.
        case levels([(level: String, count: Int)])
        case identifier(distinct: Int)
    }

    /// One column is in memory at a time.
    init(_ db: Database, _ installed: InstalledDictionary) throws {
        let table = DescribedTable(
            db: db, installed: installed, schema: try PatientTableSchema(installed.dictionary))
        dictionary = installed.identifier
        variables = try table.schema.variables.map(table.describe)
        rowCount = variables.first.map { $0.presentCount + $0.missingCount } ?? 0
        personCount = try table.distinct(table.schema.person)
        severalRowsPersonCount = personCount < rowCount ? try table.severalRowsPersonCount() : 0
    }
}

/// A dictionary's table, asked by SQL for what a description says.
private struct DescribedTable {
    let db: Database
    let installed: InstalledDictionary
    let schema: PatientTableSchema

    /// People who have more than one row.
    func severalRowsPersonCount() throws -> Int {
        let person = schema.person.name.quotedIdentifier
        return try count(
            "SELECT count(*) FROM (SELECT 1 FROM \(schema.table) GROUP BY \(person) HAVING count(*) > 1)")
    }

    func distinct(_ variable: DataDictionary.Variable) throws -> Int {
        try count("SELECT count(DISTINCT \(variable.name.quotedIdentifier)) FROM \(schema.table)")
    }

    private func count(_ sql: String) throws -> Int { try Int.fetchOne(db, sql: sql) ?? 0 }

    func describe(_ variable: DataDictionary.Variable) throws -> CohortDescription.Variable {
        guard variable.kind != .identifier else { return try describeIdentifier(variable) }
        let column = try column(variable)
        let (missing, summary) = column.described(as: variable)
        return CohortDescription.Variable(
            name: variable.name, presentCount: column.count - missing, missingCount: missing, summary: summary
        )
    }

    private func describeIdentifier(
        _ variable: DataDictionary.Variable
    ) throws -> CohortDescription.Variable {
        let present = try count("SELECT count(\(variable.name.quotedIdentifier)) FROM \(schema.table)")
        let all = try count("SELECT count(*) FROM \(schema.table)")
        return CohortDescription.Variable(
            name: variable.name, presentCount: present, missingCount: all - present,
            summary: .identifier(distinct: try distinct(variable)))
    }

    /// One variable of all rows.
    private func column(_ variable: DataDictionary.Variable) throws -> Survival.Column {
        let rows = try StoredRows(db, schema, [variable])
        var columns = GrowingColumns([variable], of: [variable], rowCount: installed.rowCount)
        while try rows.next() {
            guard rows.unreadable == nil else {
                throw StoreError.dictionary(
                    installed.identifier, .unreadableValue(variable: variable.name))
            }
            columns.append(rows)
        }
        return columns.finish()[0]
    }
}

/// Where a number's values lie.
package struct NumberSummary: Hashable, Sendable {
    package var mean: Double
    /// With the divisor n − 1; nil for one value.
    package var standardDeviation: Double?
    package var minimum: Double
    package var lowerQuartile: Double
    package var median: Double
    package var upperQuartile: Double
    package var maximum: Double

    /// The summary of values of which none is NaN; nil if there are none.
    init?(_ values: [Double]) {
        let sorted = values.sorted()
        guard let minimum = sorted.first, let maximum = sorted.last else { return nil }
        let mean = sorted.reduce(0) { $0 + $1 / Double(sorted.count) }
        let squares = sorted.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
        self.mean = mean
        standardDeviation = sorted.count > 1 ? (squares / Double(sorted.count - 1)).squareRoot() : nil
        (self.minimum, self.maximum) = (minimum, maximum)
        lowerQuartile = NumberSummary.quantile(sorted, 0.25)
        median = NumberSummary.quantile(sorted, 0.5)
        upperQuartile = NumberSummary.quantile(sorted, 0.75)
    }

    /// R's default, type 7 of Hyndman & Fan (The American Statistician 1996): linear between the order
    /// statistics around 1 + (n − 1)p.
    private static func quantile(_ sorted: [Double], _ p: Double) -> Double {
        let place = Double(sorted.count - 1) * p
        let below = Int(place)
        let above = min(below + 1, sorted.count - 1)
        return sorted[below] + (place - Double(below)) * (sorted[above] - sorted[below])
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
