/// Kaplan-Meier curves by group, and the log-rank test between the groups if it was asked for; or the test alone.
package struct SurvivalResult: Hashable, Sendable, Codable {
    package var id: String
    package var counts: CohortCounts
    package var times: TimeAxisKind
    /// The variable or definition that makes the groups; nil for one curve.
    package var by: String?
    package var limits: ConfidenceLimits
    package var level: Double
    /// None if the test alone was asked for.
    package var groups: [Group]
    package var test: LogRank?
    package var warnings: [String]
    package var estimate = CurveEstimate.kaplanMeier
    /// What standard errors and limits are robust against: rows of one of these belong together; nil for Greenwood's.
    package var cluster: String?
    /// The event that the analysis has in place of the endpoint's.
    package var event: String?
    /// The formula of the case weights; counts are then sums of weights.
    package var weights: String?
    /// The width of the study's grid, if the curves are on it; what is read off between its points is interpolated.
    package var gridWidth: Double?

    package struct Group: Hashable, Sendable, Codable {
        /// The level's label; empty without groups.
        package var name: String
        package var rows: Int
        package var events: Int
        package var median: Quantile
        /// One point at each time with an exit (event or censoring), in time order; arrays of equal length.
        package var curve: Curve
        /// Survival at the times the study asks for.
        package var at: [Point]
        /// Times by which the shares that the study asks for have had the event.
        package var quantiles: [ShareQuantile]
        /// Areas under the curve to the times that the study asks for.
        package var restrictedMeans: [RestrictedMean]
        /// Median of the time to censoring (reverse Kaplan-Meier), if the study asks for it.
        package var followUp: Quantile?

        package init(
            name: String, rows: Int, events: Int, median: Quantile, curve: Curve, at: [Point],
            quantiles: [ShareQuantile] = [], restrictedMeans: [RestrictedMean] = [], followUp: Quantile? = nil
        ) {
            (self.name, self.rows, self.events, self.median) = (name, rows, events, median)
            (self.curve, self.at) = (curve, at)
            (self.quantiles, self.restrictedMeans, self.followUp) = (quantiles, restrictedMeans, followUp)
        }
    }

    package struct ShareQuantile: Hashable, Sendable, Codable {
        /// 0.25: by when a quarter has had the event.
        package var share: Double
        package var time: Quantile

        package init(share: Double, time: Quantile) {
            (self.share, self.time) = (share, time)
        }
    }

    package struct RestrictedMean: Hashable, Sendable, Codable {
        package var time: Double
        package var mean: Reported
        package var se: Reported
        package var lower: Reported
        package var upper: Reported
        /// On a grid: between which values exact times would put the mean.
        package var bounds: Bounds?

        package init(
            time: Double, mean: Reported, se: Reported, lower: Reported, upper: Reported,
            bounds: Bounds? = nil
        ) {
            (self.time, self.mean, self.se, self.lower, self.upper) = (time, mean, se, lower, upper)
            self.bounds = bounds
        }
    }

    package struct Curve: Hashable, Sendable, Codable {
        package var time: [Double]
        package var atRisk: [Double]
        package var events: [Double]
        package var censored: [Double]
        package var survival: [Reported]
        /// Standard error of the survival (Greenwood's, or a robust one).
        package var se: [Reported]
        package var lower: [Reported]
        package var upper: [Reported]
        /// Cumulative hazard (Nelson-Aalen's, or Fleming and Harrington's) and its standard error.
        package var hazard: [Reported]
        package var hazardSE: [Reported]
        /// On a grid.
        package var grid: Grid?

        /// Where the interval of each time begins, and what exact times could make of the curve at its end.
        package struct Grid: Hashable, Sendable, Codable {
            package var start: [Double]
            package var survival: [Bounds]
            package var hazard: [Bounds]

            package init(start: [Double], survival: [Bounds], hazard: [Bounds]) {
                (self.start, self.survival, self.hazard) = (start, survival, hazard)
            }
        }

        package init(
            time: [Double], atRisk: [Double], events: [Double], censored: [Double], survival: [Reported],
            se: [Reported], lower: [Reported], upper: [Reported], hazard: [Reported], hazardSE: [Reported],
            grid: Grid? = nil
        ) {
            (self.time, self.atRisk, self.events, self.censored) = (time, atRisk, events, censored)
            (self.survival, self.se, self.lower, self.upper) = (survival, se, lower, upper)
            (self.hazard, self.hazardSE, self.grid) = (hazard, hazardSE, grid)
        }
    }

    package struct Quantile: Hashable, Sendable, Codable {
        package var estimate: Reported
        package var lower: Reported
        package var upper: Reported
        /// On a grid: between which times exact times would put the estimate; NA where they might not reach it.
        package var bounds: Bounds?

        package init(estimate: Reported, lower: Reported, upper: Reported, bounds: Bounds? = nil) {
            (self.estimate, self.lower, self.upper, self.bounds) = (estimate, lower, upper, bounds)
        }
    }

    package struct Point: Hashable, Sendable, Codable {
        package var time: Double
        package var atRisk: Reported
        package var survival: Reported
        package var se: Reported
        package var lower: Reported
        package var upper: Reported
        /// Cumulative hazard and its standard error.
        package var hazard: Reported
        package var hazardSE: Reported
        /// On a grid.
        package var grid: Grid?

        /// The interval of the grid that the time lies in (from `from` to below `to`; both the time itself where it is a point of the
        /// grid), and between which values exact times would put the numbers.
        package struct Grid: Hashable, Sendable, Codable {
            package var from: Double
            package var to: Double
            package var atRisk: Bounds
            package var survival: Bounds
            package var hazard: Bounds

            package init(from: Double, to: Double, atRisk: Bounds, survival: Bounds, hazard: Bounds) {
                (self.from, self.to, self.atRisk) = (from, to, atRisk)
                (self.survival, self.hazard) = (survival, hazard)
            }
        }

        package init(
            time: Double, atRisk: Reported, survival: Reported, se: Reported, lower: Reported,
            upper: Reported, hazard: Reported, hazardSE: Reported, grid: Grid? = nil
        ) {
            (self.time, self.atRisk, self.survival, self.se) = (time, atRisk, survival, se)
            (self.lower, self.upper, self.hazard, self.hazardSE) = (lower, upper, hazard, hazardSE)
            self.grid = grid
        }
    }

    package struct LogRank: Hashable, Sendable, Codable {
        package var groups: [String]
        package var observed: [Reported]
        package var expected: [Reported]
        package var test: TestResult
        /// Weight S(t−)^rho: 0 is the log-rank test, 1 is Peto and Peto's.
        package var rho: Double
        /// Against a trend over the groups in their order, if the study asks for it.
        package var trend: TestResult?
        /// Variables whose levels make strata, and `site` for hospitals; groups are compared within them.
        package var strata: [String]
        /// The rows of each group, in a result without curves.
        package var rows: [Int]?
        /// True if hospitals are strata, so that the test is of each one's exact times, whatever those of the curves; otherwise nil.
        package var isWithinSites: Bool?

        package init(
            groups: [String], observed: [Reported], expected: [Reported], test: TestResult, rho: Double = 0,
            trend: TestResult? = nil, strata: [String] = []
        ) {
            (self.groups, self.observed, self.expected, self.test) = (groups, observed, expected, test)
            (self.rho, self.trend, self.strata) = (rho, trend, strata)
        }
    }

    package init(
        id: String, counts: CohortCounts, times: TimeAxisKind, by: String?, limits: ConfidenceLimits,
        level: Double,
        groups: [Group], test: LogRank?, warnings: [String]
    ) {
        (self.id, self.counts, self.times, self.by, self.limits) = (id, counts, times, by, limits)
        (self.level, self.groups, self.test, self.warnings) = (level, groups, test, warnings)
    }
}

/// The transform on which a survival curve's confidence limits are symmetric; R's `conf.type`.
package enum ConfidenceLimits: String, Hashable, Sendable, Codable, CaseIterable {
    case log
    case logLog = "log-log"
    case plain
}
