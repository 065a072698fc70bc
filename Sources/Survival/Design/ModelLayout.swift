/// Collects a model's terms and expands them into columns.
struct ModelLayout {
    typealias BuiltColumn = (column: ModelSpecification.DesignColumn, factors: [ModelSpecification.Factor])

    private let scope: VariableScope
    private var interactions: [[Expression]] = []
    /// Terms that were listed themselves, not implied by `*`.
    private var listed: Set<Set<Expression>> = []
    private(set) var strata: [Expression] = []
    private(set) var cluster: Expression?
    private(set) var clusterIsPerson = false
    private(set) var offset: Expression?

    init(scope: VariableScope) {
        self.scope = scope
    }

    /// All parts of interactions, in the order of first mention.
    var parts: [Expression] { interactions.flatMap(\.self).uniqued() }

    mutating func add(_ text: String) throws(ScopeError) {
        let text = text.trimmingBlanks
        switch try ModelTerm(parsing: text) {
        case .interactions(let expansion):
            guard listed.insert(Set(expansion.last ?? [])).inserted else {
                throw problem(.duplicate(text), in: text)
            }
            for part in expansion.last ?? [] { try requirePart(part, in: text) }
            let known = Set(interactions.map(Set.init))
            interactions += expansion.filter { !known.contains(Set($0)) }
        case .special(let special, let arguments):
            try add(special, arguments, in: text)
        }
    }

    private func requirePart(_ part: Expression, in text: String) throws(ScopeError) {
        if let spline = part.spline { try requireSpline(of: spline.argument, spline.knots, part, in: text) }
        try scope.requireTerm(part.spline?.argument ?? part)
        guard !scope.variables(of: part).isEmpty else { throw problem(.constant(part.text), in: text) }
    }

    /// Refuses a spline of anything but a number, and knots that make none or lie where no value can.
    private func requireSpline(
        of argument: Expression, _ knots: [Double], _ part: Expression, in text: String
    ) throws(ScopeError) {
        guard try scope.type(of: argument) == .number else {
            throw problem(.needsNumber(argument.text, use: "rcs"), in: text)
        }
        let rises = zip(knots, knots.dropFirst()).allSatisfy { $0 < $1 } && knots.allSatisfy(\.isFinite)
        guard rises, RestrictedCubicSpline.knotCounts.contains(knots.count) else {
            throw problem(.badKnots(part.canonicalText), in: text)
        }
        let bounds = try scope.bounds(of: argument)
        if let knot = knots.first(where: { !bounds.contains($0) }) {
            throw problem(.knotOutside(part.canonicalText, knot: knot), in: text)
        }
    }

    private func problem(_ problem: ModelTermProblem, in text: String) -> ScopeError {
        ScopeError(.term(problem), text: text, position: 1)
    }

    // MARK: - strata, cluster, offset

    private mutating func add(
        _ special: ModelTerm.Special, _ arguments: [Expression], in text: String
    ) throws(ScopeError) {
        switch special {
        case .strata:
            for argument in arguments {
                try requirePart(argument, in: text)
                try requireLevels(argument, for: special, in: text)
                guard !strata.contains(argument) else { throw problem(.duplicate(argument.text), in: text) }
                strata.append(argument)
            }
        case .cluster:
            let argument = try single(arguments, of: special, isFirst: cluster == nil, in: text)
            clusterIsPerson = argument.name == scope.dictionary.person
            if !clusterIsPerson {
                try requirePart(argument, in: text)
                try requireLevels(argument, for: special, in: text)
            }
            cluster = argument
        case .offset:
            let argument = try single(arguments, of: special, isFirst: offset == nil, in: text)
            try requirePart(argument, in: text)
            guard try scope.type(of: argument) == .number else {
                throw problem(.needsNumber(argument.text, use: special.rawValue), in: text)
            }
            offset = argument
        }
    }

    private func single(
        _ arguments: [Expression], of special: ModelTerm.Special, isFirst: Bool, in text: String
    ) throws(ScopeError) -> Expression {
        guard isFirst, arguments.count == 1 else { throw problem(.single(special.rawValue), in: text) }
        return arguments[0]
    }

    private func requireLevels(
        _ argument: Expression, for special: ModelTerm.Special, in text: String
    ) throws(ScopeError) {
        guard try scope.type(of: argument).levels != nil else {
            throw problem(.needsLevels(argument.text, use: special.rawValue), in: text)
        }
    }

    // MARK: - Columns

    /// The columns of all interactions, in R's order, and which of them are whose.
    func columns() throws(ScopeError) -> (columns: [BuiltColumn], terms: [ModelSpecification.Term]) {
        let ordered = orderedInteractions
        let sets = ordered.map(Set.init)
        var (result, terms) = ([BuiltColumn](), [ModelSpecification.Term]())
        for (position, parts) in ordered.enumerated() {
            var product: [BuiltColumn] = []
            for part in parts {
                // The rule of R's `terms`: contrasts are enough for a part if an earlier term has all the
                // other parts.
                let others = sets[position].subtracting([part])
                let hasMargin = others.isEmpty || sets[..<position].contains { $0.isSuperset(of: others) }
                let own = try columns(of: part, isAlone: parts.count == 1, keepsReference: !hasMargin)
                guard max(product.count, 1) * own.count + result.count <= ModelSpecification.columnCountMax
                else {
                    throw ScopeError(.term(.tooManyColumns(maximum: ModelSpecification.columnCountMax)))
                }
                product =
                    product.isEmpty ? own : own.flatMap { slow in product.map { Self.product($0, slow) } }
            }
            let name = parts.map(\.termName).joined(separator: ":")
            let curved = product.indices.filter { product[$0].factors.contains(where: \.isCurved) }
            terms.append(
                .init(
                    name: name, columns: result.count..<(result.count + product.count),
                    nonlinear: curved.map { result.count + $0 }))
            result += product
        }
        var names: Set<String> = []
        for column in result.map(\.column) where !names.insert(column.name).inserted {
            throw ScopeError(.term(.duplicate(column.name)))
        }
        return (result, terms)
    }

    /// Terms of fewer parts first, else as listed; the parts of each in the order in which the model first
    /// mentions them.
    private var orderedInteractions: [[Expression]] {
        let rank = Dictionary(uniqueKeysWithValues: zip(parts, 0...))
        let degrees = Set(interactions.map(\.count)).sorted()
        return degrees.flatMap { degree in
            interactions.filter { $0.count == degree }.map {
                $0.sorted { rank[$0, default: 0] < rank[$1, default: 0] }
            }
        }
    }

    private func columns(
        of part: Expression, isAlone: Bool, keepsReference: Bool
    ) throws(ScopeError) -> [BuiltColumn] {
        if let spline = part.spline { return try columns(ofSpline: spline.argument, spline.knots) }
        guard case .category(let levels, let reference) = try scope.type(of: part) else {
            let name = isAlone || part.syntax.isAtom ? part.termName : "(\(part.termName))"
            return [(.init(name: name, bounds: try scope.bounds(of: part)), [.value(part)])]
        }
        return levels.enumerated().filter { keepsReference || $0.element != reference }.map { index, level in
            (.init(name: "\(part.termName)=\(level)", bounds: 0...1), [.level(part, Int32(index))])
        }
    }

    /// `age`, `age'`, `age''`: the number, then its curved columns.
    private func columns(
        ofSpline argument: Expression, _ knots: [Double]
    ) throws(ScopeError) -> [BuiltColumn] {
        let basis = RestrictedCubicSpline(knots: knots)
        let bounds = try scope.bounds(of: argument)
        let name = argument.syntax.isAtom ? argument.termName : "(\(argument.termName))"
        return (0..<basis.columnCount).map { column in
            let own = ModelSpecification.DesignColumn(
                name: name + String(repeating: "'", count: column),
                bounds: basis.bounds(of: column, over: bounds))
            return (own, [column == 0 ? .value(argument) : .spline(argument, basis, column: column)])
        }
    }

    private static func product(_ a: BuiltColumn, _ b: BuiltColumn) -> BuiltColumn {
        let column = ModelSpecification.DesignColumn(
            name: "\(a.column.name):\(b.column.name)", bounds: a.column.bounds * b.column.bounds)
        return (column, a.factors + b.factors)
    }
}
