/// All formulas of a study together: how often, how closely and in how many ways they bend and curve one variable.
///
/// What no formula shows alone, several do: |age - 39|, |age - 40| and |age - 41| are the columns of an indicator of one age. Formulas
/// are added one by one; the first with which they would be too many is refused.
package struct FormulaSurvey {
    /// Most places of one variable at which formulas of a study bend it: knots of splines and abs().
    static let bendCountMax = 10
    /// Least distance of two such places, as a share of the variable's range.
    static let bendDistanceMin = 0.03
    /// The same, in steps of its resolution.
    static let bendStepsMin = 2.0
    /// Or the least ratio of one place to the one before, where a variable is 0 or more and spans so large a factor.
    static let bendRatioMin = 1.25
    static let ratioScaleMin = 50.0
    /// Most formulas with a function of one variable, or a power; and of them those in which it bends as well.
    static let curvedCountMax = 12
    static let curvedBentCountMax = 4

    private let scope: VariableScope
    private var shaper: FormulaShaper
    private var faults: [String: ScopeError] = [:]
    /// By variable.
    private var bends: [String: Set<Double>] = [:]
    private var sharedBends: [String: Set<Double>] = [:]
    private var splineArguments: [String: Set<String>] = [:]
    private var curved: [String: Set<String>] = [:]
    private var curvedBent: [String: Set<String>] = [:]

    package init(_ scope: VariableScope) {
        self.scope = scope
        let known = scope.dictionary.variables.map { ($0.name, $0) }
        shaper = FormulaShaper(dictionary: Dictionary(known) { first, _ in first })
        let expressions = Dictionary(scope.definitions.map { ($0.name, $0.expression) }) { first, _ in first }
        for name in scope.evaluationOrder {
            guard let expression = expressions[name], scope.checkedDefinition(name)?.type == .number else {
                continue
            }
            do throws(ScopeError) {
                shaper.definitions[name] = try shaper.shape(of: expression)
            } catch {
                faults[name] = ScopeError(
                    error.problem, definition: name, text: error.text, position: error.position)
            }
        }
    }

    /// Takes in every definition of a number, used or not, those first that others are made of.
    package mutating func addDefinitions() throws(ScopeError) {
        for name in scope.evaluationOrder {
            if let fault = faults[name] { throw fault }
            guard let shape = shaper.definitions[name], let definition = scope.definition(name) else {
                continue
            }
            do throws(ScopeError) {
                try add(shape, definition)
            } catch {
                throw ScopeError(error.problem, definition: name)
            }
        }
    }

    /// Takes in a formula; one that is no number has no part in it, as its values are few.
    package mutating func add(_ expression: Expression) throws(ScopeError) {
        guard let shape = try shape(of: expression) else { return }
        try add(shape, expression)
    }

    /// The same of a model: its splines, and its columns with the weights and the offset by which they are multiplied.
    package mutating func add(
        _ model: ModelSpecification, weights: Expression?
    ) throws(ScopeError) {
        for case .spline(let argument, let basis, column: 1) in model.factors.joined() {
            try add(basis.knots, of: argument)
        }
        let common = [weights, model.offset].compactMap(\.self)
        for factors in model.factors { try requireGentle(factors, common) }
    }

    /// A product of a column's parts obeys the rules of a formula.
    private func requireGentle(
        _ factors: [ModelSpecification.Factor], _ common: [Expression]
    ) throws(ScopeError) {
        var (shapes, bent) = ([FormulaShape](), [Set<String>]())
        for factor in factors + common.map(ModelSpecification.Factor.value) {
            switch factor {
            case .level: continue
            case .value(let expression):
                guard let shape = try shape(of: expression) else { continue }
                shapes.append(shape)
                if !shape.bends.isEmpty { bent.append(shape.variables) }
            case .spline(let argument, _, _):
                guard let shape = try shape(of: argument) else { continue }
                shapes.append(shape)
                bent.append(shape.variables)
            }
        }
        guard shapes.count > 1 else { return }
        let degrees = shapes.reduce(into: [:]) { $0.merge($1.degrees, uniquingKeysWith: +) }
        for (name, degree) in degrees.sorted(by: { $0.key < $1.key }) {
            let uses = shapes.count { $0.degrees[name] != nil }
            guard uses > 1 else { continue }
            guard !bent.contains(where: { $0.contains(name) }) else {
                throw problem(
                    name,
                    "a spline or abs() of it is multiplied by another formula of it (an interaction, weights: or an offset)"
                )
            }
            guard degree <= FormulaShaper.degreeMax else {
                throw problem(
                    name,
                    "an interaction, with weights: and offset, has a higher power of it than \(FormulaShaper.degreeMax)"
                )
            }
        }
    }

    private func shape(of expression: Expression) throws(ScopeError) -> FormulaShape? {
        guard try scope.type(of: expression) == .number else { return nil }
        for name in scope.evaluationOrder where expression.syntax.names.contains(name) {
            if let fault = faults[name] { throw fault }
        }
        var shaper = shaper
        return try shaper.shape(of: expression)
    }

    private mutating func add(_ shape: FormulaShape, _ expression: Expression) throws(ScopeError) {
        // Another name for a formula is no other formula.
        guard expression.name == nil else { return }
        let text = expression.canonicalText
        for (name, places) in shape.bends.sorted(by: { $0.key < $1.key }) {
            try add(places, of: name)
            guard shape.variables.count > 1 else { continue }
            sharedBends[name, default: []].formUnion(places)
            guard sharedBends[name]?.count == 1 else {
                throw problem(
                    name,
                    "abs() bends it at several places in formulas with other variables; make what is bent a term of its own, or use a spline (rcs)"
                )
            }
        }
        for name in shape.bentUnderFunctions.sorted() {
            curvedBent[name, default: []].insert(text)
            guard curvedBent[name, default: []].count <= Self.curvedBentCountMax else {
                throw problem(
                    name,
                    "more than \(Self.curvedBentCountMax) formulas have a function of a number that abs() bends"
                )
            }
        }
        for name in shape.curved.sorted() {
            curved[name, default: []].insert(text)
            let values = shaper.dictionary[name]?.valueCount ?? 0
            let most = min(Double(Self.curvedCountMax), max(1, (values / 4).rounded(.down)))
            guard Double(curved[name, default: []].count) <= most else {
                throw problem(
                    name,
                    "\(Int(most)) at most may have a power of it or a function (log, exp, sqrt, a quotient); use a spline (rcs), or ask in several studies"
                )
            }
        }
    }

    // MARK: - Bends

    private mutating func add(_ knots: [Double], of argument: Expression) throws(ScopeError) {
        guard let shape = try shape(of: argument) else { return }
        try add(shape, argument)
        if let (name, places) = shape.places(of: knots) { return try add(Set(places), of: name) }
        // Of a formula of several variables the knots lie at no places of one of them.
        for (knot, next) in zip(knots, knots.dropFirst()) {
            let width = shape.bounds.upperBound - shape.bounds.lowerBound
            guard next - knot >= Self.bendDistanceMin / 3 * width else {
                throw problem(argument.canonicalText, Self.tooNear(knot, next))
            }
        }
        for name in shape.variables.sorted() {
            splineArguments[name, default: []].insert(argument.canonicalText)
            guard splineArguments[name]?.count == 1, bends[name, default: []].isEmpty else {
                throw problem(name, Self.severalArguments)
            }
        }
    }

    private mutating func add(_ places: Set<Double>, of name: String) throws(ScopeError) {
        guard splineArguments[name, default: []].isEmpty else { throw problem(name, Self.severalArguments) }
        if let range = shaper.dictionary[name]?.range, !(range.upperBound - range.lowerBound).isFinite {
            throw problem(name, "it has no finite limits by the dictionary's range; give it some there")
        }
        let all = bends[name, default: []].union(places)
        let sorted = all.sorted()
        for (place, next) in zip(sorted, sorted.dropFirst()) where !areApart(place, next, of: name) {
            throw problem(name, Self.tooNear(place, next))
        }
        guard sorted.count <= Self.bendCountMax else {
            throw problem(
                name,
                "knots and abs() bend it at more than \(Self.bendCountMax) places; use the same knots everywhere"
            )
        }
        bends[name] = all
    }

    private func areApart(_ place: Double, _ next: Double, of name: String) -> Bool {
        guard let variable = shaper.dictionary[name],
            case .number(let lower, let upper, let resolution) = variable.kind
        else { return false }
        if let resolution {
            guard next - place >= Self.bendStepsMin * resolution * (1 - 1e-9) else { return false }
        }
        if next - place >= Self.bendDistanceMin * (upper - lower) * (1 - 1e-9) { return true }
        return lower >= 0 && upper >= Self.ratioScaleMin * max(lower, variable.step) && place > 0
            && next >= Self.bendRatioMin * place
    }

    private static func tooNear(_ place: Double, _ next: Double) -> String {
        "knots and abs() bend it at \(place.asShortText) and \(next.asShortText), which is nearer than \(Int(100 * bendDistanceMin)) % of its range, or than two steps of its resolution; use the same knots everywhere, and fewer"
    }

    private static let severalArguments =
        "a spline of a formula of several variables goes with no other spline or abs() of one of them in a study; ask in several studies"

    private func problem(_ name: String, _ reason: String) -> ScopeError {
        ScopeError(.tooManyBends(name, reason: reason))
    }
}

extension FormulaShape {
    /// Where the one variable is as large as makes the formula these knots; nil of several variables, or of any other form.
    fileprivate func places(of knots: [Double]) -> (variable: String, places: [Double])? {
        switch form {
        case .linear(let linear):
            guard linear.hinges.isEmpty, linear.slopes.count == 1, let (name, slope) = linear.slopes.first,
                slope != 0
            else { return nil }
            return (name, knots.map { ($0 - linear.constant) / slope })
        case .logarithm(let inner): return inner.places(of: knots.map { Elementary.exponential($0) })
        case .exponential(let inner): return inner.places(of: knots.map { Elementary.logarithm($0) })
        case .power(let base, let exponent):
            return base.places(of: knots.map { Elementary.power($0, 1 / exponent) })
        case .product(let parts):
            let (others, constants) = (parts.filter { $0.constant == nil }, parts.compactMap(\.constant))
            guard others.count == 1 else { return nil }
            return others[0].places(of: knots.map { $0 / constants.reduce(1, *) })
        case .sum(let parts):
            let (others, constants) = (parts.filter { $0.constant == nil }, parts.compactMap(\.constant))
            guard others.count == 1 else { return nil }
            return others[0].places(of: knots.map { $0 - constants.reduce(0, +) })
        }
    }
}

extension VariableScope {
    fileprivate func definition(_ name: String) -> Expression? {
        definitions.first { $0.name == name }?.expression
    }
}
