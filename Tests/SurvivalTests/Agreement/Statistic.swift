/// A kind of number that is compared with R's, and how near it must be.
enum Statistic: String, CaseIterable, Sendable {
    case counts = "n, events"
    case coefficient = "coef"
    case standardError = "se"
    case robustStandardError = "robust se"
    case z
    case p
    case limits = "hr, limits"
    case covariance
    case logLikelihood = "loglik"
    case likelihoodRatio = "LR test"
    case wald = "Wald test"
    case score = "score test"
    case hazardsCheck = "zph"
    case penalty
    case curveCounts = "at risk"
    case survival = "S(t)"
    case survivalError = "se of S"
    case survivalLimits = "limits of S"
    case cumulativeHazard = "H(t), se"
    case quantiles = "quantiles"
    case restrictedMean = "rmst"
    case incidence = "F(t)"
    case incidenceError = "se of F"
    case incidenceLimits = "limits of F"
    case pairs
    case concordance = "C"
    case concordanceError = "se of C"
    case observed = "observed, expected"
    case chiSquare = "chi-square"
    case testP = "p of the test"

    /// Largest relative difference.
    var tolerance: Double {
        switch self {
        case .counts, .curveCounts: 0
        case .logLikelihood: 1e-11
        case .survival, .observed, .concordance: 1e-11
        case .incidence, .pairs: 1e-10
        // A hospital merges times that differ by rounding among its own; the reference allows 1e-7.
        case .hazardsCheck: 1e-8
        default: 1e-9
        }
    }

    static let cox: [Statistic] = [
        .coefficient, .standardError, .robustStandardError, .z, .p, .limits, .covariance, .logLikelihood,
        .likelihoodRatio, .wald, .score, .hazardsCheck,
    ]
    static let ridge =
        cox.filter { ![.robustStandardError, .score, .hazardsCheck].contains($0) } + [.penalty]
    static let subdistribution: [Statistic] = [
        .coefficient, .standardError, .robustStandardError, .limits, .covariance, .logLikelihood,
    ]
    static let incidences: [Statistic] = [.curveCounts, .incidence, .incidenceError, .incidenceLimits]
    static let pairCounts: [Statistic] = [.pairs, .concordance, .concordanceError]
    static let curves: [Statistic] = [
        .curveCounts, .survival, .survivalError, .survivalLimits, .cumulativeHazard, .quantiles,
        .restrictedMean,
    ]
    static let tests: [Statistic] = [.observed, .chiSquare, .testP]
}

/// The largest relative difference of each statistic from R's, over as much as was compared.
struct Deviations: Sendable {
    /// The largest difference, and the number that it is of.
    private(set) var largest: [Statistic: (size: Double, place: String)] = [:]

    /// Compares number by number; a number where R has none, or none where R has one, is an infinite difference.
    ///
    /// Relative to R's number, or to the scale where that is larger.
    mutating func compare(
        _ statistic: Statistic, _ got: [Double], _ want: [Double], scale: [Double]? = nil,
        _ place: String
    ) {
        var sizes = got.count == want.count ? [0] : [Double.infinity]
        for (index, (got, want)) in zip(got, want).enumerated() {
            if got == want || got.isNaN && want.isNaN { continue }
            let size = abs(got - want) / max(abs(want), scale?[index] ?? 0)
            sizes.append(size.isNaN ? .infinity : size)
        }
        add(statistic, sizes.max() ?? 0, place)
    }

    mutating func merge(_ other: Deviations) {
        for (statistic, deviation) in other.largest { add(statistic, deviation.size, deviation.place) }
    }

    private mutating func add(_ statistic: Statistic, _ size: Double, _ place: String) {
        if let known = largest[statistic], known.size >= size { return }
        largest[statistic] = (size, place)
    }
}
