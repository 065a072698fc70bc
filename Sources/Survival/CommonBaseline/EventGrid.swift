/// The times at which sums over sites are taken when all sites share one baseline hazard.
///
/// Built from sums of counts over all sites, hence the same everywhere. Two forms, stratum by stratum:
/// - exact (`starts` nil): `times` are the times with deaths, ascending;
/// - intervals: `(starts[k], times[k]]`, ascending and not overlapping; all who leave within an interval, dead or censored, take
///   the place of the deaths in Efron's formula, so that sums at the interval's two ends are enough.
package struct EventGrid: Sendable, Hashable, Codable {
    package struct Stratum: Sendable, Hashable, Codable {
        package var times: [Double]
        /// Deaths at each time (or in each interval), over all sites; and the sum of their weights.
        package var deaths: [Double]
        package var deathWeights: [Double]
        package var starts: [Double]?

        package init(times: [Double], deaths: [Double], deathWeights: [Double], starts: [Double]? = nil) {
            let lengths = [deaths.count, deathWeights.count, starts?.count ?? times.count]
            precondition(lengths.allSatisfy { $0 == times.count }, "deaths and weights for each time")
            (self.times, self.deaths) = (times, deaths)
            (self.deathWeights, self.starts) = (deathWeights, starts)
        }
    }

    package var strata: [Stratum]
    /// For a subdistribution hazard: who had a competing event stays at risk, with weights of this curve; nil otherwise.
    package var censoring: CensoringCurve?

    package init(strata: [Stratum], censoring: CensoringCurve? = nil) {
        (self.strata, self.censoring) = (strata, censoring)
    }

    /// G at each point, by which a competing event before it is weighted: just before a time, or where an interval starts.
    func censoringShares() -> [Double]? {
        censoring.map { curve in
            strata.flatMap { stratum in
                stratum.starts.map { $0.map(curve.after) } ?? stratum.times.map(curve.before)
            }
        }
    }

    /// Times or intervals of all strata together: K.
    package var pointCount: Int { strata.reduce(0) { $0 + $1.times.count } }

    /// The points at which a sum without those who leave is needed beside the one with them.
    ///
    /// Efron's formula has more than one death to spread there. Elsewhere nothing needs it, and the two would differ by the
    /// covariates of a single death.
    package func tiedPoints(_ ties: Ties) -> [Int] {
        guard ties == .efron else { return [] }
        return strata.flatMap(\.deaths).enumerated().filter { $1.rounded() > 1 }.map(\.offset)
    }

    /// Numbers in the sums over risk sets, for each number of a row: one a point, and another where it is tied.
    package func riskSetCount(_ ties: Ties) -> Int { pointCount + tiedPoints(ties).count }

    /// What no log-likelihood on this grid exceeds, whatever the covariates: that of deaths who bear all of the risk at their points.
    ///
    /// With r those of the m deaths at a point, W the sum of their weights w, Σ w log r − W/m Σ log s(l) is at most −W log W, and with
    /// Efron's s(l) ≥ (1 − l/m) Σ wr more by W/m (m log m − log m!).
    package func logLikelihoodMax(_ ties: Ties) -> Double {
        var sum = CompensatedSum()
        for stratum in strata {
            for (deaths, weight) in zip(stratum.deaths, stratum.deathWeights) where deaths > 0 && weight > 0 {
                sum -= weight * Elementary.logarithm(weight)
                guard ties == .efron, deaths > 1 else { continue }
                let spread = deaths * Elementary.logarithm(deaths) - Special.logGamma(deaths + 1)
                sum += weight / deaths * spread
            }
        }
        return sum.value
    }

    /// Σ of the deaths' weights.
    package var eventWeight: Double { strata.flatMap(\.deathWeights).reduce(0, +) }

    /// The exact grid of rows that are all in one place (or whose event times every site may know).
    ///
    /// `stratumCount` fixes the number of strata where some have no row.
    package init(eventsOf data: SurvivalData, stratumCount: Int) {
        var byStratum: [[Double: (deaths: Double, weight: Double)]] = Array(
            repeating: [:], count: stratumCount)
        for row in 0..<data.rowCount where data.event[row] {
            let stratum = Int(data.stratum?[row] ?? 0)
            precondition(stratum < stratumCount, "a stratum outside the count")
            let (deaths, weight) = byStratum[stratum][data.exit[row], default: (0, 0)]
            byStratum[stratum][data.exit[row]] = (deaths + 1, weight + (data.weight?[row] ?? 1))
        }
        strata = byStratum.map { points in
            let sorted = points.sorted { $0.key < $1.key }
            return Stratum(
                times: sorted.map(\.key), deaths: sorted.map(\.value.deaths),
                deathWeights: sorted.map(\.value.weight))
        }
    }
}
