import Survival

/// People by group of a table, and by group whose value of a variable is known, or by level; see `TallyLayout`.
package struct TalliesQuestion: Question {
    package static let name = "tallies"

    package init() {}

    package static func summation(in plan: AnalysisPlan) -> Summation {
        Summation(people: .levels, functions: .one)
    }

    package static func words(in plan: AnalysisPlan) -> String {
        guard let table = plan.description else { return "" }
        let binned = table.variables.compactMap { variable -> String? in
            guard case .number(_, let bins?) = variable.kind, !bins.isExact else { return nil }
            return
                "people in each bin of \(StudyWords.inline(variable.name)) that holds at least \(TallyLayout.floorMin) of a group here"
        }
        return
            (["people by group and level, and whose value is known, once"] + binned).joined(separator: "; ")
            + "; smaller cells are known to the coordinator and withheld from the result"
    }

    package var coordinates: Coordinates? { nil }
    package var beta: [Double]? { nil }

    package func numberCount(in plan: AnalysisPlan) -> Int { plan.tallyCount }

    package func labels(in plan: AnalysisPlan) -> [String] {
        guard let table = plan.description else { return [] }
        let groups = plan.groupNames(table.groups, count: table.groups.count)
        let variables = table.variables.flatMap { variable -> [String] in
            switch variable.kind {
            case .levels(let levels, _):
                return groups.flatMap { group in levels.map { "\(group), \(variable.name) = \($0)" } }
            case .number(_, let bins):
                let known = groups.map { "\($0), with \(variable.name)" }
                guard let bins, !bins.isExact else { return known }
                return known
                    + groups.flatMap { group in
                        (0..<bins.count).map {
                            "\(group), \(variable.name) from \(bins.edge($0)), if \(TallyLayout.floorMin) or more"
                        }
                    }
            }
        }
        return groups.map { "people, \($0)" } + variables
    }

    package func write(to bytes: inout QuestionBytes) {}

    package func answer(from site: SiteAnalysis) throws -> [Double] { try site.table().tallies() }
}

/// Where each number of a `tallies` answer stands.
///
/// People by group; then for each variable people by group whose value is known, or by group and level; after a number that is
/// asked in bins of a width, its floors: for each group and bin, the people of hospitals that have at least `floorMin` in it.
struct TallyLayout: Sendable {
    /// A hospital leaves its people out of a floor where it has fewer in the bin.
    static let floorMin = 5

    let groups: Int
    let count: Int
    private let variables: [Place]

    private struct Place: Sendable {
        var offset: Int
        /// Numbers by group: 1, or one for each level.
        var width: Int
        var bins: Int
    }

    init(_ table: DescriptionPlan) {
        groups = table.groups.count
        var offset = groups
        var variables: [Place] = []
        for variable in table.variables {
            let (width, bins) = Self.size(of: variable)
            variables.append(Place(offset: offset, width: width, bins: bins))
            offset += groups * (width + bins)
        }
        (self.variables, count) = (variables, offset)
    }

    private static func size(of variable: DescriptionPlan.Variable) -> (width: Int, bins: Int) {
        switch variable.kind {
        case .number(_, let bins): (1, bins.map { $0.isExact ? 0 : $0.count } ?? 0)
        case .levels(let levels, _): (levels.count, 0)
        }
    }

    /// The lane of a group's first count of a variable.
    func offset(_ variable: Int, group: Int) -> Int {
        variables[variable].offset + group * variables[variable].width
    }

    /// The lane of a group's first floor of a variable that has floors.
    func floorOffset(_ variable: Int, group: Int) -> Int? {
        let place = variables[variable]
        return place.bins > 0 ? place.offset + groups * place.width + group * place.bins : nil
    }

    /// Throws unless the numbers are counts of these people.
    func requireFit(_ sum: [Double], _ counts: CohortCounts) throws(StudyError) {
        let people = sum.prefix(groups)
        let isCounts = sum.allSatisfy { $0 >= 0 && $0 <= CountsLayout.rowsMax && $0 == $0.rounded() }
        guard isCounts, people.reduce(0, +) == Double(counts.people),
            variables.indices.allSatisfy({ variable in
                zip(known(variable, of: sum), people).allSatisfy { $0 <= $1 }
            })
        else { throw .sums("the hospitals' tallies do not add up to their counts of people") }
    }

    /// People by group whose value is known.
    func known(_ variable: Int, of sum: [Double]) -> [Double] {
        levels(variable, of: sum).map { $0.reduce(0, +) }
    }

    /// By group, people in each level; of a number, those whose value is known.
    func levels(_ variable: Int, of sum: [Double]) -> [[Double]] {
        (0..<groups).map { group in
            let start = offset(variable, group: group)
            return Array(sum[start..<(start + variables[variable].width)])
        }
    }

    /// By group, the floors of each bin; empty for a variable without.
    func floors(_ variable: Int, of sum: [Double]) -> [[Double]] {
        (0..<groups).compactMap { group in
            floorOffset(variable, group: group).map { Array(sum[$0..<($0 + variables[variable].bins)]) }
        }
    }
}
