/// The concordance of a stated marker with the time to the event, of pairs within sites.
package struct ConcordanceResult: Hashable, Sendable, Codable {
    package var id: String
    package var counts: CohortCounts
    /// The formula of which a higher value lets expect an earlier event.
    package var marker: String
    /// Variables within whose levels pairs are formed.
    package var strata: [String]
    package var level: Double
    package var estimate: ConcordanceEstimate
    /// Limits of the normal approximation, cut at 0 and 1.
    package var lower: Reported
    package var upper: Reported
    package var warnings: [String]
    /// Whose rows belong together in the standard error; nil if each row stands for itself.
    package var cluster: String?
    /// The formula of the case weights.
    package var weights: String?
    /// The event that the analysis has in place of the endpoint's.
    package var event: String?

    package init(
        id: String, counts: CohortCounts, marker: String, strata: [String], level: Double,
        estimate: ConcordanceEstimate, warnings: [String]
    ) {
        (self.id, self.counts, self.marker, self.strata) = (id, counts, marker, strata)
        (self.level, self.estimate, self.warnings) = (level, estimate, warnings)
        let width = estimate.se.value.map { Normal.quantile(0.5 + level / 2) * $0 }
        let middle = estimate.estimate.value
        lower = Reported(middle.flatMap { middle in width.map { max(0, middle - $0) } })
        upper = Reported(middle.flatMap { middle in width.map { min(1, middle + $0) } })
    }
}
