import Survival

/// What is wrong with a dictionary, or with asking for it.
package enum DictionaryFault: Hashable, Sendable {
    case notInstalled(installed: [String])
    /// The same name and version are installed with another text.
    case textChanged
    /// SQLite or this store cannot hold it; the reason is a clause.
    case unusable(reason: String)
    case unknownVariable(String, suggestion: String?)
    /// An identifier has no place in an analysis.
    case identifierVariable(String)
    case hasRows
    case hasNoRows
    /// The rows are no longer those that were imported.
    case rowsChanged
    /// A stored value of this variable is not what the dictionary allows.
    case unreadableValue(variable: String)

    func sentence(identifier: String) -> String {
        switch self {
        case .notInstalled(let installed):
            "dictionary \(identifier) is not installed here; "
                + (installed.isEmpty ? "install it first" : "installed: \(installed.joined(separator: ", "))")
        case .textChanged:
            "dictionary \(identifier) is installed with another text; give the changed one a new version"
        case .unusable(let reason):
            "dictionary \(identifier) cannot be stored: \(reason)"
        case .unknownVariable(let name, let suggestion):
            "dictionary \(identifier) has no variable \(quoted(name))\(didYouMean(suggestion))"
        case .identifierVariable(let name):
            "variable \(quoted(name)) of \(identifier) names people and cannot be used in an analysis"
        case .hasRows:
            "there are rows for \(identifier) already; to put this file in their place, "
                + "import it as a replacement"
        case .hasNoRows:
            "there are no rows for \(identifier) yet; import a file first"
        case .rowsChanged:
            "the rows of \(identifier) are not those that were imported; import the file again "
                + "as a replacement"
        case .unreadableValue(let variable):
            "a stored value of \(quoted(variable)) is not one that \(identifier) allows; "
                + "import the file again as a replacement"
        }
    }
}
