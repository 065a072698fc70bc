/// The coefficients of a fit in a basis in which their information is the identity, some chosen ones standing last.
///
/// With the kept columns so ordered and I = LLᵀ, the coefficients are γ = Lᵀβ and a score is L⁻¹u. The last of them are the
/// chosen coefficients once all others have been fitted: γ_J = L_JJᵀβ_J, and a covariance of γ has that of γ_J as its last block.
/// So a test of β_J needs no block of an inverse to be inverted again, which would multiply rounding by the
/// condition of the information once more: nearly collinear columns, such as those of a spline, cost digits once only.
struct WhitenedBasis: Hashable, Sendable {
    /// The columns in the order of the basis.
    let columns: [Int]
    /// Where the chosen ones stand in it.
    let chosen: Range<Int>
    /// L, row-major.
    private let factor: [Double]

    private var order: Int { columns.count }

    /// Less of a column's information than this is left by rounding alone.
    private static let tolerance = 1e-15

    /// `columns` are chosen among those that are not `isAliased`; nil if the information is not positive definite.
    init?(_ information: SymmetricMatrix, isAliased: [Bool], choosing chosen: [Int] = []) {
        let chosen = chosen.filter { !isAliased[$0] }
        let others = isAliased.indices.filter { !isAliased[$0] && !chosen.contains($0) }
        columns = others + chosen
        self.chosen = others.count..<columns.count
        let order = columns.count
        var lower = [Double](repeating: 0, count: order * order)
        for row in 0..<order {
            for column in 0...row {
                let rest = (0..<column).reduce(information[columns[row], columns[column]]) {
                    $0 - lower[row * order + $1] * lower[column * order + $1]
                }
                guard row == column else {
                    lower[row * order + column] = rest / lower[column * order + column]
                    continue
                }
                guard rest > Self.tolerance * information[columns[row], columns[row]], rest.isFinite else {
                    return nil
                }
                lower[row * order + row] = rest.squareRoot()
            }
        }
        factor = lower
    }

    /// γ = Lᵀβ of coefficients of all columns.
    func coefficients(_ beta: [Double]) -> [Double] {
        (0..<order).map { column in
            (column..<order).reduce(0) { $0 + factor[$1 * order + column] * beta[columns[$1]] }
        }
    }

    /// L⁻¹v of a vector over all columns: a score, or the weights of a linear combination of the coefficients.
    func whitened(_ vector: [Double]) -> [Double] { solved(columns.map { vector[$0] }) }

    /// L⁻¹ML⁻ᵀ of a matrix over all columns.
    func whitened(_ matrix: SymmetricMatrix) -> SymmetricMatrix {
        let half = (0..<order).map { column in solved(columns.map { matrix[$0, columns[column]] }) }
        var result = SymmetricMatrix(order: order)
        for row in 0..<order {
            let whole = solved(half.map { $0[row] })
            for column in row..<order { result[row, column] = whole[column] }
        }
        return result
    }

    /// The rows of L⁻¹.
    var inverse: [[Double]] {
        var rows = [[Double]](repeating: [Double](repeating: 0, count: order), count: order)
        for column in 0..<order {
            let unit = (0..<order).map { $0 == column ? 1.0 : 0 }
            for (row, value) in solved(unit).enumerated() { rows[row][column] = value }
        }
        return rows
    }

    private func solved(_ right: [Double]) -> [Double] {
        var x = right
        for row in 0..<order {
            for column in 0..<row { x[row] -= factor[row * order + column] * x[column] }
            x[row] /= factor[row * order + row]
        }
        return x
    }
}
