import Survival

/// What a kind of analysis makes of a hospital's rows for its questions, and the numbers that the disclosure rules look at.
package struct PreparedRows: Sendable {
    /// People in each of the plan's protected levels.
    var levelCounts: [Int]
    /// The largest share of a number's variation here that two people carry.
    var concentration: Double
    /// The group, or stratum, of each row; nil if there is one.
    var groups: [Int32]?
    /// Case weights of a curve.
    var weights: [Double]?
    /// A model's rows with their times as recorded; see `SiteAnalysis.tiedData`.
    var data: SurvivalData?
    /// The level of the cluster's category in each row; nil if clusters are people, or there are none.
    var clusters: [Int32]?
    /// Covariates whose residuals may be added up.
    var cells: [CellIndex] = []
    /// Of `AnalysisPlan.spreadColumns`: the values in the cohort's rows that have them, and the people outside the analysis.
    var spread: [[Double]] = []
    var spreadPeople: [Int] = []
    /// Of a table of the patients only.
    var people: SiteDescription?

    init(levelCounts: [Int], concentration: Double) {
        (self.levelCounts, self.concentration) = (levelCounts, concentration)
    }

    /// Those of curves by group and stratum.
    init(
        curvesBy by: Survival.Expression?, _ groups: [String], _ strata: [AnalysisPlan.Stratum],
        weights: Survival.Expression?, _ cases: CompleteCases
    ) throws {
        let weights = try weights.map { try Self.caseWeights($0, cases) }
        let concentration = weights.map { Concentration.share(of: $0, person: cases.person) } ?? 0
        let (index, levelCounts) = try Self.groups(by, groups, strata, cases)
        self.init(levelCounts: levelCounts, concentration: concentration)
        (self.groups, self.weights) = (index, weights)
    }

    private static func caseWeights(
        _ expression: Survival.Expression, _ cases: CompleteCases
    ) throws -> [Double] {
        let weights = try cases.numbers(of: expression)
        guard weights.allSatisfy({ $0 > 0 && $0.isFinite }) else { throw SurvivalDataError.weightNotPositive }
        return weights
    }

    /// The group of each row in its stratum, the groups of a stratum standing together; people by level of the groups, then
    /// of the strata.
    private static func groups(
        _ by: Survival.Expression?, _ levels: [String], _ strata: [AnalysisPlan.Stratum],
        _ cases: CompleteCases
    ) throws -> ([Int32]?, levelCounts: [Int]) {
        var (groups, counts) = ([Int32]?.none, [Int]())
        for stratum in strata {
            let index = try cases.levelIndex(of: stratum.expression).index
            counts += people(cases.person, by: index, levels: stratum.levels.count)
            groups = combined(groups, index, levels: stratum.levels.count)
        }
        guard let by else { return (groups, counts) }
        let index = try cases.levelIndex(of: by).index
        return (
            combined(groups, index, levels: levels.count),
            people(cases.person, by: index, levels: levels.count) + counts
        )
    }

    /// The mixed-radix number of two levels, the second varying fastest.
    private static func combined(_ slow: [Int32]?, _ fast: [Int32], levels: Int) -> [Int32] {
        slow.map { zip($0, fast).map { $0 * Int32(levels) + $1 } } ?? fast
    }

    /// Different people in each level; a person with rows in two levels counts in both.
    static func people(_ person: [Int32], by level: [Int32], levels: Int) -> [Int] {
        var seen = [Set<Int32>](repeating: [], count: levels)
        for (person, level) in zip(person, level) { seen[Int(level)].insert(person) }
        return seen.map(\.count)
    }
}

/// The cell of each row in one covariate, and the people in each cell.
struct CellIndex: Sendable {
    let cell: [Int32]
    let people: [Int]
}
