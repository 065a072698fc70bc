import Survival

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
    case foreign(ForeignFormat)
    case encoding(Encoding)
    case headerNotText
    case separator(Separator)
    /// A line `sep=,` before the header, which Excel understands.
    case separatorLine
    /// A line that begins with `#` in place of the header.
    case commentLine
    /// Names of the dictionary's columns only.
    case header(missing: [String], repeated: [String])
    /// Columns of the dictionary whose names have spaces, or characters that nobody sees, at their ends.
    case paddedNames([String])
    /// Columns of the dictionary whose names have characters in them that nobody sees.
    case unseenCharacters([String])
    /// Columns of the dictionary whose names are there with other capital letters.
    case otherCapitals([String])
    case quoteInsideField(line: Int)
    case textAfterQuote(line: Int)
    case unclosedQuote(line: Int)
    case bareCarriageReturn(line: Int)
    /// `quote` is the line of a quote that may never be closed.
    case fieldTooLong(line: Int, quote: Int? = nil)
    case lineTooLong(line: Int, quote: Int? = nil)
    case tooManySites(column: String, maximum: Int)
    /// Another file, of another site, has the same bytes.
    case sameContent(as: String)

    /// A field or a line of more bytes is a fault.
    static let fieldBytesMax = 1 << 16
    static let recordBytesMax = 1 << 20

    package enum Separator: String, Sendable { case semicolons, tabs, pipes = "vertical bars" }

    package enum Encoding: String, Sendable { case utf16 = "UTF-16", utf32 = "UTF-32" }

    func sentence(path: String) -> String { "\(path): \(clause)" }

    private var clause: String {
        switch self {
        case .missing: "there is no such file"
        case .unreadable: "the file cannot be read by this account, or the disk failed"
        case .notAFile: "this is no file, but a pipe, a folder or a device; give the path of a CSV file"
        case .empty: "the file is empty"
        case .headerOnly: "the file has a header and no rows"
        case .foreign(let format): "this is \(format.rawValue), not CSV; \(format.remedy)"
        case .encoding(let encoding): "the text is \(encoding.rawValue); save it as CSV UTF-8"
        case .headerNotText: "the first line is not UTF-8 text; save the file as CSV UTF-8"
        case .separator(let separator): "fields are separated by \(separator.rawValue); save it with commas"
        case .separatorLine:
            "the first line is no header but a mark for Excel (sep=,); take that line out of the file"
        case .commentLine:
            "the first line is a comment (it begins with #); the first line must have the names of the columns"
        case .header(let missing, let repeated): CSVFault.headerClause(missing: missing, repeated: repeated)
        case .paddedNames(let names):
            "the first line has spaces around \(CSVFault.list(names)), perhaps invisible ones; take them out"
        case .unseenCharacters(let names):
            "the first line has characters that nobody sees in \(CSVFault.list(names)); take them out"
        case .otherCapitals(let names):
            "the first line has \(CSVFault.list(names)) with other capital letters; names are those of the dictionary, capital letters included"
        case .quoteInsideField(let line):
            "line \(line) has a quote inside a field; quote the whole field and double the quote in it"
        case .textAfterQuote(let line):
            "line \(line) goes on after a closing quote; double a quote in a field, and take out spaces after a quoted one"
        case .unclosedQuote(let line): "the quote opened in line \(line) is never closed"
        case .bareCarriageReturn(let line):
            "line \(line) ends in a carriage return alone; end lines with LF or CR LF"
        case .fieldTooLong(let line, let quote):
            "a field of line \(line) is longer than \(CSVFault.fieldBytesMax) bytes" + CSVFault.doubt(quote)
        case .lineTooLong(let line, nil):
            "line \(line) is longer than \(CSVFault.recordBytesMax) bytes; leave out columns that no study uses"
        case .lineTooLong(let line, let quote):
            "line \(line) is longer than \(CSVFault.recordBytesMax) bytes" + CSVFault.doubt(quote)
        case .tooManySites(let column, let maximum):
            "the column \(column) has more than \(maximum) different values; name the column of the hospitals"
        case .sameContent(let other):
            "the file has the same content as \(other), so that every row would count twice; give each site's own file"
        }
    }

    private static func doubt(_ quote: Int?) -> String {
        quote.map { "; the quote opened in line \($0) may not be closed" } ?? ""
    }

    private static func list(_ names: [String]) -> String {
        (names.count == 1 ? "the name " : "the names ") + names.joined(separator: ", ")
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
