/// The rows of a stratum in the order of its risk sets, their covariates less the stratum's means.
struct CentredRows: Sendable {
    /// Row-major.
    let covariates: [Double]
    private let offsets: [Double]
    private let parameterCount: Int

    init(_ data: SurvivalData, riskSets: RiskSets) {
        let (count, rows) = (data.columnCount, riskSets.rows)
        var covariates = Array(repeating: 0.0, count: rows.count * count)
        for (index, column) in data.columns.enumerated() {
            let center = rows.reduce(0) { $0 + column[$1] } / Double(max(rows.count, 1))
            for (position, row) in rows.enumerated() {
                covariates[position * count + index] = column[row] - center
            }
        }
        offsets = rows.map { data.offset?[$0] ?? 0 }
        (self.covariates, parameterCount) = (covariates, count)
    }

    /// xβ + offset, less its largest value.
    ///
    /// Throws `riskOutOfRange` if some row's is not finite.
    func shiftedPredictors(at beta: [Double]) throws(SurvivalDataError) -> [Double] {
        var predictors = offsets
        covariates.withUnsafeBufferPointer { x in
            for row in predictors.indices {
                for index in beta.indices { predictors[row] += x[row * parameterCount + index] * beta[index] }
            }
        }
        guard let largest = predictors.max(), predictors.allSatisfy(\.isFinite) else { throw .riskOutOfRange }
        return predictors.map { $0 - largest }
    }
}
