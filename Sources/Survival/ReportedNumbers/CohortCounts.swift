/// Numbers of rows behind an analysis, over all sites.
package struct CohortCounts: Hashable, Sendable, Codable {
    /// Rows in the analysis, people they belong to, events.
    package var rows: Int
    package var people: Int
    package var events: Int
    /// Rows of the cohort left out because something is missing, in all and by variable (a row may count for several).
    package var dropped: Int
    package var droppedByVariable: [String: Int]
    /// The landmark from which time counts; nil without one.
    package var landmark: Landmark?
    /// The time, counted from time zero, at which everybody's follow-up was ended; nil without one.
    package var censorAt: Double?
    /// Rows left out because they overlap in time with an earlier one of the same person; nil unless the study wants it.
    package var overlapping: Int?

    /// A time at which everyone in the analysis is at risk, in the endpoint's unit, and the people who were not.
    package struct Landmark: Hashable, Sendable, Codable {
        package var time: Double
        package var excluded: Int

        package init(time: Double, excluded: Int) {
            (self.time, self.excluded) = (time, excluded)
        }
    }

    package init(
        rows: Int, people: Int, events: Int, dropped: Int, droppedByVariable: [String: Int],
        landmark: Landmark? = nil, censorAt: Double? = nil
    ) {
        (self.rows, self.people, self.events) = (rows, people, events)
        (self.dropped, self.droppedByVariable) = (dropped, droppedByVariable)
        (self.landmark, self.censorAt) = (landmark, censorAt)
    }
}

/// Whether sums indexed by time used the recorded times or the study's coarser grid.
package enum TimeAxisKind: String, Hashable, Sendable, Codable, CaseIterable { case exact, grid }
