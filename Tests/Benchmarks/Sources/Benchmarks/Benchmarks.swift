import Foundation
import Survival

/// One evaluation of the partial likelihood (Efron), against R and against the machine's limits.
///
/// See README.md for the columns.
@main
enum Benchmarks {
    static let header = [
        "rows", "p", "times", "ours ms", "R ms", "R/ours", "GFLOP/s", "GB/s", "of limit", "2 threads",
        "memory",
    ]
    static let peers = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "Peers")

    static func main() throws {
        if CommandLine.arguments.contains("loading") { return try Loading.run() }
        if CommandLine.arguments.contains("fits") { return try WholeFits.run() }
        let largest = CommandLine.arguments.dropFirst().first.flatMap(Int.init) ?? 1_000_000
        let file = FileManager.default.temporaryDirectory.appending(path: "benchmark-\(getpid()).bin")
        defer { try? FileManager.default.removeItem(at: file) }  // a temporary file
        let r = RSession(script: peers.appending(path: "survival.R"))
        print(
            "instructions: \(InstructionSet.best); peer: \(r?.version ?? "R survival is not installed, skipped")"
        )
        print(line(header))
        for rowCount in [10_000, 100_000, 1_000_000] where rowCount <= largest {
            for columnCount in rowCount == 100_000 ? [10, 20, 50, 100] : [10, 20, 50] {
                for isTied in [true, false] {
                    let rows = MadeUpRows(rowCount: rowCount, columnCount: columnCount, isTied: isTied)
                    try rows.write(to: file)
                    print(line(try evaluation(of: rows, isTied: isTied, r: r, file: file)))
                    fflush(nil)
                }
            }
        }
        r?.end()
        if largest >= 1_000_000 { try variantsAndGrowth(largest: largest) }
        try wholeFits(file: file)
        for isTied in [false, true] {
            let rows = MadeUpRows(rowCount: 25_000, columnCount: 20, isTied: isTied)
            print("\n" + (try Communication(rows, siteCount: 4)).line)
        }
    }

    /// A line of the table: medians of rounds in which ours, R and the limits take turns.
    private static func evaluation(of rows: MadeUpRows, isTied: Bool, r: RSession?, file: URL) throws
        -> [String]
    {
        let data = try rows.survivalData()
        let likelihood = PartialLikelihood(data, ties: .efron, threads: 1)
        let parallel = PartialLikelihood(data, ties: .efron, threads: 2)
        r?.load(file, rows: rows)
        let repeats = max(3, 1_000_000 / rows.rowCount)
        var limit = MachineLimit()
        var (ours, theirs, one, two) = ([Double](), [Double](), [Double](), [Double]())
        for _ in 0..<(rows.rowCount * rows.columnCount > 10_000_000 ? 3 : 5) {
            limit.sample()
            if let r { theirs.append(r.iteration()) }
            for _ in 0..<repeats {
                ours.append(try measure { _ = try likelihood.evaluate(at: rows.beta) })
                one.append(try measure(wallSeconds) { _ = try likelihood.evaluate(at: rows.beta) })
                two.append(try measure(wallSeconds) { _ = try parallel.evaluate(at: rows.beta) })
            }
        }
        let work = Work(rows)
        let seconds = median(ours)
        let floor =
            limit.floor(bytes: work.bytes, operations: work.sumOperations)
            + limit.floor(bytes: work.bytes, operations: work.gramOperations)
        let design = Double(8 * rows.rowCount * rows.columnCount)
        return [
            "\(rows.rowCount)", "\(rows.columnCount)", isTied ? "days" : "all differ",
            number(1e3 * seconds, 2),
            r == nil ? "-" : number(1e3 * median(theirs), 1),
            r == nil ? "-" : number(median(theirs) / seconds, 1),
            number(1e-9 * (work.sumOperations + work.gramOperations) / seconds, 1),
            number(2e-9 * work.bytes / seconds, 1), number(100 * floor / seconds, 0) + " %",
            number(median(one) / median(two), 2) + "x", number(Double(likelihood.byteCount) / design, 2),
        ]
    }

    /// What more than right censoring costs at 1e6 × 20, and the time for each row from 1e5 rows on.
    private static func variantsAndGrowth(largest: Int) throws {
        for isTied in [true, false] {
            let rows = MadeUpRows(rowCount: 1_000_000, columnCount: 20, isTied: isTied)
            print("\n1000000 x 20, \(isTied ? "days" : "all differ"): \(try Variants(rows).line())")
        }
        let growth = try [100_000, 1_000_000, 10_000_000].filter { $0 <= largest }.map { rowCount in
            let used = try Variants.nanosecondsPerRow(rowCount: rowCount, columnCount: 20)
            return "\(number(used, 1)) ns at \(rowCount)"
        }
        print("\na row of 20, days: \(growth.joined(separator: ", "))")
    }

    /// A whole fit, sorting and layout included, where those who offer nothing less can take part.
    private static func wholeFits(file: URL) throws {
        let rows = MadeUpRows(rowCount: 100_000, columnCount: 20, isTied: true)
        try rows.write(to: file)
        var iterations = 0
        let ours = try measure {
            let likelihood = PartialLikelihood(try rows.survivalData(), ties: .efron, threads: 1)
            var newton = NewtonIteration(parameterNames: rows.columns.indices.map { "x\($0)" })
            while case .evaluate = try newton.receive(likelihood.evaluate(at: newton.beta)) {
                iterations += 1
            }
        }
        print(
            "\nwhole fit, 100000 x 20, days, CPU s: ours \(number(ours, 3)) (\(iterations + 1) evaluations)")
        for peer in PythonPeer.allCases {
            let used = peer.fit(file, rows: rows, script: peers.appending(path: "peers.py"))
            print("    \(peer.rawValue): \(used.map { number($0, 2) } ?? "not installed, skipped")")
        }
    }

    private static func number(_ value: Double, _ digits: Int) -> String {
        String(format: "%.\(digits)f", value)
    }

    private static func line(_ cells: [String]) -> String {
        cells.map { String(repeating: " ", count: max(0, 10 - $0.count)) + $0 }.joined(separator: " ")
    }
}

/// The least that an evaluation must do: X is read twice; two passes of multiply-adds.
struct Work {
    /// Of one pass.
    let bytes: Double
    let sumOperations: Double
    let gramOperations: Double

    init(_ rows: MadeUpRows) {
        let (n, p) = (Double(rows.rowCount), Double(rows.columnCount))
        let times = Dictionary(grouping: rows.time.indices.filter { rows.event[$0] }) { rows.time[$0] }
        // Mean covariates: one vector per event time, two where it is tied.
        let means = times.values.reduce(0.0) { $0 + ($1.count > 1 ? 2 : 1) }
        bytes = 8 * n * p
        sumOperations = 4 * n * p  // Xβ and Σrx
        gramOperations = (n + means) * p * (p + 1) + 2 * n * p  // upper triangles; Σrx up to the event times
    }
}
