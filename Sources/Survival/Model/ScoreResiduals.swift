import Foundation

/// Weighted score residuals of one site's rows; only their sums of squares over people, or sums over large groups, may leave it.
///
/// Deliberately not `Codable`: they are numbers of single rows.
package struct ScoreResiduals: Sendable {
    /// Row-major, p numbers a row.
    let values: [Double]
    let parameterCount: Int

    /// The residuals under a baseline hazard of the site's own.
    package init(_ data: SurvivalData, ties: Ties, at beta: [Double]) throws {
        var largest = -Double.infinity
        for row in 0..<data.rowCount {
            let predictor = data.columns.indices.reduce(data.offset?[row] ?? 0) {
                $0 + data.columns[$1][row] * beta[$1]
            }
            largest = max(largest, predictor)
        }
        // A constant in all linear predictors changes no residual, and keeps exp(xβ + offset) within range.
        let shifted = data.shifted(by: largest.isFinite ? largest : 0)
        let strata = Int(data.stratum?.max() ?? 0) + 1
        let grid = EventGrid(eventsOf: shifted, stratumCount: strata)
        let site = try CommonBaseline(data: shifted, grid: grid, ties: ties)
        let hazard = try HazardIncrements(grid: grid, riskSums: site.riskSums(at: beta), ties: ties)
        let means = hazard.meanIncrements(
            covariateRiskSums: try site.covariateRiskSums(at: beta), parameterCount: data.columnCount)
        self = try site.scoreResiduals(at: beta, hazard: hazard, means: means)
    }

    init(values: [Double], parameterCount: Int) {
        (self.values, self.parameterCount) = (values, parameterCount)
    }

    /// Σ over clusters of (Σ residuals)(Σ residuals)ᵀ; packed upper triangle.
    ///
    /// No cluster may have rows at two sites.
    package func squares(by cluster: [Int32]) -> [Double] {
        Self.squares(
            ofSums: sums(by: cluster, levelCount: Int(cluster.max() ?? -1) + 1),
            parameterCount: parameterCount
        )
        .packedUpper
    }

    /// Σ of the residuals in each of the levels: p numbers a level.
    ///
    /// Adds up over sites that share levels.
    package func sums(by level: [Int32], levelCount: Int) -> [Double] {
        precondition(level.count * parameterCount == values.count, "a level for each row")
        var sums = Array(repeating: 0.0, count: levelCount * parameterCount)
        for (row, level) in level.enumerated() {
            for index in 0..<parameterCount {
                sums[Int(level) * parameterCount + index] += values[row * parameterCount + index]
            }
        }
        return sums
    }

    /// What `squares` would be of clusters with these sums.
    package static func squares(ofSums sums: [Double], parameterCount: Int) -> SymmetricMatrix {
        var squares = SymmetricMatrix(order: parameterCount)
        for start in stride(from: 0, to: sums.count, by: max(parameterCount, 1)) {
            squares.add(1, outer: Array(sums[start..<(start + parameterCount)]))
        }
        return squares
    }
}
