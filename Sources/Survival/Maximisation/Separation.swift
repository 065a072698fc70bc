/// The directions in which a likelihood still rises although it has nothing more to gain: what separation leaves undetermined.
///
/// Along such a direction the information vanishes, while along every other one it stays what it is. So they are looked for
/// as directions, not as coefficients: among the eigenvectors of the information in units of that at β = 0, which no rotation,
/// scale or order of the covariates changes. What a direction still adds to the log-likelihood falls by a factor of e with
/// every Newton step u/μ; what is left of it is u²/μ (u being the score along the direction, μ the information), since the
/// likelihood nears its supremum like e^(-s).
///
/// A coefficient that one of the directions moves has no finite estimate. A combination of coefficients that none of them moves
/// has one: its own limit.
package struct Separation: Sendable, Hashable {
    /// Each with information 1 at β = 0.
    let directions: [[Double]]
    /// The next Newton step along the directions.
    let step: [Double]
    /// That along all others.
    let regularStep: [Double]
    /// What the log-likelihood still gains along them.
    let gain: Double
    /// The squared distance from the maximum in all other directions.
    let regular: Double
    /// (I⁻¹)ⱼⱼ at β = 0: by it a direction's part in a coefficient is measured.
    private let variances: [Double]

    /// Information below this part of that at β = 0 may be vanishing.
    private static let vanishing = 0.02
    /// Its least fall since the point before; along a direction where there is a maximum it stays.
    private static let fall = 1.25
    /// A step along the directions must move a linear predictor by this much at least.
    private static let movementMin = 0.1
    /// A direction moves what it changes by more than this part of its standard error at β = 0.
    private static let movedMin = 1e-4
    /// Where a fit ends: the log-likelihood is then known to about 1e-8.
    static let gainMax = 1e-6

    /// Nil where the information vanishes along no direction.
    ///
    /// `start` are the coordinates in which the information at β = 0 is 1, `previous` is the curvature at the point before,
    /// `reach` that of `NewtonIteration`; empty if it is not known.
    init?(
        score: [Double], curvature: SymmetricMatrix, previous: SymmetricMatrix, start: InformationFrame,
        reach: [Double]
    ) {
        let spectrum = CurvatureSpectrum(curvature, score: score, start: start)
        var directions: [[Double]] = []
        var (gain, regular) = (0.0, 0.0)
        var (step, regularStep) = (score.map { _ in 0.0 }, score.map { _ in 0.0 })
        for part in spectrum.parts {
            guard part.information <= Self.vanishing,
                part.isRounding
                    || previous.quadraticForm(part.direction) >= Self.fall * part.information
            else {
                regular += part.decrement
                for index in step.indices { regularStep[index] += part.length * part.direction[index] }
                continue
            }
            directions.append(part.direction)
            gain += part.decrement
            for index in step.indices { step[index] += part.length * part.direction[index] }
        }
        guard !directions.isEmpty else { return nil }
        (self.step, self.regularStep) = (step, regularStep)
        let movement = zip(step, reach).reduce(0) { $0 + abs($1.0) * $1.1 }
        guard gain.isFinite, reach.isEmpty || movement >= Self.movementMin || spectrum.hasRounding else {
            return nil
        }
        (self.directions, self.gain, self.regular) = (directions, gain, regular)
        variances = start.inverse().diagonal
    }

    /// Whether nothing is left to gain but along the directions, and there less than `gainMax`.
    ///
    /// All else is then so near its maximum that one more Newton step, which `remainder(of:)` takes, is enough; with an estimated
    /// curvature the exact one, which is asked for at the end, has the last word.
    func isComplete(exactly: Bool) -> Bool {
        isNearlyComplete && regular <= (exactly ? 1e-3 : 0.1) * gain
    }

    /// Whether enough is known where the likelihood cannot be evaluated further out: what is left to gain is known to about 1e-6.
    var isKnown: Bool { gain <= 1e-4 && regular <= 0.1 * gain }

    /// Whether less than `gainMax` is left along the directions.
    var isNearlyComplete: Bool { gain <= Self.gainMax }

    /// The coefficients that a direction moves, ascending.
    var moved: [Int] {
        step.indices.filter { index in
            let part = directions.reduce(0) { $0 + $1[index] * $1[index] }
            return variances[index] > 0 && part > Self.movedMin * Self.movedMin * variances[index]
        }
    }

    /// Whether a combination of coefficients has a finite limit.
    func keeps(_ weights: [Double]) -> Bool {
        let moves = directions.reduce(0) { sum, direction in
            let change = dot(direction, weights)
            return sum + change * change
        }
        let parts = weights.indices.reduce(0) { $0 + weights[$1] * weights[$1] * variances[$1] }
        return moves <= Self.movedMin * Self.movedMin * parts
    }

    /// How far what stays finite still is from its limit.
    ///
    /// On its way along with the directions each further step is shorter by a factor of e, so that they add up to 1/(1 − e⁻¹)
    /// times this one. A step that is longer than what is left along the directions explains is a Newton step to a maximum.
    var remainder: [Double] {
        let share = regular > 100 * gain * gain ? 1 : Self.allSteps
        return regularStep.map { $0 * share }
    }

    /// Coefficients that the directions take: as many as there are directions, so that with these held the others have a maximum.
    ///
    /// Found by elimination, each time the coefficient that a direction moves most in units of its standard error at β = 0.
    var pivots: [Int] {
        var rows = directions.map { row in
            row.indices.map { variances[$0] > 0 ? row[$0] / variances[$0].squareRoot() : 0 }
        }
        var pivots: [Int] = []
        while let first = rows.indices.first {
            var (row, column) = (first, 0)
            for candidate in rows.indices {
                for place in rows[candidate].indices
                where abs(rows[candidate][place]) > abs(rows[row][column]) {
                    (row, column) = (candidate, place)
                }
            }
            let chosen = rows.remove(at: row)
            guard abs(chosen[column]) > 0 else { break }
            pivots.append(column)
            rows = rows.map { other in
                let factor = other[column] / chosen[column]
                return other.indices.map { $0 == column ? 0 : other[$0] - factor * chosen[$0] }
            }
        }
        return pivots.sorted()
    }

    /// Whether all directions move a coefficient to the same side: with one direction there is no other.
    var hasOneDirection: Bool { directions.count == 1 }

    /// Several Newton steps at once, up to where about `gainMax` is left.
    var leap: [Double] {
        var (count, rest) = (0, gain)
        while rest > Self.gainMax, count < 12 { (count, rest) = (count + 1, rest * Self.inverseE) }
        let regularShare = (1 - rest / gain) * Self.allSteps
        return zip(regularStep, step).map { $0 * regularShare + $1 * Double(count) }
    }

    private static let inverseE = 0.36787944117144233
    private static let allSteps = 1 / (1 - inverseE)
}
