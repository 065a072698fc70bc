import Foundation
import Survival
import Testing

/// Closed forms over age in 18...100, bili in 0.1...50, change in -2...3, afp in 0...infinity.
@Suite struct ExpressionBoundsTests {
    private static let bounds: [(String, ClosedRange<Double>)] = [
        ("age", 18.0...100.0), ("-age", -100.0...(-18.0)), ("age + change", 16.0...103.0),
        ("age - change", 15.0...102.0),
        ("change * 2", -4.0...6.0), ("change * -2", -6.0...4.0), ("change * change", 0.0...9.0),
        ("change * (change + 0)", -6.0...9.0), ("age * change", -200.0...300.0),
        ("age / 2", 9.0...50.0), ("1 / age", 0.01...(1.0 / 18)),
        ("age / change", -Double.infinity...Double.infinity),
        ("1 / afp", 0.0...Double.infinity), ("-1 / afp", -Double.infinity...0.0),
        ("afp / afp", 0.0...Double.infinity),
        ("1 / -afp", -Double.infinity...0.0), ("afp - afp", -Double.infinity...Double.infinity),
        ("afp * 0", 0.0...0.0), ("log(bili)", log(0.1)...log(50)),
        ("log(afp)", -Double.infinity...Double.infinity),
        ("log(change)", -Double.infinity...log(3)), ("sqrt(change)", 0.0...3.0.squareRoot()),
        ("exp(change)", exp(-2)...exp(3)), ("abs(change)", 0.0...3.0), ("abs(-age)", 18.0...100.0),
        ("bone", 0.0...1.0), ("bone + lung", 0.0...2.0), ("bone * age", 0.0...100.0), ("age > 3", 0.0...1.0),
        ("twice", 36.0...200.0), ("twice - alias", -64.0...182.0), ("3", 3.0...3.0),
    ]

    @Test(arguments: bounds)
    func `bounds follow from the dictionary's ranges`(text: String, bounds: ClosedRange<Double>) throws {
        let scope = try Clinic.scope(("twice", "2 * alias"), ("alias", "age"))
        #expect(try scope.bounds(of: Expression(parsing: text)) == bounds)
    }

    @Test func `computed values stay within the bounds`() throws {
        let change = (0...50).map { -2 + 0.1 * Double($0) }
        let age = (0...50).map { 18 + Double($0 * 37 % 83) }
        let columns = ["change": Column.number(change), "age": .number(age)]
        let scope = try Clinic.scope()
        for text in [
            "change * age - age", "age / (change + 2.5)", "exp(change) * log(age)",
            "abs(change) - sqrt(change)",
            "(change - 1) * (change - 1)", "change * change / age",
        ] {
            let bounds = try scope.bounds(of: Expression(parsing: text))
            for value in try Clinic.values(text, columns) { #expect(value.map(bounds.contains) != false) }
        }
    }

    @Test func `a category has no bounds`() throws {
        let scope = try Clinic.scope()
        #expect(throws: ScopeError.self) { try scope.bounds(of: Expression(parsing: "sex")) }
    }

    @Test func `only a plain number variable has a resolution`() throws {
        let scope = try Clinic.scope(("alias", "months"), ("twice", "2 * months"))
        #expect(scope.resolution(of: try Expression(parsing: "months")) == 0.1)
        #expect(scope.resolution(of: try Expression(parsing: "alias")) == 0.1)
        for text in ["twice", "bili", "sex", "nonsense", "age + 1"] {
            #expect(scope.resolution(of: try Expression(parsing: text)) == nil)
        }
    }
}
