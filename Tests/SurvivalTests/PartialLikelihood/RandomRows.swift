import ReferenceStudies
import Testing

@testable import Survival

/// Rows made up from a seed, with the features that a test asks for.
struct RandomRows: CustomTestStringConvertible, Sendable {
    var rows = 300
    var columns = 3
    /// Times are whole numbers up to this; nil for times that all differ.
    var distinctTimes: Int? = 20
    var strata = 1
    var hasEntry = false
    var hasWeights = false
    var hasOffset = false
    var eventShare = 0.5

    var testDescription: String {
        let features = [(hasEntry, "entry"), (hasWeights, "weights"), (hasOffset, "offset")].filter(\.0).map(
            \.1)
        let times = distinctTimes.map { "\($0) times" } ?? "no ties"
        return (["\(rows)x\(columns)", times, "\(strata) strata"] + features).joined(separator: ", ")
    }

    func beta() -> [Double] {
        (0..<columns).map { [0.4, -0.7, 0.2, 0.9, -0.3][$0 % 5] / Double(1 + $0 / 5) }
    }

    func data(seed: UInt64 = 1) throws -> SurvivalData {
        var generator = SeededGenerator(seed)
        func uniform() -> Double { Double.random(in: 0..<1, using: &generator) }
        let exit = (0..<rows).map { _ in
            distinctTimes.map { (uniform() * Double($0)).rounded(.down) + 1 } ?? 0.001 + uniform()
        }
        // Half enter at time 0, which is before every event; the others late, often where someone dies.
        let entry = exit.map { exit in
            if uniform() < 0.5 { return 0.0 }
            return distinctTimes == nil ? exit * uniform() : ((exit - 1) * uniform()).rounded(.up)
        }
        return try SurvivalData(
            entry: hasEntry ? zip(entry, exit).map { $0 < $1 ? $0 : 0 } : nil, exit: exit,
            event: exit.map { _ in uniform() < eventShare },
            weight: hasWeights ? exit.map { _ in 0.5 + uniform() } : nil,
            offset: hasOffset ? exit.map { _ in uniform() - 0.5 } : nil,
            stratum: strata > 1
                ? exit.map { _ in Int32.random(in: 0..<Int32(strata), using: &generator) } : nil,
            columns: (0..<columns).map { index in exit.map { _ in uniform() * 2 - Double(index) } },
            mergesNearTies: false)
    }

    /// A walk over the features: every one with and without, sizes on both sides of a block of 256 rows.
    static let variety: [RandomRows] = {
        let sizes = [1, 2, 17, 255, 256, 257, 520, 900]
        let columns = [1, 2, 3, 4, 5, 6, 9, 11, 13]
        let times: [Int?] = [nil, 3, 20, 150]
        let strata = [1, 1, 2, 7, 100]
        return (0..<60).map { index in
            RandomRows(
                rows: sizes[index % 8], columns: columns[index % 9], distinctTimes: times[index / 2 % 4],
                strata: strata[index % 5], hasEntry: index % 3 == 1, hasWeights: index / 3 % 2 == 1,
                hasOffset: index / 5 % 2 == 1, eventShare: [0.5, 0.1, 0.9][index / 4 % 3])
        }
    }()
}
