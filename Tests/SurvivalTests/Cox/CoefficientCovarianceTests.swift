import ReferenceStudies
import Testing

@testable import Survival

/// What a change of covariates must not change: x → Ax takes the information to AIAᵀ and the coefficients to A⁻ᵀβ, and every test of all
/// of them, of some with the rest free, and of the rank is the same.
struct CoefficientCovarianceTests {
    private static let order = 5

    /// A fit with well-conditioned information, and the residuals of some clusters.
    private static func fit(clusters: Int, seed: UInt64) -> (fit: CoxFit, residuals: [[Double]]) {
        var random = SeededGenerator(seed)
        func vector() -> [Double] { (0..<order).map { _ in Double.random(in: -1...1, using: &random) } }
        var information = SymmetricMatrix(order: order)
        for _ in 0..<40 { information.add(1, outer: vector()) }
        let residuals = (1..<clusters).map { _ in vector() }
        // At the estimate residuals add up to 0.
        let last = residuals.reduce([Double](repeating: 0, count: order)) { zip($0, $1).map { $0 - $1 } }
        return (Self.fit(information, beta: vector()), residuals + [last])
    }

    private static func robust(_ fit: CoxFit, _ residuals: [[Double]]) -> CoefficientCovariance {
        let rows = ScoreResiduals(values: residuals.flatMap(\.self), parameterCount: order)
            .whitened(by: fit.frame)
        let squares = rows.squares(by: residuals.indices.map { Int32($0) })
        return fit.robustCovariance(squares: SymmetricMatrix(order: fit.rank, packedUpper: squares))
    }

    private static func fit(_ information: SymmetricMatrix, beta: [Double]) -> CoxFit {
        let factored = RankRevealingCholesky(information)
        return CoxFit(
            beta: beta, isAliased: factored.isAliased, covariance: factored.inverse(),
            information: information,
            logLikelihoodNull: 0, logLikelihood: 0, scoreStatistic: 0, iterations: 1)
    }

    /// The same on covariates of which the second is the first and a little of itself, and so on: columns of a spline.
    private static func collinear(
        _ fit: CoxFit, _ residuals: [[Double]], by share: Double
    ) -> (fit: CoxFit, residuals: [[Double]]) {
        func moved(_ matrix: SymmetricMatrix) -> SymmetricMatrix {
            var result = SymmetricMatrix(order: order)
            for row in 0..<order {
                for column in row..<order {
                    result[row, column] = rows[row].indices.reduce(0) { sum, i in
                        rows[column].indices.reduce(sum) {
                            $0 + rows[row][i] * matrix[i, $1] * rows[column][$1]
                        }
                    }
                }
            }
            return result
        }
        // New column k is old column k times `share`, added to the new column before it; the last one stays.
        var rows = (0..<order).map { row in
            (0..<order).map { $0 == row ? (row == 0 || row == 4 ? 1 : share) : 0.0 }
        }
        for row in 1..<4 { for column in 0..<order { rows[row][column] += rows[row - 1][column] } }
        // β' with Σ β'_k row_k = β.
        var beta = fit.beta
        for row in 1..<4 { beta[row] = fit.beta[row] / share }
        for row in 0..<3 { beta[row] -= beta[row + 1] }
        return (
            Self.fit(moved(fit.information), beta: beta), residuals.map { own in rows.map { dot($0, own) } }
        )
    }

    @Test(arguments: [1, 1e-1, 1e-2])
    func `tests do not depend on how collinear the columns are`(share: Double) throws {
        for seed in 1...20 as ClosedRange<UInt64> {
            let (fit, residuals) = Self.fit(clusters: 30, seed: seed)
            let moved = Self.collinear(fit, residuals, by: share)
            for isRobust in [false, true] {
                let own = isRobust ? Self.robust(fit, residuals) : CoefficientCovariance(fit)
                let other =
                    isRobust ? Self.robust(moved.fit, moved.residuals) : CoefficientCovariance(moved.fit)
                #expect(own.rank == 5 && other.rank == 5)
                // The span of the first four columns, and of the last one, is the same.
                for columns in [[0, 1, 2, 3, 4], [0, 1, 2, 3], [4]] {
                    let (a, b) = (
                        try #require(own.waldStatistic(columns)), try #require(other.waldStatistic(columns))
                    )
                    expectClose(b, a, relative: 1e-8, "\(columns), robust \(isRobust)")
                }
            }
        }
    }

    @Test(arguments: [1, 1e-1, 1e-2])
    func `the rank is that of the clusters, however collinear the columns are`(share: Double) {
        for clusters in 1...8 {
            for seed in 1...10 as ClosedRange<UInt64> {
                let (fit, residuals) = Self.fit(clusters: clusters, seed: seed)
                let moved = Self.collinear(fit, residuals, by: share)
                let covariance = Self.robust(moved.fit, moved.residuals)
                #expect(covariance.rank == min(clusters - 1, Self.order))
                #expect((covariance.waldStatistic([0, 1, 2, 3, 4]) != nil) == (clusters > Self.order))
                #expect(covariance.warnings.isEmpty == (clusters > Self.order))
                #expect((covariance.waldStatistic([4]) != nil) == (clusters > 1))
            }
        }
    }

    @Test func `on columns that are not collinear a test is the formed one`() throws {
        let (fit, residuals) = Self.fit(clusters: 30, seed: 3)
        let robust = Self.robust(fit, residuals)
        let formed = RankRevealingCholesky(robust.matrix.part([1, 3]))
        let part = [fit.beta[1], fit.beta[3]]
        expectClose(
            try #require(robust.waldStatistic([1, 3])), dot(part, formed.solve(part)), relative: 1e-12,
            "two of five")
        let lever = [0.3, -1, 2, 0, 0.5]
        expectClose(
            robust.variance(of: lever), robust.matrix.quadraticForm(lever), relative: 1e-12, "a combination")
        expectClose(
            CoefficientCovariance(fit).variance(of: lever), fit.covariance.quadraticForm(lever),
            relative: 1e-12,
            "of the model")
        #expect(CoefficientCovariance(fit).waldStatistic([0, 1, 2, 3, 4]) != nil)
    }

    /// Three clusters tell two directions apart, so that a robust variance of two nearly collinear columns is nearly singular: residuals
    /// that are squared before they are taken to the frame would lose all of that in rounding.
    @Test(arguments: [1e-1, 1e-2, 1e-3])
    func `a test of two collinear columns by three clusters keeps its digits`(share: Double) throws {
        for seed in 1...20 as ClosedRange<UInt64> {
            let (fit, residuals) = Self.fit(clusters: 3, seed: seed)
            let moved = Self.collinear(fit, residuals, by: share)
            let own = try #require(Self.robust(fit, residuals).waldStatistic([2, 3]))
            let other = try #require(Self.robust(moved.fit, moved.residuals).waldStatistic([2, 3]))
            expectClose(other, own, relative: 1e-13 / (share * share), "seed \(seed)")
        }
    }

    /// tr (V_bb)⁻¹(VIV)_bb, written out with the formed inverse.
    @Test func `a ridge's degrees of freedom are Gray's`() {
        var (fit, _) = Self.fit(clusters: 30, seed: 9)
        let weights = [0.5, 0, 3, 0, 1]
        var penalised = fit.information
        for index in weights.indices { penalised[index, index] += weights[index] }
        fit = Self.fit(penalised, beta: fit.beta)
        fit.penalised = .init(penalty: .ridge(weights), logLikelihoodNull: 0, logLikelihood: 0)
        for block in [[0, 2, 4], [1], [0, 1, 2, 3, 4], [3, 1]] {
            let own = RankRevealingCholesky(fit.covariance.part(block)).inverse()
            var trace = Double(block.count)
            for (row, first) in block.enumerated() {
                for (column, second) in block.enumerated() {
                    let middle = weights.indices.reduce(0) {
                        $0 + fit.covariance[first, $1] * weights[$1] * fit.covariance[$1, second]
                    }
                    trace -= own[row, column] * middle
                }
            }
            expectClose(fit.degreesOfFreedom(of: block), trace, relative: 1e-12, "\(block)")
        }
    }
}
