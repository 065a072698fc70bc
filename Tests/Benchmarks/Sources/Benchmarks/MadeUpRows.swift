import Foundation
import Survival

/// Rows of a made-up cohort: exponential times that depend on the covariates, 40 % deaths.
struct MadeUpRows {
    let rowCount: Int
    let columnCount: Int
    let time: [Double]
    let event: [Bool]
    let columns: [[Double]]
    /// Near the truth, hence near the estimate.
    let beta: [Double]

    /// `isTied`: whole days within ten years; otherwise no two times are equal.
    init(rowCount: Int, columnCount: Int, isTied: Bool) {
        var state: UInt64 = 42
        func uniform() -> Double {
            state &+= 0x9E37_79B9_7F4A_7C15
            var z = (state ^ (state >> 30)) &* 0xBF58_476D_1CE4_E5B9
            z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
            return (Double((z ^ (z >> 31)) >> 11) + 0.5) * 0x1p-53
        }
        // Even columns are continuous, odd ones a treatment or a diagnosis.
        let columns = (0..<columnCount).map { index in
            (0..<rowCount).map { _ in index % 2 == 0 ? (uniform() - 0.5) * 3.4 : (uniform() < 0.3 ? 1 : 0) }
        }
        let beta = (0..<columnCount).map { Double($0 % 5 - 2) * 0.1 }
        var (time, event) = ([Double](), [Bool]())
        for row in 0..<rowCount {
            var predictor = 0.0
            for index in 0..<columnCount { predictor += beta[index] * columns[index][row] }
            let (death, end) = (-log(uniform()) * exp(-predictor) * 4000, uniform() * 3652)
            let seen = min(death, end)
            time.append(isTied ? seen.rounded(.up) : seen)
            event.append(death <= end)
        }
        (self.rowCount, self.columnCount, self.columns) = (rowCount, columnCount, columns)
        (self.time, self.event, self.beta) = (time, event, beta)
    }

    /// All rows.
    func survivalData(
        entry: [Double]? = nil, weight: [Double]? = nil, stratum: [Int32]? = nil
    ) throws -> SurvivalData {
        try SurvivalData(
            entry: entry, exit: time, event: event, weight: weight, offset: nil, stratum: stratum,
            columns: columns, mergesNearTies: false)
    }

    /// Some rows.
    func survivalData(_ rows: StrideTo<Int>) throws -> SurvivalData {
        func some<Value>(_ values: [Value]) -> [Value] { rows.map { values[$0] } }
        return try SurvivalData(
            entry: nil, exit: some(time), event: some(event), weight: nil, offset: nil, stratum: nil,
            columns: columns.map(some), mergesNearTies: false)
    }

    /// Times, events, columns, one after the other, as the peers read them.
    func write(to url: URL) throws {
        var bytes = Data()
        for values in [time, event.map { $0 ? 1 : 0 }] + columns {
            values.withUnsafeBytes { bytes.append(contentsOf: $0) }
        }
        try bytes.write(to: url)
    }
}
