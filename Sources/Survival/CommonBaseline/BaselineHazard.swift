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
        var sums = Sums(x)
        let risk = Elementary.exponential(dot(x, beta) + offset)
        return grid.strata[stratum].times.enumerated().map { index, time in
            sums.add(start(of: stratum) + index, of: self)
            return point(sums, time: time, risk: risk)
        }
    }

    /// The same within an interval of the grid, the next after the first `count` points of the stratum, where a part of its
    /// increments has passed: the hazard is taken as constant in it.
    package func point(
        at time: Double, stratum: Int, covariates x: [Double], offset: Double, after count: Int, share: Double
    ) -> Point {
        var sums = Sums(x)
        for index in 0..<count { sums.add(start(of: stratum) + index, of: self) }
        sums.add(start(of: stratum) + count, of: self, share: share)
        return point(sums, time: time, risk: Elementary.exponential(dot(x, beta) + offset))
    }

    /// Whether the hazard of covariates `x` in a stratum has a limit other than 0 where coefficients run to infinity.
    package func isFinite(stratum: Int, covariates x: [Double], separation: Separation?) -> Bool {
        guard let separation else { return true }
        var sums = Sums(x)
        for index in grid.strata[stratum].times.indices { sums.add(start(of: stratum) + index, of: self) }
        guard sums.hazard.value > 0 else { return true }
        return separation.keeps(zip(x, sums.drift).map { $0 - $1 / sums.hazard.value })
    }

    private func start(of stratum: Int) -> Int {
        grid.strata[..<stratum].reduce(0) { $0 + $1.times.count }
    }

    private func point(_ sums: Sums, time: Double, risk: Double) -> Point {
        let sum = sums.hazard.value
        let lever = zip(sums.covariates, sums.drift).map { sum * $0 - $1 }
        let square = sums.variance.value + covariance.variance(of: lever)
        return Point(time: time, hazard: risk * sum, se: risk * max(0, square).squareRoot())
    }

    /// Increments up to a time.
    private struct Sums {
        let covariates: [Double]
        var hazard = CompensatedSum()
        var variance = CompensatedSum()
        var drift: [Double]

        init(_ covariates: [Double]) {
            (self.covariates, drift) = (covariates, covariates.map { _ in 0 })
        }

        mutating func add(_ point: Int, of other: BaselineHazard, share: Double = 1) {
            hazard += share * other.hazard.survivor[point]
            variance += share * other.hazard.survivorVariance[point]
            for column in drift.indices {
                drift[column] += share * other.means.survivor[point * drift.count + column]
            }
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
