/// Eigenvalues and eigenvectors of a symmetric matrix, by Jacobi's rotations in cyclic order.
///
/// Plain arithmetic in a fixed order, so that every machine finds the same bits; small eigenvalues of a graded matrix are as
/// exact as its elements (Demmel and Veselić, SIAM J. Matrix Anal. Appl. 1992).
struct SymmetricEigen: Sendable {
    /// In no particular order.
    private(set) var values: [Double]
    /// Unit vectors, one for each value.
    private(set) var vectors: [[Double]]

    private static let sweepMax = 30

    init(_ matrix: SymmetricMatrix) {
        let order = matrix.order
        var a = (0..<order).map { row in (0..<order).map { matrix[row, $0] } }
        var v = (0..<order).map { row in (0..<order).map { $0 == row ? 1.0 : 0 } }
        for _ in 0..<Self.sweepMax {
            var isDiagonal = true
            for p in 0..<order {
                for q in p + 1..<max(order, p + 1) {
                    let threshold = 1e-17 * (abs(a[p][p]) * abs(a[q][q])).squareRoot()
                    guard abs(a[p][q]) > threshold, abs(a[p][q]) > .leastNormalMagnitude else { continue }
                    isDiagonal = false
                    Self.rotate(&a, &v, p, q)
                }
            }
            if isDiagonal { break }
        }
        values = (0..<order).map { a[$0][$0] }
        vectors = v
    }

    /// Makes a[p][q] zero; row p of `v` is the p-th vector.
    private static func rotate(_ a: inout [[Double]], _ v: inout [[Double]], _ p: Int, _ q: Int) {
        let theta = (a[q][q] - a[p][p]) / (2 * a[p][q])
        let t = (theta < 0 ? -1 : 1) / (abs(theta) + (theta * theta + 1).squareRoot())
        let c = 1 / (t * t + 1).squareRoot()
        let s = t * c
        let off = a[p][q]
        a[p][p] -= t * off
        a[q][q] += t * off
        (a[p][q], a[q][p]) = (0, 0)
        for r in a.indices where r != p && r != q {
            let (x, y) = (a[r][p], a[r][q])
            (a[r][p], a[r][q]) = (c * x - s * y, s * x + c * y)
            (a[p][r], a[q][r]) = (a[r][p], a[r][q])
        }
        for r in a.indices {
            let (x, y) = (v[p][r], v[q][r])
            (v[p][r], v[q][r]) = (c * x - s * y, s * x + c * y)
        }
    }
}
