/// Why a formula cannot be used with a dictionary or with a table, and where in the text.
package struct ScopeError: Error, Hashable, Sendable, CustomStringConvertible {
    package enum Problem: Hashable, Sendable {
        case syntax(ExpressionError.Problem)
        case dictionary(DataDictionaryError)
        case unknownVariable(String, suggestion: String?)
        /// The variable exists, but is an identifier.
        case identifier(String)
        case unknownLevel(String, variable: String, levels: [String], suggestion: String?)
        case ambiguousLevel(String, variable: String)
        case wrongType(found: String, expected: String)
        case neverDefined(String)
        /// A condition where hospitals answer numbers only.
        case conditionAsNumber(String)
        /// Some value within the dictionary's ranges leaves it undefined.
        case undefinedInRange(String, reason: String)
        /// It could tell a few values of a variable from those next to them.
        case tooSteep(String, reason: String)
        /// A study's formulas together could.
        case tooManyBends(String, reason: String)
        case badDefinitionName(String)
        case duplicateDefinition(String)
        case tooManyDefinitions(maximum: Int)
        case definitionHidesVariable(String)
        case circularDefinitions([String])
        case notAllowedInFilters(String)
        case notAllowedInTerms(String)
        case missingColumn(String)
        case wrongColumn(String)
        /// The expression is infinite for some row.
        case infinite(String)
        /// The expression is missing in rows of an analysis that did not name it among those it needs.
        case notAmongNeeded(String)
        case term(ModelTermProblem)
        /// The rows cannot be analysed; the sentence says why.
        case unusable(String)
    }

    package var problem: Problem
    /// The definition whose text it is about, if it is about one.
    package var definition: String?
    /// The text and the position in it of the first character concerned, counted from 1.
    package var text: String?
    package var position: Int?

    package init(_ problem: Problem, definition: String? = nil, text: String? = nil, position: Int? = nil) {
        (self.problem, self.definition, self.text, self.position) = (problem, definition, text, position)
    }

    init(_ error: ExpressionError, definition: String? = nil) {
        self.init(.syntax(error.problem), definition: definition, text: error.text, position: error.position)
    }

    package var description: String {
        let start = definition.map { "in the definition of \(quoted($0)): " } ?? ""
        let end = if let text, let position { " (\(place(position, in: text)))" } else { "" }
        return start + problem.description + end
    }
}

extension ScopeError.Problem: CustomStringConvertible {
    package var description: String {
        switch self {
        case .syntax(let problem): return problem.description
        case .dictionary(let error): return error.description
        case .unknownVariable(let name, let suggestion):
            return "there is no variable or definition \(quoted(name))" + didYouMean(suggestion)
        case .identifier(let name):
            return "\(quoted(name)) is an identifier and has no value in an expression"
        case .unknownLevel(let level, let variable, let levels, let suggestion):
            let list =
                levels.prefix(12).map(quoted).joined(separator: ", ") + (levels.count > 12 ? ", ..." : "")
            return "\(quoted(variable)) has no level \(quoted(level))"
                + (suggestion == nil ? "; its levels are \(list)" : didYouMean(suggestion))
        case .ambiguousLevel(let level, let variable):
            return
                "several levels of \(quoted(variable)) equal the number \(level); write the level in quotes"
        case .wrongType(let found, let expected): return "found \(found) where \(expected) is needed"
        case .neverDefined(let what): return "\(what) is undefined for every value that the dictionary allows"
        case .conditionAsNumber(let what):
            return
                "\(quoted(what)) is a condition, which is no number inside a formula; make it a term or a group of its own, an interaction (a:b), or a spline (rcs) of the number"
        case .undefinedInRange(let what, let reason):
            return
                "\(quoted(what)) must have a value for everybody, and by the dictionary's ranges \(reason); choose the cases by cohort:, or give the variable a narrower range in the dictionary"
        case .tooSteep(let what, let reason):
            return
                "\(quoted(what)) could single out a few values of a variable: it \(reason)"
        case .tooManyBends(let name, let reason):
            return
                "this study's formulas could together single out a few values of \(quoted(name)): \(reason)"
        case .badDefinitionName(let name):
            return
                "\(quoted(name)) cannot name a definition; use letters, digits, _ and ., a letter first"
        case .duplicateDefinition(let name): return "\(quoted(name)) is defined twice"
        case .tooManyDefinitions(let maximum): return "there are more than \(maximum) definitions"
        case .definitionHidesVariable(let name):
            return "\(quoted(name)) is a variable of the dictionary; give the definition another name"
        case .circularDefinitions(let names):
            return "definitions refer to each other in a circle: " + names.joined(separator: " -> ")
        case .notAllowedInFilters(let name):
            return "the dictionary does not allow \(quoted(name)) in a filter"
        case .notAllowedInTerms(let name): return "the dictionary does not allow \(quoted(name)) in a model"
        case .missingColumn(let name): return "the table has no column for \(quoted(name))"
        case .wrongColumn(let name):
            return "the table's column for \(quoted(name)) is not of the dictionary's type"
        case .infinite(let text):
            return "\(quoted(text)) is infinite for some rows; leave those out by the cohort's filter"
        case .notAmongNeeded(let text):
            return
                "\(quoted(text)) is missing in some rows; name it among what the analysis needs"
        case .term(let problem): return problem.description
        case .unusable(let reason): return reason
        }
    }
}

/// What can be wrong with a model's terms beyond their expressions.
package enum ModelTermProblem: Hashable, Sendable, CustomStringConvertible {
    case duplicate(String)
    case twiceInInteraction(String)
    case constant(String)
    case topLevelArithmetic(String)
    case specialInInteraction(String)
    case single(String)
    case needsLevels(String, use: String)
    case needsNumber(String, use: String)
    case tooManyStrata(maximum: Int)
    case tooManyColumns(maximum: Int)
    case interactionTooHigh(maximum: Int)
    case splineInside
    case badKnots(String)
    case knotOutside(String, knot: Double)

    package var description: String {
        switch self {
        case .duplicate(let term): "the term \(quoted(term)) is there twice"
        case .twiceInInteraction(let part):
            "\(quoted(part)) meets itself in an interaction; put a product of numbers in parentheses"
        case .constant(let part):
            "\(quoted(part)) is the same for everyone; as * joins terms, put arithmetic in parentheses"
        case .topLevelArithmetic(let symbol):
            "a term's \(quoted(symbol)) stands outside parentheses; list two terms, or add parentheses"
        case .specialInInteraction(let name):
            "\(name)() stands for itself and takes no part in an interaction"
        case .single(let name): "\(name)() takes one expression and stands once in a model"
        case .needsLevels(let part, let use):
            "\(use)() needs a category or a yes/no expression, and \(quoted(part)) is a number"
        case .needsNumber(let part, let use): "\(use)() needs a number, and \(quoted(part)) is none"
        case .tooManyStrata(let maximum): "the strata have more than \(maximum) combinations of levels"
        case .tooManyColumns(let maximum): "the terms make more than \(maximum) columns"
        case .splineInside: "rcs() makes a term of a model or a part of an interaction, and has no value"
        case .badKnots(let part):
            "\(quoted(part)) needs \(RestrictedCubicSpline.knotCounts.lowerBound) to "
                + "\(RestrictedCubicSpline.knotCounts.upperBound) knots, each larger than the one before"
        case .knotOutside(let part, let knot):
            "the knot \(knot) of \(quoted(part)) lies outside the range that the dictionary allows"
        case .interactionTooHigh(let maximum): "an interaction joins more than \(maximum) parts"
        }
    }
}
