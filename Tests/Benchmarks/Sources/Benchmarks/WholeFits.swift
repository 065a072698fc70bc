import Cryptography
import Federation
import Foundation
import Survival

/// A whole fit as `coxswain fit` does it once the rows are read: one baseline hazard for all hospitals against one of each
/// hospital's own.
enum WholeFits {
    private static let baselines = ["site", "common, times: exact", "common, times: grid"]

    /// CPU seconds of each, medians of rounds that take turns; the rows are laid out anew each time, as by the program.
    static func run(rowCount: Int = 100_000, columnCount: Int = 3) throws {
        for resolution in [1, 0.05, nil] {
            let times = try seconds(of: Cohort(rowCount, columnCount, resolution: resolution))
            let kind = resolution.map { "times to \($0) days" } ?? "times of any resolution"
            print("\na whole fit, \(rowCount) x \(columnCount), \(kind), CPU s")
            for (baseline, used) in zip(baselines, times) {
                let ratio = String(format: "%.2f", median(used) / median(times[0]))
                let seconds = String(format: "%.3f", median(used))
                print("    baseline: \(baseline): \(seconds), \(ratio) times as long as with the first")
            }
        }
    }

    private static func seconds(of cohort: Cohort) throws -> [[Double]] {
        let plans = try baselines.map { try cohort.plan(baseline: $0) }
        var times = [[Double]](repeating: [], count: plans.count)
        for _ in 0..<5 {
            for (index, plan) in plans.enumerated() {
                times[index].append(
                    try measure {
                        let federation = try InProcessFederation(
                            plan: plan, tables: [("alone", cohort.table)], time: 1_790_000_000)
                        var generator = SystemRandomNumberGenerator()
                        _ = try federation.run {
                            (0..<32).map { _ in UInt8.random(in: 0...255, using: &generator) }
                        }
                    })
            }
        }
        return times
    }
}

/// Made-up rows as a hospital's table, with the dictionary and the studies that ask for a model of all columns.
private struct Cohort {
    let table: PatientTable
    private let columnCount: Int
    private let dictionary: DataDictionary

    init(_ rowCount: Int, _ columnCount: Int, resolution: Double?) throws {
        let rows = MadeUpRows(rowCount: rowCount, columnCount: columnCount, isTied: false)
        var columns = Dictionary(
            uniqueKeysWithValues: rows.columns.indices.map { ("x\($0)", Column.number(rows.columns[$0])) })
        columns["time"] = .number(
            rows.time.map { time in resolution.map { (time / $0).rounded(.up) * $0 } ?? time })
        columns["died"] = .boolean(rows.event.map { $0 ? 1 : 0 })
        table = PatientTable(
            rowCount: rowCount, person: (0..<rowCount).map { Int32($0) }, columns: columns)
        self.columnCount = columnCount
        let step = resolution.map { "resolution: \($0), " } ?? ""
        let covariates = (0..<columnCount).map { "  x\($0): {type: number, range: [-2, 2]}\n" }
        dictionary = try DataDictionary(
            yaml: """
                dictionary: made-up
                version: 1
                person: patient
                variables:
                  patient: {type: identifier}
                  time: {type: number, range: [0, 3652], \(step)unit: day}
                  died: {type: boolean}

                """ + covariates.joined(),
            file: "dictionary.yaml")
    }

    func plan(baseline: String) throws -> StudyPlan {
        let terms = (0..<columnCount).map { "x\($0)" }.joined(separator: ", ")
        let text = """
            study: whole-fit
            dictionary: made-up@1
            sites: [alone]
            endpoint: {time: time, event: died, unit: day}
            privacy: {time-grid: 30, smallest-interval: 5}
            analyses:
              - cox: {id: model, terms: [\(terms)], baseline: \(baseline)}

            """
        return try StudyPlan(
            study: StudyFile(yaml: text, file: "study.yaml"), dictionary: dictionary,
            hash: SHA256Digest(of: text.utf8))
    }
}
