/// Ascending times, agreed between sites, on which a site places its own.
///
/// A time within rounding of a grid time (R's tolerance, see `TiedTimes`) is that grid time: a site may have computed 0.3 as
/// 3 × 0.1.
struct TimeGrid: Hashable, Sendable {
    let times: [Double]
    private let tolerance: Double

    init(_ times: [Double]) {
        let mean = times.reduce(0) { $0 + abs($1) } / Double(max(times.count, 1))
        (self.times, self.tolerance) = (times, TiedTimes.tolerance * max(1, mean))
    }

    /// The first grid time at or after `time`; `times.count` if there is none.
    func index(atOrAfter time: Double) -> Int { times.firstIndexSorted { $0 >= time - tolerance } }

    /// The first grid time after `time`; `times.count` if there is none.
    func index(after time: Double) -> Int { times.firstIndexSorted { $0 > time + tolerance } }

    /// The grid time that `time` is, if it is one.
    func index(of time: Double) -> Int? {
        let index = index(atOrAfter: time)
        return index < times.count && times[index] <= time + tolerance ? index : nil
    }
}
