package import Survival

/// A table of the patients: tallies, then sums of numbers where enough people have one, then squares and counts by value or bin.
struct DescriptionCourse: AnalysisCourse {
    private let plan: AnalysisPlan
    private let table: DescriptionPlan
    private let counts: CohortCounts
    private let smallestCell: Int
    private var known: TableKnowledge

    init(_ plan: AnalysisPlan, _ table: DescriptionPlan, counts: CohortCounts, smallestCell: Int) {
        (self.plan, self.table, self.counts) = (plan, table, counts)
        self.smallestCell = smallestCell
        known = TableKnowledge(table)
    }

    var opening: [any Question] { [TalliesQuestion()] }

    var thinnestInterval: Int? { nil }

    mutating func receive(_ received: [Answer]) throws -> CourseStep {
        let answers = try received.numbers
        if known.tallies.isEmpty { return try begin(answers[0]) }
        if known.means.isEmpty {
            known.means = means(answers[0])
            let centers = known.cells.map { known.means[$0] ?? 0 }
            let squares: [any Question] = [TableSquaresQuestion(known.cells, centers: centers)]
            return .ask(squares + (known.histograms.isEmpty ? [] : [HistogramsQuestion(known.histograms)]))
        }
        for (index, cell) in known.cells.enumerated() {
            known.take(
                squares: answers[0][2 * index], distances: answers[0][2 * index + 1], of: cell, in: table)
        }
        try takeHistograms(answers.count > 1 ? answers[1] : [])
        return .finish(.describe(result))
    }

    private mutating func begin(_ tallies: [Double]) throws -> CourseStep {
        let layout = TallyLayout(table)
        try layout.requireFit(tallies, counts)
        for (name, people) in zip(table.groups, tallies) where people > 0 && people < Double(smallestCell) {
            let group = table.by == nil ? "the table" : "the group \(name)"
            throw StudyError.sums(
                "\(group) has fewer than \(counted(smallestCell, "person", "people")) (smallest-cell); merge groups in the study"
            )
        }
        known.tallies = tallies
        known.cells = table.variables.indices.flatMap { variable -> [TableCell] in
            guard case .number = table.variables[variable].kind else { return [] }
            return layout.known(variable, of: tallies).enumerated().filter { $1 >= Double(smallestCell) }
                .map { TableCell(variable: variable, group: $0.offset) }
        }
        known.histograms = table.variables.indices.compactMap { histogram(of: $0, layout) }
        return known.cells.isEmpty ? .finish(.describe(result)) : .ask([TableSumsQuestion(known.cells)])
    }

    // MARK: - Counts by value or bin

    /// Nil if a variable has no bins, or if they would not hold enough people.
    private func histogram(of variable: Int, _ layout: TallyLayout) -> TableHistogram? {
        let groups = known.cells.filter { $0.variable == variable }.map(\.group)
        guard case .number(_, let bins?) = table.variables[variable].kind, !groups.isEmpty else { return nil }
        let starts =
            bins.isExact
            ? Array(0..<bins.count) : merged(layout.floors(variable, of: known.tallies), groups)
        // One bin for everybody says no more than the count of people.
        guard bins.isExact || starts.count > 1 else { return nil }
        return TableHistogram(variable: variable, groups: groups, starts: starts)
    }

    /// Neighbouring bins merged from the left until the floors show enough people of each group in each; the rest joins the last.
    private func merged(_ floors: [[Double]], _ groups: [Int]) -> [Int] {
        var starts: [Int] = []
        var start = 0
        var sums = [Double](repeating: 0, count: groups.count)
        for bin in floors.first?.indices ?? 0..<0 {
            for (index, group) in groups.enumerated() { sums[index] += floors[group][bin] }
            guard sums.allSatisfy({ $0 >= Double(smallestCell) }) else { continue }
            starts.append(start)
            (start, sums) = (bin + 1, sums.map { _ in 0 })
        }
        return starts
    }

    private mutating func takeHistograms(_ answer: [Double]) throws {
        var rest = answer[...]
        for histogram in known.histograms {
            for group in histogram.groups {
                let counts = Array(rest.prefix(histogram.starts.count))
                rest = rest.dropFirst(counts.count)
                let cell = TableCell(variable: histogram.variable, group: group)
                guard counts.allSatisfy({ $0 >= 0 && $0 == $0.rounded() }),
                    counts.reduce(0, +) == Double(known.people(cell))
                else {
                    throw StudyError.sums("the hospitals' counts by value do not add up to their tallies")
                }
                known.counts[cell] = counts
            }
        }
    }

    /// From sums on the dictionary's range scaled to [-1, 1].
    private func means(_ sums: [Double]) -> [TableCell: Double] {
        var means: [TableCell: Double] = [:]
        for (cell, sum) in zip(known.cells, sums) {
            guard case .number(let range, _) = table.variables[cell.variable].kind else { continue }
            means[cell] = range.middle + range.half * (sum / Double(known.people(cell)))
        }
        return means
    }

    private var result: DescriptionResult {
        let tabulation = Tabulation(table: table, known: known, smallestCell: smallestCell)
        return DescriptionResult(
            id: plan.id, counts: counts, by: table.by?.text, groups: table.by == nil ? [] : table.groups,
            smallestCell: smallestCell, people: tabulation.people, variables: tabulation.variables,
            warnings: [])
    }
}

/// What is known of a table so far, from verified sums.
struct TableKnowledge: Sendable {
    private let layout: TallyLayout
    var tallies: [Double] = []
    /// Numbers by group that enough people have.
    var cells: [TableCell] = []
    var histograms: [TableHistogram] = []
    var means: [TableCell: Double] = [:]
    /// Σ(x − mean)², in units of half the dictionary's range.
    var squares: [TableCell: Double] = [:]
    /// People by value or merged bin.
    var counts: [TableCell: [Double]] = [:]

    init(_ table: DescriptionPlan) { layout = TallyLayout(table) }

    /// Takes Σ(x − center)² and Σ(x − center) about the mean as it was computed, which rounding has moved a little.
    ///
    /// So the mean of a constant is that constant to the last digit, and its standard deviation 0.
    mutating func take(squares: Double, distances: Double, of cell: TableCell, in table: DescriptionPlan) {
        guard case .number(let range, _) = table.variables[cell.variable].kind, let mean = means[cell] else {
            return
        }
        let shift = distances / Double(people(cell))
        means[cell] = mean + range.half * shift
        let spread = squares - shift * distances
        self.squares[cell] = spread > Self.tolerance * squares ? spread : 0
    }

    /// Less of the squares than this is left by rounding alone.
    private static let tolerance = 1e-12

    /// People whose value is known.
    func people(_ cell: TableCell) -> Int { Int(layout.known(cell.variable, of: tallies)[cell.group]) }

    func known(_ variable: Int) -> [Int] { layout.known(variable, of: tallies).map { Int($0) } }

    func levels(_ variable: Int) -> [[Double]] { layout.levels(variable, of: tallies) }

    var groupSizes: [Int] { tallies.prefix(layout.groups).map { Int($0) } }
}

extension DescriptionPlan {
    package func course(
        _ plan: AnalysisPlan, counts: CohortCounts, privacy: StudyFile.Privacy
    ) -> any AnalysisCourse {
        DescriptionCourse(plan, self, counts: counts, smallestCell: privacy.smallestCell)
    }
}
