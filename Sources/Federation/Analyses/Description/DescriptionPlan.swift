package import Survival

/// A table of the patients, compiled: its groups, and how each variable is counted or summed.
package struct DescriptionPlan: PlannedAnalysis {
    package static let name = "describe"

    package var by: Expression?
    /// The groups' names; one empty name without groups.
    package var groups: [String]
    package var variables: [Variable]

    package struct Variable: Sendable {
        package var expression: Expression
        package var label: String?
        package var unit: String?
        package var kind: Kind
        /// Whether the study made it up; its levels then are under the rule for rare levels, as groups are.
        package var isFormula: Bool

        package var name: String { expression.text }
    }

    package enum Kind: Sendable {
        /// A number, with its range by the dictionary; bins only if quartiles are asked for.
        case number(DictionaryRange, ValueBins?)
        /// A category, or `no` and `yes`; with what a report prints for a level.
        case levels([String], labels: [String: String])
    }

    /// Whether people are counted by single values.
    package var countsValues: Bool {
        variables.contains { variable in
            if case .number(_, let bins?) = variable.kind { bins.isExact } else { false }
        }
    }

    /// The levels that the disclosure rule for rare levels protects: the groups, and those of the study's own conditions.
    package func levels(causes: [AnalysisPlan.Cause]) -> [ModelSpecification.Level] {
        var levels = AnalysisPlan.levels(by, groups, [])
        for variable in variables where variable.isFormula {
            guard case .levels(let names, _) = variable.kind else { continue }
            levels += names.map { .init(variable: variable.name, level: $0) }
        }
        return levels
    }

    package var formulas: [(key: String, expression: Expression)] {
        .named("by", [by]) + .named("variables", described)
    }
    package var needed: [Expression] { [by].compactMap(\.self) }
    package var described: [Expression] { variables.map(\.expression) }
    /// A table compares what was measured, not how long people live.
    package var compared: [Expression] { [] }
    package var weights: Expression? { nil }
    package var design: ModelSpecification? { nil }
    package var groupCount: Int { groups.count }
    package var groupNames: [String] { groups }
    package var exitGroupCount: Int { 0 }
    package var exitWeights: ExitWeights { .none }
    package var usesTimes: Bool { false }
    package var comparesRows: Bool { false }
    package var parameterCount: Int { 0 }
    package var pointTimes: [Double] { [] }
    package var areaTimes: [Double] { [] }
    package var pairs: ConcordanceOptions? { nil }
    /// It takes each person once.
    package var countsRows: Bool { false }

    package func questions(in plan: AnalysisPlan) -> [any Question.Type] {
        let numbers = variables.compactMap { variable -> ValueBins?? in
            if case .number(_, let bins) = variable.kind { .some(bins) } else { nil }
        }
        return [TalliesQuestion.self]
            + (numbers.isEmpty ? [] : [TableSumsQuestion.self, TableSquaresQuestion.self])
            + (numbers.contains { $0 != nil } ? [HistogramsQuestion.self] : [])
    }

    package func prepare(
        _ plan: AnalysisPlan, _ cases: CompleteCases, causes: [Int]?, in table: PatientTable
    ) throws -> PreparedRows {
        let people = try SiteDescription(self, cases: cases)
        var rows = PreparedRows(levelCounts: people.levelCounts, concentration: people.concentration)
        rows.people = people
        return rows
    }

    package func line(in plan: AnalysisPlan) -> String {
        "describe " + variables.map(\.name).joined(separator: ", ") + (by.map { ", by \($0.text)" } ?? "")
    }

    package func summary(in plan: AnalysisPlan) -> String {
        let names = StudyWords.list(variables.map(\.name))
        return "table of \(names)\(by.map { ", by \(StudyWords.inline($0.text)), with tests" } ?? "")"
    }

    /// Its groups, variables and bins are said with what leaves.
    package func choices(in plan: AnalysisPlan) -> [String] { [] }
}

extension DescriptionPlan {
    init(
        _ names: [String], by groups: (expression: Expression, levels: [String])?,
        bins: DescriptionRequest.Bins, scope: VariableScope
    ) throws {
        (by, self.groups) = (groups?.expression, groups?.levels ?? [""])
        variables = try names.map { try Variable($0, bins: bins, scope: scope) }
    }
}

extension DescriptionPlan.Variable {
    fileprivate init(_ text: String, bins: DescriptionRequest.Bins, scope: VariableScope) throws {
        expression = try Expression(parsing: text)
        try scope.requireTerm(expression)
        let known = scope.dictionary[expression.text]
        (label, unit, isFormula) = (known?.label, known?.unit, known == nil)
        switch try scope.type(of: expression) {
        case .boolean: kind = .levels(["no", "yes"], labels: [:])
        case .category(let levels, _): kind = .levels(levels, labels: known?.levelLabels ?? [:])
        case .number:
            let bounds = try scope.bounds(of: expression)
            let axis = try Self.bins(of: expression, bounds, bins, scope)
            kind = .number(DictionaryRange(bounds), axis)
        }
    }

    private static func bins(
        of expression: Expression, _ bounds: ClosedRange<Double>, _ bins: DescriptionRequest.Bins,
        _ scope: VariableScope
    ) throws -> ValueBins? {
        let resolution = scope.resolution(of: expression)
        switch bins {
        case .exact:
            return try resolution.map { try ValueBins(values: bounds, resolution: $0, of: expression.text) }
        case .named(let named):
            guard let asked = named.first(where: { $0.variable == expression.text }) else { return nil }
            if let width = asked.width {
                return try ValueBins(width: width, over: bounds, of: expression.text)
            }
            guard let resolution else {
                throw StudyError.sums(
                    "bins: exact needs a resolution in the dictionary, and \(expression.text) has none; give a width"
                )
            }
            return try ValueBins(values: bounds, resolution: resolution, of: expression.text)
        }
    }
}

/// The places at which people are counted by a number: its values, or bins of a width; fixed by dictionary and study alone.
///
/// Values are multiples of the dictionary's resolution. Bin i holds what is at or above `edge(i)` and below `edge(i + 1)`, edges being
/// multiples of the width.
package struct ValueBins: Hashable, Sendable {
    package let width: Double
    package let count: Int
    package let isExact: Bool
    /// The multiple of the width that bin 0 stands for.
    private let first: Int

    static let countMax = 20_000.0
    /// In widths; a multiple of 0.1 is not exact in binary.
    private static let slack = 1e-6

    package init(values bounds: ClosedRange<Double>, resolution: Double, of name: String) throws(StudyError) {
        let (lower, upper) = try Self.multiples(of: resolution, in: bounds, name)
        self.init(width: resolution, first: lower.rounded(.up), last: upper.rounded(.down), isExact: true)
    }

    package init(width: Double, over bounds: ClosedRange<Double>, of name: String) throws(StudyError) {
        let (lower, upper) = try Self.multiples(of: width, in: bounds, name)
        self.init(width: width, first: lower.rounded(.down), last: upper.rounded(.down), isExact: false)
    }

    private init(width: Double, first: Double, last: Double, isExact: Bool) {
        (self.width, self.isExact, self.first) = (width, isExact, Int(first))
        count = max(Int(last) - Int(first) + 1, 1)
    }

    /// The range in widths, widened or narrowed by the slack so that ends that are multiples round to themselves.
    private static func multiples(
        of width: Double, in bounds: ClosedRange<Double>, _ name: String
    ) throws(StudyError) -> (Double, Double) {
        let (lower, upper) = (bounds.lowerBound / width, bounds.upperBound / width)
        guard lower.isFinite, upper.isFinite, abs(lower) < 1e15, upper - lower < countMax else {
            throw .sums(
                "\(name) would be counted at more than \(Int(countMax)) values or bins; give wider bins, or a range in the dictionary"
            )
        }
        let nearest = (lower.rounded(), upper.rounded())
        return (
            abs(lower - nearest.0) < slack ? nearest.0 : lower,
            abs(upper - nearest.1) < slack ? nearest.1 : upper
        )
    }

    /// The bin of a value; one outside the range counts at its end.
    package func bin(of value: Double) -> Int {
        let steps = value / width
        let multiple = isExact ? steps.rounded() : (steps + Self.slack).rounded(.down)
        return Int(min(max(multiple - Double(first), 0), Double(count - 1)))
    }

    /// The value that is counted at a place, or the lower edge of a bin.
    package func edge(_ bin: Int) -> Double { width.multiplied(by: first + bin) }
}
