import Survival

/// A table's numbers for its readers: what sums say, with small cells and all that betrays them withheld.
struct Tabulation: Sendable {
    let table: DescriptionPlan
    let known: TableKnowledge
    let smallestCell: Int

    /// The rule that withholds a number of a table.
    static let rule = "smallest-cell"

    private static let withheld = Reported.suppressed(rule: rule)

    private var hasGroups: Bool { table.by != nil }

    /// All, then the groups.
    private func columns(_ groups: [Int]) -> [Int] {
        [groups.reduce(0, +)] + (hasGroups ? groups : [])
    }

    var people: [Int] { columns(known.groupSizes) }

    var variables: [DescriptionResult.Variable] { table.variables.indices.map(variable) }

    private func variable(_ index: Int) -> DescriptionResult.Variable {
        let variable = table.variables[index]
        let known = columns(known.known(index))
        var result = DescriptionResult.Variable(
            name: variable.name, label: variable.label, unit: variable.unit, known: known,
            missing: zip(people, known).map { $0 - $1 }, summary: .levels([]), difference: nil,
            comparisons: [])
        switch variable.kind {
        case .number(let range, let bins): describe(number: index, range, bins, &result)
        case .levels(let levels, let labels): describe(levels, labels, of: index, &result)
        }
        return result
    }

    // MARK: - Numbers

    private func describe(
        number index: Int, _ range: DictionaryRange, _ bins: ValueBins?,
        _ result: inout DescriptionResult.Variable
    ) {
        let cells = table.groups.indices.map { TableCell(variable: index, group: $0) }
        let moments = cells.map { self.moments(of: $0, range) }
        let means = byColumn(moments, of: cells, pooled: GroupMoments.pooled)
        let quartiles = bins.map { self.quartiles(of: cells, $0) }
        result.summary = .number(
            .init(
                mean: means.map { $0.reported { $0.mean } },
                sd: means.map { $0.reported { $0.standardDeviation } }, quartiles: quartiles))
        guard hasGroups else { return }
        let isWithheld = means[0] == .withheld
        let groups = moments.map { $0 ?? GroupMoments(count: 0, mean: 0, squares: 0) }
        compare(GroupComparison.means(groups), isWithheld: isWithheld, &result)
        result.difference =
            isWithheld ? Self.withheld : Reported(GroupComparison.difference(ofMeans: groups))
        if bins != nil {
            let width = known.histograms.first { $0.variable == index }?.starts.count ?? 0
            let counts = cells.map { known.counts[$0] ?? Array(repeating: 0, count: width) }
            compare(
                GroupComparison.ranks(counts), isWithheld: isWithheld || (width == 0 && result.known[0] > 0),
                &result)
        }
    }

    /// Nil for a group in which the number was not asked.
    private func moments(of cell: TableCell, _ range: DictionaryRange) -> GroupMoments? {
        guard let mean = known.means[cell], let squares = known.squares[cell] else { return nil }
        return GroupMoments(
            count: Double(known.people(cell)), mean: mean, squares: squares * range.half * range.half)
    }

    /// A column of a number: what it has, nobody, or too few people.
    private enum Entry<Content: Equatable>: Equatable {
        case content(Content)
        case nobody
        case withheld

        func reported(_ number: (Content) -> Double) -> Reported {
            switch self {
            case .content(let content): Reported(number(content))
            case .nobody: .notAvailable
            case .withheld: Tabulation.withheld
            }
        }
    }

    /// All people's column needs every group that has anybody: less would tell a small group by difference.
    private func byColumn<Content: Equatable>(
        _ groups: [Content?], of cells: [TableCell], pooled: ([Content]) -> Content
    ) -> [Entry<Content>] {
        let entries: [Entry<Content>] = zip(groups, cells).map { content, cell in
            if let content { return .content(content) }
            return known.people(cell) == 0 ? .nobody : .withheld
        }
        let contents = groups.compactMap { $0 }
        let all: Entry<Content> =
            entries.contains(.withheld)
            ? .withheld : contents.isEmpty ? .nobody : .content(pooled(contents))
        return [all] + (hasGroups ? entries : [])
    }

    private func quartiles(of cells: [TableCell], _ bins: ValueBins) -> DescriptionResult.Quartiles {
        let counts = byColumn(cells.map { known.counts[$0] }, of: cells) { groups in
            groups.dropFirst().reduce(groups[0]) { zip($0, $1).map { $0 + $1 } }
        }
        let starts = known.histograms.first { $0.variable == cells[0].variable }?.starts ?? []
        let edges = starts.map(bins.edge)
        let ends = edges + [bins.edge(bins.count)]
        func quantiles(_ share: Double) -> [Reported] {
            counts.map { entry in
                entry.reported { counts in
                    bins.isExact
                        ? Quantile.ofValues(edges, counts: counts, share: share)
                        : Quantile.inBins(ends, counts: counts, share: share)
                }
            }
        }
        return .init(
            lower: quantiles(0.25), median: quantiles(0.5), upper: quantiles(0.75),
            bins: bins.isExact || starts.isEmpty ? nil : ends)
    }

    // MARK: - Levels

    private func describe(
        _ levels: [String], _ labels: [String: String], of index: Int,
        _ result: inout DescriptionResult.Variable
    ) {
        let groups = known.levels(index)
        let rows = levels.indices.map { level in columns(groups.map { Int($0[level]) }) }
        let suppression = CellSuppression(counts: rows, smallest: smallestCell)
        let known = result.known
        result.summary = .levels(
            levels.indices.map { level in
                let isWithheld = suppression.isWithheld[level]
                return .init(
                    name: levels[level], label: labels[levels[level]],
                    counts: zip(rows[level], isWithheld).map { $1 ? Self.withheld : .value(Double($0)) },
                    shares: rows[level].indices.map { column in
                        if isWithheld[column] { return Self.withheld }
                        return Reported(Double(rows[level][column]) / Double(known[column]))
                    })
            })
        guard hasGroups else { return }
        let counts = levels.indices.map { level in groups.map { $0[level] } }
        // With the sums of rows and columns a test's statistic would tell a withheld cell.
        let isWithheld = suppression.isAnyWithheld
        compare(GroupComparison.shares(counts), isWithheld: isWithheld, &result)
        result.difference =
            isWithheld ? Self.withheld : Reported(GroupComparison.difference(ofShares: counts))
    }

    private func compare(
        _ comparison: DescriptionResult.Comparison, isWithheld: Bool,
        _ result: inout DescriptionResult.Variable
    ) {
        result.comparisons.append(isWithheld ? comparison.suppressed(by: Self.rule) : comparison)
    }
}
