/// Cumulative incidence of competing causes by group (Aalen-Johansen curves).
package struct IncidenceResult: Hashable, Sendable, Codable {
    package var id: String
    package var counts: CohortCounts
    package var times: TimeAxisKind
    /// The variable or definition that makes the groups; nil for one group.
    package var by: String?
    /// Names of the causes, in the order of the study file.
    package var causes: [String]
    package var limits: ConfidenceLimits
    package var level: Double
    package var groups: [Group]
    package var warnings: [String]
    /// The formula of the case weights; counts are then sums of weights.
    package var weights: String?
    /// Gray's tests between the groups, one a cause, if the study asks for them.
    package var tests: [TestResult]?
    /// Variables within whose levels the tests compare the groups.
    package var strata: [String]?
    /// The tests' weight (1 − F(t−))^rho, F being the incidence over all groups; nil for 0.
    package var rho: Double?
    /// The width of the study's grid, if the curves are on it; what is read off between its points is interpolated.
    package var gridWidth: Double?

    package struct Group: Hashable, Sendable, Codable {
        /// The level's label; empty without groups.
        package var name: String
        package var rows: Int
        /// Events by cause.
        package var events: [Int]
        package var curve: Curve
        /// The probabilities at the times the study asks for.
        package var at: [Point]

        package init(name: String, rows: Int, events: [Int], curve: Curve, at: [Point]) {
            (self.name, self.rows, self.events, self.curve, self.at) = (name, rows, events, curve, at)
        }
    }

    /// Estimates of one probability with infinitesimal-jackknife standard errors and limits; arrays of equal length.
    package struct Estimates: Hashable, Sendable, Codable {
        package var estimate: [Reported] = []
        package var se: [Reported] = []
        package var lower: [Reported] = []
        package var upper: [Reported] = []
        /// On a grid: between which values exact times would put the estimates.
        package var bounds: [Bounds]?

        package init(
            estimate: [Reported] = [], se: [Reported] = [], lower: [Reported] = [], upper: [Reported] = [],
            bounds: [Bounds]? = nil
        ) {
            (self.estimate, self.se, self.lower, self.upper) = (estimate, se, lower, upper)
            self.bounds = bounds
        }
    }

    /// One point at each time with an exit (event or censoring), in time order.
    package struct Curve: Hashable, Sendable, Codable {
        package var time: [Double]
        package var atRisk: [Double]
        package var censored: [Double]
        /// Events at each time, by cause.
        package var events: [[Double]]
        package var eventFree: Estimates
        /// By cause.
        package var incidence: [Estimates]
        /// On a grid: where the interval of each time begins.
        package var gridStart: [Double]?

        package init(
            time: [Double], atRisk: [Double], censored: [Double], events: [[Double]], eventFree: Estimates,
            incidence: [Estimates], gridStart: [Double]? = nil
        ) {
            (self.time, self.atRisk, self.censored, self.events) = (time, atRisk, censored, events)
            (self.eventFree, self.incidence, self.gridStart) = (eventFree, incidence, gridStart)
        }
    }

    package struct Point: Hashable, Sendable, Codable {
        package var time: Double
        package var atRisk: Reported
        /// Estimates of one element.
        package var eventFree: Estimates
        package var incidence: [Estimates]
        /// On a grid.
        package var grid: Grid?

        /// The interval that the time lies in, as of `SurvivalResult.Point.Grid`, and between which values exact times would put
        /// the rows at risk; the bounds of the estimates stand with them.
        package struct Grid: Hashable, Sendable, Codable {
            package var from: Double
            package var to: Double
            package var atRisk: Bounds

            package init(from: Double, to: Double, atRisk: Bounds) {
                (self.from, self.to, self.atRisk) = (from, to, atRisk)
            }
        }

        package init(
            time: Double, atRisk: Reported, eventFree: Estimates, incidence: [Estimates], grid: Grid? = nil
        ) {
            (self.time, self.atRisk, self.eventFree, self.incidence) = (time, atRisk, eventFree, incidence)
            self.grid = grid
        }
    }

    package init(
        id: String, counts: CohortCounts, times: TimeAxisKind, by: String?, causes: [String],
        limits: ConfidenceLimits, level: Double, groups: [Group], warnings: [String], weights: String? = nil
    ) {
        (self.id, self.counts, self.times, self.by) = (id, counts, times, by)
        (self.causes, self.limits, self.level) = (causes, limits, level)
        (self.groups, self.warnings, self.weights) = (groups, warnings, weights)
    }
}
