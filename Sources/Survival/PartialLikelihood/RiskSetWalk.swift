/// Walks back in time and keeps S₀ = Σr and S₁ = Σrx of the risk set, with and without those who die at the present time.
///
/// Sums are compensated: with (entry, exit] rows they are differences of two sums that may both be much larger.
struct RiskSetWalk {
    /// S₀ and S₁ of one set of rows.
    struct Sums {
        var sum = 0.0
        var products: [Double]

        /// S₁/S₀; zeros for an empty set.
        var means: [Double] { sum > 0 ? products.map { $0 / sum } : products }
    }

    private(set) var withDeaths: Sums
    private(set) var withoutDeaths: Sums

    private let covariates: [Double]
    private let risks: [Double]
    private let parameterCount: Int
    private var sum = CompensatedSum()
    private var products: [CompensatedSum]
    /// Rows added, and rows (by entry) taken away again.
    private var (added, removed) = (0, 0)

    init(covariates: [Double], risks: [Double], parameterCount: Int) {
        (self.covariates, self.risks, self.parameterCount) = (covariates, risks, parameterCount)
        products = Array(repeating: CompensatedSum(), count: parameterCount)
        withDeaths = Sums(products: Array(repeating: 0, count: parameterCount))
        withoutDeaths = withDeaths
    }

    /// Event points must come in their order, latest first.
    mutating func advance(to point: RiskSets.EventPoint, byEntry: [Int]) {
        while added < point.deathStart {
            add(row: added, times: 1)
            added += 1
        }
        while removed < point.notEntered {
            add(row: byEntry[removed], times: -1)
            removed += 1
        }
        withoutDeaths = present
        while added < point.rowEnd {
            add(row: added, times: 1)
            added += 1
        }
        withDeaths = present
    }

    private var present: Sums { Sums(sum: sum.value, products: products.map(\.value)) }

    private mutating func add(row: Int, times sign: Double) {
        let risk = sign * risks[row]
        sum += risk
        for index in 0..<parameterCount { products[index] += risk * covariates[row * parameterCount + index] }
    }
}
