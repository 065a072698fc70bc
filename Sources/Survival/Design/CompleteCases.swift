/// The rows of one analysis: in the cohort, with nothing missing that any part of the analysis uses.
///
/// There is one such mask for an analysis, and every sum of it is taken over the same rows. Deliberately not
/// `Codable`: rows have no way onto the wire.
package struct CompleteCases: Sendable {
    /// Indices of the rows in the table, ascending.
    package let rows: [Int]
    /// Rows for which every condition of the cohort is true, which are at risk at the landmark, and begin before follow-up is
    /// cut (`EndpointSpecification.censorAt`); a missing condition is not.
    package let cohortRowCount: Int
    /// For each dictionary variable of endpoint and needed expressions, rows of the cohort dropped because it
    /// is missing.
    ///
    /// A row may count for several variables. An expression that is undefined although its variables are
    /// there, such as the logarithm of a negative number, counts for all of them; a start that is not before
    /// the time counts for the start's. Variables that only define the cohort are not listed: where they are
    /// missing, the row is not in the cohort.
    package let droppedByVariable: [String: Int]
    /// The rows, and those of the cohort that are left out only because a variable is missing in them, ascending.
    ///
    /// Nil if a row is complete although one of the variables is missing in it, as `true or missing` is true.
    package let eligibleRows: [Int]?
    /// Times and events by row of the analysis.
    package let exit: [Double]
    package let entry: [Double]?
    package let event: [Bool]
    /// Whether a row's follow-up went on beyond the time at which it is cut, so that nothing happened in it.
    private let isCut: [Bool]
    /// The person of each row, from 0 without gaps, in the order of first rows.
    package let person: [Int32]
    package let peopleCount: Int
    /// People of the cohort who are not at risk at the landmark; nil without one.
    package let landmarkExcludedPeople: Int?
    /// People with rows that overlap in time, and the rows that were left out for it.
    package let overlappingPeople: Int
    package let overlappingRowsLeftOut: Int

    private let scope: VariableScope
    private let cases: PatientTable
    /// The rows that tell how each row's follow-up ends; beyond a landmark they may be later ones of the person.
    private let endings: PatientTable
    /// Indices of the cohort's rows in the table, ascending.
    private let cohortRows: [Int]

    /// Finds the rows; `needed` are all expressions of the analysis besides the endpoint: terms, strata,
    /// weights, groups.
    ///
    /// Rows of a person that overlap in time stay in unless only the first of them is wanted.
    package init(
        table: PatientTable, scope: VariableScope, cohort: [Expression], endpoint: EndpointSpecification,
        needed: [Expression], overlapping: OverlappingRows = .allRows
    ) throws(ScopeError) {
        try endpoint.validate(in: scope)
        var screening = try MissingnessScreening(table: table, scope: scope, cohort: cohort)
        var whole = ExpressionEvaluator(scope: scope, table: table)
        let followUp: LandmarkFollowUp? =
            if let landmark = endpoint.landmark {
                try LandmarkFollowUp(
                    at: landmark, endpoint, isInCohort: screening.isInCohort, table: table, evaluator: &whole)
            } else { nil }
        if let followUp { screening.restrict(to: followUp.isAtRisk) }
        if let cut = endpoint.censorAt, let start = endpoint.start {
            screening.restrict(to: try whole.column(of: start).isBefore(cut))
        }
        landmarkExcludedPeople = followUp?.excludedPeople
        for expression in (endpoint.expressions + needed).uniqued() { try screening.require(expression) }
        if let start = endpoint.start { try screening.requireOrder(start, before: endpoint.time) }
        let overlap = try OverlapSearch(rows: screening.completeRows, of: table) { () throws(ScopeError) in
            // At a landmark all are at risk together.
            let start = followUp == nil ? endpoint.start : nil
            return (
                try start.map { (start) throws(ScopeError) in try whole.numbers(of: start) },
                try whole.numbers(of: endpoint.time)
            )
        }
        let leftOut = overlapping == .firstRow ? overlap.laterRows : []
        rows = screening.completeRows.filter { !leftOut.contains($0) }
        (overlappingPeople, overlappingRowsLeftOut) = (overlap.peopleCount, leftOut.count)
        (cohortRowCount, droppedByVariable) = (screening.cohortRowCount, screening.droppedByVariable)
        eligibleRows = screening.eligibleRows.map { $0.filter { !leftOut.contains($0) } }
        let cases = table.selecting(rows)
        (self.scope, self.cases) = (scope, cases)
        cohortRows = screening.cohortRows
        (person, peopleCount) = Self.renumbered(cases.person)

        var ends: (exit: [Double], event: [Bool])
        if let followUp {
            let (exit, event, last) = try followUp.ends(of: rows)
            (ends, endings, entry) = ((exit, event), table.selecting(last), nil)
        } else {
            endings = cases
            var evaluator = ExpressionEvaluator(scope: scope, table: cases)
            ends = (
                try evaluator.finiteNumbers(of: endpoint.time),
                try evaluator.finiteNumbers(of: endpoint.event).map { $0 == 1 }
            )
            entry = if let start = endpoint.start { try evaluator.finiteNumbers(of: start) } else { nil }
        }
        isCut = Self.cut(&ends, at: endpoint.censorAt.map { $0 - (endpoint.landmark ?? 0) })
        (exit, event) = ends
    }

    /// Ends what lasts longer than a time at it, without an event; who it ended for.
    ///
    /// An event at the time itself counts.
    private static func cut(_ ends: inout (exit: [Double], event: [Bool]), at time: Double?) -> [Bool] {
        guard let time else { return Array(repeating: false, count: ends.exit.count) }
        let isCut = ends.exit.map { $0 > time }
        for row in isCut.indices where isCut[row] { (ends.exit[row], ends.event[row]) = (time, false) }
        return isCut
    }

    private static func renumbered(_ people: [Int32]) -> (person: [Int32], count: Int) {
        var numbers = Array(repeating: Int32(-1), count: Int(people.max() ?? -1) + 1)
        var count: Int32 = 0
        let person = people.map { old in
            if numbers[Int(old)] < 0 {
                numbers[Int(old)] = count
                count += 1
            }
            return numbers[Int(old)]
        }
        return (person, Int(count))
    }
}

// MARK: - What an analysis is made of

extension CompleteCases {
    /// For each row of the analysis the index of its level, of a category or (`no`, `yes`) of a yes/no
    /// expression.
    package func levelIndex(of expression: Expression) throws(ScopeError) -> (
        index: [Int32], levels: [String]
    ) {
        guard let levels = try scope.type(of: expression).levels else {
            let expected = "a category or a yes/no expression"
            throw ScopeError(
                .wrongType(found: "a number", expected: expected), text: expression.text, position: 1)
        }
        var evaluator = ExpressionEvaluator(scope: scope, table: cases)
        return (try evaluator.levelIndices(of: expression), levels)
    }

    /// The values of any expression for each row of the analysis; they may be missing.
    package func column(of expression: Expression) throws(ScopeError) -> Column {
        var evaluator = ExpressionEvaluator(scope: scope, table: cases)
        return try evaluator.column(of: expression)
    }

    /// Whether a condition on how follow-up ended, such as a cause of the event, is true for each row of the analysis.
    ///
    /// It is read where the event is read, which beyond a landmark may be a later row of the person; false where it is missing.
    package func isTrueAtEnd(_ condition: Expression) throws(ScopeError) -> [Bool] {
        var evaluator = ExpressionEvaluator(scope: scope, table: endings)
        return zip(try evaluator.numbers(of: condition), isCut).map { $0 == 1 && !$1 }
    }

    /// The finite values of a number or yes/no expression for each row of the analysis.
    package func numbers(of expression: Expression) throws(ScopeError) -> [Double] {
        var evaluator = ExpressionEvaluator(scope: scope, table: cases)
        return try evaluator.finiteNumbers(of: expression)
    }

    /// The rows as a regression wants them; a stratum's number is the mixed-radix number of its levels, the
    /// last fastest.
    ///
    /// Without `mergesNearTies` the times are as recorded; see `SurvivalData`.
    package func survivalData(
        model: ModelSpecification, weights: Expression?, mergesNearTies: Bool = true
    ) throws(ScopeError) -> SurvivalData {
        let weight = if let weights { try numbers(of: weights) } else { [Double]?.none }
        let offset = if let offset = model.offset { try numbers(of: offset) } else { [Double]?.none }
        let (stratum, columns) = (try stratumIndex(of: model), try designColumns(of: model))
        do {
            return try SurvivalData(
                entry: entry, exit: exit, event: event, weight: weight, offset: offset, stratum: stratum,
                columns: columns, mergesNearTies: mergesNearTies)
        } catch {
            throw ScopeError(.unusable(error.description))
        }
    }

    /// The stratum of each row of the analysis; nil without strata.
    package func stratumIndex(of model: ModelSpecification) throws(ScopeError) -> [Int32]? {
        guard !model.strata.isEmpty else { return nil }
        var result = Array(repeating: Int32(0), count: rows.count)
        for expression in model.strata {
            let (index, levels) = try levelIndex(of: expression)
            for row in result.indices { result[row] = result[row] * Int32(levels.count) + index[row] }
        }
        return result
    }

    /// The cluster of each row of the analysis, from 0; nil without a cluster term.
    package func clusterIndex(of model: ModelSpecification) throws(ScopeError) -> [Int32]? {
        guard let cluster = model.cluster else { return nil }
        return cluster.name == scope.dictionary.person ? person : try levelIndex(of: cluster).index
    }

    /// People (not rows) at each of the model's levels; a person whose rows differ counts at several.
    package func levelCounts(model: ModelSpecification) throws(ScopeError) -> [Int] {
        var counts: [Int] = []
        for expression in model.leveled {
            let (index, levels) = try levelIndex(of: expression)
            counts += peopleCounts(index, levelCount: levels.count)
        }
        return counts
    }

    private func peopleCounts(_ index: [Int32], levelCount: Int) -> [Int] {
        var isCounted = Array(repeating: false, count: levelCount * peopleCount)
        var counts = Array(repeating: 0, count: levelCount)
        for row in index.indices {
            let cell = Int(index[row]) * peopleCount + Int(person[row])
            if !isCounted[cell] {
                isCounted[cell] = true
                counts[Int(index[row])] += 1
            }
        }
        return counts
    }

    /// For each column of the design that a number and a level make together: the number, and who is at the level.
    package func mixedColumns(
        of model: ModelSpecification
    ) throws(ScopeError) -> [(numbers: [Double], isAtLevel: [Bool])] {
        var factors = FactorColumns(evaluator: ExpressionEvaluator(scope: scope, table: cases))
        var result: [(numbers: [Double], isAtLevel: [Bool])] = []
        for product in model.factors {
            let (numbers, levels) = (product.filter(model.isNumber), product.filter { !model.isNumber($0) })
            guard !numbers.isEmpty, !levels.isEmpty else { continue }
            let isAtLevel = try factors.product(of: levels, rows: rows.count).map { $0 == 1 }
            result.append((try factors.product(of: numbers, rows: rows.count), isAtLevel))
        }
        return result
    }

    /// A design column's values in all rows of the cohort that have it, whatever else they lack, and how many people have such
    /// rows outside the analysis; `table` is the one that the cases were found in.
    package func cohortColumn(
        _ column: Int, of model: ModelSpecification, in table: PatientTable
    ) throws(ScopeError) -> (values: [Double], peopleOutside: Int) {
        let cohort = table.selecting(cohortRows)
        var evaluator = ExpressionEvaluator(scope: scope, table: cohort)
        var product = Array(repeating: 1.0, count: cohortRows.count)
        for factor in model.factors[column] {
            let own: [Double]
            switch factor {
            case .value(let expression):
                own = try evaluator.column(of: expression).numbers(ofLevel: { Double($0) })
            case .spline(let expression, let basis, let index):
                own = try evaluator.column(of: expression).numbers(ofLevel: { Double($0) }).map {
                    basis.value(of: index, at: $0)
                }
            case .level(let expression, let level):
                own = try evaluator.column(of: expression).numbers(ofLevel: { $0 == level ? 1 : 0 })
            }
            for row in product.indices { product[row] *= own[row] }
        }
        let inAnalysis = Set(rows)
        let present = product.indices.filter { product[$0].isFinite }
        let outside = present.filter { !inAnalysis.contains(cohortRows[$0]) }
        return (present.map { product[$0] }, Set(outside.map { cohort.person[$0] }).count)
    }

    private func designColumns(of model: ModelSpecification) throws(ScopeError) -> [[Double]] {
        var factors = FactorColumns(evaluator: ExpressionEvaluator(scope: scope, table: cases))
        var result: [[Double]] = []
        for product in model.factors { result.append(try factors.product(of: product, rows: rows.count)) }
        return result
    }
}

/// The factors of design columns, each expression evaluated once however many columns it is in.
private struct FactorColumns {
    var evaluator: ExpressionEvaluator
    private var values: [Expression: [Double]] = [:]
    private var indices: [Expression: [Int32]] = [:]

    init(evaluator: ExpressionEvaluator) {
        self.evaluator = evaluator
    }

    mutating func product(
        of factors: [ModelSpecification.Factor], rows: Int
    ) throws(ScopeError) -> [Double] {
        guard let first = factors.first else { return Array(repeating: 1, count: rows) }
        var column = try column(of: first)
        for factor in factors.dropFirst() {
            let own = try self.column(of: factor)
            for row in column.indices { column[row] *= own[row] }
        }
        return column
    }

    private mutating func column(of factor: ModelSpecification.Factor) throws(ScopeError) -> [Double] {
        switch factor {
        case .value(let expression):
            if let known = values[expression] { return known }
            let column = try evaluator.finiteNumbers(of: expression)
            values[expression] = column
            return column
        case .spline(let expression, let basis, let index):
            return try column(of: .value(expression)).map { basis.value(of: index, at: $0) }
        case .level(let expression, let level):
            return try levelIndices(of: expression).map { $0 == level ? 1 : 0 }
        }
    }

    private mutating func levelIndices(of expression: Expression) throws(ScopeError) -> [Int32] {
        if let known = indices[expression] { return known }
        let column = try evaluator.levelIndices(of: expression)
        indices[expression] = column
        return column
    }
}

extension Column {
    /// Whether each number is less than another, or missing.
    fileprivate func isBefore(_ limit: Double) -> [Bool] {
        numbers(ofLevel: { Double($0) }).map { !($0 >= limit) }
    }

    /// The values as numbers, NaN where missing; `ofLevel` gives that of a level's index (0 for no, 1 for yes).
    fileprivate func numbers(ofLevel: (Int32) -> Double) -> [Double] {
        switch self {
        case .number(let values): values
        case .boolean(let values): values.map { $0.isNaN ? .nan : ofLevel(Int32($0)) }
        case .category(let indices): indices.map { $0 < 0 ? .nan : ofLevel($0) }
        }
    }
}

extension ExpressionEvaluator {
    /// Values that are all there and finite.
    mutating func finiteNumbers(of expression: Expression) throws(ScopeError) -> [Double] {
        let values: [Double]
        switch try column(of: expression) {
        case .number(let numbers), .boolean(let numbers): values = numbers
        case .category:
            throw ScopeError(
                .wrongType(found: "a category", expected: "a number"), text: expression.text, position: 1)
        }
        var isFinite = true
        for value in values { isFinite = isFinite && value.isFinite }
        guard !isFinite else { return values }
        let isMissing = values.contains { $0.isNaN }
        throw ScopeError(isMissing ? .notAmongNeeded(expression.text) : .infinite(expression.text))
    }

    /// Level indices that are all there; 0 for no and 1 for yes.
    mutating func levelIndices(of expression: Expression) throws(ScopeError) -> [Int32] {
        let indices: [Int32]
        switch try column(of: expression) {
        case .category(let own): indices = own
        case .number(let values), .boolean(let values): indices = values.map { $0.isNaN ? -1 : Int32($0) }
        }
        guard !indices.contains(-1) else { throw ScopeError(.notAmongNeeded(expression.text)) }
        return indices
    }
}
