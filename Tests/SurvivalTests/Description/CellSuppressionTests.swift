import ReferenceStudies
import Testing

@testable import Survival

/// Which cells of a table are withheld; an attacker in the test works out what can be worked out.
struct CellSuppressionTests {
    @Test func `a table without small cells is shown as it is`() {
        let suppression = CellSuppression(counts: [[30, 10, 20], [25, 0, 25]], smallest: 10)
        #expect(!suppression.isAnyWithheld)
    }

    @Test func `the only small cell of a column takes the next smallest with it`() {
        let suppression = CellSuppression(counts: [[40], [3], [12], [25]], smallest: 10)
        #expect(suppression.isWithheld == [[false], [true], [true], [false]])
    }

    @Test func `two cells that are small together take a third with them`() {
        let suppression = CellSuppression(counts: [[40], [1], [1], [25]], smallest: 10)
        #expect(suppression.isWithheld == [[false], [true], [true], [true]])
    }

    /// All, then two groups: the small cell hides in a square of the cheapest row and column.
    @Test func `a small cell of two groups is hidden in a square`() {
        let suppression = CellSuppression(counts: [[43, 3, 40], [90, 50, 40], [30, 18, 12]], smallest: 10)
        #expect(
            suppression.isWithheld == [[false, true, true], [false, false, false], [false, true, true]])
    }

    @Test(arguments: 1...400)
    func `no withheld cell of a random table follows from the others`(seed: Int) {
        var random = SeededGenerator(UInt64(seed))
        let (levels, groups) = (Int.random(in: 2...5, using: &random), Int.random(in: 0...4, using: &random))
        let counts = (0..<levels).map { _ in
            let own = (0..<max(groups, 1)).map { _ in
                Bool.random(using: &random)
                    ? Int.random(in: 0...14, using: &random) : Int.random(in: 10...60, using: &random)
            }
            return groups == 0 ? own : [own.reduce(0, +)] + own
        }
        let suppression = CellSuppression(counts: counts, smallest: 10)
        for (row, cells) in counts.enumerated() {
            for (column, count) in cells.enumerated() where count > 0 && count < 10 {
                #expect(suppression.isWithheld[row][column])
            }
        }
        #expect(Attacker(counts, suppression.isWithheld).determined.isEmpty, "\(counts)")
    }

    /// Solves the sums of rows and columns for the withheld cells.
    private struct Attacker {
        /// Cells whose value the equations fix.
        private(set) var determined: [Int] = []

        init(_ counts: [[Int]], _ isWithheld: [[Bool]]) {
            let (rows, columns) = (counts.count, counts[0].count)
            var cells: [(Int, Int)] = []
            for row in 0..<rows {
                for column in 0..<columns where isWithheld[row][column] { cells.append((row, column)) }
            }
            var equations = (0..<columns).map { column in cells.map { $0.1 == column ? 1.0 : 0 } }
            if columns > 1 {
                equations += (0..<rows).map { row in cells.map { $0.0 != row ? 0 : $0.1 == 0 ? -1 : 1 } }
            }
            determined = cells.indices.filter { Self.fixes(equations, $0) }
        }

        /// Whether a cell's unit vector is a combination of the equations.
        private static func fixes(_ equations: [[Double]], _ cell: Int) -> Bool {
            let unit = equations[0].indices.map { $0 == cell ? 1.0 : 0 }
            return rank(equations) == rank(equations + [unit])
        }

        private static func rank(_ rows: [[Double]]) -> Int {
            var (rows, rank) = (rows, 0)
            for column in rows[0].indices {
                guard let pivot = rows[rank...].firstIndex(where: { abs($0[column]) > 1e-9 }) else {
                    continue
                }
                rows.swapAt(rank, pivot)
                for other in rows.indices where other != rank {
                    let factor = rows[other][column] / rows[rank][column]
                    for index in rows[other].indices { rows[other][index] -= factor * rows[rank][index] }
                }
                rank += 1
                if rank == rows.count { break }
            }
            return rank
        }
    }
}
