import Survival
import Synchronization

/// One analysis at one site: the complete cases and the likelihoods on them.
struct SiteAnalysis: Sendable {
    private(set) var plan: AnalysisPlan
    let cases: CompleteCases
    let groups: [Int32]?
    /// Which of the plan's causes is each row's, -1 for none; nil if causes are not counted apart.
    let causes: [Int]?
    /// Case weights of a curve.
    let weights: [Double]?
    /// The level of the cluster's category in each row; nil if clusters are people, or there are none.
    let clusters: [Int32]?
    let levelCounts: [Int]
    /// The rows with their times as recorded, where rows are compared at the hospital; see `tiedData`.
    let data: SurvivalData?
    /// The mean size of times over all hospitals, by which times that differ by rounding are told.
    private(set) var meanTime: Double?
    let concentration: Double
    /// Of a table of the patients only.
    let people: SiteTable?
    /// Covariates whose residuals may be added up.
    let cells: [CellIndex]
    /// Of `AnalysisPlan.spreadColumns`: the values in the cohort's rows that have them, and the people outside the analysis.
    let spread: [[Double]]
    let spreadPeople: [Int]
    let kept = KeptLikelihood()
    /// Which copy of the likelihood's arithmetic runs.
    var instructions = InstructionSet.best

    init(_ plan: AnalysisPlan, table: PatientTable, scope: VariableScope) throws {
        self.plan = plan
        let cases = try CompleteCases(
            table: table, scope: scope, cohort: plan.cohort, endpoint: plan.endpoint,
            needed: plan.neededExpressions, overlapping: plan.people ?? .allRows)
        if plan.people == nil, cases.overlappingPeople > 0, plan.countsRows {
            throw AnalysisTrouble.overlappingRows
        }
        self.cases = cases
        causes = plan.causes.isEmpty ? nil : try Self.causeIndex(plan, cases)
        weights = plan.columnCount > 0 ? nil : try plan.weights.map { try Self.caseWeights($0, cases) }
        cells = try (plan.diagnostics?.covariates ?? []).map { covariate in
            let index = try cases.numbers(of: covariate.expression).map(covariate.cells.cell)
            let people = Self.people(cases.person, by: index, levels: covariate.cells.count)
            return CellIndex(cell: index, people: people)
        }
        if case .cox(let cox) = plan.kind {
            let columns = try plan.spreadColumns.map { try cases.cohortColumn($0, of: cox.model, in: table) }
            (spread, spreadPeople) = (columns.map(\.values), columns.map(\.peopleOutside))
        } else {
            (spread, spreadPeople) = ([], [])
        }
        switch plan.kind {
        case .survival(let survival):
            let (index, counts) = try Self.groups(survival.by, survival.groups, survival.strata, cases)
            levelCounts = counts
            if survival.isWithinSites, let index {
                let count = Int32(survival.groups.count)
                groups = index.map { $0 % count }
                data = try SurvivalData(
                    entry: cases.entry, exit: cases.exit, event: cases.event, weight: nil, offset: nil,
                    stratum: index.map { $0 / count }, columns: [], mergesNearTies: false)
            } else {
                (groups, data) = (index, nil)
            }
            (clusters, people) = (nil, nil)
            concentration = weights.map { Concentration.share(of: $0, person: cases.person) } ?? 0
        case .incidence(let incidence):
            let (index, groupCounts) = try Self.groups(
                incidence.by, incidence.groups, incidence.strata, cases)
            groups = index
            let causes = causes ?? []
            levelCounts =
                groupCounts
                + plan.causes.indices.map { cause in
                    Set(zip(cases.person, causes).filter { $1 == cause }.map(\.0)).count
                }
            (clusters, data, people) = (nil, nil, nil)
            concentration = weights.map { Concentration.share(of: $0, person: cases.person) } ?? 0
        case .concordance(let concordance):
            let data = try cases.survivalData(
                model: concordance.model, weights: concordance.weights, mergesNearTies: false)
            levelCounts = try cases.levelCounts(model: concordance.model)
            concentration = try Concentration.share(of: data, concordance.model, cases)
            (groups, clusters, people, self.data) = (nil, nil, nil, data)
        case .cox(let cox):
            let data = try cases.survivalData(model: cox.model, weights: cox.weights, mergesNearTies: false)
            groups = plan.exitGroupCount > 1 ? data.stratum : nil
            let clusters = cox.cluster?.levels == nil ? nil : try cases.clusterIndex(of: cox.model)
            self.clusters = clusters
            let clusterCounts = clusters.map {
                Self.people(cases.person, by: $0, levels: cox.cluster?.levels?.count ?? 0)
            }
            levelCounts = try cases.levelCounts(model: cox.model) + (clusterCounts ?? [])
            concentration = try Concentration.share(of: data, cox.model, cases)
            (people, self.data) = (nil, data)
        case .table(let table):
            let people = try SiteTable(table, cases: cases)
            self.people = people
            (groups, clusters, data) = (nil, nil, nil)
            (levelCounts, concentration) = (people.levelCounts, people.concentration)
        }
    }

    var weightRatio: Double {
        guard let weight = data?.weight ?? weights, let least = weight.min(), let most = weight.max() else {
            return 1
        }
        return most / least
    }

    /// Which cause is true in each row, -1 if none is.
    private static func causeIndex(_ plan: AnalysisPlan, _ cases: CompleteCases) throws -> [Int] {
        var causes = [Int](repeating: -1, count: cases.rows.count)
        for (index, cause) in plan.causes.enumerated() {
            for (row, isTrue) in try cases.isTrueAtEnd(cause.condition).enumerated() where isTrue {
                guard causes[row] < 0 else {
                    let names = "\(plan.causes[causes[row]].name) and \(cause.name)"
                    throw StudyError.sums(
                        "a row has the causes \(names) at once; make the endpoint's causes exclude each other"
                    )
                }
                causes[row] = index
            }
        }
        return causes
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
    private static func people(_ person: [Int32], by level: [Int32], levels: Int) -> [Int] {
        var seen = [Set<Int32>](repeating: [], count: levels)
        for (person, level) in zip(person, level) { seen[Int(level)].insert(person) }
        return seen.map(\.count)
    }

    /// The same with what a query says of the times of all hospitals.
    func located(by query: Query) -> SiteAnalysis {
        var located = self
        located.plan = plan.located(on: query.axis)
        located.meanTime = query.meanTime
        return located
    }

    /// The rows with times made equal that differ by rounding only.
    func tiedData() throws -> SurvivalData? {
        try data.map { data in try kept.tied(meanTime) { try data.tied(meanTime: meanTime) } }
    }

    var eventPeople: Int {
        Set(zip(cases.person, cases.event).lazy.filter(\.1).map(\.0)).count
    }

    /// The largest distance from its mean of a row's xβ + offset + log weight: what lifts a row above all others.
    func linearPredictorMax(_ coordinates: Query.Coordinates, _ beta: [Double]) -> Double {
        guard let data, data.rowCount > 0 else { return 0 }
        var predictor = data.offset ?? [Double](repeating: 0, count: data.rowCount)
        if let weight = data.weight {
            for row in predictor.indices { predictor[row] += Elementary.logarithm(weight[row]) }
        }
        for (index, coefficient) in beta.enumerated() where coefficient != 0 {
            let (column, scale) = (data.columns[index], coefficient / coordinates.scale[index])
            for row in predictor.indices {
                predictor[row] += scale * (column[row] - coordinates.center[index])
            }
        }
        let mean = predictor.reduce(0, +) / Double(predictor.count)
        return predictor.reduce(0) { max($0, abs($1 - mean)) }
    }
}

/// The cell of each row in one covariate, and the people in each cell.
struct CellIndex: Sendable {
    let cell: [Int32]
    let people: [Int]
}

/// The sorted likelihood of a model in its present working coordinates, and its rows with tied times.
final class KeptLikelihood: Sendable {
    private let kept = Mutex<(coordinates: Query.Coordinates, likelihood: PartialLikelihood)?>(nil)
    private let rows = Mutex<(meanTime: Double?, data: SurvivalData)?>(nil)

    func likelihood(
        at coordinates: Query.Coordinates, make: () throws -> PartialLikelihood
    ) throws -> PartialLikelihood {
        try kept.withLock { kept in
            if let kept, kept.coordinates == coordinates { return kept.likelihood }
            let made = try make()
            kept = (coordinates, made)
            return made
        }
    }

    func tied(_ meanTime: Double?, make: () throws -> SurvivalData) throws -> SurvivalData {
        try rows.withLock { rows in
            if let rows, rows.meanTime == meanTime { return rows.data }
            let made = try make()
            rows = (meanTime, made)
            return made
        }
    }
}
