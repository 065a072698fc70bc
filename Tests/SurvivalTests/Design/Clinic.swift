@testable import Survival

/// A small made-up cohort for the tests of expressions, models and complete cases.
enum Clinic {
    static let dictionary = DataDictionary(
        name: "clinic", version: 1, person: "patient_id",
        variables: [
            .init(name: "patient_id", kind: .identifier),
            .init(name: "age", kind: .number(lower: 18, upper: 100, resolution: 1)),
            .init(name: "bili", kind: .number(lower: 0.1, upper: 50, resolution: nil)),
            .init(name: "change", kind: .number(lower: -2, upper: 3, resolution: nil)),
            .init(name: "afp", kind: .number(lower: 0, upper: .infinity, resolution: nil)),
            .init(name: "entry", kind: .number(lower: 0, upper: 600, resolution: nil)),
            .init(
                name: "months", kind: .number(lower: 0, upper: 600, resolution: 0.1),
                isAllowedInFilters: false),
            .init(name: "died", kind: .boolean, isAllowedInTerms: false),
            .init(name: "bone", kind: .boolean),
            .init(name: "lung", kind: .boolean),
            .init(name: "sex", kind: .category(levels: ["1", "2"], reference: "1")),
            .init(name: "response", kind: .category(levels: ["CR", "PR", "SD", "PD"], reference: "CR")),
            .init(name: "edema", kind: .category(levels: ["0", "0.5", "1"], reference: "0")),
            .init(
                name: "tumour size",
                kind: .category(levels: ["<3 cm", "≥3 cm", "größer 10 cm"], reference: "<3 cm")),
        ])

    static func scope(_ definitions: (name: String, text: String)...) throws -> VariableScope {
        try VariableScope(dictionary: dictionary, definitions: definitions)
    }

    /// A table with one row a person.
    static func table(_ columns: [String: Column]) -> PatientTable {
        let count = columns.values.first?.count ?? 0
        return PatientTable(rowCount: count, person: (0..<count).map { Int32($0) }, columns: columns)
    }

    /// The values of a number or yes/no expression, nil for missing.
    static func values(
        _ text: String, _ columns: [String: Column], definitions: (name: String, text: String)...
    ) throws -> [Double?] {
        let scope = try VariableScope(dictionary: dictionary, definitions: definitions)
        switch try scope.values(of: Expression(parsing: text), in: table(columns)) {
        case .number(let values), .boolean(let values): return values.map { $0.isNaN ? nil : $0 }
        case .category(let indices): return indices.map { $0 < 0 ? nil : Double($0) }
        }
    }
}

extension VariableScope {
    /// The expression's value for each row of the table.
    func values(of expression: Survival.Expression, in table: PatientTable) throws(ScopeError) -> Column {
        var evaluator = ExpressionEvaluator(scope: self, table: table)
        return try evaluator.column(of: expression)
    }
}
