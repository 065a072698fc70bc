/// Why a dictionary makes no sense.
package struct DataDictionaryError: Error, Hashable, Sendable, CustomStringConvertible {
    package enum Problem: Hashable, Sendable {
        case badName, badVersion
        case noSuchPerson(suggestion: String?)
        case personIsNoIdentifier
        case duplicateVariable
        case duplicateColumn(String, of: String)
        case badVariableName
        case emptyRange
        case badResolution
        case badGrid
        case tooFewLevels
        case badLevel(String)
        case duplicateLevel(String)
        case referenceIsNoLevel(String, suggestion: String?)
        case labelWithoutLevel(String, suggestion: String?)
        case levelIsMissingCode(String)
    }

    package var problem: Problem
    /// The variable it is about; nil if the dictionary as a whole is meant.
    package var variable: String?

    package init(_ problem: Problem, variable: String? = nil) {
        (self.problem, self.variable) = (problem, variable)
    }

    package var description: String {
        let subject = variable.map { "variable \(quoted($0))" } ?? "the dictionary"
        switch problem {
        case .badName: return "a dictionary's name consists of lower-case letters, digits and hyphens"
        case .badVersion: return "a dictionary's version is a whole number from 1"
        case .noSuchPerson(let suggestion):
            return "there is no variable \(quoted(variable ?? "")) to tell people apart"
                + didYouMean(suggestion)
        case .personIsNoIdentifier: return "\(subject) tells people apart and must be of type identifier"
        case .duplicateVariable: return "\(subject) is there twice"
        case .duplicateColumn(let column, let other):
            return "\(subject) and \(quoted(other)) are both read from the column \(quoted(column))"
        case .badVariableName:
            return "\(subject) needs a name without line breaks, backquotes or blanks at its ends"
        case .emptyRange: return "\(subject) needs a range whose lower end is below its upper end"
        case .badResolution: return "\(subject) needs a resolution above 0"
        case .badGrid:
            return
                "\(subject) has a grid, which must be a width above 0, a multiple of its resolution, and of a number"
        case .tooFewLevels: return "\(subject) needs two levels or more"
        case .badLevel(let level):
            return
                "\(subject) has the level \(quoted(level)); a level is not blank and stands on one line"
        case .duplicateLevel(let level): return "\(subject) has the level \(quoted(level)) twice"
        case .referenceIsNoLevel(let level, let suggestion):
            return "the reference \(quoted(level)) of \(subject) is not among its levels"
                + didYouMean(suggestion)
        case .labelWithoutLevel(let level, let suggestion):
            return "\(subject) labels \(quoted(level)), which is not among its levels"
                + didYouMean(suggestion)
        case .levelIsMissingCode(let level):
            return "\(subject) has \(quoted(level)) both as a level and as a code for missing"
        }
    }
}

extension DataDictionary {
    /// Refuses a dictionary that contradicts itself, by the name of the variable.
    package func validate() throws(DataDictionaryError) {
        let nameCharacters = Set("abcdefghijklmnopqrstuvwxyz0123456789-")
        guard !name.isEmpty, name.allSatisfy(nameCharacters.contains) else {
            throw DataDictionaryError(.badName)
        }
        guard version >= 1 else { throw DataDictionaryError(.badVersion) }
        var owners: [String: String] = [:]
        var names: Set<String> = []
        for variable in variables {
            try variable.validate()
            guard names.insert(variable.name).inserted else {
                throw DataDictionaryError(.duplicateVariable, variable: variable.name)
            }
            if let other = owners.updateValue(variable.name, forKey: variable.column) {
                throw DataDictionaryError(
                    .duplicateColumn(variable.column, of: other), variable: variable.name)
            }
        }
        guard let identity = self[person] else {
            let suggestion = Spelling.nearest(to: person, among: variables.map(\.name))
            throw DataDictionaryError(.noSuchPerson(suggestion: suggestion), variable: person)
        }
        guard identity.kind == .identifier else {
            throw DataDictionaryError(.personIsNoIdentifier, variable: person)
        }
    }
}

extension DataDictionary.Variable {
    fileprivate func validate() throws(DataDictionaryError) {
        guard Self.isName(name) else {
            throw DataDictionaryError(.badVariableName, variable: name)
        }
        guard hasPossibleGrid else { throw DataDictionaryError(.badGrid, variable: name) }
        switch kind {
        case .number(let lower, let upper, let resolution):
            guard lower < upper else { throw DataDictionaryError(.emptyRange, variable: name) }
            if let resolution, !(resolution > 0 && resolution.isFinite) {
                throw DataDictionaryError(.badResolution, variable: name)
            }
        case .category(let levels, let reference): try validate(levels: levels, reference: reference)
        case .boolean, .identifier: break
        }
    }

    private var hasPossibleGrid: Bool {
        guard let grid else { return true }
        guard case .number(_, _, let resolution) = kind, grid > 0, grid.isFinite else { return false }
        return resolution.map { grid.isMultiple(of: $0) } ?? true
    }

    private func validate(levels: [String], reference: String) throws(DataDictionaryError) {
        func refuse(_ problem: DataDictionaryError.Problem) -> DataDictionaryError {
            DataDictionaryError(problem, variable: name)
        }
        guard levels.count >= 2 else { throw refuse(.tooFewLevels) }
        var seen: Set<String> = []
        for level in levels {
            guard level.contains(where: { !$0.isWhitespace }), !level.contains(where: \.isNewline) else {
                throw refuse(.badLevel(level))
            }
            guard seen.insert(level).inserted else { throw refuse(.duplicateLevel(level)) }
            guard !missing.contains(level) else { throw refuse(.levelIsMissingCode(level)) }
        }
        guard seen.contains(reference) else {
            throw refuse(
                .referenceIsNoLevel(reference, suggestion: Spelling.nearest(to: reference, among: levels)))
        }
        for level in levelLabels.keys.sorted() where !seen.contains(level) {
            throw refuse(.labelWithoutLevel(level, suggestion: Spelling.nearest(to: level, among: levels)))
        }
    }

    /// On one line, not empty, without blanks at the ends, so that people can type it, and without backquotes, which quote it.
    package static func isName(_ text: String) -> Bool {
        guard let first = text.first, let last = text.last else { return false }
        return !first.isWhitespace && !last.isWhitespace
            && !text.contains { $0.isNewline || $0 == "`" }
    }
}

extension Double {
    /// Whether it is a whole number of steps, but for rounding: a multiple of 0.1 is not exact in binary.
    package func isMultiple(of step: Double) -> Bool {
        let steps = self / step
        return abs(steps - steps.rounded()) <= 1e-9 * max(1, abs(steps))
    }
}
