/// The derivatives ∂I/∂β of an information matrix: a symmetric array of three indices, of which each number is kept once.
///
/// `packed` has the elements a ≤ b ≤ c, the last index fastest: p(p+1)(p+2)/6 numbers, or none if they were not asked for.
package struct ThirdDerivatives: Sendable, Hashable {
    package let order: Int
    package var packed: [Double]

    package init(order: Int, packed: [Double] = []) {
        precondition(
            packed.isEmpty || packed.count == Self.packedCount(order: order), "derivatives of another model")
        (self.order, self.packed) = (order, packed)
    }

    /// p(p+1)(p+2)/6.
    package static func packedCount(order: Int) -> Int { order * (order + 1) * (order + 2) / 6 }

    /// Element by element; what was not asked for counts as zeros.
    static func + (left: ThirdDerivatives, right: ThirdDerivatives) -> ThirdDerivatives {
        if left.packed.isEmpty { return right }
        if right.packed.isEmpty { return left }
        return ThirdDerivatives(order: left.order, packed: zip(left.packed, right.packed).map { $0 + $1 })
    }

    /// tr(M ∂I/∂βᵣ) for each r; zeros if the derivatives were not asked for.
    func contracted(with matrix: SymmetricMatrix) -> [Double] {
        var result = Array(repeating: 0.0, count: order)
        guard !packed.isEmpty else { return result }
        var place = 0
        for a in 0..<order {
            for b in a..<order {
                for c in b..<order {
                    let value = packed[place]
                    place += 1
                    result[a] += (b == c ? 1 : 2) * value * matrix[b, c]
                    if b != a { result[b] += (a == c ? 1 : 2) * value * matrix[a, c] }
                    if c != b { result[c] += (a == b ? 1 : 2) * value * matrix[a, b] }
                }
            }
        }
        return result
    }
}
