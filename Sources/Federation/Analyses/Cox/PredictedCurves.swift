import Survival

/// The curves that a Cox course adds to its result: the baseline hazard, and survival at stated covariates.
///
/// Made of sums that the fit has already; nothing more is asked for them. On a grid the hazard is constant in each interval.
struct PredictedCurves: Sendable {
    private let prediction: CoxPlan.Prediction
    private let common: CommonHazard
    /// By stratum: the time until which someone is followed.
    private let ends: [Double]
    private let axis: TimeAxis
    private let coordinates: Coordinates
    private let level: Double
    /// By stratum the intervals of the grid that have an event; nil with exact times.
    private let intervals: [[GridInterval]]?

    init(
        _ prediction: CoxPlan.Prediction, _ common: CommonHazard, ends: [Double], axis: TimeAxis,
        coordinates: Coordinates, plan: AnalysisPlan
    ) {
        (self.prediction, self.common, self.ends, self.axis) = (prediction, common, ends, axis)
        (self.coordinates, level) = (coordinates, plan.level)
        let isOnGrid = common.grid.strata.contains { $0.starts != nil }
        intervals =
            isOnGrid
            ? common.grid.strata.map { stratum in
                zip(stratum.starts ?? [], stratum.times).map {
                    plan.interval(Int($0) + 1..<Int($1) + 1)
                }
            } : nil
    }

    /// Aliased coefficients are 0, as in R, but where a profile would need one.
    func add(to result: inout CoxResult, fit: CoxFit, covariance: CoefficientCovariance) {
        let hazard = BaselineHazard(
            grid: common.grid, hazard: common.hazard, means: common.means, beta: fit.beta,
            covariance: covariance)
        if prediction.hasBaselineHazard {
            result.baselineHazard = prediction.strata.enumerated().map { stratum, name in
                let origin = Place(
                    covariates: standardised(coordinates.center.map { _ in 0 }), offset: -coordinates.shift,
                    stratum: stratum)
                let isKnown = hazard.isFinite(
                    stratum: stratum, covariates: origin.covariates, separation: fit.separation)
                return baseline(name, origin, hazard, isKnown: isKnown)
            }
        }
        guard !prediction.profiles.isEmpty else { return }
        result.curveLimits = prediction.limits
        result.predictions = prediction.profiles.flatMap { profile in
            (profile.stratum.map { [$0] } ?? Array(prediction.strata.indices)).map { stratum in
                let place = Place(
                    covariates: standardised(profile.columns), offset: profile.offset - coordinates.shift,
                    stratum: stratum)
                return curve(profile, place, hazard)
            }
        }
        let isStratified = prediction.strata.count > 1
        result.withhold(
            predictionsOf: prediction.profiles.filter {
                !fit.tellsOfHazard(at: standardised($0.columns), withinStrata: isStratified)
            })
    }

    /// Covariates and offset in the fit's coordinates, whose linear predictors are counted from their shift on; a stratum.
    private struct Place {
        var covariates: [Double]
        var offset: Double
        var stratum: Int
    }

    /// Covariates in the study's units as the fit has them.
    private func standardised(_ columns: [Double]) -> [Double] {
        columns.indices.map { index in
            let scale = coordinates.scale[index]
            return (columns[index] - coordinates.center[index]) / (scale == 0 ? 1 : scale)
        }
    }

    private func points(_ place: Place, _ hazard: BaselineHazard) -> [BaselineHazard.Point] {
        hazard.points(stratum: place.stratum, covariates: place.covariates, offset: place.offset)
    }

    private func time(_ point: BaselineHazard.Point) -> Double { axis.time(at: Int(point.time)) }

    /// NA where covariates of 0 are infinitely far from those at risk.
    private func baseline(
        _ name: String, _ place: Place, _ hazard: BaselineHazard, isKnown: Bool
    ) -> CoxResult.BaselineCurve {
        let points = points(place, hazard)
        return .init(
            stratum: name, time: points.map(time),
            hazard: points.map { isKnown ? Reported($0.hazard) : .notAvailable },
            se: points.map { isKnown ? Reported($0.se) : .notAvailable },
            gridStart: intervals?[place.stratum].map(\.start))
    }

    private func curve(
        _ profile: CovariateProfile, _ place: Place, _ hazard: BaselineHazard
    ) -> CoxResult.Prediction {
        let points = points(place, hazard)
        return .init(
            profile: profile.label, stratum: prediction.strata[place.stratum],
            curve: points.map { estimate(time($0), $0) },
            at: prediction.at.map { time in
                time <= ends[place.stratum]
                    ? point(at: time, points, place, hazard) : .notAvailable(time: time)
            }, gridStart: intervals?[place.stratum].map(\.start))
    }

    private func point(
        at time: Double, _ points: [BaselineHazard.Point], _ place: Place, _ hazard: BaselineHazard
    ) -> CoxResult.CurvePoint {
        let passed = points.firstIndexSorted { self.time($0) > time }
        let before = passed > 0 ? points[passed - 1] : BaselineHazard.Point(time: time, hazard: 0, se: 0)
        guard let intervals = intervals?[place.stratum] else { return estimate(time, before) }
        guard passed < intervals.count, intervals[passed].isBegun(by: time) else {
            var known = estimate(time, before)
            known.grid = grid(from: time, to: time, before, before)
            return known
        }
        let interval = intervals[passed]
        let inside = hazard.point(
            at: time, stratum: place.stratum, covariates: place.covariates, offset: place.offset,
            after: passed, share: interval.share(at: time))
        var result = estimate(time, inside)
        result.grid = grid(from: interval.start, to: interval.end, before, points[passed])
        return result
    }

    private func grid(
        from start: Double, to end: Double, _ before: BaselineHazard.Point, _ after: BaselineHazard.Point
    ) -> CoxResult.CurvePoint.Grid {
        func survival(_ point: BaselineHazard.Point) -> Reported {
            Reported(point.survival(limits: prediction.limits, level: level).estimate)
        }
        return .init(
            from: start, to: end, survival: Bounds(lowest: survival(after), highest: survival(before)),
            hazard: Bounds(lowest: Reported(before.hazard), highest: Reported(after.hazard)))
    }

    private func estimate(_ time: Double, _ point: BaselineHazard.Point) -> CoxResult.CurvePoint {
        let survival = point.survival(limits: prediction.limits, level: level)
        return .init(
            time: time, survival: Reported(survival.estimate), lower: Reported(survival.lower),
            upper: Reported(survival.upper), hazard: Reported(point.hazard), hazardSE: Reported(point.se))
    }
}

extension CoxResult.CurvePoint {
    /// Nobody is followed that long, or the model says nothing.
    static func notAvailable(time: Double) -> Self {
        Self(
            time: time, survival: .notAvailable, lower: .notAvailable, upper: .notAvailable,
            hazard: .notAvailable, hazardSE: .notAvailable)
    }
}
