/// A curvature of which a part is known wherever the likelihood is evaluated, and the rest is learnt from the steps.
///
/// The curvature is F·T·Fᵀ with the known part K = F·Fᵀ at the present point, T being what is learnt: a matrix without units that
/// changes little while K changes by orders of magnitude, as it does where a coefficient runs to infinity. T begins as the
/// identity or, where the whole curvature is known once, as F⁻¹IF⁻ᵀ, and takes up each step s with the change y of minus the
/// gradient by the BFGS formula in the whitened coordinates (a structured secant method; Dennis, Martínez and Tapia, J. Optim.
/// Theory Appl. 1989).
package struct CurvatureEstimate: Sendable, Hashable {
    private var relative: SymmetricMatrix
    private let held: [Bool]
    /// Steps whose curvature exceeds so many times the known one tell of another place, or of rounding.
    private let ceiling: Double

    /// With the known part as first estimate; `isUpperBound` says that it is never less than the whole.
    package init(holding held: [Bool], isUpperBound: Bool) {
        let order = held.count { !$0 }
        var relative = SymmetricMatrix(order: order)
        for index in 0..<order { relative[index, index] = 1 }
        (self.relative, self.held, ceiling) = (relative, held, isUpperBound ? 1 + 1e-7 : 10)
    }

    /// The whole curvature is known at a point where the known part is `known`.
    package mutating func learn(exact: SymmetricMatrix, known: SymmetricMatrix) {
        relative = InformationFrame(known, holding: held).whitened(exact)
    }

    /// A step has led to a point where the known part is `known`; `change` is that of minus the gradient.
    mutating func learn(step: [Double], change: [Double], known: SymmetricMatrix) {
        let frame = InformationFrame(known, holding: held)
        let (s, y) = (frame.whitened(step: step), frame.whitened(gradient: change))
        let product = relative.times(s)
        let (curvature, form) = (dot(y, s), dot(s, product))
        guard form > 0, curvature > 1e-3 * form, curvature <= ceiling * dot(s, s) else { return }
        relative.add(-1 / form, outer: product)
        relative.add(1 / curvature, outer: y)
    }

    /// The curvature at a point where the known part is `known`; zero rows for coefficients that are held.
    func curvature(known: SymmetricMatrix) -> SymmetricMatrix {
        InformationFrame(known, holding: held).expanded(relative)
    }

    /// The same estimate with one more coefficient held, as it is at a point where the known part is `known`.
    func holding(_ index: Int, known: SymmetricMatrix) -> CurvatureEstimate {
        var held = held
        held[index] = true
        var estimate = CurvatureEstimate(holding: held, isUpperBound: ceiling < 2)
        estimate.learn(exact: curvature(known: known), known: known)
        return estimate
    }
}
