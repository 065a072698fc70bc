/// The factorisation A = L·D·Lᵀ of a positive semidefinite matrix that finds its redundant columns, by R's rule.
///
/// Columns are taken in their order, without exchanges; a column whose pivot is below 1.8e-12 (ε^¾) of the largest diagonal
/// element is a combination of earlier ones and is left out: of two equal covariates the later one is aliased, as in R
/// (`coxph.control(toler.chol)`). An aliased column has a zero in every solution and zero rows in the inverse.
struct RankRevealingCholesky: Hashable, Sendable {
    let isAliased: [Bool]
    /// Row-major, unit lower triangle; D on the diagonal, 0 where aliased.
    private let factor: [Double]
    private let order: Int

    /// R's `.Machine$double.eps^0.75`.
    static let tolerance = 1.818989403545856e-12

    /// Columns in `leavingOut` are treated as aliased from the start; so are those of which no more than `rounding` is left.
    init(_ matrix: SymmetricMatrix, leavingOut: [Bool]? = nil, rounding: [Double] = []) {
        let order = matrix.order
        let threshold = Self.tolerance * (matrix.diagonal.max() ?? 0)
        var lower = (0..<order * order).map { $0 / order >= $0 % order ? matrix[$0 / order, $0 % order] : 0 }
        var isAliased = leavingOut ?? Array(repeating: false, count: order)
        for column in 0..<order {
            let pivot = lower[column * order + column]
            // Written so that a pivot that is not a number counts as aliased.
            let floor = rounding.isEmpty ? threshold : max(threshold, rounding[column])
            if isAliased[column] || !(pivot.isFinite && pivot > floor) {
                isAliased[column] = true
                for row in column..<order { lower[row * order + column] = 0 }
                continue
            }
            Self.eliminate(column, pivot: pivot, in: &lower, order: order)
        }
        (self.isAliased, self.factor, self.order) = (isAliased, lower, order)
    }

    /// The columns on which there is no information at all, whatever a penalty adds to it: of no more than `rounding`, if it is known.
    ///
    /// Of columns that are combinations of each other a penalty tells apart; of one without information it would give back itself.
    static func empty(_ information: SymmetricMatrix, rounding: [Double] = []) -> [Bool] {
        let diagonal = information.diagonal
        let threshold = tolerance * (diagonal.max() ?? 0)
        return diagonal.indices.map { column in
            let floor = rounding.isEmpty ? threshold : max(threshold, rounding[column])
            return !(diagonal[column] > floor)
        }
    }

    /// Takes the column's part out of the columns after it, then divides the column by its pivot.
    private static func eliminate(_ column: Int, pivot: Double, in lower: inout [Double], order: Int) {
        let below = column + 1..<max(order, column + 1)
        for row in below {
            let multiplier = lower[row * order + column] / pivot
            for other in column + 1...row {
                lower[row * order + other] -= multiplier * lower[other * order + column]
            }
        }
        for row in below { lower[row * order + column] /= pivot }
    }

    var rank: Int { isAliased.count { !$0 } }

    /// log |A| of the kept columns.
    var logDeterminant: Double {
        (0..<order).reduce(0) { isAliased[$1] ? $0 : $0 + Elementary.logarithm(factor[$1 * order + $1]) }
    }

    /// The x with A x = b on the columns that are kept, 0 elsewhere.
    func solve(_ right: [Double]) -> [Double] {
        var x = right
        for row in 0..<order {
            for column in 0..<row { x[row] -= factor[row * order + column] * x[column] }
            if isAliased[row] { x[row] = 0 }
        }
        for row in 0..<order where !isAliased[row] { x[row] /= factor[row * order + row] }
        for row in (0..<order).reversed() {
            for below in row + 1..<max(order, row + 1) { x[row] -= factor[below * order + row] * x[below] }
            if isAliased[row] { x[row] = 0 }
        }
        return x
    }

    /// The generalised inverse: that of the kept columns, with zero rows and columns for the aliased ones.
    func inverse() -> SymmetricMatrix {
        var inverse = SymmetricMatrix(order: order)
        for column in 0..<order where !isAliased[column] {
            var unit = Array(repeating: 0.0, count: order)
            unit[column] = 1
            let solution = solve(unit)
            for row in 0...column { inverse[row, column] = solution[row] }
        }
        return inverse
    }
}
