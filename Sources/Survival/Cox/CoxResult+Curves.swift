extension CoxResult {
    /// Whose hazard is modelled where there are several causes of an event.
    package enum Hazard: String, Hashable, Sendable, Codable, CaseIterable {
        /// Those who had another cause leave the risk set.
        case causeSpecific = "cause-specific"
        /// They stay in it, weighted by the censoring to come (Fine and Gray, JASA 1999).
        case subdistribution
    }

    /// The cumulative baseline hazard of a stratum; arrays of equal length, one element a time with an event.
    package struct BaselineCurve: Hashable, Sendable, Codable {
        /// The stratum's label; empty without strata.
        package var stratum: String
        package var time: [Double]
        package var hazard: [Reported]
        package var se: [Reported]
        /// On a grid: where the interval of each time begins.
        package var gridStart: [Double]?

        package init(
            stratum: String, time: [Double], hazard: [Reported], se: [Reported], gridStart: [Double]? = nil
        ) {
            (self.stratum, self.time, self.hazard, self.se) = (stratum, time, hazard, se)
            self.gridStart = gridStart
        }
    }

    /// Survival at stated covariates in a stratum.
    package struct Prediction: Hashable, Sendable, Codable {
        /// `age=60, sex=f`.
        package var profile: String
        package var stratum: String
        /// One point at each time with an event.
        package var curve: [CurvePoint]
        /// On a grid: where the interval of each point begins.
        package var gridStart: [Double]?
        /// The times the study asks for.
        package var at: [CurvePoint]

        package init(
            profile: String, stratum: String, curve: [CurvePoint], at: [CurvePoint],
            gridStart: [Double]? = nil
        ) {
            (self.profile, self.stratum, self.curve, self.at) = (profile, stratum, curve, at)
            self.gridStart = gridStart
        }
    }

    /// Survival and cumulative hazard just after a time.
    package struct CurvePoint: Hashable, Sendable, Codable {
        package var time: Double
        package var survival: Reported
        package var lower: Reported
        package var upper: Reported
        package var hazard: Reported
        package var hazardSE: Reported
        /// On a grid.
        package var grid: Grid?

        /// The interval of the grid that the time lies in (both ends the time itself where it is a point of the grid), and the curve at
        /// the interval's two ends.
        package struct Grid: Hashable, Sendable, Codable {
            package var from: Double
            package var to: Double
            package var survival: Bounds
            package var hazard: Bounds

            package init(from: Double, to: Double, survival: Bounds, hazard: Bounds) {
                (self.from, self.to, self.survival, self.hazard) = (from, to, survival, hazard)
            }
        }

        package init(
            time: Double, survival: Reported, lower: Reported, upper: Reported, hazard: Reported,
            hazardSE: Reported, grid: Grid? = nil
        ) {
            (self.time, self.survival, self.lower, self.upper) = (time, survival, lower, upper)
            (self.hazard, self.hazardSE, self.grid) = (hazard, hazardSE, grid)
        }
    }
}
