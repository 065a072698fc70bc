import Survival

/// Rows that leave in each part of some cells of time, and where in it: a search for exact times asks it round after round.
package struct TimesQuestion: Question {
    package static let name = "times"

    package var cells: TimeCells

    package init(_ cells: TimeCells) { self.cells = cells }

    package static func summation(in plan: AnalysisPlan) -> Summation {
        Summation(people: .exits, functions: [.one, .times], isIndexedByTime: true)
    }

    package static func words(in plan: AnalysisPlan) -> String {
        "how many rows leave in each of many short parts of the time axis, and where in it, in ever shorter parts until every time at which someone leaves is known; asked for two rounds or more"
    }

    package var coordinates: Coordinates? { nil }
    package var beta: [Double]? { nil }

    package func numberCount(in plan: AnalysisPlan) -> Int { 3 * cells.partCount }

    package func labels(in plan: AnalysisPlan) -> [String] {
        cells.cells.flatMap { cell in
            (0..<cell.parts).flatMap { part in
                let place = "from \(cell.boundary(part)) to \(cell.boundary(part + 1))"
                return ["rows that leave \(place)", "their places \(place)", "squares of places \(place)"]
            }
        }
    }

    package func write(to bytes: inout QuestionBytes) {
        for cell in cells.cells { bytes.append([cell.lower, cell.upper, Double(cell.parts)]) }
    }

    package func answer(from site: SiteAnalysis) -> [Double] { cells.sums(of: site.cases.exit) }
}

/// Cells of the time axis, each cut into parts; the answer says how many leave in each part, and where in it.
package struct TimeCells: Hashable, Sendable {
    package struct Cell: Hashable, Sendable {
        package var lower: Double
        package var upper: Double
        package var parts: Int

        package init(lower: Double, upper: Double, parts: Int) {
            (self.lower, self.upper, self.parts) = (lower, upper, parts)
        }

        /// Where part k begins; the last ends at `upper`.
        func boundary(_ part: Int) -> Double {
            part == parts ? upper : lower + (upper - lower) * (Double(part) / Double(parts))
        }
    }

    /// Ascending, not overlapping; parts are open at their upper ends.
    package var cells: [Cell]

    package init(cells: [Cell]) { self.cells = cells }

    /// Parts of all cells.
    package var partCount: Int { cells.reduce(0) { $0 + $1.parts } }

    /// For each part: rows that leave in it, Σu, Σu², u being their place in it from 0 to 1.
    ///
    /// Adds up over sites.
    package func sums(of times: [Double]) -> [Double] {
        var sums = Array(repeating: 0.0, count: 3 * partCount)
        var (offsets, offset) = ([Int](), 0)
        for cell in cells {
            offsets.append(offset)
            offset += cell.parts
        }
        for time in times {
            let after = cells.firstIndexSorted { $0.lower > time }
            guard after > 0, time < cells[after - 1].upper else { continue }
            let cell = cells[after - 1]
            let part = Self.part(of: time, in: cell)
            let (lower, upper) = (cell.boundary(part), cell.boundary(part + 1))
            let place = (time - lower) / (upper - lower)
            let lane = 3 * (offsets[after - 1] + part)
            sums[lane] += 1
            sums[lane + 1] += place
            sums[lane + 2] += place * place
        }
        return sums
    }

    /// The part whose boundaries, as doubles, enclose a time of the cell.
    private static func part(of time: Double, in cell: Cell) -> Int {
        let guess = (time - cell.lower) / (cell.upper - cell.lower) * Double(cell.parts)
        var part = min(max(Int(guess), 0), cell.parts - 1)
        while part > 0, time < cell.boundary(part) { part -= 1 }
        while part < cell.parts - 1, time >= cell.boundary(part + 1) { part += 1 }
        return part
    }
}
