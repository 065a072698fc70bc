/// How a survival curve is made from counts.
package enum CurveEstimate: String, Hashable, Sendable, Codable, CaseIterable {
    /// The product limit; R's `survfit(stype = 1)`.
    case kaplanMeier = "kaplan-meier"
    /// exp(−H) with the Nelson-Aalen hazard; R's `stype = 2, ctype = 1`.
    case nelsonAalen = "nelson-aalen"
    /// exp(−H) with H of Fleming and Harrington (Commun Statist 1984), in which tied deaths follow each other; R's
    /// `stype = 2, ctype = 2`.
    case flemingHarrington = "fleming-harrington"
}
