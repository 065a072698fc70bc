/// The rows of one stratum in the order in which risk sets are built, and the times at which someone dies.
///
/// Rows are sorted by exit, latest first, those without event before the deaths of the same time. The risk set of a time is
/// then a prefix of the rows (less the rows that enter at or after it), and the same without the deaths is a shorter prefix.
struct RiskSets: Sendable {
    /// A time with deaths; `deathStart ..< rowEnd` are the deaths, `0 ..< rowEnd` everyone with an exit at or after it.
    struct EventPoint: Sendable {
        var time: Double
        var deathStart: Int
        var rowEnd: Int
        /// Rows in `byEntry` that enter at or after the time, hence are not at risk.
        var notEntered: Int
        /// Σ of the deaths' weights.
        var deathWeight: Double

        var deathCount: Int { rowEnd - deathStart }
    }

    /// Positions in the analysis's rows.
    let rows: [Int]
    /// Latest first.
    let points: [EventPoint]
    /// Positions in `rows`, latest entry first; empty if all are at risk from the beginning.
    let byEntry: [Int]
    /// For each of `rows`: the index of the latest event point at or before its exit, `points.count` if there is none.
    let exitPoint: [Int]
    /// The same for its entry; empty if all are at risk from the beginning.
    let entryPoint: [Int]

    /// One for each stratum that has a row, in order of the stratum's index.
    static func strata(of data: SurvivalData) -> [RiskSets] {
        guard let stratum = data.stratum else {
            return data.rowCount == 0 ? [] : [RiskSets(data, rows: Array(0..<data.rowCount))]
        }
        var rows: [Int32: [Int]] = [:]
        for row in 0..<data.rowCount { rows[stratum[row], default: []].append(row) }
        return rows.sorted { $0.key < $1.key }.map { RiskSets(data, rows: $0.value) }
    }

    /// The rows of one stratum.
    init(_ data: SurvivalData, rows unsorted: [Int]) {
        let (exit, event) = (data.exit, data.event)
        let rows = unsorted.sorted { left, right in
            if exit[left] != exit[right] { return exit[left] > exit[right] }
            return event[left] == event[right] ? left < right : event[right]
        }
        var byEntry: [Int] = []
        if let entry = data.entry { byEntry = rows.indices.sorted { entry[rows[$0]] > entry[rows[$1]] } }
        let points = Self.points(data, rows: rows, byEntry: byEntry)
        let firstAtOrBefore = { (time: Double) in points.firstIndexSorted { $0.time <= time } }
        self.exitPoint = rows.map { firstAtOrBefore(exit[$0]) }
        self.entryPoint = data.entry.map { entry in rows.map { firstAtOrBefore(entry[$0]) } } ?? []
        (self.rows, self.points, self.byEntry) = (rows, points, byEntry)
    }

    private static func points(_ data: SurvivalData, rows: [Int], byEntry: [Int]) -> [EventPoint] {
        var points: [EventPoint] = []
        var (start, notEntered) = (0, 0)
        while start < rows.count {
            let time = data.exit[rows[start]]
            var (end, deathStart) = (start, start)
            while end < rows.count, data.exit[rows[end]] == time {
                if !data.event[rows[end]] { deathStart = end + 1 }
                end += 1
            }
            if let entry = data.entry {
                while notEntered < byEntry.count, entry[rows[byEntry[notEntered]]] >= time { notEntered += 1 }
            }
            if deathStart < end {
                let weight = (deathStart..<end).reduce(0) { $0 + (data.weight?[rows[$1]] ?? 1) }
                points.append(
                    EventPoint(
                        time: time, deathStart: deathStart, rowEnd: end, notEntered: notEntered,
                        deathWeight: weight))
            }
            start = end
        }
        return points
    }
}
