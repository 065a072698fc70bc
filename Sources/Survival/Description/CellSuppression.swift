/// Which cells of a table of counts are withheld, so that no small one can be read or worked out.
///
/// Rows are levels. Columns are all people, then the groups; with groups, all people's count of a row is the sum of the
/// groups', and the sum of each column is known (people whose value is known). A cell with 1 to `smallest` − 1 people is withheld. Then more
/// cells are, until no withheld one follows from the others: the withheld cells of a two-way table are edges between
/// their row and their column, and one is determined exactly if it lies on no cycle of them (Gusfield 1988). The withheld
/// people of a column, and of a row, also are at least `smallest` together, where there are others to withhold.
package struct CellSuppression: Sendable {
    /// By row and column.
    package private(set) var isWithheld: [[Bool]]
    private let counts: [[Int]]
    private let smallest: Int

    package init(counts: [[Int]], smallest: Int) {
        (self.counts, self.smallest) = (counts, smallest)
        isWithheld = counts.map { row in row.map { $0 > 0 && $0 < smallest } }
        guard isWithheld.contains(where: { $0.contains(true) }) else { return }
        repeat {
            while protectFirstDetermined() {}
        } while fillFirstThinLine()
    }

    package var isAnyWithheld: Bool { isWithheld.contains { $0.contains(true) } }

    private var rows: Range<Int> { counts.indices }
    private var columns: Range<Int> { 0..<(counts.first?.count ?? 0) }
    /// One column has no sums across.
    private var isOneWay: Bool { columns.count == 1 }

    // MARK: - Determined cells

    /// Withholds more for the sake of one cell that follows from the others; false if there is none.
    private mutating func protectFirstDetermined() -> Bool {
        for row in rows {
            for column in columns where isWithheld[row][column] && isDetermined(row, column) {
                if withholdPartners(of: row, column) { return true }
            }
        }
        return false
    }

    private func isDetermined(_ row: Int, _ column: Int) -> Bool {
        isOneWay
            ? rows.count { isWithheld[$0][0] } == 1 : !isConnected(row, column, without: (row, column))
    }

    /// Whether withheld cells lead from a row to a column without using one of them.
    private func isConnected(_ row: Int, _ column: Int, without cell: (Int, Int)) -> Bool {
        var seenRows: Set<Int> = [row]
        var seenColumns: Set<Int> = []
        var waiting = [row]
        while let next = waiting.popLast() {
            for across in columns
            where isWithheld[next][across] && (next, across) != cell && !seenColumns.contains(across) {
                seenColumns.insert(across)
                for down in rows
                where isWithheld[down][across] && (down, across) != cell && seenRows.insert(down).inserted {
                    waiting.append(down)
                }
            }
        }
        return seenColumns.contains(column)
    }

    /// Withholds the fewest further people that put the cell on a cycle of four; false if there is no other row or column.
    private mutating func withholdPartners(of row: Int, _ column: Int) -> Bool {
        if isOneWay {
            guard let partner = cheapest(rows.filter { !isWithheld[$0][0] }.map { ($0, 0) }) else {
                return false
            }
            withhold([partner])
            return true
        }
        var best: (cost: Int, cells: [(Int, Int)])?
        for other in rows where other != row {
            for across in columns where across != column {
                let cells = [(row, across), (other, column), (other, across)]
                let cost = cells.reduce(0) { $0 + self.cost($1) }
                if cost < best?.cost ?? .max { best = (cost, cells) }
            }
        }
        guard let best else { return false }
        withhold(best.cells)
        return true
    }

    // MARK: - Thin lines

    /// Withholds one more cell of a row or column whose withheld people are fewer than `smallest`; false if there is none.
    private mutating func fillFirstThinLine() -> Bool {
        let down = columns.map { column in rows.map { ($0, column) } }
        let across = isOneWay ? [] : rows.map { row in columns.dropFirst().map { (row, $0) } }
        for line in down + across {
            let withheld = line.filter { isWithheld[$0.0][$0.1] }
            guard !withheld.isEmpty, withheld.reduce(0, { $0 + counts[$1.0][$1.1] }) < smallest else {
                continue
            }
            let others = line.filter { !isWithheld[$0.0][$0.1] && counts[$0.0][$0.1] > 0 }
            guard let next = cheapest(others) else { continue }
            withhold([next])
            return true
        }
        return false
    }

    private func cheapest(_ cells: [(Int, Int)]) -> (Int, Int)? {
        cells.min { cost($0) < cost($1) }
    }

    /// People whose count would be lost; an empty cell hides little, so it is the last resort.
    private func cost(_ cell: (Int, Int)) -> Int {
        if isWithheld[cell.0][cell.1] { return 0 }
        let count = counts[cell.0][cell.1]
        return count > 0 ? count : 1_000_000_000
    }

    private mutating func withhold(_ cells: [(Int, Int)]) {
        for (row, column) in cells { isWithheld[row][column] = true }
    }
}
