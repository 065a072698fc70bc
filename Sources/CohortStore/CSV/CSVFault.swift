/// Why a file cannot be read as CSV (RFC 4180) at all, or is not a file for the dictionary.
///
/// Reading stops at the first such fault: where the next field begins is not known any more. What the first
/// line says is never quoted, because in a file without a header it is a patient.
package enum CSVFault: Error, Hashable, Sendable {
    case missing
    case unreadable
    case notAFile
    case empty
    case headerOnly
    case workbook
    case utf16
    case headerNotText
    case separator(Separator)
    /// Names of the dictionary's columns only.
    case header(missing: [String], repeated: [String])
    case quoteInsideField(line: Int)
    case textAfterQuote(line: Int)
    case unclosedQuote(line: Int)
    case bareCarriageReturn(line: Int)
    case fieldTooLong(line: Int)
    case lineTooLong(line: Int)
    case tooManySites(column: String, maximum: Int)

    package enum Separator: String, Sendable { case semicolons, tabs }

    func sentence(path: String) -> String { "\(path): \(clause); nothing was imported" }

    private var clause: String {
        switch self {
        case .missing: "there is no such file"
        case .unreadable: "the file cannot be read by this account, or the disk failed"
        case .notAFile: "this is not a file; give the path of a CSV file"
        case .empty: "the file is empty"
        case .headerOnly: "the file has a header and no rows"
        case .workbook: "this is an Excel workbook; save it as CSV UTF-8"
        case .utf16: "the text is UTF-16; save it as CSV UTF-8"
        case .headerNotText: "the first line is not UTF-8 text; save the file as CSV UTF-8"
        case .separator(let separator): "fields are separated by \(separator.rawValue); save it with commas"
        case .header(let missing, let repeated): CSVFault.headerClause(missing: missing, repeated: repeated)
        case .quoteInsideField(let line):
            "line \(line) has a quote inside a field; quote the whole field and double the quote in it"
        case .textAfterQuote(let line):
            "line \(line) goes on after a closing quote; double a quote in a field"
        case .unclosedQuote(let line): "the quote opened in line \(line) is never closed"
        case .bareCarriageReturn(let line):
            "line \(line) ends in a carriage return alone; end lines with LF or CR LF"
        case .fieldTooLong(let line):
            "a field of line \(line) is longer than \(CSVScanner.fieldBytesMax) bytes; "
                + "look for a quote that is not closed"
        case .lineTooLong(let line):
            "line \(line) is longer than \(CSVScanner.recordBytesMax) bytes; "
                + "look for a quote that is not closed"
        case .tooManySites(let column, let maximum):
            "the column \(column) has more than \(maximum) different values; name the column of the hospitals"
        }
    }

    private static func headerClause(missing: [String], repeated: [String]) -> String {
        var clauses: [String] = []
        if !missing.isEmpty {
            clauses.append("the first line has no column \(missing.joined(separator: ", "))")
        }
        if !repeated.isEmpty {
            clauses.append("the first line has more than one column \(repeated.joined(separator: ", "))")
        }
        return clauses.joined(separator: ", and ")
            + " (names are those of the dictionary, capital letters included)"
    }
}
