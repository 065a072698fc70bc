/// Sums over the rows of each bin.
struct BinnedSums {
    private let bin: [Int]
    private let count: Int

    /// `bin` is that of each row.
    init(_ bin: [Int], count: Int) {
        (self.bin, self.count) = (bin, count)
    }

    /// Rows, people, events and expected events, bin by bin.
    func lanes(person: [Int32], event: [Bool], expected: [Double]) -> [Double] {
        var people = [Set<Int32>](repeating: [], count: count)
        var lanes = [Double](repeating: 0, count: 4 * count)
        guard count > 0 else { return lanes }
        for (row, bin) in bin.enumerated() {
            people[bin].insert(person[row])
            lanes[4 * bin] += 1
            lanes[4 * bin + 2] += event[row] ? 1 : 0
            lanes[4 * bin + 3] += expected[row]
        }
        for bin in 0..<count { lanes[4 * bin + 1] = Double(people[bin].count) }
        return lanes
    }

    /// Events, then the sums of `width` residuals of each row, bin by bin.
    func lanes(event: [Bool], residuals: [Double], width: Int) -> [Double] {
        var lanes = [Double](repeating: 0, count: (1 + width) * count)
        guard count > 0 else { return lanes }
        for (row, bin) in bin.enumerated() where event[row] {
            let start = bin * (1 + width)
            lanes[start] += 1
            for index in 0..<width { lanes[start + 1 + index] += residuals[row * width + index] }
        }
        return lanes
    }
}
