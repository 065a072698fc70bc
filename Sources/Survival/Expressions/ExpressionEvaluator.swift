/// Computes expressions for all rows of a table at once, each definition once.
///
/// Names are looked up once a table; the inner loops run over plain arrays of numbers.
struct ExpressionEvaluator {
    private enum Operand {
        case constant(Double)
        case rows([Double])
    }

    private let scope: VariableScope
    private let table: PatientTable
    private var known: [String: Operand] = [:]

    init(scope: VariableScope, table: PatientTable) {
        (self.scope, self.table) = (scope, table)
    }

    /// The expression's value for each row of the table.
    ///
    /// Missing values follow R's three-valued logic: a comparison with a missing side is missing, "missing and false" is false,
    /// "missing or true" is true. Unlike R's `%in%`, a missing value is neither in a list nor outside it. An undefined number, such
    /// as the logarithm of a negative one, is missing.
    mutating func column(of expression: Expression) throws(ScopeError) -> Column {
        let checked = try scope.check(expression)
        switch checked.meaning {
        case .category(let category): return .category(try indices(of: category.variable))
        case .value(let operation, let isBoolean, _):
            // In this order no definition waits for another, however long the chain of definitions is.
            for name in scope.evaluationOrder where checked.definitions.contains(name) {
                try evaluateDefinition(name)
            }
            let values = rows(of: try evaluate(operation))
            return isBoolean ? .boolean(values) : .number(values)
        }
    }

    private mutating func evaluateDefinition(_ name: String) throws(ScopeError) {
        guard known[name] == nil, case .value(let operation, _, _)? = scope.checkedDefinition(name)?.meaning
        else { return }
        known[name] = try evaluate(operation)
    }

    private func evaluate(_ operation: Operation) throws(ScopeError) -> Operand {
        switch operation {
        case .constant(let value): return .constant(value)
        case .variable(let name): return .rows(try numbers(of: name))
        case .definition(let name):
            guard let operand = known[name] else { preconditionFailure("definitions are evaluated in order") }
            return operand
        case .negative(let operand): return map(try evaluate(operand)) { -$0 }
        case .call(let function, let operand): return call(function, try evaluate(operand))
        case .arithmetic(let symbol, let left, let right):
            return arithmetic(symbol, try evaluate(left), try evaluate(right))
        case .comparison(let symbol, let left, let right):
            return comparison(symbol, try evaluate(left), try evaluate(right))
        case .membership(let operand, let items, let isNegated):
            let items = Set(items)
            return map(try evaluate(operand)) { $0.isNaN ? .nan : (items.contains($0) != isNegated ? 1 : 0) }
        case .levelTest(let name, let truth): return .rows(levelTest(try indices(of: name), truth))
        case .not(let operand): return map(try evaluate(operand)) { 1 - $0 }
        case .all(let operands): return try fold(operands) { $0 == 0 || $1 == 0 ? 0 : $0 * $1 }
        // Neither side is 1, so that the sum is 0 or missing.
        case .any(let operands): return try fold(operands) { $0 == 1 || $1 == 1 ? 1 : $0 + $1 }
        }
    }

    // MARK: - The table

    private func numbers(of name: String) throws(ScopeError) -> [Double] {
        switch (table.columns[name], scope.dictionary[name]?.kind) {
        case (nil, _): throw ScopeError(.missingColumn(name))
        case (.number(let values)?, .number?), (.boolean(let values)?, .boolean?): return values
        default: throw ScopeError(.wrongColumn(name))
        }
    }

    private func indices(of name: String) throws(ScopeError) -> [Int32] {
        switch table.columns[name] {
        case nil: throw ScopeError(.missingColumn(name))
        case .category(let indices): return indices
        default: throw ScopeError(.wrongColumn(name))
        }
    }

    private func rows(of operand: Operand) -> [Double] {
        switch operand {
        case .constant(let value): Array(repeating: value, count: table.rowCount)
        case .rows(let values): values
        }
    }

    // MARK: - Loops over rows

    private func call(_ function: ExpressionFunction, _ operand: Operand) -> Operand {
        switch function {
        case .log: map(operand) { Elementary.logarithm($0) }
        case .exp: map(operand) { Elementary.exponential($0) }
        case .sqrt: map(operand) { $0.squareRoot() }
        case .abs: map(operand) { $0.magnitude }
        }
    }

    private func arithmetic(_ symbol: ArithmeticOperator, _ a: Operand, _ b: Operand) -> Operand {
        switch symbol {
        case .add: map(a, b) { $0 + $1 }
        case .subtract: map(a, b) { $0 - $1 }
        case .multiply: map(a, b) { $0 * $1 }
        case .divide: map(a, b) { $0 / $1 }
        }
    }

    private func comparison(_ symbol: ComparisonOperator, _ a: Operand, _ b: Operand) -> Operand {
        switch symbol {
        case .equal: compare(a, b) { $0 == $1 }
        case .unequal: compare(a, b) { $0 != $1 }
        case .less: compare(a, b) { $0 < $1 }
        case .lessOrEqual: compare(a, b) { $0 <= $1 }
        case .greater: compare(a, b) { $0 > $1 }
        case .greaterOrEqual: compare(a, b) { $0 >= $1 }
        }
    }

    @inline(__always)
    private func compare(_ a: Operand, _ b: Operand, _ holds: (Double, Double) -> Bool) -> Operand {
        map(a, b) { $0.isNaN || $1.isNaN ? .nan : (holds($0, $1) ? 1 : 0) }
    }

    private func levelTest(_ indices: [Int32], _ truth: [Bool]) -> [Double] {
        // One entry more in front, for the index -1 of a missing level.
        let answers = [Double.nan] + truth.map { $0 ? 1 : 0 }
        return indices.map { answers[Int($0) + 1] }
    }

    private func fold(
        _ operations: [Operation], _ combine: (Double, Double) -> Double
    ) throws(ScopeError) -> Operand {
        var result = try evaluate(operations[0])
        for operation in operations.dropFirst() { result = map(result, try evaluate(operation), combine) }
        return result
    }

    @inline(__always)
    private func map(_ operand: Operand, _ function: (Double) -> Double) -> Operand {
        switch operand {
        case .constant(let value): .constant(function(value))
        case .rows(let values): .rows(tabulate(values.count) { function(values[$0]) })
        }
    }

    @inline(__always)
    private func map(_ a: Operand, _ b: Operand, _ function: (Double, Double) -> Double) -> Operand {
        switch (a, b) {
        case (.constant(let x), .constant(let y)): .constant(function(x, y))
        case (.rows(let x), .constant(let y)): .rows(tabulate(x.count) { function(x[$0], y) })
        case (.constant(let x), .rows(let y)): .rows(tabulate(y.count) { function(x, y[$0]) })
        case (.rows(let x), .rows(let y)): .rows(tabulate(x.count) { function(x[$0], y[$0]) })
        }
    }

    /// `(0..<count).map(function)` without a check for room at each step, so that the loop can use vector
    /// instructions.
    @inline(__always)
    private func tabulate(_ count: Int, _ function: (Int) -> Double) -> [Double] {
        Array(unsafeUninitializedCapacity: count) { buffer, initialized in
            for row in 0..<count { buffer.initializeElement(at: row, to: function(row)) }
            initialized = count
        }
    }
}
