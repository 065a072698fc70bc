import Survival

/// The curves that a Cox course adds to its result: the baseline hazard, and survival at stated covariates.
///
/// Made of sums that the fit has already; nothing more is asked for them.
struct PredictedCurves: Sendable {
    private let prediction: AnalysisPlan.Prediction
    private let common: Query.CommonHazard
    /// By stratum: the time until which someone is followed.
    private let ends: [Double]
    private let axis: TimeAxis
    private let coordinates: Query.Coordinates
    private let level: Double

    init(
        _ prediction: AnalysisPlan.Prediction, _ common: Query.CommonHazard, ends: [Double], axis: TimeAxis,
        coordinates: Query.Coordinates, level: Double
    ) {
        (self.prediction, self.common, self.ends, self.axis) = (prediction, common, ends, axis)
        (self.coordinates, self.level) = (coordinates, level)
    }

    /// Aliased coefficients are 0, as in R, but where a profile would need one.
    func add(to result: inout CoxResult, fit: CoxFit, covariance: SymmetricMatrix) {
        let hazard = BaselineHazard(
            grid: common.grid, hazard: common.hazard, means: common.means, beta: fit.beta,
            covariance: covariance)
        if prediction.hasBaselineHazard {
            result.baselineHazard = prediction.strata.enumerated().map { stratum, name in
                baseline(name, points(hazard, stratum, coordinates.center.map { _ in 0 }, offset: 0))
            }
        }
        guard !prediction.profiles.isEmpty else { return }
        result.curveLimits = prediction.limits
        result.predictions = prediction.profiles.flatMap { profile in
            (profile.stratum.map { [$0] } ?? Array(prediction.strata.indices)).map { stratum in
                curve(profile, stratum, points(hazard, stratum, profile.columns, offset: profile.offset))
            }
        }
        let isStratified = prediction.strata.count > 1
        result.withhold(
            predictionsOf: prediction.profiles.filter {
                !fit.tellsOfHazard(at: standardised($0), withinStrata: isStratified)
            })
    }

    private func standardised(_ profile: CovariateProfile) -> [Double] {
        profile.columns.indices.map { index in
            let scale = coordinates.scale[index]
            return (profile.columns[index] - coordinates.center[index]) / (scale == 0 ? 1 : scale)
        }
    }

    /// The points of a stratum for covariates in the study's units.
    private func points(
        _ hazard: BaselineHazard, _ stratum: Int, _ columns: [Double], offset: Double
    ) -> [BaselineHazard.Point] {
        let standardised = columns.indices.map { index in
            let scale = coordinates.scale[index]
            return (columns[index] - coordinates.center[index]) / (scale == 0 ? 1 : scale)
        }
        return hazard.points(stratum: stratum, covariates: standardised, offset: offset)
    }

    private func time(_ point: BaselineHazard.Point) -> Double { axis.time(at: Int(point.time)) }

    private func baseline(_ name: String, _ points: [BaselineHazard.Point]) -> CoxResult.BaselineCurve {
        .init(
            stratum: name, time: points.map(time), hazard: points.map { Reported($0.hazard) },
            se: points.map { Reported($0.se) })
    }

    private func curve(
        _ profile: CovariateProfile, _ stratum: Int, _ points: [BaselineHazard.Point]
    ) -> CoxResult.Prediction {
        .init(
            profile: profile.label, stratum: prediction.strata[stratum],
            curve: points.map { estimate(time($0), $0) },
            at: prediction.at.map { time in
                guard time <= ends[stratum] else { return .notAvailable(time: time) }
                guard let index = points.lastIndex(where: { self.time($0) <= time }) else {
                    return estimate(time, .init(time: time, hazard: 0, se: 0))
                }
                return estimate(time, points[index])
            })
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
