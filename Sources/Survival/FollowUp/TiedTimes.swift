/// Merges times that differ by rounding only, by R's rule (`survival::aeqSurv`, on by default as `timefix`).
///
/// All distinct times are sorted; neighbours closer than √ε = 1.49e-8, absolutely or relative to the mean of the distinct
/// absolute times, merge, in chains, to the smallest of the chain. Very small units therefore merge different times.
/// A site that has only some of the rows is told the mean over all of them, so that its ties do not depend on which it has.
package struct TiedTimes: Sendable {
    /// The times that stay, ascending.
    private let kept: [Double]
    private let changesNothing: Bool

    /// √ε.
    package static let tolerance = 0x1p-26

    /// `mean` is that of the absolute times of all sites; without, that of the distinct times given.
    package init(merging times: some Sequence<Double>, mean: Double? = nil) {
        let distinct = Set(times).sorted()
        kept = Self.chains(of: distinct, mean: mean).map(\.lowerBound)
        changesNothing = kept.count == distinct.count
    }

    /// The smallest and the largest of each chain of distinct ascending times that merge.
    package static func chains(of distinct: [Double], mean: Double? = nil) -> [ClosedRange<Double>] {
        let mean = mean ?? distinct.reduce(0) { $0 + abs($1) } / Double(max(distinct.count, 1))
        var chains: [ClosedRange<Double>] = []
        for (index, time) in distinct.enumerated() {
            let gap = index == 0 ? .infinity : time - distinct[index - 1]
            if gap > tolerance && gap / mean > tolerance || index == 0 {
                chains.append(time...time)
            } else if let last = chains.popLast() {
                chains.append(last.lowerBound...time)
            }
        }
        return chains
    }

    /// The time that stands for `time`, one of those given at the start.
    package func callAsFunction(_ time: Double) -> Double {
        if changesNothing { return time }
        let above = kept.firstIndexSorted { $0 > time }
        return above == 0 ? time : kept[above - 1]
    }
}

extension Array {
    /// The first index whose element satisfies a predicate that is false up to some place and true from there on.
    package func firstIndexSorted(where predicate: (Element) -> Bool) -> Int {
        var (low, high) = (0, count)
        while low < high {
            let middle = (low + high) / 2
            if predicate(self[middle]) { high = middle } else { low = middle + 1 }
        }
        return low
    }
}
