/// The forms in which a study's result is written.
package enum ReportFormat: String, CaseIterable, Sendable {
    /// For a person at a terminal: tables of at most 100 columns, rounded as a paper rounds.
    case text
    /// For programs: every number at full precision, each analysis under its id.
    case json
    /// For spreadsheets and data frames: one value a line, at full precision.
    case csv
}
