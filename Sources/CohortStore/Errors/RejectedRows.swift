import Survival

/// Everything that a patient file has against its dictionary: the first problems, and how many there are in
/// all.
///
/// Nothing here comes from a cell: lines, columns of the dictionary, and the rules they break.
package struct RejectedRows: Error, Hashable, Sendable, CustomStringConvertible {
    package static let problemsMax = 50

    /// One cell or line that breaks a rule.
    package struct Problem: Hashable, Sendable, CustomStringConvertible {
        /// The line, from 1, on which the row begins.
        package var line: Int
        /// The field's place in its line, from 1; nil if the line as a whole is meant.
        package var position: Int?
        /// The dictionary's name of the column; nil for a column that the dictionary does not use.
        package var column: String?
        package var rule: String

        package var description: String {
            let field = column.map { ", column \($0)" } ?? position.map { ", field \($0)" } ?? ""
            return "line \(line)\(field): \(rule)"
        }
    }

    package var path: String
    package internal(set) var problems: [Problem] = []
    package internal(set) var total = 0
    /// Whether the file was to be imported; else it is one for a fit.
    private let isForImport: Bool

    init(path: String, isForImport: Bool) { (self.path, self.isForImport) = (path, isForImport) }

    /// One sentence, then a line for each problem kept.
    package var description: String {
        let rest = total > problems.count ? ", of which the first \(problems.count) are" : ""
        let outcome = isForImport ? ", nothing was imported" : ""
        return "\(path): \(counted(total, "problem"))\(outcome)\(rest):"
            + problems.map { "\n  \($0)" }.joined()
    }

    mutating func add(_ problem: @autoclosure () -> Problem) {
        total += 1
        if problems.count < RejectedRows.problemsMax { problems.append(problem()) }
    }
}

/// The rule that a cell breaks.
enum CellFault: Equatable {
    case missingThoughRequired, notANumber, decimalComma, outOfRange, offResolution, unknownLevel, notBoolean
    case padded, paddedInvisibly, notUTF8, zeroByte, nullIdentifier

    /// The rule as a clause about the cell, in words of the dictionary alone.
    func rule(for variable: DataDictionary.Variable?) -> String {
        switch (self, variable?.kind) {
        case (.outOfRange, .number(let lower, let upper, _)):
            "outside \(lower.plain) to \(upper.plain)\(variable?.unit.map { " \($0)" } ?? "")"
        case (.offResolution, .number(_, _, let resolution?)): "not a multiple of \(resolution.plain)"
        case (.unknownLevel, .category(let levels, _)): "not a level (\(CellFault.list(levels)))"
        case (.missingThoughRequired, .identifier): "no identifier"
        default: plainRule
        }
    }

    private var plainRule: String {
        switch self {
        case .missingThoughRequired: "missing, but required"
        case .notANumber: "not a number; a code for missing must stand in the dictionary"
        case .decimalComma: "a decimal comma; write a decimal point"
        case .outOfRange: "out of range"
        case .offResolution: "finer than the dictionary's resolution"
        case .unknownLevel: "not a level"
        case .notBoolean: "not 0 or 1, no or yes, false or true, f or t"
        case .padded: "spaces around the value"
        case .paddedInvisibly: "a space that cannot be seen, or a no-break one, around the value"
        case .nullIdentifier:
            "no identifier; NA, NULL and the like would make one person of all who have it"
        case .notUTF8: "not UTF-8 text"
        case .zeroByte: "has a NUL byte"
        }
    }

    private static func list(_ levels: [String]) -> String {
        let shown = levels.prefix(10).joined(separator: ", ")
        return levels.count > 10 ? "\(shown), … \(levels.count) in all" : shown
    }
}

extension Double {
    /// Without ".0" after a whole number.
    fileprivate var plain: String { Int(exactly: self).map(String.init) ?? description }
}
