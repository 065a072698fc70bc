package import Survival

/// Rows, people, events, rows dropped by variable, people by level; of a model also how many times and their sum.
package struct CountsQuestion: Question {
    package static let name = "counts"

    package init() {}

    package static func summation(in plan: AnalysisPlan) -> Summation {
        let layout = CountsLayout(plan)
        return Summation(
            people: plan.levels.isEmpty ? .analysis : .levels,
            functions: layout.hasTimes ? [.one, .times] : .one)
    }

    package static func words(in plan: AnalysisPlan) -> String {
        let layout = CountsLayout(plan)
        let levels = plan.levels.isEmpty ? "" : " and of each level"
        var words = ["rows, people, events, people with missing values\(levels)"]
        if layout.leavesOutOverlaps { words.append("rows left out because they overlap in time") }
        if plan.endpoint.landmark != nil { words.append("people not at risk at the landmark") }
        if !plan.spreadColumns.isEmpty {
            words.append("people who have a penalised covariate and are not in the analysis")
        }
        if layout.hasTimes { words.append("how many times there are, and their sum") }
        return words.joined(separator: "; ")
    }

    package var coordinates: Coordinates? { nil }
    package var beta: [Double]? { nil }

    package func numberCount(in plan: AnalysisPlan) -> Int { CountsLayout(plan).count }

    package func labels(in plan: AnalysisPlan) -> [String] {
        let layout = CountsLayout(plan)
        return ["rows", "people", "events", "rows left out for missing values"]
            + layout.droppedVariables.map { "rows without \($0)" }
            + layout.levels.map { "people with \($0.variable) = \($0.level)" }
            + (layout.leavesOutOverlaps ? ["rows left out that overlap in time"] : [])
            + (plan.endpoint.landmark == nil ? [] : ["people not at risk at the landmark"])
            + layout.spreadColumns.map { "people with \(plan.columnNames[$0]), not in the analysis" }
            + (layout.hasTimes ? ["times other than 0", "their sum"] : [])
    }

    package func write(to bytes: inout QuestionBytes) {}

    package func answer(from site: SiteAnalysis) -> [Double] {
        let (plan, cases) = (site.plan, site.cases)
        let layout = CountsLayout(plan)
        let dropped = layout.droppedVariables.map { cases.droppedByVariable[$0] ?? 0 }
        let numbers =
            [
                cases.rows.count, cases.peopleCount, cases.event.count { $0 },
                cases.cohortRowCount - cases.rows.count - cases.overlappingRowsLeftOut,
            ]
            + dropped + site.rows.levelCounts
            + (layout.leavesOutOverlaps ? [cases.overlappingRowsLeftOut] : [])
            + [cases.landmarkExcludedPeople].compactMap { $0 } + site.rows.spreadPeople
        return numbers.map { Double($0) } + (layout.hasTimes ? timeSums(plan, cases) : [])
    }

    /// How many entries and exits are not at 0, and the sum of their sizes, in units of the dictionary's range.
    private func timeSums(_ plan: AnalysisPlan, _ cases: CompleteCases) -> [Double] {
        let times = (cases.exit + (cases.entry ?? [])).filter { $0 != 0 }
        let unit = DictionaryRange(plan.timeBounds).half
        return [Double(times.count), min(times.reduce(0) { $0 + abs($1) / unit }, CountsLayout.timeSumMax)]
    }
}

/// Where each number of a `counts` answer stands.
package struct CountsLayout: Sendable {
    package let droppedVariables: [String]
    package let levels: [ModelSpecification.Level]
    private let landmark: Double?
    private let censorAt: Double?
    /// Whether rows are left out that overlap with an earlier one of the same person.
    let leavesOutOverlaps: Bool
    /// Columns of which `spread` takes in people who are not in the analysis.
    package let spreadColumns: [Int]
    /// Whether how many times there are and their sum is counted, too: where rows at a site are compared by time.
    package let hasTimes: Bool
    /// The unit of the sum of times.
    private let timeUnit: Double

    package init(_ plan: AnalysisPlan) {
        hasTimes = plan.kind.comparesRows
        timeUnit = DictionaryRange(plan.timeBounds).half
        droppedVariables = plan.neededVariables
        levels = plan.levels
        (landmark, censorAt) = (plan.endpoint.landmark, plan.endpoint.censorAt)
        spreadColumns = plan.spreadColumns
        leavesOutOverlaps = plan.people == .firstRow
    }

    /// rows, people, events, rows dropped, dropped by variable, people by level, rows left out because they overlap, people
    /// not at risk at the landmark, people that `spread` adds by column, times other than 0 and their sum.
    package var count: Int { spreadEnd + (hasTimes ? 2 : 0) }

    private var spreadEnd: Int {
        4 + droppedVariables.count + levels.count + (leavesOutOverlaps ? 1 : 0) + (landmark == nil ? 0 : 1)
            + spreadColumns.count
    }

    /// More rows than any consortium has; sums over so many could be formed, but a larger count is a mistake or a lie.
    static let rowsMax = 1e8

    /// A larger sum of times at a site is sent as this.
    static let timeSumMax = 0x1p50

    /// Throws unless the numbers can be counts: a hospital may send any, and everything later relies on them.
    package func counts(_ sum: [Double]) throws(StudyError) -> CohortCounts {
        let (rows, people, events) = (sum[0], sum[1], sum[2])
        let whole = hasTimes ? sum.dropLast() : sum[...]
        guard whole.allSatisfy({ $0 >= 0 && $0 <= Self.rowsMax && $0 == $0.rounded() }), people <= rows,
            events <= rows, sum.allSatisfy({ $0 >= 0 && $0.isFinite })
        else { throw .sums("the hospitals' counts of rows, people and events make no sense") }
        let dropped = sum[4..<(4 + droppedVariables.count)]
        var counts = CohortCounts(
            rows: Int(sum[0]), people: Int(sum[1]), events: Int(sum[2]), dropped: Int(sum[3]),
            droppedByVariable: Dictionary(
                zip(droppedVariables, dropped.map { Int($0) }), uniquingKeysWith: { first, _ in first }),
            landmark: landmark.map {
                .init(time: $0, excluded: Int(sum[spreadEnd - 1 - spreadColumns.count]))
            },
            censorAt: censorAt)
        if leavesOutOverlaps { counts.overlapping = Int(sum[4 + droppedVariables.count + levels.count]) }
        return counts
    }

    package func levelCounts(_ sum: [Double]) -> [Int] {
        sum[(4 + droppedVariables.count)...].prefix(levels.count).map { Int($0) }
    }

    package func spreadCounts(_ sum: [Double]) -> [Int] {
        sum[..<spreadEnd].suffix(spreadColumns.count).map { Int($0) }
    }

    /// The mean size of the times other than 0, over all sites; nil without any.
    ///
    /// R takes each time once that several rows have; that cannot be summed over sites, and a mean over rows does not depend on how
    /// rows are divided among them. Where no two rows share a time, the two are equal.
    package func meanTime(_ sum: [Double]) -> Double? {
        guard hasTimes, sum[count - 2] > 0, sum[count - 1] > 0 else { return nil }
        return sum[count - 1] / sum[count - 2] * timeUnit
    }
}
