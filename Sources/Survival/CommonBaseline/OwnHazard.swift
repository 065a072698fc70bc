/// The baseline hazard of one site's own, in the form of a common baseline of that site alone.
package struct OwnHazard: Sendable {
    package let baseline: CommonBaseline
    package let hazard: HazardIncrements
    package let means: MeanIncrements

    package init(_ data: SurvivalData, ties: Ties, at beta: [Double]) throws {
        var largest = -Double.infinity
        for row in 0..<data.rowCount {
            let predictor = data.columns.indices.reduce(data.offset?[row] ?? 0) {
                $0 + data.columns[$1][row] * beta[$1]
            }
            largest = max(largest, predictor)
        }
        // A constant in all linear predictors changes no residual, and keeps e^(xβ + offset) within range.
        let shifted = data.shifted(by: largest.isFinite ? largest : 0)
        let strata = Int(data.stratum?.max() ?? 0) + 1
        let grid = EventGrid(eventsOf: shifted, stratumCount: strata)
        baseline = try CommonBaseline(data: shifted, grid: grid, ties: ties)
        hazard = try HazardIncrements(grid: grid, riskSums: baseline.riskSums(at: beta), ties: ties)
        means = hazard.meanIncrements(
            covariateRiskSums: try baseline.covariateRiskSums(at: beta), parameterCount: data.columnCount)
    }
}
