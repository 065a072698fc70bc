/// The columns, strata and special terms of a regression model, laid out from the dictionary alone.
///
/// Columns stand in R's order: main effects as listed, then interactions by the number of their parts. A
/// category becomes one 0/1 column for each level but the reference (treatment contrasts), a yes/no
/// expression one column under its own name, a spline the number and its curved columns (`age`, `age'`). In an interaction the columns are products, the first part
/// varying fastest; parts stand in the order in which the model first mentions them. As in R, an interaction
/// has a column for a category's reference level too if no earlier term has its other parts: `age:sex` alone
/// gives each sex a slope. Yes/no expressions count as numbers in this respect.
package struct ModelSpecification: Sendable {
    /// A column of the design matrix; its name is that of its coefficient: `age`, `log(bili)`, `sex=2`,
    /// `age:sex=2`.
    package struct DesignColumn: Sendable, Hashable {
        package var name: String
        package var bounds: ClosedRange<Double>
    }

    /// A level of a category (or `no`, `yes`) whose people a disclosure rule may count.
    package struct Level: Hashable, Sendable, Codable {
        package var variable: String
        package var level: String

        package init(variable: String, level: String) {
            (self.variable, self.level) = (variable, level)
        }
    }

    /// A term and the columns it became: one, or for a category one for each level but the reference.
    package struct Term: Sendable, Hashable {
        package var name: String
        package var columns: Range<Int>
        /// Those of its columns that a straight line would not have; empty without a spline.
        package var nonlinear: [Int] = []
    }

    /// A factor of a column's product: an expression's value, a curved column of it, or whether it is at one of its levels.
    enum Factor: Sendable {
        case value(Expression)
        case spline(Expression, RestrictedCubicSpline, column: Int)
        case level(Expression, Int32)

        var isCurved: Bool {
            if case .spline = self { true } else { false }
        }
    }

    /// More columns are refused; the information matrix of so many has 125,250 numbers.
    static let columnCountMax = 500
    static let stratumCountMax = 100_000

    package let columns: [DesignColumn]
    /// Terms in the order of their columns; strata, cluster and offset are not among them.
    package let terms: [Term]
    package let strata: [Expression]
    package let cluster: Expression?
    package let offset: Expression?
    /// All that must not be missing in a row of the analysis; the person, never missing, is not among them.
    package let expressions: [Expression]
    /// Every level of every category and yes/no expression among terms and strata, reference levels included.
    ///
    /// In the order of first mention, terms before strata; within one expression in the dictionary's order.
    package let levels: [Level]
    /// Combinations of the levels of the strata; 1 without strata.
    package let stratumCount: Int
    /// The product that each column is.
    let factors: [[Factor]]
    /// The expressions behind `levels`, in order.
    let leveled: [Expression]

    package var parameterNames: [String] { columns.map(\.name) }

    /// Lays out the model; errors name the term and the place in it.
    package init(terms: [String], scope: VariableScope) throws(ScopeError) {
        guard terms.count <= Self.columnCountMax else {
            throw ScopeError(.term(.tooManyColumns(maximum: Self.columnCountMax)))
        }
        var layout = ModelLayout(scope: scope)
        for term in terms { try layout.add(term) }
        let (built, terms) = try layout.columns()
        (columns, factors, self.terms) = (built.map(\.column), built.map(\.factors), terms)
        (strata, cluster, offset) = (layout.strata, layout.cluster, layout.offset)
        let parts = layout.parts
        let others = strata + [layout.clusterIsPerson ? nil : cluster, offset].compactMap(\.self)
        expressions = (parts.map { $0.spline?.argument ?? $0 } + others).uniqued()
        var (leveled, levels, stratumCount) = ([Expression](), [Level](), 1)
        for expression in (parts + strata).uniqued() where expression.spline == nil {
            guard let names = try scope.type(of: expression).levels else { continue }
            leveled.append(expression)
            levels += names.map { Level(variable: expression.termName, level: $0) }
            guard strata.contains(expression) else { continue }
            stratumCount = stratumCount.multipliedReportingOverflow(by: names.count).partialValue
            guard (1...Self.stratumCountMax).contains(stratumCount) else {
                throw ScopeError(.term(.tooManyStrata(maximum: Self.stratumCountMax)))
            }
        }
        (self.leveled, self.levels, self.stratumCount) = (leveled, levels, stratumCount)
    }

    /// Whether a column is made of numbers alone: no part of it is a category or a yes/no expression, whose people `levels`
    /// counts.
    package func isNumber(column: Int) -> Bool {
        factors[column].allSatisfy(isNumber)
    }

    /// Whether a term is a spline, or has one among its parts.
    package var hasSpline: Bool { factors.contains { $0.contains(where: \.isCurved) } }

    /// The first column that numbers within the dictionary's ranges can make too large for a double; nil if none does.
    package var unboundedColumn: DesignColumn? {
        zip(columns, factors).first { column, product in
            let isProduct = product.count(where: isNumber) > 1 || product.contains(where: \.isCurved)
            return isProduct && !(column.bounds.lowerBound.isFinite && column.bounds.upperBound.isFinite)
        }?.0
    }

    func isNumber(_ factor: Factor) -> Bool {
        switch factor {
        case .value(let expression): !leveled.contains(expression)
        case .spline: true
        case .level: false
        }
    }

    /// The levels that make up a stratum, first stratum variable first; `sex=2, ecog=1`.
    ///
    /// Strata are numbered so that the last variable's levels vary fastest, as R's `strata()` does.
    package func stratumLabel(_ index: Int) -> String {
        var rest = index
        let labels = strata.reversed().map { expression in
            let own = levels.filter { $0.variable == expression.termName }
            defer { rest /= own.count }
            return "\(expression.termName)=\(own[rest % own.count].level)"
        }
        return labels.reversed().joined(separator: ", ")
    }
}

extension Expression {
    /// The name under which an expression stands in column names and levels: a name as it is, else its
    /// canonical text.
    package var termName: String { name ?? canonicalText }
}

extension Sequence where Element: Hashable {
    /// The elements without repetitions, in the order of first mention.
    func uniqued() -> [Element] {
        var seen: Set<Element> = []
        return filter { seen.insert($0).inserted }
    }
}
