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

        package init(stratum: String, time: [Double], hazard: [Reported], se: [Reported]) {
            (self.stratum, self.time, self.hazard, self.se) = (stratum, time, hazard, se)
        }
    }

    /// Survival at stated covariates in a stratum.
    package struct Prediction: Hashable, Sendable, Codable {
        /// `age=60, sex=f`.
        package var profile: String
        package var stratum: String
        /// One point at each time with an event.
        package var curve: [CurvePoint]
        /// The times the study asks for.
        package var at: [CurvePoint]

        package init(profile: String, stratum: String, curve: [CurvePoint], at: [CurvePoint]) {
            (self.profile, self.stratum, self.curve, self.at) = (profile, stratum, curve, at)
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

        package init(
            time: Double, survival: Reported, lower: Reported, upper: Reported, hazard: Reported,
            hazardSE: Reported
        ) {
            (self.time, self.survival, self.lower, self.upper) = (time, survival, lower, upper)
            (self.hazard, self.hazardSE) = (hazard, hazardSE)
        }
    }
}
