package import Survival

/// A study's result, ready to be written in any of the report formats.
///
/// Rendering is a pure function of the result: the same result gives the same bytes.
package struct StudyReport: Sendable {
    private let result: StudyResult

    package init(_ result: StudyResult) {
        self.result = result
    }

    /// The whole report in one string that ends in a line break.
    ///
    /// - Parameters:
    ///   - format: The form to write.
    ///   - roundsP: Whether CSV has p-values as the text report has them, such as `<0.001`, for tables of a paper.
    /// - Returns: UTF-8 text; lines end in LF, those of CSV in CRLF.
    /// - Throws: ``ReportError`` if the result contradicts itself, as one read from a damaged file may.
    package func rendered(as format: ReportFormat, roundsP: Bool = false) throws(ReportError) -> String {
        try requireCoherence(of: result)
        return switch format {
        case .text: TextReport(result).text
        case .json: JSONReport(result).text
        case .csv: CSVReport(result, roundsP: roundsP).text
        }
    }
}
