/// One event time of the discrete partial likelihood: its d deaths against all sets of d rows at risk.
///
/// With e_d = Σ over sets of Π r, the log-likelihood loses log e_d, the score its gradient Σ_sets Π r Σx/e_d, the information
/// gains its Hessian. Rows are taken in one after the other (Gail, Lubin and Rubinstein, Biometrika 1981): e_k(with row) =
/// e_k + r·e_{k−1}, and so for the sums of Σx and (Σx)(Σx)ᵀ; n·d·p² operations in place of n!/(d!(n − d)!) sets.
struct ExactTies {
    /// log Σ_sets Π r.
    let logTerm: Double
    /// Mean of Σx over the sets, weighted with Π r.
    let mean: [Double]
    /// Covariance of Σx over the sets.
    let covariance: SymmetricMatrix

    /// Sums over sets of one size.
    private struct Sums {
        var weight = 0.0
        var first: [Double]
        var second: SymmetricMatrix
    }

    /// `rows` are all at risk, `deaths` is the size of the sets, and covariates are row-major.
    ///
    /// Risks must be positive in sum; one that is 0 takes its row out of every set.
    init(rows: [Int], deaths: Int, risks: [Double], covariates: [Double], parameterCount: Int) {
        precondition(deaths <= rows.count, "as many at risk as die")
        let total = rows.reduce(0) { $0 + risks[$1] }
        // Risks that add up to d keep e_d below e^d; covariates about their mean keep digits in the covariance.
        let scale = Double(deaths) / total
        var center = Array(repeating: 0.0, count: parameterCount)
        for row in rows {
            for index in center.indices {
                center[index] += risks[row] / total * covariates[row * parameterCount + index]
            }
        }
        let none = Sums(first: center.map { _ in 0 }, second: SymmetricMatrix(order: parameterCount))
        var sums = Array(repeating: none, count: deaths + 1)
        sums[0].weight = 1
        var x = center
        for (taken, row) in rows.enumerated() {
            for index in x.indices { x[index] = covariates[row * parameterCount + index] - center[index] }
            for size in stride(from: min(taken + 1, deaths), through: 1, by: -1) {
                Self.add(risks[row] * scale, x, sums[size - 1], to: &sums[size])
            }
        }
        let whole = sums[deaths]
        let shift = whole.first.map { $0 / whole.weight }
        var covariance = SymmetricMatrix(
            order: parameterCount, packedUpper: whole.second.packedUpper.map { $0 / whole.weight })
        covariance.add(-1, outer: shift)
        self.covariance = deaths == rows.count ? SymmetricMatrix(order: parameterCount) : covariance
        mean = zip(shift, center).map { $0 + Double(deaths) * $1 }
        logTerm = Elementary.logarithm(whole.weight) - Double(deaths) * Elementary.logarithm(scale)
    }

    /// Sets of one row fewer, each with the row of risk `risk` and covariates `x` put in.
    private static func add(_ risk: Double, _ x: [Double], _ fewer: Sums, to sums: inout Sums) {
        if fewer.weight == 0 { return }
        sums.weight += risk * fewer.weight
        for index in x.indices { sums.first[index] += risk * (fewer.first[index] + x[index] * fewer.weight) }
        sums.second.packedUpper.withUnsafeMutableBufferPointer { triangle in
            fewer.second.packedUpper.withUnsafeBufferPointer { old in
                var cell = 0
                for row in x.indices {
                    for column in row..<x.count {
                        let cross =
                            x[row] * fewer.first[column] + x[column] * fewer.first[row]
                            + x[row] * x[column] * fewer.weight
                        triangle[cell] += risk * (old[cell] + cross)
                        cell += 1
                    }
                }
            }
        }
    }
}
