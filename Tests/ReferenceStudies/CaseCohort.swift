package import Survival

/// A reference case's rows as a hospital would have them: a dictionary, and a table of all rows or some.
///
/// Names are those of the CSV file. Several columns that make groups together are one category, as a hospital would prepare it.
package struct CaseCohort {
    package let reference: ReferenceCase
    package let dictionary: DataDictionary
    /// The case's filter, as conditions of a study.
    package let conditions: [String]
    private let variables: [DataDictionary.Variable]
    /// Whose row each is: the case's cluster if that is a person, else the row itself.
    private let person: [String]

    /// More levels than this make a cluster a person.
    private static let clusterLevelsMax = 20
    private static let groupingName = "groups"

    package init(_ reference: ReferenceCase) {
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
    package static func written(_ name: String) -> String { "`\(name)`" }

    /// A covariate as it stands in a study's terms.
    package static func term(_ json: JSONValue) -> String {
        if json["type"].string == "int" { return json["of"].elements.map(term).joined(separator: ":") }
        let name = written(json["col"].string ?? "")
        switch json["fn"].string {
        case "square": return "(\(name) * \(name))"
        case let function?: return "\(function)(\(name))"
        case nil: return name
        }
    }

    /// The variable that makes the groups of a curve or a test; nil for one group.
    package static func grouping(of reference: ReferenceCase) -> String? {
        let columns = reference.model["by"].strings
        return columns.count > 1 ? groupingName : columns.first
    }

    /// The cluster's column where it has too many values for a category.
    package static func personColumn(of reference: ReferenceCase) -> String? {
        guard let column = reference.model["cluster"].string,
            Set(reference.table.column(column)).count > clusterLevelsMax
        else { return nil }
        return column
    }

    /// The event as a condition.
    package var event: String { event(reference.model["event"]["values"].strings) }

    /// The competing causes of the event, as conditions, in the order of their codes; none if there is one event.
    var causes: [(name: String, condition: String)] {
        let states = reference.model["event"]["states"]
        return states.keys.sorted { states[$0].double < states[$1].double }.map { name in
            (name, event(states[name].strings))
        }
    }

    private func event(_ codes: [String]) -> String {
        let values = codes.map { "\"\($0)\"" }.joined(separator: ", ")
        return "\(Self.written(reference.model["event"]["col"].string ?? "")) in [\(values)]"
    }

    /// Those rows as a hospital's table.
    package func table(of rows: [Int]) -> PatientTable {
        PatientTable(
            dictionary, rows: rows, person: { person[$0] },
            field: { row, column in
                column == Self.groupingName && reference.model["by"].elements.count > 1
                    ? reference.grouping(ofRow: row) : reference.table.field(row, column)
            })
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

extension ReferenceCase {
    /// R's name of a row's group, `sex=1, ph.ecog=0`; empty if any part is missing.
    func grouping(ofRow row: Int) -> String {
        let columns = model["by"].strings
        if columns.contains(where: { table[row, $0].isEmpty }) { return "" }
        return columns.map { "\($0)=\(table[row, $0])" }.joined(separator: ", ")
    }
}
