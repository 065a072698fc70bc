/// What one event time contributes to the partial likelihood, from the two sums S₀ at it.
///
/// With d deaths of total weight ω, c = ω/d, and S⁺, S⁻ the sums of w·exp(xβ) over the risk set with and without the
/// deaths, Efron's l-th denominator is s_l = (1 − f)S⁺ + f·S⁻, f = l/d (never S⁺ − f·E, which cancels). Breslow has f = 0
/// throughout. Mean covariates at s_l lie on the line from x̄⁺ to x̄⁻, at θ_l = f·S⁻/s_l.
struct TiedDeaths {
    /// c Σ 1/s_l: the hazard increment for those who stay.
    let survivor: Double
    /// c Σ (1 − f)/s_l: the same for those who die (or, in interval form, leave).
    let leaver: Double
    /// c Σ 1/s_l²: the variance of the hazard increment.
    let survivorVariance: Double
    /// c Σ log s_l.
    let logTerm: Double
    /// Mean of θ_l, and Σ (θ_l − mean)².
    let meanShift: Double
    let shiftSquares: Double
    /// c Σ θ_l/s_l and c Σ (1 − f)θ_l/s_l.
    let survivorShift: Double
    let leaverShift: Double

    /// A point at which nobody dies.
    static let none = TiedDeaths()

    private init() {
        (survivor, leaver, logTerm) = (0, 0, 0)
        survivorVariance = 0
        (meanShift, shiftSquares) = (0, 0)
        (survivorShift, leaverShift) = (0, 0)
    }

    /// `withDeaths` is S⁺ and must be positive, `withoutDeaths` is S⁻.
    init(deaths: Int, weight: Double, withDeaths: Double, withoutDeaths: Double, ties: Ties) {
        guard ties == .efron, deaths > 1 else {
            (survivor, leaver) = (weight / withDeaths, weight / withDeaths)
            logTerm = weight * Elementary.logarithm(withDeaths)
            survivorVariance = weight / (withDeaths * withDeaths)
            (meanShift, shiftSquares) = (0, 0)
            (survivorShift, leaverShift) = (0, 0)
            return
        }
        var (stay, leave) = (CompensatedSum(), CompensatedSum())
        var (stayShift, leaveShift) = (CompensatedSum(), CompensatedSum())
        var (logs, shifts, squares) = (CompensatedSum(), CompensatedSum(), CompensatedSum())
        let denominator = { (fraction: Double) in (1 - fraction) * withDeaths + fraction * withoutDeaths }
        for index in 0..<deaths {
            let fraction = Double(index) / Double(deaths)
            let sum = denominator(fraction)
            stay += 1 / sum
            squares += 1 / (sum * sum)
            leave += (1 - fraction) / sum
            logs += Elementary.logarithm(sum)
            let shift = fraction * withoutDeaths / sum
            shifts += shift
            stayShift += shift / sum
            leaveShift += (1 - fraction) * shift / sum
        }
        let mean = shifts.value / Double(deaths)
        var spread = 0.0
        for index in 0..<deaths {
            let fraction = Double(index) / Double(deaths)
            let deviation = fraction * withoutDeaths / denominator(fraction) - mean
            spread += deviation * deviation
        }
        let share = weight / Double(deaths)
        (survivor, leaver, logTerm) = (share * stay.value, share * leave.value, share * logs.value)
        survivorVariance = share * squares.value
        (meanShift, shiftSquares) = (mean, spread)
        (survivorShift, leaverShift) = (share * stayShift.value, share * leaveShift.value)
    }
}
