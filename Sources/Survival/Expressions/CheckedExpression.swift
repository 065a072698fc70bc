/// An expression that fits a dictionary: names are resolved, types agree, levels are known.
struct CheckedExpression: Sendable {
    enum Meaning: Sendable {
        /// A number, or a yes/no value as 0 and 1. The bounds of a yes/no value are 0...1.
        case value(Operation, isBoolean: Bool, bounds: ClosedRange<Double>)
        /// A category's variable of the dictionary, as it is.
        case category(Category)
    }

    struct Category: Hashable, Sendable {
        var variable: String
        var levels: [String]
        var reference: String
    }

    var meaning: Meaning
    /// Dictionary variables behind it, through definitions.
    var variables: Set<String>
    /// Definitions behind it, through definitions.
    var definitions: Set<String>
    /// What hospitals do not answer in its own text, whatever is in definitions; nil if they answer all of it.
    var fault: ScopeError?

    var type: ExpressionType {
        switch meaning {
        case .value(_, let isBoolean, _): isBoolean ? .boolean : .number
        case .category(let category): .category(levels: category.levels, reference: category.reference)
        }
    }
}

/// The type of an expression's values.
package enum ExpressionType: Hashable, Sendable {
    case number, boolean
    case category(levels: [String], reference: String)

    /// The names of the values a category or a yes/no expression takes, in order; nil for a number.
    package var levels: [String]? {
        switch self {
        case .number: nil
        case .boolean: ["no", "yes"]
        case .category(let levels, _): levels
        }
    }
}

/// What is to be computed for every row; all values are numbers, truth is 0 or 1, missing is NaN.
indirect enum Operation: Sendable {
    case constant(Double)
    case variable(String)
    case definition(String)
    case negative(Operation)
    case call(ExpressionFunction, Operation)
    case arithmetic(ArithmeticOperator, Operation, Operation)
    case comparison(ComparisonOperator, Operation, Operation)
    case membership(Operation, [Double], isNegated: Bool)
    /// Whether a category's level is one of those marked.
    case levelTest(variable: String, truth: [Bool])
    case not(Operation)
    case all([Operation])
    case any([Operation])
}
