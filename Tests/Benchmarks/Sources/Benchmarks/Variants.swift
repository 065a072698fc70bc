import Foundation
import Survival

/// What late entry, weights and strata cost beside the same rows without them, and how time grows with the rows.
struct Variants {
    private let rows: MadeUpRows

    init(_ rows: MadeUpRows) { self.rows = rows }

    /// One line: each variant's time over the plain one's, a median of rounds in which they take turns.
    func line() throws -> String {
        let names = ["late entry", "weights", "strata"]
        let plain = PartialLikelihood(try rows.survivalData(), ties: .efron, threads: 1)
        let others = try [
            rows.survivalData(entry: rows.lateEntries),
            rows.survivalData(weight: rows.unequalWeights),
            rows.survivalData(stratum: rows.tenStrata),
        ].map { PartialLikelihood($0, ties: .efron, threads: 1) }
        var times = [[Double]](repeating: [], count: others.count + 1)
        for _ in 0..<9 {
            for (index, likelihood) in ([plain] + others).enumerated() {
                times[index].append(try measure { _ = try likelihood.evaluate(at: rows.beta) })
            }
        }
        let base = median(times[0])
        let costs = zip(names, times.dropFirst()).map { name, used in
            "\(name) \(String(format: "%.2f", median(used) / base))x"
        }
        return costs.joined(separator: ", ")
    }

    /// Nanoseconds of an evaluation for each row.
    static func nanosecondsPerRow(rowCount: Int, columnCount: Int) throws -> Double {
        let rows = MadeUpRows(rowCount: rowCount, columnCount: columnCount, isTied: true)
        let likelihood = PartialLikelihood(try rows.survivalData(), ties: .efron, threads: 1)
        let times = try (0..<5).map { _ in try measure { _ = try likelihood.evaluate(at: rows.beta) } }
        return 1e9 * median(times) / Double(rowCount)
    }
}

extension MadeUpRows {
    /// Half of the patients enter late, at a time before their exit.
    fileprivate var lateEntries: [Double] {
        time.indices.map { $0 % 2 == 0 ? 0 : time[$0] * Double($0 % 97) / 98 }
    }

    fileprivate var unequalWeights: [Double] { time.indices.map { 0.5 + Double($0 % 11) / 10 } }

    fileprivate var tenStrata: [Int32] { time.indices.map { Int32($0 % 10) } }
}
