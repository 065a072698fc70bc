/// A symmetric matrix that stores its upper triangle once.
///
/// `packedUpper` is the upper triangle row by row: (0,0), (0,1), …, (0,p−1), (1,1), …; p(p+1)/2 numbers. This is also the
/// order in which an information matrix travels, so that sums over sites are sums of `packedUpper`.
package struct SymmetricMatrix: Hashable, Sendable {
    package let order: Int
    package var packedUpper: [Double]

    /// The zero matrix.
    package init(order: Int) {
        self.init(order: order, packedUpper: Array(repeating: 0, count: Self.packedCount(order: order)))
    }

    package init(order: Int, packedUpper: [Double]) {
        precondition(
            packedUpper.count == Self.packedCount(order: order), "packed triangle of the wrong length")
        (self.order, self.packedUpper) = (order, packedUpper)
    }

    /// p(p+1)/2.
    package static func packedCount(order: Int) -> Int { order * (order + 1) / 2 }

    package subscript(row: Int, column: Int) -> Double {
        get { packedUpper[packedIndex(row, column)] }
        set { packedUpper[packedIndex(row, column)] = newValue }
    }

    package var diagonal: [Double] { (0..<order).map { self[$0, $0] } }

    private func packedIndex(_ row: Int, _ column: Int) -> Int {
        let (first, second) = row <= column ? (row, column) : (column, row)
        return first * (2 * order - first - 1) / 2 + second
    }

    /// A + B, element by element.
    package static func + (left: SymmetricMatrix, right: SymmetricMatrix) -> SymmetricMatrix {
        precondition(left.order == right.order, "matrices of different order")
        return SymmetricMatrix(
            order: left.order, packedUpper: zip(left.packedUpper, right.packedUpper).map { $0 + $1 })
    }

    /// A·v.
    func times(_ vector: [Double]) -> [Double] {
        (0..<order).map { row in
            (0..<order).reduce(0) { $0 + self[row, $1] * vector[$1] }
        }
    }

    /// vᵀAv.
    func quadraticForm(_ vector: [Double]) -> Double { dot(vector, times(vector)) }

    /// A += weight · x xᵀ.
    mutating func add(_ weight: Double, outer x: [Double]) {
        packedUpper.withUnsafeMutableBufferPointer { triangle in
            x.withUnsafeBufferPointer { addOuterProduct(weight, of: $0, to: triangle) }
        }
    }

    /// The rows and columns with these indices.
    func part(_ indices: [Int]) -> SymmetricMatrix {
        var part = SymmetricMatrix(order: indices.count)
        for row in indices.indices {
            for column in row..<indices.count { part[row, column] = self[indices[row], indices[column]] }
        }
        return part
    }
}

/// Adds weight · x xᵀ to a packed upper triangle; the inner loop of every information matrix.
func addOuterProduct(
    _ weight: Double, of x: UnsafeBufferPointer<Double>, to triangle: UnsafeMutableBufferPointer<Double>
) {
    var start = 0
    for row in 0..<x.count {
        let scaled = weight * x[row]
        for column in row..<x.count {
            triangle[start &+ column &- row] += scaled * x[column]
        }
        start &+= x.count &- row
    }
}

/// Σ aᵢbᵢ.
func dot(_ left: [Double], _ right: [Double]) -> Double {
    zip(left, right).reduce(0) { $0 + $1.0 * $1.1 }
}
