/// Weighted score residuals of one site's rows; only their sums of squares over people, or sums over large groups, may leave it.
///
/// Deliberately not `Codable`: they are numbers of single rows.
package struct ScoreResiduals: Sendable {
    /// Row-major, p numbers a row.
    let values: [Double]
    let parameterCount: Int

    /// The residuals under a baseline hazard of the site's own.
    package init(_ data: SurvivalData, ties: Ties, at beta: [Double]) throws {
        let own = try OwnHazard(data, ties: ties, at: beta)
        self = try own.baseline.scoreResiduals(at: beta, hazard: own.hazard, means: own.means)
    }

    init(values: [Double], parameterCount: Int) {
        (self.values, self.parameterCount) = (values, parameterCount)
    }

    /// The same in the coordinates of a frame: F⁻¹u of each row's residuals u.
    package func whitened(by frame: InformationFrame) -> ScoreResiduals {
        let rows = stride(from: 0, to: values.count, by: max(parameterCount, 1))
        return ScoreResiduals(
            values: rows.flatMap { frame.whitened(gradient: Array(values[$0..<($0 + parameterCount)])) },
            parameterCount: frame.free.count)
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
