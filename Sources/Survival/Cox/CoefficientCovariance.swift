/// The covariance of a fit's coefficients, the model's or the robust one, with what is made of it.
///
/// Where coefficients are infinite, one for each direction of separation is held (`CoxFit.held`): what is left is finite.
///
/// Tests and variances are computed in an `InformationFrame`, not from the matrix: there the model's covariance is the identity and
/// the robust one M̃, the sum of squares of score residuals L⁻¹u by cluster (Lin and Wei, JASA 1989). The statistic of
/// coefficients J is γ_Jᵀ(M̃_JJ)⁻¹γ_J, which is β_Jᵀ(V_JJ)⁻¹β_J. Residuals are taken to the frame before they are squared: the squares of
/// nearly collinear columns are so nearly the same that rounding would hide in what the columns differ.
package struct CoefficientCovariance: Sendable, Hashable {
    /// Over all columns; zero where held, and no number (NaN) if the robust one has no rank at all.
    package let matrix: SymmetricMatrix
    /// The number of independent directions; below `CoxFit.finiteRank` with too few clusters.
    package let rank: Int
    private let fit: CoxFit
    private let basis: InformationFrame?
    /// M̃; nil for the identity, the model's covariance.
    private let middle: SymmetricMatrix?

    /// `squares` are those of score residuals in the fit's `frame`; nil for the model's covariance.
    package init(_ fit: CoxFit, squares: SymmetricMatrix? = nil) {
        let frame = fit.frame
        precondition(squares.map { $0.order == frame.free.count } ?? true, "squares of another model")
        let basis = frame.isDefinite ? frame : nil
        (self.fit, self.basis, middle) = (fit, basis, squares)
        guard let squares else {
            (matrix, rank) = (fit.covariance, fit.finiteRank)
            return
        }
        let order = fit.beta.count
        rank = basis.map { PivotedElimination(squares, rounding: Self.rounding($0, fit)).rank } ?? 0
        matrix =
            rank > 0
            ? basis.map { Self.sandwich($0, squares, order: order) } ?? Self.unknown(order: order)
            : Self.unknown(order: order)
    }

    private static func unknown(order: Int) -> SymmetricMatrix {
        SymmetricMatrix(
            order: order, packedUpper: (0..<SymmetricMatrix.packedCount(order: order)).map { _ in .nan })
    }

    package var isRobust: Bool { middle != nil }

    /// L⁻ᵀM̃L⁻¹.
    private static func sandwich(
        _ basis: InformationFrame, _ middle: SymmetricMatrix, order: Int
    ) -> SymmetricMatrix {
        let inverse = basis.inverseFactor
        var result = SymmetricMatrix(order: order)
        let levers = basis.free.indices.map { column in inverse.map { $0[column] } }
        let moved = levers.map { middle.times($0) }
        for (row, first) in basis.free.enumerated() {
            for (column, second) in basis.free.enumerated() where column >= row {
                result[first, second] = dot(levers[row], moved[column])
            }
        }
        return result
    }

    /// qᵀVq.
    package func variance(of combination: [Double]) -> Double {
        guard let basis, rank > 0 || fit.finiteRank == 0 else { return .nan }
        let lever = basis.whitened(gradient: combination)
        return max(0, middle.map { $0.quadraticForm(lever) } ?? dot(lever, lever))
    }

    /// Whether a coefficient has a variance at all: with one cluster the robust one is of rounding alone.
    func hasVariance(_ column: Int) -> Bool {
        !isRobust || matrix[column, column] > PivotedElimination.tolerance * fit.covariance[column, column]
    }

    /// The Wald statistic of those columns that are not aliased; nil where their covariance is singular.
    func waldStatistic(_ columns: [Int]) -> Double? {
        let basis = InformationFrame(fit.information, holding: fit.held, choosing: columns)
        guard basis.isDefinite, !basis.chosen.isEmpty else { return nil }
        let part = Array(basis.whitened(step: fit.beta)[basis.chosen])
        guard let middle else { return dot(part, part) }
        guard let turned = turned(middle, to: basis) else { return nil }
        let elimination = PivotedElimination(
            turned, rounding: Array(Self.rounding(basis, fit)[basis.chosen]))
        return elimination.rank == part.count ? elimination.quadraticForm(part) : nil
    }

    /// M̃ in another frame of the same information, of which only the chosen rows are wanted: QM̃Qᵀ, Q = F⁻¹L.
    private func turned(_ middle: SymmetricMatrix, to frame: InformationFrame) -> SymmetricMatrix? {
        guard let basis else { return nil }
        let columns = basis.free.indices.map { column in
            frame.whitened(gradient: basis.gradient(basis.free.indices.map { $0 == column ? 1 : 0 }))
        }
        let levers = frame.chosen.map { row in columns.map { $0[row] } }
        var turned = SymmetricMatrix(order: levers.count)
        for column in levers.indices {
            let moved = middle.times(levers[column])
            for row in 0...column { turned[row, column] = dot(levers[row], moved) }
        }
        return turned
    }

    /// What rounding of the residuals may amount to in each diagonal element of M̃.
    private static func rounding(_ basis: InformationFrame, _ fit: CoxFit) -> [Double] {
        let sizes = basis.free.map { max(0, fit.information[$0, $0]).squareRoot() }
        return basis.inverseFactor.map { row in
            let size = zip(row, sizes).reduce(0) { $0 + abs($1.0) * $1.1 }
            return Self.residualRounding * Self.residualRounding * size * size
        }
    }

    /// Relative to the information's root, of a sum of residuals.
    private static let residualRounding = 1e-13

    /// What readers must know of a robust covariance of too few clusters.
    package var warnings: [String] {
        guard isRobust, fit.finiteRank > 0, rank < fit.finiteRank else { return [] }
        guard rank > 0 else {
            return [
                "there are too few clusters for a robust variance (two are the least): "
                    + "robust standard errors and what is made of them are not available"
            ]
        }
        return [
            "there are too few clusters for the robust variance of \(counted(fit.finiteRank, "coefficient")), which tells only \(rank) of them apart: "
                + "Wald tests of more than that are not available, and robust standard errors are not reliable"
        ]
    }
}

/// The elimination of a positive semidefinite matrix with its largest pivot first, which tells its rank.
///
/// The matrix is one of whitened coordinates, so that its size and rank do not depend on units or on how collinear columns are.
private struct PivotedElimination {
    private(set) var rank = 0
    /// Rows in the order of their pivots.
    private var rows: [Int]
    private var lower: SymmetricMatrix
    private var factor: [[Double]]
    private var pivots: [Double] = []

    /// A pivot that is so much smaller than 1, or than the largest, is none.
    static let tolerance = 1e-10

    init(_ matrix: SymmetricMatrix, rounding: [Double]) {
        (rows, lower) = (Array(0..<matrix.order), matrix)
        factor = matrix.diagonal.map { _ in [] }
        let largest = matrix.diagonal.max() ?? 0
        for step in 0..<matrix.order {
            guard let best = rows[step...].max(by: { lower[$0, $0] < lower[$1, $1] }),
                let place = rows.firstIndex(of: best)
            else { break }
            rows.swapAt(step, place)
            let pivot = lower[best, best]
            let floor = max(Self.tolerance * max(largest, Self.tolerance), rounding[best])
            guard pivot > floor, pivot.isFinite else { break }
            pivots.append(pivot)
            rank += 1
            let rest = rows[(step + 1)...]
            for row in rest { factor[row].append(lower[row, best] / pivot) }
            for row in rest {
                for other in rest where other >= row {
                    lower[row, other] -= factor[row][step] * lower[other, best]
                }
            }
        }
    }

    /// xᵀA⁻¹x of a matrix of full rank.
    func quadraticForm(_ x: [Double]) -> Double {
        var reduced: [Double] = []
        return rows.indices.reduce(0) { sum, step in
            let row = rows[step]
            let own = reduced.indices.reduce(x[row]) { $0 - factor[row][$1] * reduced[$1] }
            reduced.append(own)
            return sum + own * own / pivots[step]
        }
    }
}
