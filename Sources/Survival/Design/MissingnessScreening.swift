/// Finds the rows of a cohort where nothing is missing, and the variables to blame for the others.
struct MissingnessScreening {
    private let scope: VariableScope
    private let table: PatientTable
    private var evaluator: ExpressionEvaluator
    /// Rows of the cohort, and those among them that are complete so far.
    private(set) var isInCohort: [Bool]
    private var isComplete: [Bool]
    /// By variable, the rows it is to blame for; an empty array stands for none.
    private var blamed: [String: [Bool]] = [:]

    /// A cohort is all rows for which every condition is true; a missing condition is not.
    init(table: PatientTable, scope: VariableScope, cohort: [Expression]) throws(ScopeError) {
        (self.scope, self.table) = (scope, table)
        evaluator = ExpressionEvaluator(scope: scope, table: table)
        var isInCohort = Array(repeating: true, count: table.rowCount)
        for condition in cohort {
            try scope.require(.boolean, of: condition, as: "a yes/no expression for the cohort")
            guard case .boolean(let truth) = try evaluator.column(of: condition) else { continue }
            for row in isInCohort.indices { isInCohort[row] = isInCohort[row] && truth[row] == 1 }
        }
        (self.isInCohort, isComplete) = (isInCohort, isInCohort)
    }

    /// Takes rows out of the cohort, before anything is required of the others.
    mutating func restrict(to isKept: [Bool]) {
        for row in isInCohort.indices { isInCohort[row] = isInCohort[row] && isKept[row] }
        isComplete = isInCohort
    }
    var cohortRows: [Int] { isInCohort.indices.filter { isInCohort[$0] } }

    var cohortRowCount: Int { isInCohort.count(where: \.self) }

    var completeRows: [Int] { isComplete.indices.filter { isComplete[$0] } }

    /// The complete rows, and those of the cohort where one of the variables that are needed is missing; nil if a row is both.
    var eligibleRows: [Int]? {
        var isLacking = Array(repeating: false, count: table.rowCount)
        for name in blamed.keys {
            guard let flags = table.columns[name]?.missingRows else { continue }
            for row in cohortRows(flags) { isLacking[row] = true }
        }
        let rows = isLacking.indices.filter { isComplete[$0] || isLacking[$0] }
        return rows.contains { isComplete[$0] && isLacking[$0] } ? nil : rows
    }

    var droppedByVariable: [String: Int] { blamed.mapValues { $0.count(where: \.self) } }

    /// Drops the rows where the expression is missing.
    ///
    /// Those of its variables are to blame that are missing there too; if none is, all of them are.
    mutating func require(_ expression: Expression) throws(ScopeError) {
        let variables = scope.variables(of: expression)
        for name in variables where blamed[name] == nil { blamed[name] = [] }
        guard let flags = try evaluator.column(of: expression).missingRows else { return }
        let missing = cohortRows(flags)
        for row in missing { isComplete[row] = false }
        var unexplained = Set(missing)
        for name in variables {
            guard let flags = table.columns[name]?.missingRows else { continue }
            let rows = missing.filter { flags[$0] }
            blame(name, for: rows)
            unexplained.subtract(rows)
        }
        for name in variables { blame(name, for: unexplained) }
    }

    /// Drops the rows where the start is not before the time, and blames the start.
    mutating func requireOrder(_ start: Expression, before time: Expression) throws(ScopeError) {
        guard case .number(let starts) = try evaluator.column(of: start),
            case .number(let times) = try evaluator.column(of: time)
        else { return }
        let empty = cohortRows(starts.indices.map { starts[$0] >= times[$0] })
        for row in empty { isComplete[row] = false }
        for name in scope.variables(of: start) { blame(name, for: empty) }
    }

    private func cohortRows(_ flags: [Bool]) -> [Int] {
        flags.indices.filter { flags[$0] && isInCohort[$0] }
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
