/// Why an analysis has no answer from a hospital's rows: a sentence for the hospital's own eyes.
package enum AnalysisTrouble: Error, Hashable, Sendable, CustomStringConvertible {
    /// Rows of one person overlap in time, and the study does not say what to do then.
    case overlappingRows

    package var description: String {
        switch self {
        case .overlappingRows:
            "a person has rows that overlap in time, and would be counted more than once; correct the rows, or say in the study what they are: people: first-row (of rows that overlap the first is taken) or people: all-rows (they belong to different things, such as two eyes)"
        }
    }
}
