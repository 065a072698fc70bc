/// Finds the rows of a table where nothing is missing, and the variables to blame for the others.
struct MissingnessScreening {
    private let scope: VariableScope
    private let table: PatientTable
    private var evaluator: ExpressionEvaluator
    private var isComplete: [Bool]
    /// By variable, the rows it is to blame for; an empty array stands for none.
    private var blamed: [String: [Bool]] = [:]

    init(scope: VariableScope, table: PatientTable) {
        (self.scope, self.table) = (scope, table)
        evaluator = ExpressionEvaluator(scope: scope, table: table)
        isComplete = Array(repeating: true, count: table.rowCount)
    }

    var completeRows: [Int] { isComplete.indices.filter { isComplete[$0] } }

    var droppedByVariable: [String: Int] { blamed.mapValues { $0.count(where: \.self) } }

    /// Drops the rows where the expression is missing.
    mutating func require(_ expression: Expression) throws(ScopeError) {
        let variables = scope.variables(of: expression)
        for name in variables where blamed[name] == nil { blamed[name] = [] }
        let missing = try evaluator.column(of: expression).missingRows
        guard !missing.isEmpty else { return }
        for row in missing { isComplete[row] = false }
        var unexplained = Set(missing)
        for name in variables {
            let rows = missing.filter { table.columns[name]?.isMissing(at: $0) == true }
            blame(name, for: rows)
            unexplained.subtract(rows)
        }
        for name in variables { blame(name, for: unexplained) }
    }

    /// Drops the rows where the start is not before the time.
    mutating func requireOrder(_ start: Expression, before time: Expression) throws(ScopeError) {
        guard case .number(let starts) = try evaluator.column(of: start),
            case .number(let times) = try evaluator.column(of: time)
        else { return }
        let empty = starts.indices.filter { starts[$0] >= times[$0] }
        for row in empty { isComplete[row] = false }
        for name in scope.variables(of: start) { blame(name, for: empty) }
    }

    private mutating func blame(_ name: String, for rows: some Collection<Int>) {
        guard !rows.isEmpty else { return }
        // Taken out and put back, so that the array is changed in place.
        var flags = blamed.removeValue(forKey: name) ?? []
        if flags.isEmpty { flags = Array(repeating: false, count: table.rowCount) }
        for row in rows { flags[row] = true }
        blamed[name] = flags
    }
}

extension Column {
    func isMissing(at row: Int) -> Bool {
        switch self {
        case .number(let values), .boolean(let values): values[row].isNaN
        case .category(let indices): indices[row] < 0
        }
    }

    /// Rows with a missing value, ascending.
    fileprivate var missingRows: [Int] {
        switch self {
        case .number(let values), .boolean(let values): values.indices.filter { values[$0].isNaN }
        case .category(let indices): indices.indices.filter { indices[$0] < 0 }
        }
    }
}
