/// Σx of numbers by group, on the dictionary's range scaled to [-1, 1].
package struct TableSumsQuestion: Question {
    package static let name = "table-sums"

    package var cells: [TableCell]

    package init(_ cells: [TableCell]) { self.cells = cells }

    package static func summation(in plan: AnalysisPlan) -> Summation {
        Summation(people: .levels, functions: .covariates)
    }

    package static func words(in plan: AnalysisPlan) -> String {
        "sums of numbers by group, where enough people of all hospitals have one (smallest-cell), once"
    }

    package var coordinates: Coordinates? { nil }
    package var beta: [Double]? { nil }

    package func numberCount(in plan: AnalysisPlan) -> Int { cells.count }

    package func labels(in plan: AnalysisPlan) -> [String] {
        cells.flatMap { cell in ["sum"].map { "\($0) of \(cell.label(in: plan))" } }
    }

    package func write(to bytes: inout QuestionBytes) { bytes.append(cells.flatMap(\.places)) }

    package func answer(from site: SiteAnalysis) throws -> [Double] { try site.table().sums(cells) }
}

/// A number of a table in one of its groups, by their places in the plan.
package struct TableCell: Hashable, Sendable {
    package var variable: Int
    package var group: Int

    package init(variable: Int, group: Int) {
        (self.variable, self.group) = (variable, group)
    }

    /// The number and the group, in words.
    func label(in plan: AnalysisPlan) -> String {
        guard let table = plan.description else { return "" }
        let groups = plan.groupNames(table.groups, count: table.groups.count)
        return "\(table.variables[variable].name), \(groups[group])"
    }

    /// As a statement's digest covers them.
    var places: [Double] { [Double(variable), Double(group)] }
}
