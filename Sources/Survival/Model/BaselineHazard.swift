/// The cumulative baseline hazard of a Cox model with one baseline for all, and the curves that it predicts.
///
/// H(t | x) = r·Λ(t), r = exp(xβ + offset), with Efron's or Breslow's increments of Λ as the fit's ties. Its variance is
/// r²(Σ var + qᵀVq), q = Λ(t)·x − Σ increments × mean covariates, V the covariance of β (Tsiatis, Ann Stat 1981; Link, Biometrics
/// 1984); S = exp(−H). As R's `survfit.coxph`. Everything is on the fit's working scale, from sums over sites that the fit has.
package struct BaselineHazard: Sendable {
    private let grid: EventGrid
    private let hazard: HazardIncrements
    private let means: MeanIncrements
    private let beta: [Double]
    private let covariance: CoefficientCovariance

    /// `covariance` is the robust one where the model has one.
    package init(
        grid: EventGrid, hazard: HazardIncrements, means: MeanIncrements, beta: [Double],
        covariance: CoefficientCovariance
    ) {
        precondition(hazard.survivor.count == grid.pointCount, "increments of another grid")
        (self.grid, self.hazard, self.means) = (grid, hazard, means)
        (self.beta, self.covariance) = (beta, covariance)
    }

    /// The cumulative hazard just after a point of a stratum's grid.
    package struct Point: Sendable, Hashable {
        /// As on the grid: a time, or an interval's end.
        package var time: Double
        package var hazard: Double
        package var se: Double

        package init(time: Double, hazard: Double, se: Double) {
            (self.time, self.hazard, self.se) = (time, hazard, se)
        }
    }

    /// The cumulative hazard of covariates `x` in a stratum, at each of its times with a death.
    package func points(stratum: Int, covariates x: [Double], offset: Double = 0) -> [Point] {
        let start = grid.strata[..<stratum].reduce(0) { $0 + $1.times.count }
        let risk = Elementary.exponential(dot(x, beta) + offset)
        var (sum, variance) = (CompensatedSum(), CompensatedSum())
        var drift = x.map { _ in 0.0 }
        return grid.strata[stratum].times.enumerated().map { index, time in
            let point = start + index
            sum += hazard.survivor[point]
            variance += hazard.survivorVariance[point]
            for column in x.indices { drift[column] += means.survivor[point * x.count + column] }
            let lever = zip(x, drift).map { sum.value * $0 - $1 }
            let square = variance.value + covariance.variance(of: lever)
            return Point(time: time, hazard: risk * sum.value, se: risk * max(0, square).squareRoot())
        }
    }
}

extension BaselineHazard.Point {
    /// Survival and its limits.
    package func survival(
        limits: ConfidenceLimits, level: Double
    ) -> (estimate: Double, lower: Double, upper: Double) {
        let survival = Elementary.exponential(-hazard)
        let interval = limits.interval(around: survival, relativeError: se, level: level)
        return (survival, interval.lower, interval.upper)
    }
}
