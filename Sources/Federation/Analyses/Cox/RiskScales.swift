import Survival

/// The powers of two that sums over risk sets were best multiplied with, by the coefficients at which they were summed.
///
/// Risk scores differ by orders of magnitude between risk sets where a coefficient is large. What is best near some coefficients
/// follows from the sums at the nearest ones that are known, which every hospital knows as well.
struct RiskScales: Sendable {
    private var known: [(beta: [Double], exponents: [Int])] = []

    mutating func add(_ hazard: HazardIncrements, at beta: [Double]) {
        known.append((beta, hazard.exponents))
    }

    /// Empty while nothing is known.
    func exponents(near beta: [Double]) -> [Int] {
        func distance(_ other: [Double]) -> Double {
            zip(beta, other).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
        }
        return known.min { distance($0.beta) < distance($1.beta) }?.exponents ?? []
    }
}
