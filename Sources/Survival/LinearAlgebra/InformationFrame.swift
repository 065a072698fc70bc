/// Coordinates in which an information matrix is the identity: A = F·Fᵀ on the coefficients that are free.
///
/// Held coefficients (aliased ones, or one that a profile likelihood holds) take no part: their steps are 0. Pivots that
/// rounding has taken are set to 1e-15 of their diagonal element, so that no direction is lost however flat A is there.
///
/// Some coefficients can be chosen to stand last. They are then what they are once all others have been fitted: γ_J = F_JJᵀβ_J, and
/// a covariance of γ has that of γ_J as its last block. So a test of β_J needs no block of an inverse to be inverted again, which
/// would multiply rounding by the condition of the information once more: nearly collinear columns, such as those of a spline, cost
/// digits once only.
package struct InformationFrame: Hashable, Sendable {
    /// The free coefficients in the order of the coordinates: ascending, but for those that were chosen, which stand last.
    package let free: [Int]
    /// Where the chosen ones stand.
    let chosen: Range<Int>
    /// Whether A is positive definite on the free coefficients, as far as rounding lets see.
    package let isDefinite: Bool
    private let order: Int
    /// Row-major lower triangle of F, `free.count` rows.
    package let factor: [Double]

    /// `choosing` are columns of which those that are held do not count.
    package init(_ matrix: SymmetricMatrix, holding held: [Bool], choosing wanted: [Int] = []) {
        let last = wanted.filter { !held[$0] }
        let free = held.indices.filter { !held[$0] && !last.contains($0) } + last
        let count = free.count
        chosen = (count - last.count)..<count
        var isDefinite = true
        var lower = [Double](repeating: 0, count: count * count)
        let least = (matrix.diagonal.max() ?? 0) * 1e-30 + .leastNormalMagnitude
        for column in 0..<count {
            let diagonal = matrix[free[column], free[column]]
            let pivot = (0..<column).reduce(diagonal) {
                $0 - lower[column * count + $1] * lower[column * count + $1]
            }
            isDefinite = isDefinite && pivot > diagonal * 1e-15 && pivot.isFinite
            let root = max(pivot, diagonal * 1e-15, least).squareRoot()
            lower[column * count + column] = root
            for row in column + 1..<max(count, column + 1) {
                let rest = (0..<column).reduce(matrix[free[row], free[column]]) {
                    $0 - lower[row * count + $1] * lower[column * count + $1]
                }
                lower[row * count + column] = rest / root
            }
        }
        (self.free, order, factor, self.isDefinite) = (free, held.count, lower, isDefinite)
    }

    /// F⁻¹g of a gradient, or of a row of a matrix.
    func whitened(gradient: [Double]) -> [Double] { forward(free.map { gradient[$0] }) }

    /// Fᵀs of a change of the coefficients.
    func whitened(step: [Double]) -> [Double] {
        free.indices.map { column in
            (column..<free.count).reduce(0) { $0 + factor[$1 * free.count + column] * step[free[$1]] }
        }
    }

    /// Fw: the gradient that is w in these coordinates, with 0 for the coefficients that are held.
    func gradient(_ whitened: [Double]) -> [Double] {
        var gradient = [Double](repeating: 0, count: order)
        for (row, index) in free.enumerated() {
            gradient[index] = (0...row).reduce(0) { $0 + factor[row * free.count + $1] * whitened[$1] }
        }
        return gradient
    }

    /// How far a change of the coefficients moves linear predictors, in standard deviations: A is the information of so many events.
    func deviation(of step: [Double], events: Double) -> Double {
        let whitened = whitened(step: step)
        return (dot(whitened, whitened) / events).squareRoot()
    }

    /// F⁻ᵀw, with 0 for the coefficients that are held.
    func step(_ whitened: [Double]) -> [Double] {
        let count = free.count
        var x = whitened
        for row in (0..<count).reversed() {
            for below in row + 1..<max(count, row + 1) { x[row] -= factor[below * count + row] * x[below] }
            x[row] /= factor[row * count + row]
        }
        var step = [Double](repeating: 0, count: order)
        for (place, index) in free.enumerated() { step[index] = x[place] }
        return step
    }

    /// A⁻¹g on the free coefficients.
    func solve(_ gradient: [Double]) -> [Double] { step(whitened(gradient: gradient)) }

    /// F⁻¹BF⁻ᵀ: B in units of A.
    func whitened(_ matrix: SymmetricMatrix) -> SymmetricMatrix {
        let rows = free.map { index in free.map { matrix[index, $0] } }
        let half = rows.map(forward)  // row i is F⁻¹ applied to row i of B
        var result = SymmetricMatrix(order: free.count)
        for column in free.indices {
            let whole = forward(half.map { $0[column] })
            for row in 0...column { result[row, column] = whole[row] }
        }
        return result
    }

    /// F·T·Fᵀ, with zero rows for the coefficients that are held.
    func expanded(_ relative: SymmetricMatrix) -> SymmetricMatrix {
        let count = free.count
        var result = SymmetricMatrix(order: order)
        let half = (0..<count).map { row in  // row of F·T
            (0..<count).map { column in
                (0...row).reduce(0) { $0 + factor[row * count + $1] * relative[$1, column] }
            }
        }
        for row in 0..<count {
            for column in row..<count {
                result[free[row], free[column]] = (0...column).reduce(0) {
                    $0 + half[row][$1] * factor[column * count + $1]
                }
            }
        }
        return result
    }

    /// The rows of F⁻¹.
    var inverseFactor: [[Double]] {
        var rows = [[Double]](repeating: [Double](repeating: 0, count: free.count), count: free.count)
        for column in free.indices {
            let unit = free.indices.map { $0 == column ? 1.0 : 0 }
            for (row, value) in forward(unit).enumerated() { rows[row][column] = value }
        }
        return rows
    }

    /// A⁻¹, with zero rows for the coefficients that are held.
    func inverse() -> SymmetricMatrix {
        var inverse = SymmetricMatrix(order: order)
        for column in free {
            var unit = [Double](repeating: 0, count: order)
            unit[column] = 1
            let solution = solve(unit)
            for row in free where row <= column { inverse[row, column] = solution[row] }
        }
        return inverse
    }

    private func forward(_ right: [Double]) -> [Double] {
        var x = right
        for row in x.indices {
            for column in 0..<row { x[row] -= factor[row * x.count + column] * x[column] }
            x[row] /= factor[row * x.count + row]
        }
        return x
    }
}
