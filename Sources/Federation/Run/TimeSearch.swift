import Survival

/// Finds the times at which the rows of all hospitals leave, from sums over ever finer cells.
///
/// A part in which one row leaves tells its time, one whose rows have no spread theirs; others are cut further. It ends after a
/// few rounds, since parts narrower than R's rule for equal times (see `TiedTimes`) are not cut. What becomes known are the
/// times of all rows, as with exact times on a known axis.
struct TimeSearch: Sendable {
    private(set) var cells: TimeCells
    private var found: [Double] = []
    private let rows: Int
    /// A thousandth of the width within which R takes times for equal; nil before the first sum.
    private var resolution: Double?

    /// Rounding of Σu and Σu² in a place between 0 and 1.
    private static let rounding = 2e-8
    private static let partsMax = 65_536

    /// `range` are the bounds of the time that the dictionary gives.
    init(range: ClosedRange<Double>, rows: Int) {
        self.rows = rows
        // The cells are open at their upper ends.
        let upper = max(range.upperBound.nextUp, range.lowerBound + 1e-300)
        cells = TimeCells(cells: [
            .init(lower: range.lowerBound, upper: upper, parts: min(max(4 * rows, 16), Self.partsMax))
        ])
    }

    /// Takes the summed answer; the times once all are found.
    mutating func receive(_ sum: [Double]) throws(StudyError) -> FoundTimes? {
        guard sum.count == 3 * cells.partCount, sum.allSatisfy({ $0 >= 0 && $0.isFinite }) else {
            throw .sums("the hospitals' counts of rows by time are no counts")
        }
        var (parts, lane) = ([Part](), 0)
        for cell in cells.cells {
            for part in 0..<cell.parts {
                defer { lane += 3 }
                guard sum[lane] > 0 else { continue }
                parts.append(
                    Part(
                        lower: cell.boundary(part), upper: cell.boundary(part + 1), count: sum[lane],
                        sum: sum[lane + 1], square: sum[lane + 2]))
            }
        }
        try take(parts)
        return cells.cells.isEmpty ? FoundTimes(found) : nil
    }

    private mutating func take(_ parts: [Part]) throws(StudyError) {
        let resolution = if let known = self.resolution { known } else { try first(parts) }
        self.resolution = resolution
        var open: [TimeCells.Cell] = []
        for part in parts {
            guard part.count == part.count.rounded(), part.sum <= part.count * (1 + 1e-9) else {
                throw .sums("the hospitals' counts of rows by time are no counts")
            }
            if part.isSettled(resolution, rounding: Self.rounding) {
                found.append(part.time)
            } else {
                open.append(
                    .init(lower: part.lower, upper: part.upper, parts: min(max(2 * Int(part.count), 4), 1024))
                )
            }
        }
        guard found.count + open.count <= rows else {
            throw .sums("the hospitals' counts of rows by time do not add up to their rows")
        }
        cells = TimeCells(cells: open)
    }

    /// The first sum must have every row; it tells the size of the times.
    private func first(_ parts: [Part]) throws(StudyError) -> Double {
        guard parts.reduce(0, { $0 + $1.count }) == Double(rows) else {
            throw .sums("the hospitals' counts of rows by time do not add up to their rows")
        }
        let size = parts.reduce(0) { $0 + $1.count * abs($1.time) } / Double(max(rows, 1))
        return TiedTimes.tolerance * max(1, size) / 1000
    }

    private struct Part {
        var lower: Double
        var upper: Double
        var count: Double
        var sum: Double
        var square: Double

        var time: Double { lower + (upper - lower) * (sum / count) }

        /// One row, or rows that lie so close together that they are one time.
        func isSettled(_ resolution: Double, rounding: Double) -> Bool {
            let width = upper - lower
            let mean = sum / count
            let spread = max(0, square / count - mean * mean).squareRoot()
            let middle = lower + width / 2
            return count == 1 || width <= resolution || middle <= lower || middle >= upper
                || width * (spread + rounding) * (2 * count).squareRoot() <= resolution
        }
    }
}

/// Times at which someone leaves, with those that R takes for equal in one chain; and times that a study asks about.
package struct FoundTimes: Hashable, Sendable {
    /// The smallest and the largest time of each chain, ascending.
    private(set) var chains: [ClosedRange<Double>]
    private let tolerance: Double

    /// Times in any order, each known to a thousandth of the tolerance of R's rule or better.
    package init(_ times: [Double]) {
        let decimal = Set(times.map(Self.decimal)).sorted()
        chains = TiedTimes.chains(of: decimal)
        let mean = decimal.reduce(0) { $0 + abs($1) } / Double(max(decimal.count, 1))
        tolerance = TiedTimes.tolerance * max(1, mean)
    }

    /// With further times, at which nobody leaves, so that entries before and after each can be told apart.
    func marked(at marks: [Double]) -> FoundTimes {
        var marked = self
        let new = Set(marks).filter { mark in
            !chains.contains { $0.lowerBound - tolerance <= mark && mark <= $0.upperBound + tolerance }
        }
        marked.chains = (chains + new.map { $0...$0 }).sorted { $0.lowerBound < $1.lowerBound }
        return marked
    }

    /// The number of 15 significant digits nearest to a time: most are written so, and rounding in the sums has gone.
    private static func decimal(_ time: Double) -> Double { time.rounded(toSignificantDigits: 15) }

    /// The chain that a time belongs to, or the first after it.
    func index(atOrAfter time: Double) -> Int {
        chains.firstIndexSorted { $0.upperBound >= time - tolerance / 100 }
    }

    /// Chains that begin at or before a time, within R's tolerance.
    func count(atOrBefore time: Double) -> Int {
        chains.firstIndexSorted { $0.lowerBound > time + tolerance }
    }

    /// A chain's time is its smallest, as in R; position 0 is before the first.
    func time(at position: Int) -> Double {
        guard position > 0 else { return (chains.first?.lowerBound ?? 0) - 1 }
        return chains[position - 1].lowerBound
    }
}

extension Double {
    /// The number of so many significant digits nearest to the shortest decimal that reads as this number.
    ///
    /// By the digits as text, since powers of ten are not exact; a tie becomes the even one.
    package func rounded(toSignificantDigits count: Int) -> Double {
        guard isFinite else { return self }
        let parts = description.split(separator: "e")
        guard let mantissa = parts.first else { return self }
        var (digits, scale, isFraction) = ([UInt8](), parts.count == 2 ? Int(parts[1]) ?? 0 : 0, false)
        for character in mantissa.utf8 {
            switch character {
            case UInt8(ascii: "."): isFraction = true
            case UInt8(ascii: "0")...UInt8(ascii: "9"):
                if isFraction { scale -= 1 }
                if !digits.isEmpty || character != UInt8(ascii: "0") { digits.append(character - 48) }
            default: break
            }
        }
        guard digits.count > count else { return self }
        var whole = digits[..<count].reduce(UInt64(0)) { 10 * $0 + UInt64($1) }
        let isTie = digits[count] == 5 && digits[(count + 1)...].allSatisfy { $0 == 0 }
        if isTie ? whole % 2 == 1 : digits[count] >= 5 { whole += 1 }
        let text = "\(sign == .minus ? "-" : "")\(whole)e\(scale + digits.count - count)"
        return Double(text) ?? self
    }
}
