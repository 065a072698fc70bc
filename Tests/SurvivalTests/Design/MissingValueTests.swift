import ReferenceStudies
import Testing

@testable import Survival

/// A missing value makes missing all that is made of it: each function, operator and kind of column, in each of its places.
///
/// `and` and `or` alone may know an answer without it (`ExpressionValueTests`).
struct MissingValueTests {
    /// Formulas with a hole where one of the two operands is missing.
    private static let formulas: [String] = {
        let arithmetic = ["+", "-", "*", "/"].flatMap { sign in
            ["? \(sign) bili", "bili \(sign) ?", "0 \(sign) ?", "(? \(sign) 1) \(sign) bili"]
        }
        let comparisons = ["==", "!=", "<", "<=", ">", ">="].flatMap {
            ["? \($0) bili", "bili \($0) ?", "? \($0) ?"]
        }
        let functions = ExpressionFunction.allCases.flatMap {
            ["\($0.rawValue)(?)", "1 + \($0.rawValue)(0.5 * ?)"]
        }
        return arithmetic + comparisons + functions + [
            "-?", "?", "? in [1, 2]", "? not in [1, 2]", "(? in [1]) == (bili > 1)", "defined * 2",
            "not (? > 1)",
            "(? > 1) and (bili > 0)", "(bili > 0) and (? > 1)", "(? > 1) or (bili < 0)",
            "(bili < 0) or (? > 1)",
        ]
    }()

    @Test(arguments: formulas)
    func `a formula of a missing number is missing`(formula: String) throws {
        for name in ["age", "change"] {
            let text = formula.replacing("?", with: name)
            let values = try Clinic.values(
                text, [name: .number([.nan, .nan]), "bili": .number([1.5, 3])],
                definitions: ("defined", "\(name) + 1"))
            #expect(values == [nil, nil], "\(text)")
        }
    }

    @Test(arguments: [
        "? == 'SD'", "? != 'SD'", "'SD' == ?", "? in ['SD', 'PD']", "? not in ['SD']", "not (? == 'SD')", "?",
        "(? == 'SD') + 1", "(? == 'SD') == bone", "bone != (? == 'SD')",
    ])
    func `a formula of a missing level is missing`(formula: String) throws {
        let values = try Clinic.values(
            formula.replacing("?", with: "response"), ["response": .category([-1]), "bone": .boolean([1])])
        #expect(values == [nil])
    }

    @Test(arguments: [
        "?", "not ?", "? == lung", "lung != ?", "? + 1", "? in [1]", "? not in [true]", "? and lung",
        "lung and ?",
        "? or not lung", "not lung or ?", "-?", "abs(?)", "? < 1", "1 <= ?",
    ])
    func `a formula of a missing answer is missing`(formula: String) throws {
        let values = try Clinic.values(
            formula.replacing("?", with: "bone"), ["bone": .boolean([.nan]), "lung": .boolean([1])])
        #expect(values == [nil])
    }

    @Test(arguments: 3...10)
    func `every column of a spline is missing where its number is`(knots: Int) {
        let spline = RestrictedCubicSpline(knots: (0..<knots).map { Double($0 * $0) })
        for column in 0..<spline.columnCount { #expect(spline.value(of: column, at: .nan).isNaN) }
    }

    private static let terms = [
        "age", "log(age)", "age > 60", "bone", "response", "rcs(age, 40, 60, 80)", "age:bone",
        "age * response",
        "rcs(age, 40, 60, 80):bone", "rcs(age, 40, 60, 80) * response", "bone:response",
        "bili:rcs(age, 40, 60, 80)",
        "rcs(log(age), 3.5, 4, 4.4) * sex", "response:sex",
    ]

    /// Of a model with one term each variable in turn is missing in one row: no column that uses it has a value there, and the row is
    /// in no analysis of it.
    @Test(arguments: terms)
    func `no column of a term has a value where a variable of it is missing`(term: String) throws {
        let scope = try Clinic.scope()
        let model = try ModelSpecification(terms: [term], scope: scope)
        let variables = Set(model.expressions.flatMap { scope.variables(of: $0) })
        #expect(!variables.isEmpty)
        for lacking in variables {
            let table = Self.table(without: lacking)
            let cases = try CompleteCases(
                table: table, scope: scope, cohort: [],
                endpoint: .init(time: Expression(parsing: "months"), event: Expression(parsing: "died")),
                needed: model.expressions)
            #expect(cases.rows == [1, 2, 3] && cases.droppedByVariable[lacking] == 1, "\(lacking)")
            for column in model.columns.indices {
                let own = Set(model.factors[column].flatMap { scope.variables(of: $0.expression) })
                let values = try cases.cohortColumn(column, of: model, in: table)
                let usesIt = own.contains(lacking)
                #expect(
                    values.values.count == (usesIt ? 3 : 4),
                    "\(model.columns[column].name) without \(lacking)")
                #expect(values.peopleOutside == (usesIt ? 0 : 1))
            }
        }
    }

    /// Four people; the first lacks a variable.
    private static func table(without lacking: String) -> PatientTable {
        var columns: [String: Column] = [
            "months": .number([5, 6, 7, 8]), "died": .boolean([1, 0, 1, 1]),
            "age": .number([70, 45, 61, 85]),
            "bili": .number([1, 2, 3, 4]), "bone": .boolean([1, 0, 1, 1]),
            "response": .category([1, 2, 3, 1]),
            "sex": .category([1, 0, 1, 1]),
        ]
        switch columns[lacking] {
        case .number(var values)?:
            values[0] = .nan
            columns[lacking] = .number(values)
        case .boolean(var values)?:
            values[0] = .nan
            columns[lacking] = .boolean(values)
        case .category(var indices)?:
            indices[0] = -1
            columns[lacking] = .category(indices)
        case nil: break
        }
        return Clinic.table(columns)
    }
}

extension ModelSpecification.Factor {
    fileprivate var expression: Expression {
        switch self {
        case .value(let expression), .spline(let expression, _, _), .level(let expression, _): expression
        }
    }
}
