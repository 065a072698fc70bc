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

extension ThirdDerivatives {
    /// ∂I/∂β of one site's rows under a baseline hazard in each stratum: the third cumulants of the covariates in the risk
    /// sets, summed over the deaths.
    ///
    /// κ₃ = E[xxx] − E[xx]E[x] in its three arrangements + 2E[x]E[x]E[x], by the means over the risk set; under Efron's ties
    /// over the mixtures (1 − f)·S⁺ + f·S⁻ of `TiedDeaths`. Throws `riskOutOfRange` as `PartialLikelihood` does.
    init(_ data: SurvivalData, ties: Ties, at beta: [Double]) throws(SurvivalDataError) {
        let order = data.columnCount
        var sums = Array(repeating: CompensatedSum(), count: Self.packedCount(order: order))
        for riskSets in RiskSets.strata(of: data) {
            try StratumMoments(data, riskSets: riskSets, at: beta).addCumulants(ties: ties, to: &sums)
        }
        self.init(order: order, packed: sums.map(\.value))
    }
}

/// Sums of r, rx, rxx and rxxx over the risk sets of a stratum, with r = w·exp(xβ + offset).
private struct StratumMoments {
    private let riskSets: RiskSets
    private let order: Int
    /// Row-major in the order of the risk sets, centred in the stratum.
    private let covariates: [Double]
    private let risks: [Double]
    private let squareStart: Int
    private let cubeStart: Int
    private let momentCount: Int

    init(_ data: SurvivalData, riskSets: RiskSets, at beta: [Double]) throws(SurvivalDataError) {
        let (order, rows) = (data.columnCount, riskSets.rows)
        var covariates = Array(repeating: 0.0, count: rows.count * order)
        var predictors = rows.map { data.offset?[$0] ?? 0 }
        for (index, column) in data.columns.enumerated() {
            let center = rows.reduce(0) { $0 + column[$1] } / Double(max(rows.count, 1))
            for (position, row) in rows.enumerated() {
                covariates[position * order + index] = column[row] - center
                predictors[position] += (column[row] - center) * beta[index]
            }
        }
        guard let largest = predictors.max(), predictors.allSatisfy(\.isFinite) else { throw .riskOutOfRange }
        risks = zip(rows, predictors).map { (data.weight?[$0] ?? 1) * Elementary.exponential($1 - largest) }
        (self.riskSets, self.order, self.covariates) = (riskSets, order, covariates)
        squareStart = 1 + order
        cubeStart = squareStart + SymmetricMatrix.packedCount(order: order)
        momentCount = cubeStart + ThirdDerivatives.packedCount(order: order)
    }

    /// Adds c Σ κ₃ over the event times.
    func addCumulants(ties: Ties, to sums: inout [CompensatedSum]) throws(SurvivalDataError) {
        var present = Array(repeating: CompensatedSum(), count: momentCount)
        var (added, removed) = (0, 0)
        for point in riskSets.points {
            while added < point.deathStart {
                add(row: added, times: 1, to: &present)
                added += 1
            }
            while removed < point.notEntered {
                add(row: riskSets.byEntry[removed], times: -1, to: &present)
                removed += 1
            }
            let without = present.map(\.value)
            while added < point.rowEnd {
                add(row: added, times: 1, to: &present)
                added += 1
            }
            let with = present.map(\.value)
            guard with[0] > 0, with[0].isFinite else { throw .riskOutOfRange }
            let steps = ties == .efron ? point.deathCount : 1
            for step in 0..<steps {
                let fraction = Double(step) / Double(steps)
                let mixture = zip(with, without).map { (1 - fraction) * $0 + fraction * $1 }
                addCumulant(of: mixture, times: point.deathWeight / Double(steps), to: &sums)
            }
        }
    }

    private func add(row: Int, times sign: Double, to moments: inout [CompensatedSum]) {
        let risk = sign * risks[row]
        moments[0] += risk
        var (square, cube) = (squareStart, cubeStart)
        for a in 0..<order {
            let first = risk * covariates[row * order + a]
            moments[1 + a] += first
            for b in a..<order {
                let second = first * covariates[row * order + b]
                moments[square] += second
                square += 1
                for c in b..<order {
                    moments[cube] += second * covariates[row * order + c]
                    cube += 1
                }
            }
        }
    }

    private func addCumulant(of moments: [Double], times weight: Double, to sums: inout [CompensatedSum]) {
        let means = moments.map { $0 / moments[0] }
        let squares = SymmetricMatrix(order: order, packedUpper: Array(means[squareStart..<cubeStart]))
        var place = 0
        for a in 0..<order {
            for b in a..<order {
                for c in b..<order {
                    let (x, y, z) = (means[1 + a], means[1 + b], means[1 + c])
                    let products = squares[a, b] * z + squares[a, c] * y + squares[b, c] * x
                    sums[place] += weight * (means[cubeStart + place] - products + 2 * x * y * z)
                    place += 1
                }
            }
        }
    }
}
