@testable import Survival

/// A reference case's rows as a hospital would have them: a dictionary, and a table of all rows or some.
///
/// Names are those of the CSV file. Several columns that make groups together are one category, as a hospital would prepare it.
struct CaseCohort {
    let reference: ReferenceCase
    let dictionary: DataDictionary
    /// The case's filter, as conditions of a study.
    let conditions: [String]
    private let variables: [DataDictionary.Variable]
    /// Whose row each is: the case's cluster if that is a person, else the row itself.
    private let person: [String]

    /// More levels than this make a cluster a person.
    private static let clusterLevelsMax = 20
    private static let groupingName = "groups"

    init(_ reference: ReferenceCase) {
        self.reference = reference
        variables = CaseVariables(reference).all
        let own = reference.table.rows.indices.map { "row \($0)" }
        let personColumn = Self.personColumn(of: reference)
        person = personColumn.map { reference.table.column($0) } ?? own
        let identifier = personColumn ?? "row number"
        dictionary = DataDictionary(
            name: "reference", version: 1, person: identifier,
            variables: [.init(name: identifier, kind: .identifier)]
                + variables.filter { $0.name != identifier })
        let variables = variables
        conditions = reference.json["data"]["filter"].elements.map { Self.condition($0, variables) }
    }

    /// A name as it stands in a formula.
    static func written(_ name: String) -> String { "`\(name)`" }

    /// A covariate as it stands in a study's terms.
    static func term(_ json: JSONValue) -> String {
        if json["type"].string == "int" { return json["of"].elements.map(term).joined(separator: ":") }
        let name = written(json["col"].string ?? "")
        switch json["fn"].string {
        case "square": return "(\(name) * \(name))"
        case let function?: return "\(function)(\(name))"
        case nil: return name
        }
    }

    /// The variable that makes the groups of a curve or a test; nil for one group.
    static func grouping(of reference: ReferenceCase) -> String? {
        let columns = reference.model["by"].strings
        return columns.count > 1 ? groupingName : columns.first
    }

    /// The cluster's column where it has too many values for a category.
    static func personColumn(of reference: ReferenceCase) -> String? {
        guard let column = reference.model["cluster"].string,
            Set(reference.table.column(column)).count > clusterLevelsMax
        else { return nil }
        return column
    }

    /// The event as a condition.
    var event: String {
        let json = reference.model["event"]
        let values = json["values"].strings.map { "\"\($0)\"" }.joined(separator: ", ")
        return "\(Self.written(json["col"].string ?? "")) in [\(values)]"
    }

    func table(of rows: [Int]) -> PatientTable {
        var people: [String: Int32] = [:]
        let owners = rows.map { row in
            let index = people[person[row], default: Int32(people.count)]
            people[person[row]] = index
            return index
        }
        let columns = variables.map { ($0.name, column($0, rows)) }
        return PatientTable(
            rowCount: rows.count, person: owners, columns: Dictionary(uniqueKeysWithValues: columns))
    }

    private func column(_ variable: DataDictionary.Variable, _ rows: [Int]) -> Column {
        let isGrouping = variable.name == Self.groupingName && reference.model["by"].elements.count > 1
        let fields = rows.map {
            isGrouping ? reference.grouping(ofRow: $0) : reference.table[$0, variable.name]
        }
        guard case .category(let levels, _) = variable.kind else {
            return .number(fields.map { Double($0) ?? .nan })
        }
        let index = CaseLevels(levels)
        return .category(fields.map(index.callAsFunction))
    }

    private static func condition(_ json: JSONValue, _ variables: [DataDictionary.Variable]) -> String {
        let name = json["col"].string ?? ""
        let values = json["value"].strings.map { Double($0) == nil ? "\"\($0)\"" : $0 }
        switch json["op"].string {
        case "not_missing":
            guard case .category(let levels, _) = variables.first(where: { $0.name == name })?.kind else {
                return "\(written(name)) == \(written(name))"
            }
            return "\(written(name)) in [\(levels.map { "\"\($0)\"" }.joined(separator: ", "))]"
        case "in": return "\(written(name)) in [\(values.joined(separator: ", "))]"
        case let symbol: return "\(written(name)) \(symbol ?? "") \(values.first ?? "")"
        }
    }
}

/// The place of each text among a category's levels; numbers are compared as numbers.
private struct CaseLevels {
    private var texts: [String: Int32] = [:]
    private var numbers: [Double: Int32] = [:]

    init(_ levels: [String]) {
        for (index, level) in levels.enumerated() {
            texts[level] = Int32(index)
            if let number = Double(level) { numbers[number] = Int32(index) }
        }
    }

    /// -1 if the text is missing or no level.
    func callAsFunction(_ field: String) -> Int32 {
        texts[field] ?? Double(field).flatMap { numbers[$0] } ?? -1
    }
}

extension CSVTable {
    func column(_ name: String) -> [String] { rows.indices.map { self[$0, name] } }
}

extension ReferenceCase {
    /// R's name of a row's group, `sex=1, ph.ecog=0`; empty if any part is missing.
    func grouping(ofRow row: Int) -> String {
        let columns = model["by"].strings
        if columns.contains(where: { table[row, $0].isEmpty }) { return "" }
        return columns.map { "\($0)=\(table[row, $0])" }.joined(separator: ", ")
    }
}
