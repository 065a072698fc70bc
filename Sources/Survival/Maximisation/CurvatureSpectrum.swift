/// A curvature taken apart into directions that are independent of each other, in units of the information at β = 0.
///
/// Where the curvature of a direction is less than rounding leaves of the largest one, it is taken to be that much: so no step along it
/// exceeds what the score there, which is then rounding too, amounts to.
struct CurvatureSpectrum: Sendable {
    struct Part: Sendable {
        /// With information 1 at β = 0.
        var direction: [Double]
        /// The curvature along it.
        var information: Double
        /// Of the Newton step along it.
        var length: Double
        /// What that step adds to the squared distance from the maximum.
        var decrement: Double
        /// Whether the curvature is no more than rounding.
        var isRounding: Bool
    }

    let parts: [Part]
    private let order: Int

    /// What rounding may leave of a curvature, as a part of the largest one.
    private static let rounding = 1e-12

    init(_ curvature: SymmetricMatrix, score: [Double], start: InformationFrame) {
        order = score.count
        let eigen = SymmetricEigen(start.whitened(curvature))
        let gradient = start.whitened(gradient: score)
        // A negative curvature shows how large rounding is.
        let floor = max(Self.rounding * max(1, eigen.values.max() ?? 0), -10 * (eigen.values.min() ?? 0))
        parts = zip(eigen.values, eigen.vectors).map { value, vector in
            let (information, slope) = (max(value, floor), dot(vector, gradient))
            return Part(
                direction: start.step(vector), information: information, length: slope / information,
                decrement: slope * slope / information, isRounding: !(value > floor))
        }
    }

    /// The curvature's inverse times a vector, of which rounding along directions without curvature takes no part.
    func solve(_ vector: [Double], start: InformationFrame) -> [Double] {
        var result = vector.map { _ in 0.0 }
        for part in parts where !part.isRounding {
            let share = start.free.reduce(0) { $0 + vector[$1] * part.direction[$1] } / part.information
            for index in result.indices { result[index] += share * part.direction[index] }
        }
        return result
    }

    var hasRounding: Bool { parts.contains(where: \.isRounding) }

    /// The Newton step.
    var step: [Double] {
        (0..<order).map { index in parts.reduce(0) { $0 + $1.length * $1.direction[index] } }
    }

    var decrement: Double { parts.reduce(0) { $0 + $1.decrement } }
}
