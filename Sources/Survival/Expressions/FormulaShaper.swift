/// Brings formulas of numbers into their shape, and refuses those that single out values of a variable.
///
/// A number may curve and bend, as models want it to, but not so sharply that a few values of a variable are told from those next to
/// them: then it would be a condition, written as arithmetic. Each rule follows from the text and the dictionary's ranges alone:
///
/// * exp() spans at most `exponentSpanMax`;
/// * under log(), sqrt() and in a divisor, one step of a variable's resolution changes a linear form at most by a factor of 2, and
///   another sum spans at most a factor of `sumRatioMax`; a multiple of a variable is as the dictionary has it;
/// * no variable has more than the `degreeMax`th power, and none that takes few values more than a quarter of their number;
/// * abs() bends one variable, and what bends is multiplied by constants only;
/// * no sum loses its digits: a rounded number has steps.
struct FormulaShaper {
    /// e^10 is 22,000.
    static let exponentSpanMax = 10.0
    static let sumRatioMax = 20.0
    static let degreeMax = 4
    /// Smallest share of a part of a sum that the sum's own variation may be.
    static let sumShareMin = 0.01
    private static let partCountMax = 200

    let dictionary: [String: DataDictionary.Variable]
    var definitions: [String: FormulaShape] = [:]
    private(set) var text = ""
    /// The part that is looked at, for messages.
    private var syntax = Syntax(form: .boolean(true), position: 1)

    init(dictionary: [String: DataDictionary.Variable]) {
        self.dictionary = dictionary
    }

    /// The shape of a formula whose names and types are checked.
    mutating func shape(of expression: Expression) throws(ScopeError) -> FormulaShape {
        text = expression.text
        return try shape(expression.syntax)
    }

    private mutating func shape(_ syntax: Syntax) throws(ScopeError) -> FormulaShape {
        let result: FormulaShape
        switch syntax.form {
        case .number(let value): return FormulaShape(constant: value)
        case .name(let name):
            if let known = definitions[name] { return known }
            result = try variable(name, at: syntax)
        case .negative(let operand): result = scaled(try shape(operand), by: -1)
        case .call(let function, let operand):
            let inner = try shape(operand)
            self.syntax = syntax
            result =
                switch function {
                case .log: try logarithm(inner)
                case .exp: try exponential(inner)
                case .sqrt: try power(inner, 0.5)
                case .abs: try magnitude(inner)
                }
        case .arithmetic(let symbol, let left, let right):
            let (a, b) = (try shape(left), try shape(right))
            self.syntax = syntax
            result = try arithmetic(symbol, a, b, isSquare: left == right)
        case .boolean, .text, .spline, .comparison, .membership, .not, .all, .any:
            throw ScopeError(.conditionAsNumber(syntax.text()), text: text, position: syntax.position)
        }
        self.syntax = syntax
        return try checked(result)
    }

    private func variable(_ name: String, at syntax: Syntax) throws(ScopeError) -> FormulaShape {
        guard let variable = dictionary[name], case .number = variable.kind else {
            throw ScopeError(.conditionAsNumber(name), text: text, position: syntax.position)
        }
        return FormulaShape(
            PiecewiseLinear(slopes: [name: 1]), bounds: variable.range, samples: variable.formulaSamples)
    }

    private func arithmetic(
        _ symbol: ArithmeticOperator, _ a: FormulaShape, _ b: FormulaShape, isSquare: Bool
    ) throws(ScopeError) -> FormulaShape {
        switch symbol {
        case .add: return try sum(a, b)
        case .subtract: return try sum(a, scaled(b, by: -1))
        case .multiply:
            if let factor = a.constant { return scaled(b, by: factor) }
            if let factor = b.constant { return scaled(a, by: factor) }
            var product = try product([a, b])
            if isSquare { product.bounds = a.bounds.squared }
            return product
        case .divide:
            if let divisor = b.constant { return scaled(a, by: 1 / divisor) }
            return try product([a, try power(b, -1)])
        }
    }

    // MARK: - Sums

    private func sum(_ a: FormulaShape, _ b: FormulaShape) throws(ScopeError) -> FormulaShape {
        let sum = try joined([a, b])
        guard a.constant == nil || b.constant == nil else { return sum }
        guard sum.spread >= Self.sumShareMin * max(a.largestSample, b.largestSample) else {
            throw fault(
                "adds numbers that are larger, by more than a factor of \(Int(1 / Self.sumShareMin)), than what their sum varies by, so that rounding makes steps in it; leave out a constant, or what cancels"
            )
        }
        return sum
    }

    private func joined(_ shapes: [FormulaShape]) throws(ScopeError) -> FormulaShape {
        var (linear, others) = (PiecewiseLinear(), [FormulaShape]())
        for part in shapes.flatMap(\.addends) {
            if case .linear(let own) = part.form { linear = linear + own } else { others.append(part) }
        }
        guard others.count <= Self.partCountMax else {
            throw fault("has more than \(Self.partCountMax) parts")
        }
        let line = shape(of: linear)
        guard !others.isEmpty else { return line }
        let parts = (linear == PiecewiseLinear() ? [] : [line]) + others
        guard parts.count > 1 else { return parts[0] }
        return FormulaShape(
            .sum(parts), bounds: parts.dropFirst().reduce(parts[0].bounds) { $0 + $1.bounds },
            samples: Self.combined(parts.map(\.samples), +), of: parts)
    }

    private func shape(of linear: PiecewiseLinear) -> FormulaShape {
        guard !linear.isConstant else { return FormulaShape(constant: linear.constant) }
        let known = linear.variables.sorted().compactMap { dictionary[$0] }
        var samples = Array(repeating: linear.constant, count: FormulaShape.sampleCount)
        for variable in known {
            let slope = linear.slopes[variable.name] ?? 0
            let hinges = (linear.hinges[variable.name] ?? [:]).sorted { $0.key < $1.key }
            for (index, x) in variable.formulaSamples.enumerated() {
                samples[index] += hinges.reduce(slope * x) { $0 + $1.value * abs(x - $1.key) }
            }
        }
        let ranges = Dictionary(known.map { ($0.name, $0.range) }) { first, _ in first }
        return FormulaShape(
            linear, bounds: linear.bounds { ranges[$0] ?? .everything }, samples: samples)
    }

    // MARK: - Products

    private func scaled(_ shape: FormulaShape, by factor: Double) -> FormulaShape {
        var scaled = shape
        switch shape.form {
        case .linear(let linear): scaled.form = .linear(linear.scaled(by: factor))
        case .sum(let parts): scaled.form = .sum(parts.map { self.scaled($0, by: factor) })
        case .product, .power, .logarithm, .exponential:
            scaled.form = .product([FormulaShape(constant: factor)] + shape.factors)
        }
        scaled.bounds = shape.bounds * (factor...factor)
        scaled.samples = shape.samples.map { $0 * factor }
        return scaled
    }

    /// The product of factors, exponentials made one.
    func product(_ shapes: [FormulaShape]) throws(ScopeError) -> FormulaShape {
        var (constant, exponents, others) = (1.0, [FormulaShape](), [FormulaShape]())
        for factor in shapes.flatMap(\.factors) {
            if let value = factor.constant {
                constant *= value
            } else if case .exponential(let exponent) = factor.form {
                exponents.append(exponent)
            } else {
                others.append(factor)
            }
        }
        if let first = exponents.first {
            others.append(exponents.count == 1 ? try exponential(first) : try exponential(joined(exponents)))
        }
        guard others.count <= Self.partCountMax else {
            throw fault("has more than \(Self.partCountMax) parts")
        }
        guard others.count > 1 else {
            return others.first.map { scaled($0, by: constant) } ?? FormulaShape(constant: constant)
        }
        guard others.allSatisfy(\.bends.isEmpty) else {
            throw fault(
                "multiplies or divides a number that abs() bends by a variable; let abs() stand in sums alone, or use an interaction (a:b) with a spline (rcs)"
            )
        }
        let product = FormulaShape(
            .product(others), bounds: others.dropFirst().reduce(others[0].bounds) { $0 * $1.bounds },
            samples: Self.combined(others.map(\.samples), *), of: others, isProduct: true)
        return scaled(try checked(product), by: constant)
    }

    /// A power that is no whole number, or negative: of a product that of each factor.
    private func power(_ base: FormulaShape, _ exponent: Double) throws(ScopeError) -> FormulaShape {
        if let value = base.constant { return FormulaShape(constant: Elementary.power(abs(value), exponent)) }
        switch base.form {
        case .product(let factors):
            var powers: [FormulaShape] = []
            for factor in factors { powers.append(try power(factor, exponent)) }
            return try product(powers)
        case .power(let inner, let own): return try power(inner, own * exponent)
        case .exponential(let inner): return try exponential(scaled(inner, by: exponent))
        case .linear, .sum, .logarithm: break
        }
        guard exponent != 1 else { return base }
        try requireGentle(base, touchesZero: exponent >= 0.5)
        let size = base.bounds.magnitude
        let ends = [size.lowerBound, size.upperBound].map { Elementary.power($0, exponent) }.sorted()
        let sign = base.bounds.upperBound <= 0 && exponent == -1 ? -1.0 : 1
        var result = FormulaShape(
            .power(base, exponent), bounds: (ends[0]...ends[1]) * (sign...sign),
            samples: base.samples.map { sign * Elementary.power(abs($0), exponent) }, of: [base])
        let times = max(Int(min(abs(exponent), 100).rounded(.up)), 1)
        result.degrees = base.degreesUnderFunction.mapValues { $0 * times }
        return try checked(result.underFunction)
    }

    // MARK: - Functions

    private func logarithm(_ argument: FormulaShape) throws(ScopeError) -> FormulaShape {
        if let value = argument.constant { return FormulaShape(constant: Elementary.logarithm(abs(value))) }
        switch argument.form {
        case .product(let factors):
            var logarithms: [FormulaShape] = []
            for factor in factors { logarithms.append(try logarithm(factor)) }
            return try joined(logarithms)
        case .power(let base, let exponent): return scaled(try logarithm(base), by: exponent)
        case .exponential(let exponent): return exponent
        case .linear, .sum, .logarithm: break
        }
        try requireGentle(argument, touchesZero: false)
        let size = argument.bounds.magnitude
        var result = FormulaShape(
            .logarithm(argument), bounds: size.mapped { Elementary.logarithm($0) },
            samples: argument.samples.map { Elementary.logarithm(abs($0)) }, of: [argument])
        result.degrees = argument.degreesUnderFunction
        return try checked(result.underFunction)
    }

    /// Of a logarithm it is a power.
    private func exponential(_ exponent: FormulaShape) throws(ScopeError) -> FormulaShape {
        if let value = exponent.constant { return FormulaShape(constant: Elementary.exponential(value)) }
        var (factors, rest) = ([FormulaShape](), [FormulaShape]())
        for addend in exponent.addends {
            if let (base, power) = addend.multipleOfLogarithm {
                factors.append(try self.power(base, power))
            } else {
                rest.append(addend)
            }
        }
        guard !rest.isEmpty else { return try product(factors) }
        let remaining = try joined(rest)
        guard factors.isEmpty else { return try product(factors + [try exponential(remaining)]) }
        let span = remaining.bounds.upperBound - remaining.bounds.lowerBound
        guard span <= Self.exponentSpanMax * (1 + 1e-9) else {
            throw fault(
                "has an exponent that spans \(span.asShortText) by the dictionary's ranges; under exp() hospitals answer \(Int(Self.exponentSpanMax)) at most (a factor of 22,000): use a smaller multiple, a logarithm, or a spline (rcs)"
            )
        }
        try requireOneBend(remaining)
        var result = FormulaShape(
            .exponential(remaining), bounds: remaining.bounds.mapped { Elementary.exponential($0) },
            samples: remaining.samples.map { Elementary.exponential($0) }, of: [remaining])
        result.degrees = remaining.degreesUnderFunction
        return try checked(result.underFunction)
    }

    /// abs() of a number that changes its sign bends it there: of one variable alone.
    private func magnitude(_ operand: FormulaShape) throws(ScopeError) -> FormulaShape {
        if operand.bounds.lowerBound >= 0 { return operand }
        if operand.bounds.upperBound <= 0 { return scaled(operand, by: -1) }
        guard case .linear(let linear) = operand.form, linear.hinges.isEmpty, linear.slopes.count == 1,
            let (name, slope) = linear.slopes.first, slope != 0
        else {
            throw fault(
                "takes abs() of something else than one variable less a constant; write abs(x - 40), or a spline (rcs)"
            )
        }
        return shape(of: PiecewiseLinear(hinges: [name: [-linear.constant / slope: abs(slope)]]))
    }

    // MARK: - Rules

    /// What stands under a root, a logarithm or a divisor comes near 0 in steps no larger than its distance from it.
    private func requireGentle(_ shape: FormulaShape, touchesZero: Bool) throws(ScopeError) {
        try requireOneBend(shape)
        let size = shape.bounds.magnitude
        guard case .linear(let linear) = shape.form else {
            guard !shape.isLogisticDivisor, !(size.upperBound <= Self.sumRatioMax * size.lowerBound) else {
                return
            }
            throw fault(
                "has under a root, a logarithm or a divisor a sum that may be more than \(Int(Self.sumRatioMax)) times as large for one person as for another; add a larger constant, or use logarithms or a spline (rcs)"
            )
        }
        guard shape.bounds.lowerBound >= 0 || shape.bounds.upperBound <= 0 else {
            throw fault(
                "has under a root, a logarithm or a divisor a factor that changes its sign, where it bends; write abs(x - 40), or a spline (rcs)"
            )
        }
        guard !isGentler(linear), !touchesZero || !linear.hinges.isEmpty else { return }
        let step = linear.variables.map { linear.steepness(in: $0) * (dictionary[$0]?.step ?? 0) }.max() ?? 0
        guard size.lowerBound >= step * (1 - 1e-9) else {
            throw fault(
                "has under a root, a logarithm or a divisor a sum that may come as near to 0 as \(size.lowerBound.asShortText), where one step of a variable changes it by \(step.asShortText); add a larger constant, or give the variable a narrower range or a resolution in the dictionary"
            )
        }
    }

    /// Whether it is a multiple of a variable, or such a multiple of one above 0 with more added to it: the logarithm that the
    /// dictionary's range has anyway.
    private func isGentler(_ linear: PiecewiseLinear) -> Bool {
        if linear.multiple != nil { return true }
        guard linear.hinges.isEmpty, linear.slopes.count == 1, let (name, slope) = linear.slopes.first else {
            return false
        }
        return (dictionary[name]?.range.lowerBound ?? 0) > 0 && linear.constant * slope > 0
    }

    /// A function of what bends, such as log(max(x, 1)), bends once.
    private func requireOneBend(_ shape: FormulaShape) throws(ScopeError) {
        guard !shape.bends.isEmpty else { return }
        guard case .linear(let linear) = shape.form, linear.variables.count == 1,
            shape.bends.values.allSatisfy({ $0.count == 1 })
        else {
            throw fault(
                "bends a number by abs() more than once, or with others, under a function or a divisor; use a spline (rcs)"
            )
        }
    }

    /// The rules that hold for every part.
    func checked(_ shape: FormulaShape) throws(ScopeError) -> FormulaShape {
        for name in shape.degrees.keys.sorted() {
            let most = min(
                Double(Self.degreeMax), max(1, ((dictionary[name]?.valueCount ?? 0) / 4).rounded(.down)))
            guard Double(shape.degrees[name] ?? 0) <= most else {
                throw fault(
                    "has a higher power of \(quoted(name)) than hospitals answer, which is \(Int(most)) (a function of a sum with a function in it counts as two more; a variable that takes few values has less); use a spline (rcs) or a category"
                )
            }
        }
        guard shape.constant == nil else { return shape }
        let largest = shape.largestSample
        guard largest == 0 || (1e-200...1e200).contains(largest) else {
            throw fault("is so large or small a number that rounding makes steps in it; change its scale")
        }
        return shape
    }

    private func fault(_ reason: String) -> ScopeError {
        ScopeError(.tooSteep(syntax.text(), reason: reason), text: text, position: syntax.position)
    }

    private static func combined(_ columns: [[Double]], _ join: (Double, Double) -> Double) -> [Double] {
        columns.dropFirst().reduce(columns[0]) { zip($0, $1).map(join) }
    }
}

extension FormulaShape {
    var addends: [FormulaShape] { if case .sum(let parts) = form { parts } else { [self] } }

    var factors: [FormulaShape] { if case .product(let parts) = form { parts } else { [self] } }

    /// The same, as the value of a function of all its variables.
    fileprivate var underFunction: FormulaShape {
        var result = self
        result.functions.formUnion(degrees.keys)
        result.bentUnderFunctions.formUnion(bends.keys)
        return result
    }

    /// The powers of a function of it: a function of a sum in which there is a function is a steeper one.
    fileprivate var degreesUnderFunction: [String: Int] {
        addends.reduce(into: [:]) { degrees, addend in
            degrees.merge(
                addend.degrees.reduce(into: [:]) {
                    $0[$1.key] = $1.value + (addend.functions.contains($1.key) ? 2 : 0)
                },
                uniquingKeysWith: max)
        }
    }

    /// The base and the power of which e to this is.
    fileprivate var multipleOfLogarithm: (base: FormulaShape, power: Double)? {
        let (others, constants) = (factors.filter { $0.constant == nil }, factors.compactMap(\.constant))
        guard others.count == 1, case .logarithm(let base) = others[0].form else { return nil }
        return (base, constants.reduce(1, *))
    }

    /// A constant above 0 and exponentials: under a divisor or a logarithm as smooth as these are.
    fileprivate var isLogisticDivisor: Bool {
        guard case .sum(let parts) = form, bounds.lowerBound > 0 else { return false }
        return parts.allSatisfy { part in
            if let constant = part.constant { return constant > 0 }
            let others = part.factors.filter { $0.constant == nil }
            guard others.count == 1, case .exponential = others[0].form else { return false }
            return part.bounds.lowerBound > 0
        }
    }
}

extension Double {
    /// At most three digits, for messages.
    var asShortText: String {
        guard isFinite, self != 0 else { return self == 0 ? "0" : "\(self)" }
        let scale = Elementary.power(10, 2 - Elementary.decimalExponent(of: self))
        let rounded = scale.isFinite && scale > 0 ? (self * scale).rounded() / scale : self
        return rounded == rounded.rounded() && abs(rounded) < 1e6 ? "\(Int(rounded))" : "\(rounded)"
    }
}

extension Elementary {
    /// The power of 10 of a number's first digit, but for rounding.
    fileprivate static func decimalExponent(of value: Double) -> Double {
        (logarithm(abs(value)) / logarithm(10)).rounded(.down)
    }
}
