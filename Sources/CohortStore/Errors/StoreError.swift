package import SQLiteFiles

/// Why a store could not do what it was asked, as a sentence for the person at the keyboard.
///
/// No case can hold a cell of a patient file or a bound value of a statement: faults carry paths, names of
/// the dictionary, line numbers and rules, so every error may be logged.
package enum StoreError: FileFailure, Hashable, Sendable {
    /// The database file at a path.
    case file(String, FileFault)
    /// A dictionary, by identifier (`name@version`).
    case dictionary(String, DictionaryFault)
    /// A patient file to be imported that cannot be read as CSV, by path.
    case csv(String, CSVFault)
    /// A file for a fit on this machine that cannot be read as CSV, by path.
    case localFile(String, CSVFault)
    /// A patient file that was read to its end and has cells against the dictionary.
    case rejectedRows(RejectedRows)

    package var description: String {
        switch self {
        case .file(let path, let fault): fault.sentence(path: path)
        case .dictionary(let identifier, let fault): fault.sentence(identifier: identifier)
        case .csv(let path, let fault): fault.sentence(path: path) + "; nothing was imported"
        case .localFile(let path, let fault): fault.sentence(path: path)
        case .rejectedRows(let rows): rows.description
        }
    }

    package var isLasting: Bool {
        switch self {
        case .file(_, let fault): fault.isLasting
        case .dictionary, .csv, .localFile, .rejectedRows: true
        }
    }
}
