/// Quantiles of a number from how many people have each value, or are in each bin.
package enum Quantile {
    /// R's default, `quantile(type = 7)`: between the two values whose ranks enclose 1 + (n − 1)·share.
    ///
    /// NaN for nobody. `values` ascend, and `counts` are of people with them.
    package static func ofValues(_ values: [Double], counts: [Double], share: Double) -> Double {
        let n = counts.reduce(0, +)
        guard n > 0 else { return .nan }
        let rank = (n - 1) * share
        // A rank that is whole but for rounding is whole, as in R.
        let below = (rank + 4 * Double.ulpOfOne * max(rank, 1)).rounded(.down)
        let rest = rank - below
        let first = value(atRank: below, values, counts)
        guard rest > 4 * Double.ulpOfOne * max(rank, 1) else { return first }
        return (1 - rest) * first + rest * value(atRank: below + 1, values, counts)
    }

    /// The value of a rank, counted from 0.
    private static func value(atRank rank: Double, _ values: [Double], _ counts: [Double]) -> Double {
        var seen = 0.0
        for (value, count) in zip(values, counts) {
            seen += count
            if rank < seen { return value }
        }
        return values.last ?? .nan
    }

    /// As if the people of a bin were spread evenly over it: a linear rise of the distribution function.
    ///
    /// NaN for nobody. Bin i holds values from `edges[i]` up to `edges[i + 1]`.
    package static func inBins(_ edges: [Double], counts: [Double], share: Double) -> Double {
        let target = counts.reduce(0, +) * share
        guard target > 0 else { return .nan }
        var seen = 0.0
        for (bin, count) in counts.enumerated() where count > 0 {
            if seen + count >= target {
                return edges[bin] + (edges[bin + 1] - edges[bin]) * (target - seen) / count
            }
            seen += count
        }
        return edges.last ?? .nan
    }
}
