/// What a formula of numbers is made of, reduced to a few forms, and how it varies with each variable.
///
/// Products are free of products, sums of sums; roots, quotients and logarithms are drawn into products, so that what is left under
/// each of them is linear or a sum: there alone they can be steep.
struct FormulaShape: Sendable {
    indirect enum Form: Sendable {
        case linear(PiecewiseLinear)
        case sum([FormulaShape])
        case product([FormulaShape])
        /// Of a linear form, a sum or a logarithm.
        case power(FormulaShape, Double)
        case logarithm(FormulaShape)
        case exponential(FormulaShape)
    }

    var form: Form
    var bounds: ClosedRange<Double>
    /// Values at points of the dictionary's ranges that follow from the variables' names: what rounding has left of it.
    var samples: [Double]
    /// The highest power of each variable in it.
    var degrees: [String: Int]
    /// Variables under a root, a quotient, a logarithm or an exponential.
    var functions: Set<String> = []
    /// By variable, the places where it bends.
    var bends: [String: Set<Double>] = [:]
    /// Variables that bend under a root, a quotient, a logarithm or an exponential.
    var bentUnderFunctions: Set<String> = []

    /// The value of a formula that is the same for everybody.
    var constant: Double? {
        guard case .linear(let linear) = form, linear.isConstant else { return nil }
        return linear.constant
    }

    var variables: Set<String> { Set(degrees.keys) }

    /// Variables along which it is no straight line, and none with bends.
    var curved: Set<String> { functions.union(degrees.filter { $0.value > 1 }.keys) }

    /// The largest distance between values at the points.
    var spread: Double { (samples.max() ?? 0) - (samples.min() ?? 0) }

    var largestSample: Double { samples.reduce(0) { max($0, abs($1)) } }

    /// The number of points at which formulas are looked at.
    static let sampleCount = 64

    init(
        _ form: Form, bounds: ClosedRange<Double>, samples: [Double], of parts: [FormulaShape],
        isProduct: Bool = false
    ) {
        (self.form, self.bounds, self.samples) = (form, bounds, samples)
        degrees = parts.reduce(into: [:]) { $0.merge($1.degrees) { isProduct ? $0 + $1 : max($0, $1) } }
        functions = parts.reduce(into: []) { $0.formUnion($1.functions) }
        bends = parts.reduce(into: [:]) { $0.merge($1.bends) { $0.union($1) } }
        bentUnderFunctions = parts.reduce(into: []) { $0.formUnion($1.bentUnderFunctions) }
    }

    init(_ linear: PiecewiseLinear, bounds: ClosedRange<Double>, samples: [Double]) {
        self.init(.linear(linear), bounds: bounds, samples: samples, of: [])
        degrees = Dictionary(uniqueKeysWithValues: linear.variables.map { ($0, 1) })
        bends = linear.hinges.mapValues { Set($0.keys) }
    }

    init(constant: Double) {
        self.init(
            PiecewiseLinear(constant: constant), bounds: constant...constant,
            samples: Array(repeating: constant, count: Self.sampleCount))
    }
}

extension DataDictionary.Variable {
    /// The ends of a number's range.
    var range: ClosedRange<Double> {
        guard case .number(let lower, let upper, _) = kind else { return 0...1 }
        return lower...upper
    }

    /// How far apart two values are that a formula may tell apart: the resolution, without one a ten-thousandth of the range.
    var step: Double {
        guard case .number(let lower, let upper, let resolution) = kind else { return 1 }
        return resolution ?? (upper - lower) / 10_000
    }

    /// How many values the range and the resolution allow; infinite without a resolution.
    var valueCount: Double {
        guard case .number(let lower, let upper, let resolution?) = kind else { return .infinity }
        return ((upper - lower) / resolution + 1e-9).rounded(.down) + 1
    }

    /// Values within the range, its ends among them, that follow from the name.
    var formulaSamples: [Double] {
        var state = name.utf8.reduce(0xcbf2_9ce4_8422_2325 as UInt64) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
        let (lower, upper) = (max(range.lowerBound, -1e3), min(range.upperBound, 1e3))
        let ends =
            range.lowerBound.isFinite && range.upperBound.isFinite
            ? range : min(lower, upper)...max(lower, upper)
        return (0..<FormulaShape.sampleCount).map { index in
            if index < 2 { return index == 0 ? ends.lowerBound : ends.upperBound }
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            let value = ends.lowerBound + (ends.upperBound - ends.lowerBound) * Double(state >> 11) * 0x1p-53
            guard case .number(_, _, let resolution?) = kind else { return value }
            return min(max((value / resolution).rounded() * resolution, ends.lowerBound), ends.upperBound)
        }
    }
}
