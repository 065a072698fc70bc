/// What the steps taken so far tell of a curvature that is known in part: Powell's BFGS pairs (s, y).
///
/// s is a change of β, y that of minus the gradient. Each pair corrects the curvature along its own step.
package struct SecantPairs: Sendable, Hashable {
    private var pairs: [Pair] = []

    private struct Pair: Sendable, Hashable {
        var step: [Double]
        var change: [Double]
    }

    package init() {}

    mutating func add(from beta: [Double], gradient: [Double], to next: [Double], gradient after: [Double]) {
        pairs.append(
            Pair(step: zip(next, beta).map { $0 - $1 }, change: zip(gradient, after).map { $0 - $1 }))
    }

    /// B − Bs(Bs)ᵀ/(sᵀBs) + yyᵀ/(yᵀs) for each pair in turn, from the known part of the curvature.
    ///
    /// A pair whose curvature is out of proportion to B tells of another place, or of rounding, and is left out.
    func corrected(_ known: SymmetricMatrix) -> SymmetricMatrix {
        var metric = known
        for pair in pairs {
            let curvature = dot(pair.change, pair.step)
            let product = metric.times(pair.step)
            let form = dot(pair.step, product)
            guard form > 0, curvature > 0.1 * form, curvature < 10 * form else { continue }
            metric.add(-1 / form, outer: product)
            metric.add(1 / curvature, outer: pair.change)
        }
        return metric
    }
}
