import ReferenceStudies
import Testing

@testable import Survival

/// What a change of covariates must not change: x → Ax takes the information to AIAᵀ and the coefficients to A⁻ᵀβ, and every test of all
/// of them, of some with the rest free, and of the rank is the same.
struct CoefficientCovarianceTests {
    private static let order = 5

    /// A fit with well-conditioned information, and sums of squares of the residuals of some clusters.
    private static func fit(clusters: Int, seed: UInt64) -> (fit: CoxFit, squares: SymmetricMatrix) {
        var random = SeededGenerator(seed)
        func vector() -> [Double] { (0..<order).map { _ in Double.random(in: -1...1, using: &random) } }
        var (information, squares) = (SymmetricMatrix(order: order), SymmetricMatrix(order: order))
        for _ in 0..<40 { information.add(1, outer: vector()) }
        var sum = [Double](repeating: 0, count: order)
        for _ in 1..<clusters {
            let residuals = vector()
            sum = zip(sum, residuals).map { $0 - $1 }
            squares.add(1, outer: residuals)
        }
        // At the estimate residuals add up to 0.
        squares.add(1, outer: sum)
        return (Self.fit(information, beta: vector()), squares)
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
        _ fit: CoxFit, _ squares: SymmetricMatrix, by share: Double
    ) -> (fit: CoxFit, squares: SymmetricMatrix) {
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
        return (Self.fit(moved(fit.information), beta: beta), moved(squares))
    }

    @Test(arguments: [1, 1e-1, 1e-2])
    func `tests do not depend on how collinear the columns are`(share: Double) throws {
        for seed in 1...20 as ClosedRange<UInt64> {
            let (fit, squares) = Self.fit(clusters: 30, seed: seed)
            let moved = Self.collinear(fit, squares, by: share)
            for isRobust in [false, true] {
                let own = CoefficientCovariance(fit, squares: isRobust ? squares : nil)
                let other = CoefficientCovariance(moved.fit, squares: isRobust ? moved.squares : nil)
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
                let (fit, squares) = Self.fit(clusters: clusters, seed: seed)
                let moved = Self.collinear(fit, squares, by: share)
                let covariance = CoefficientCovariance(moved.fit, squares: moved.squares)
                #expect(covariance.rank == min(clusters - 1, Self.order))
                #expect((covariance.waldStatistic([0, 1, 2, 3, 4]) != nil) == (clusters > Self.order))
                #expect(covariance.warnings.isEmpty == (clusters > Self.order))
                #expect((covariance.waldStatistic([4]) != nil) == (clusters > 1))
            }
        }
    }

    @Test func `on columns that are not collinear a test is the formed one`() throws {
        let (fit, squares) = Self.fit(clusters: 30, seed: 3)
        let robust = CoefficientCovariance(fit, squares: squares)
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
