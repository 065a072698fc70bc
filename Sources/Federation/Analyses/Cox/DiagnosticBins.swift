import Survival

/// Cells of equal width over the range that a dictionary allows a number, before any patient is looked at.
///
/// Where the number's resolution gives few values, each has a cell of its own.
package struct CovariateCells: Hashable, Sendable {
    package let lower: Double
    package let width: Double
    package let count: Int

    /// More would show single values of a number in the sum over all hospitals.
    package static let countMax = 50

    /// Nil if the range is not finite, or a point.
    package init?(bounds: ClosedRange<Double>, resolution: Double?) {
        let length = bounds.upperBound - bounds.lowerBound
        guard length.isFinite, length > 0 else { return nil }
        lower = bounds.lowerBound
        let values = resolution.map { (length / $0).rounded() + 1 } ?? .infinity
        if let resolution, values < 1e9 {
            let valuesInCell = (values / Double(Self.countMax)).rounded(.up)
            width = valuesInCell * resolution
            count = Int((values / valuesInCell).rounded(.up))
        } else {
            width = length / Double(Self.countMax)
            count = Self.countMax
        }
    }

    /// The cell of a value; its lower end belongs to it, but for rounding.
    package func cell(of value: Double) -> Int32 {
        let steps = ((value - lower) / width + 1e-9).rounded(.down)
        return Int32(min(max(steps, 0), Double(count - 1)))
    }

    package func edge(_ index: Int) -> Double { lower + width * Double(index) }
}

/// The bins over which residuals are added up: cells of covariates and of the time axis, merged by counts over all hospitals so that
/// each holds enough.
package struct DiagnosticBins: Hashable, Sendable {
    /// For each covariate its merged cells, and the people in each; none if all cells together hold too few.
    package var covariates: [Merged]
    /// Positions of the time axis, merged, and the events in each bin; nil if not asked for, or if there are too few.
    package var times: Merged?

    package struct Merged: Hashable, Sendable {
        package var ranges: [Range<Int>]
        package var counts: [Int]

        /// About `bins` bins of at least `smallest`; none if there are fewer than that in all.
        init(_ counts: [Int], bins: Int, smallest: Int) {
            let total = counts.reduce(0, +)
            let share = (total + bins - 1) / bins
            ranges =
                total < smallest || total == 0
                ? [] : MergedIntervals(exits: counts, smallest: max(smallest, share)).ranges
            self.counts = ranges.map { counts[$0].reduce(0, +) }
        }

        /// The bin of a cell.
        package func bin(of cell: Int) -> Int { ranges.firstIndex { $0.contains(cell) } ?? 0 }
    }

    /// Numbers in an answer.
    package func laneCount(columns: Int) -> Int {
        covariates.reduce(0) { $0 + 4 * $1.ranges.count } + (times?.ranges.count ?? 0) * (1 + columns)
    }
}
