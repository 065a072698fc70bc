/// The share of people who are not censored up to a time, G: what weighs those who had a competing event (Fine and Gray,
/// JASA 1999).
///
/// A product limit in which events come before censorings of the same time, over the rows of all sites and strata; as R's
/// `finegray()`.
package struct CensoringCurve: Sendable, Hashable, Codable {
    /// Times at which someone is censored, ascending.
    package let times: [Double]
    /// G just after each of them.
    package let values: [Double]

    package init(times: [Double], values: [Double]) {
        precondition(times.count == values.count, "a value for each time")
        (self.times, self.values) = (times, values)
    }

    /// From the counts of all causes together.
    package init(_ counts: ExitCounts) {
        var (times, values, share) = ([Double](), [Double](), 1.0)
        for (index, present) in counts.atRisk.enumerated() where counts.censored[index] > 0 {
            share *= 1 - counts.censored[index] / (present - counts.events[index])
            times.append(counts.times[index])
            values.append(share)
        }
        self.init(times: times, values: values)
    }

    /// G(t−).
    func before(_ time: Double) -> Double { value(times.firstIndexSorted { $0 >= time }) }

    /// G(t).
    func after(_ time: Double) -> Double { value(times.firstIndexSorted { $0 > time }) }

    private func value(_ count: Int) -> Double { count == 0 ? 1 : values[count - 1] }
}
