import Survival

/// One hospital's people for a table, each by the first of their rows; answers the table's questions.
///
/// Deliberately not `Codable`: its rows have no way out but as sums.
struct SiteDescription: Sendable {
    private let plan: DescriptionPlan
    /// By person.
    private let groups: [Int32]
    private let values: [Values]

    /// NaN and -1 are missing.
    private enum Values: Sendable {
        case numbers([Double])
        case levels([Int32])
    }

    init(_ plan: DescriptionPlan, cases: CompleteCases) throws {
        self.plan = plan
        let rows = Self.firstRows(of: cases)
        let index = try plan.by.map { try cases.levelIndex(of: $0).index }
        groups = rows.map { index?[$0] ?? 0 }
        values = try plan.variables.map { variable in
            switch (try cases.column(of: variable.expression), variable.kind) {
            case (.category(let levels), _): .levels(rows.map { levels[$0] })
            case (.number(let numbers), .levels), (.boolean(let numbers), .levels):
                .levels(rows.map { numbers[$0].isNaN ? -1 : Int32(numbers[$0]) })
            case (.number(let numbers), _), (.boolean(let numbers), _):
                // An infinite value, such as the logarithm of 0, is no value.
                .numbers(rows.map { numbers[$0].isFinite ? numbers[$0] : .nan })
            }
        }
    }

    /// The row of each person that begins first; of several that begin together, the first in the file.
    private static func firstRows(of cases: CompleteCases) -> [Int] {
        var first = [Int](repeating: -1, count: cases.peopleCount)
        for (row, person) in cases.person.enumerated() {
            let known = first[Int(person)]
            if known < 0 || cases.entry.map({ $0[row] < $0[known] }) ?? false { first[Int(person)] = row }
        }
        return first
    }

    /// The largest share of a number's variation here that two people carry.
    var concentration: Double {
        values.reduce(0) { largest, values in
            guard case .numbers(let numbers) = values else { return largest }
            let known = numbers.filter { !$0.isNaN }
            return max(largest, Concentration.share(of: known, person: known.indices.map { Int32($0) }))
        }
    }

    /// People in each of the plan's protected levels.
    var levelCounts: [Int] {
        let own = plan.by == nil ? [] : Self.counts(groups, levels: plan.groups.count)
        let formulas = zip(plan.variables, values).flatMap { variable, values -> [Int] in
            guard variable.isFormula, case .levels(let index) = values,
                case .levels(let levels, _) = variable.kind
            else { return [] }
            return Self.counts(index, levels: levels.count)
        }
        return own + formulas
    }

    private static func counts(_ index: [Int32], levels: Int) -> [Int] {
        var counts = [Int](repeating: 0, count: levels)
        for level in index where level >= 0 { counts[Int(level)] += 1 }
        return counts
    }

    // MARK: - Answers

    func tallies() -> [Double] {
        let layout = TallyLayout(plan)
        var lanes = [Double](repeating: 0, count: layout.count)
        for group in groups { lanes[Int(group)] += 1 }
        for (variable, values) in values.enumerated() {
            for (person, group) in groups.enumerated() {
                let offset = layout.offset(variable, group: Int(group))
                switch values {
                case .numbers(let numbers): if !numbers[person].isNaN { lanes[offset] += 1 }
                case .levels(let index): if index[person] >= 0 { lanes[offset + Int(index[person])] += 1 }
                }
            }
            addFloors(of: variable, layout, to: &lanes)
        }
        return lanes
    }

    /// Only bins in which this hospital has enough people of a group; the others stay 0.
    private func addFloors(of variable: Int, _ layout: TallyLayout, to lanes: inout [Double]) {
        guard case .number(_, let bins?) = plan.variables[variable].kind else { return }
        for group in plan.groups.indices {
            guard let offset = layout.floorOffset(variable, group: group) else { continue }
            let counts = counts(of: variable, group: group, bins)
            for (bin, count) in counts.enumerated() where count >= TallyLayout.floorMin {
                lanes[offset + bin] = Double(count)
            }
        }
    }

    private func counts(of variable: Int, group: Int, _ bins: ValueBins) -> [Int] {
        var counts = [Int](repeating: 0, count: bins.count)
        for value in known(TableCell(variable: variable, group: group)) { counts[bins.bin(of: value)] += 1 }
        return counts
    }

    private func known(_ cell: TableCell) -> [Double] {
        guard case .numbers(let numbers) = values[cell.variable] else { return [] }
        return zip(numbers, groups).filter { Int($0.1) == cell.group && !$0.0.isNaN }.map(\.0)
    }

    private func range(of cell: TableCell) -> DictionaryRange? {
        if case .number(let range, _) = plan.variables[cell.variable].kind { range } else { nil }
    }

    /// Σx by cell, on the dictionary's range scaled to [-1, 1].
    func sums(_ cells: [TableCell]) -> [Double] {
        cells.map { cell in
            guard let range = range(of: cell) else { return 0 }
            return known(cell).reduce(0) { $0 + range.scaled($1) }
        }
    }

    /// By cell Σ(x − center)² and Σ(x − center), in units of half the dictionary's range.
    func squares(_ cells: [TableCell], centers: [Double]) -> [Double] {
        zip(cells, centers).flatMap { cell, center -> [Double] in
            guard let range = range(of: cell) else { return [0, 0] }
            let distances = known(cell).map { ($0 - center) / range.half }
            return [distances.reduce(0) { $0 + $1 * $1 }, distances.reduce(0, +)]
        }
    }

    /// For each histogram, by group, people in each merged bin.
    func counts(_ histograms: [TableHistogram]) -> [Double] {
        histograms.flatMap { histogram -> [Double] in
            guard case .number(_, let bins?) = plan.variables[histogram.variable].kind else { return [] }
            let ends = histogram.starts.dropFirst() + [bins.count]
            return histogram.groups.flatMap { group in
                let counts = counts(of: histogram.variable, group: group, bins)
                return zip(histogram.starts, ends).map { Double(counts[$0..<$1].reduce(0, +)) }
            }
        }
    }
}
