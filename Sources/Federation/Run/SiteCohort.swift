import Foundation
package import Survival
import Synchronization

/// A hospital's rows, prepared for the questions of one study.
///
/// Deliberately not `Codable`, and its rows are private: only answers to queries come out, and those leave a hospital only
/// through `DisclosurePolicy`.
package struct SiteCohort: Sendable {
    private let plan: StudyPlan
    private let analyses: [String: Prepared]

    package init(table: PatientTable, plan: StudyPlan) throws(StudyError) {
        self.plan = plan
        var prepared: [String: Prepared] = [:]
        for analysis in plan.analyses {
            do {
                prepared[analysis.id] = try Prepared(analysis, table: table, scope: plan.scope)
            } catch {
                throw .analysis(id: analysis.id, reason: "\(error)")
            }
        }
        analyses = prepared
    }

    /// The answer to a query: one number a lane.
    package func answer(_ query: Query) throws(StudyError) -> [Double] {
        let prepared = try prepared(query.analysis)
        do {
            let lanes = try prepared.located(on: query.axis).answer(query.ask)
            precondition(
                lanes.count == query.laneCount(in: prepared.plan), "an answer fits its query's layout")
            return lanes
        } catch let error as StudyError {
            throw error
        } catch {
            throw .analysis(id: query.analysis, reason: "\(error)")
        }
    }

    /// What the disclosure rules look at; never leaves the hospital.
    package func facts(of analysis: String) throws(StudyError) -> SiteFacts {
        let prepared = try prepared(analysis)
        return SiteFacts(
            people: prepared.cases.peopleCount, events: prepared.eventPeople, levels: prepared.levelCounts,
            parameters: prepared.plan.columnCount, concentration: prepared.concentration,
            weightRatio: prepared.weightRatio, spreadPeople: prepared.spreadPeople)
    }

    /// The rows of an analysis by their place in the table, and those that only missing values keep out of it; local.
    ///
    /// See `AnsweredCohort`.
    package func rows(of analysis: String) throws(StudyError) -> (rows: [Int], eligible: [Int]?) {
        let cases = try prepared(analysis).cases
        return (cases.rows, cases.eligibleRows)
    }

    /// How far a row's linear predictor, offset and weight included, lies from the mean; see the policy's rule.
    package func linearPredictorMax(of query: Query) throws(StudyError) -> Double {
        guard let beta = query.beta, let coordinates = query.coordinates else { return 0 }
        return try prepared(query.analysis).linearPredictorMax(coordinates, beta)
    }

    /// People of this hospital in each bin of the covariates that residuals are added up over; never leaves the hospital.
    package func binPeople(of query: Query) throws(StudyError) -> [[Int]] {
        guard case .binnedResiduals(_, _, let bins, _) = query.ask else { return [] }
        let cells = try prepared(query.analysis).cells
        return zip(bins.covariates, cells).map { merged, cells in
            merged.ranges.map { cells.people[$0].reduce(0, +) }
        }
    }

    private func prepared(_ analysis: String) throws(StudyError) -> Prepared {
        guard let prepared = analyses[analysis] else {
            throw .sums("the study has no analysis \"\(analysis)\"")
        }
        return prepared
    }
}

/// Numbers of this hospital that the disclosure rules compare with their limits; local.
package struct SiteFacts: Hashable, Sendable {
    package var people: Int
    /// People with an event.
    package var events: Int
    /// People in each of `AnalysisPlan.levels`.
    package var levels: [Int]
    package var parameters: Int
    /// The largest share of a numeric covariate's variation here that two people carry; 0 without numeric covariates.
    package var concentration: Double
    /// The largest case weight here, in units of the smallest; 1 without weights.
    package var weightRatio: Double
    /// People outside the analysis whom the variances of a ridge penalty take in, by column.
    package var spreadPeople: [Int] = []
}

/// One analysis at one site: the complete cases and the likelihoods on them.
private struct Prepared: Sendable {
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
    let data: SurvivalData?
    let concentration: Double
    /// Of a table of the patients only.
    let people: SiteTable?
    /// Covariates whose residuals may be added up.
    let cells: [CellIndex]
    /// Of `AnalysisPlan.spreadColumns`: the values in the cohort's rows that have them, and the people outside the analysis.
    private let spread: [[Double]]
    let spreadPeople: [Int]
    private let kept = KeptLikelihood()

    init(_ plan: AnalysisPlan, table: PatientTable, scope: VariableScope) throws {
        self.plan = plan
        let cases = try CompleteCases(
            table: table, scope: scope, cohort: plan.cohort, endpoint: plan.endpoint,
            needed: plan.neededExpressions)
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
            (groups, levelCounts) = try Self.groups(survival.by, survival.groups, survival.strata, cases)
            (clusters, data, people) = (nil, nil, nil)
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
            let data = try cases.survivalData(model: concordance.model, weights: concordance.weights)
            levelCounts = try cases.levelCounts(model: concordance.model)
            concentration = try Concentration.share(of: data, concordance.model, cases)
            (groups, clusters, people, self.data) = (nil, nil, nil, data)
        case .cox(let cox):
            let data = try cases.survivalData(model: cox.model, weights: cox.weights)
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
            for (row, isTrue) in try cases.numbers(of: cause.condition).enumerated() where isTrue == 1 {
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

    /// The same on the time axis that a search has found.
    func located(on axis: TimeAxis?) -> Prepared {
        var located = self
        located.plan = plan.located(on: axis)
        return located
    }

    var eventPeople: Int {
        Set(zip(cases.person, cases.event).lazy.filter(\.1).map(\.0)).count
    }

    func answer(_ ask: Query.Ask) throws -> [Double] {
        switch ask {
        case .counts: return counts()
        case .times(let cells): return cells.sums(of: cases.exit)
        case .exits: return exits()
        case .moments: return try moments()
        case .likelihood(let coordinates, let beta):
            let sums = try likelihood(coordinates).evaluate(at: beta)
            return [sums.logLikelihood] + sums.score + sums.information.packedUpper
        case .likelihoodWithThirdDerivatives(let coordinates, let beta):
            let sums = try likelihood(coordinates).evaluateWithThirdDerivatives(at: beta)
            return [sums.logLikelihood] + sums.score + sums.information.packedUpper
                + sums.thirdDerivatives.packed
        case .spread(let coordinates): return spreadSums(coordinates)
        case .eventSums(let coordinates):
            let (data, cox) = try model(coordinates)
            // Sums over events need no other site's times.
            let ownTimes = EventGrid(eventsOf: data, stratumCount: plan.groupCount)
            return try CommonBaseline(data: data, grid: ownTimes, ties: cox.ties).eventSums()
        case .riskSums(let coordinates, let beta, let grid):
            return try baseline(coordinates, grid).riskSums(at: beta)
        case .gram(let coordinates, let beta, let grid, let hazard):
            return try baseline(coordinates, grid).gram(at: beta, hazard: hazard)
        case .covariateRiskSums(let coordinates, let beta, let grid):
            return try baseline(coordinates, grid).covariateRiskSums(at: beta)
        case .eventTimes(let function):
            var moments = TimeMoments()
            for (time, event) in zip(cases.exit, cases.event) where event { moments.add(function(time)) }
            return moments.vector
        case .timeTrend(let coordinates, let beta, let function):
            let (data, cox) = try model(coordinates)
            return try PartialLikelihood(data, ties: cox.ties).timeTrend(at: beta, along: function).vector
        case .eventTrend(let coordinates, let grid, let factors):
            return try baseline(coordinates, grid).eventSums(weightedBy: factors)
        case .siteRanks(let coordinates, let beta):
            return SiteHeterogeneity(try likelihood(coordinates).evaluate(at: beta)).ranks
        case .siteHeterogeneity(let coordinates, let beta, let coefficients):
            return SiteHeterogeneity(try likelihood(coordinates).evaluate(at: beta)).parts(of: coefficients)
        case .cellCounts: return cells.flatMap { $0.people.map { Double($0) } }
        case .binnedResiduals(let coordinates, let beta, let bins, let common):
            return try binnedResiduals(coordinates, beta, bins, common)
        case .residuals(let coordinates, let beta, let common):
            return try residuals(coordinates, beta, common)
        case .concordance(let coordinates, let beta, let options, let scale):
            return try concordance(coordinates, beta, options, scale: scale)
        case .markerPairs(let options, let scale): return try markerPairs(options, scale: scale)
        case .tallies: return try table().tallies()
        case .tableSums(let cells): return try table().sums(cells)
        case .tableSquares(let cells, let centers): return try table().squares(cells, centers: centers)
        case .histograms(let histograms): return try table().counts(histograms)
        case .influence(let curves): return influence(curves)
        }
    }

    private func table() throws -> SiteTable {
        guard let people else { throw StudyError.sums("only a table of the patients has tallies") }
        return people
    }

    private func counts() -> [Double] {
        let layout = CountsLayout(plan)
        let dropped = layout.droppedVariables.map { cases.droppedByVariable[$0] ?? 0 }
        let numbers =
            [
                cases.rows.count, cases.peopleCount, cases.event.count { $0 },
                cases.cohortRowCount - cases.rows.count,
            ]
            + dropped + levelCounts + [cases.landmarkExcludedPeople].compactMap { $0 } + spreadPeople
        return numbers.map { Double($0) }
    }

    private func exits() -> [Double] {
        let layout = ExitsLayout(plan)
        var lanes = [Double](repeating: 0, count: layout.count)
        guard let axis = plan.axis else { return lanes }
        let weights = weights ?? data?.weight
        for row in cases.exit.indices {
            let group = groups.map { Int($0[row]) } ?? 0
            let position = axis.position(of: cases.exit[row])
            func add(_ field: ExitsLayout.Field, _ amount: Double, at position: Int) {
                if let offset = layout.offset(field, group: group) { lanes[offset + position] += amount }
            }
            let field = exitField(of: row)
            add(field, 1, at: position)
            add(field.weighted, weights?[row] ?? 1, at: position)
            if let entry = cases.entry {
                let position = axis.entryPosition(of: entry[row])
                add(.entries, 1, at: position)
                add(.entryWeights, weights?[row] ?? 1, at: position)
            }
        }
        return lanes
    }

    private func exitField(of row: Int) -> ExitsLayout.Field {
        guard let causes else { return cases.event[row] ? .events : .otherExits }
        return causes[row] >= 0 ? .cause(causes[row]) : .otherExits
    }

    /// Squares of people's influence on the curves of the groups, one group after the other.
    private func influence(_ curves: [CurveCounts]) -> [Double] {
        guard let axis = plan.axis else { return [] }
        return curves.enumerated().flatMap { group, curve in
            let rows = cases.exit.indices.filter { row in
                groups.map { Int($0[row]) % curves.count == group } ?? true
            }
            let places = rows.map { row in
                CurveInfluence.Row(
                    entry: cases.entry.map { axis.entryPosition(of: $0[row]) },
                    exit: axis.position(of: cases.exit[row]), cause: cause(of: row),
                    weight: weights?[row] ?? 1, on: curve)
            }
            return CurveInfluence(curve).squares(places, by: rows.map { cases.person[$0] })
        }
    }

    private func cause(of row: Int) -> Int? {
        guard let causes else { return cases.event[row] ? 0 : nil }
        return causes[row] >= 0 ? causes[row] : nil
    }

    /// Rows, then Σx of every column, then Σx², on columns scaled to [-1, 1] by the dictionary's ranges.
    private func moments() throws -> [Double] {
        guard case .cox(let cox) = plan.kind, let data else {
            throw StudyError.sums("only a model has moments")
        }
        var sums: [Double] = []
        var squares: [Double] = []
        for (column, values) in zip(cox.model.columns, data.columns) {
            let range = DictionaryRange(column.bounds)
            sums.append(values.reduce(0) { $0 + range.scaled($1) })
            squares.append(values.reduce(0) { $0 + range.scaled($1) * range.scaled($1) })
        }
        return [Double(data.rowCount)] + sums + squares
    }

    /// For each column under a scaled ridge its rows, Σz and Σz² in working coordinates.
    private func spreadSums(_ coordinates: Query.Coordinates) -> [Double] {
        zip(plan.spreadColumns, spread).flatMap { column, values in
            let scaled = values.map { ($0 - coordinates.center[column]) / coordinates.scale[column] }
            return [
                Double(scaled.count), scaled.reduce(0, +), scaled.reduce(0) { $0 + $1 * $1 },
            ]
        }
    }

    private func model(_ coordinates: Query.Coordinates) throws -> (SurvivalData, AnalysisPlan.CoxPlan) {
        guard case .cox(let cox) = plan.kind, let data else {
            throw StudyError.sums("only a model has a likelihood")
        }
        return (data.rescaled(center: coordinates.center, scale: coordinates.scale), cox)
    }

    private func residuals(
        _ coordinates: Query.Coordinates, _ beta: [Double], _ common: Query.CommonHazard?
    ) throws -> [Double] {
        let (data, cox) = try model(coordinates)
        let residuals =
            if let common {
                try baseline(coordinates, common.grid)
                    .scoreResiduals(at: beta, hazard: common.hazard, means: common.means)
            } else {
                try ScoreResiduals(data, ties: cox.ties, at: beta)
            }
        guard let levels = cox.cluster?.levels, let clusters else {
            return residuals.squares(by: cases.person)
        }
        return residuals.sums(by: clusters, levelCount: levels.count)
    }

    private func concordance(
        _ coordinates: Query.Coordinates, _ beta: [Double], _ options: ConcordanceOptions, scale: Double
    ) throws -> [Double] {
        let (data, cox) = try model(coordinates)
        let pairs = ConcordancePairs(data, marker: data.linearPredictor(at: beta), options: options)
        guard let levels = cox.cluster?.levels, let clusters else {
            return lanes(of: pairs, isByPerson: cox.cluster != nil, scale: scale)
        }
        return pairs.counts + pairs.sums(by: clusters, levelCount: levels.count).map { $0 / scale }
    }

    private func markerPairs(_ options: ConcordanceOptions, scale: Double) throws -> [Double] {
        guard case .concordance(let concordance) = plan.kind, let data else {
            throw StudyError.sums("only a concordance has a marker")
        }
        let pairs = ConcordancePairs(data, marker: data.columns[0], options: options)
        return lanes(of: pairs, isByPerson: concordance.cluster != nil, scale: scale)
    }

    /// Counts of pairs, and sums of squares of a row's or a person's part in them.
    private func lanes(of pairs: ConcordancePairs, isByPerson: Bool, scale: Double) -> [Double] {
        let people = isByPerson ? cases.person : cases.rows.indices.map { Int32($0) }
        return pairs.counts + pairs.squares(by: people).map { $0 / scale / scale }
    }

    private func binnedResiduals(
        _ coordinates: Query.Coordinates, _ beta: [Double], _ bins: DiagnosticBins,
        _ common: Query.CommonHazard?
    ) throws -> [Double] {
        let (data, cox) = try model(coordinates)
        let own: (baseline: CommonBaseline, hazard: HazardIncrements, means: MeanIncrements)
        if let common {
            own = (try baseline(coordinates, common.grid), common.hazard, common.means)
        } else {
            let hazard = try OwnHazard(data, ties: cox.ties, at: beta)
            own = (hazard.baseline, hazard.hazard, hazard.means)
        }
        let expected = try own.baseline.expectedEvents(at: beta, hazard: own.hazard)
        let byCovariate = zip(bins.covariates, cells).flatMap { merged, cells in
            BinnedSums(cells.cell.map { merged.bin(of: Int($0)) }, count: merged.ranges.count)
                .lanes(person: cases.person, event: cases.event, expected: expected)
        }
        guard let times = bins.times, let axis = plan.axis else { return byCovariate }
        let byTime = BinnedSums(
            cases.exit.map { times.bin(of: axis.position(of: $0)) }, count: times.ranges.count)
        return byCovariate
            + byTime.lanes(
                event: cases.event, residuals: own.baseline.schoenfeldResiduals(means: own.means),
                width: plan.columnCount)
    }

    /// The likelihood under the site's own baseline; sorted once, and kept for the evaluations that follow.
    private func likelihood(_ coordinates: Query.Coordinates) throws -> PartialLikelihood {
        try kept.likelihood(at: coordinates) {
            let (data, cox) = try model(coordinates)
            return PartialLikelihood(data, ties: cox.ties)
        }
    }

    /// The common-baseline likelihood, on a time axis counted in positions.
    private func baseline(_ coordinates: Query.Coordinates, _ grid: EventGrid) throws -> CommonBaseline {
        let (data, cox) = try model(coordinates)
        guard let axis = plan.axis else { throw StudyError.sums("a common baseline needs a time axis") }
        let onAxis = try SurvivalData(
            entry: data.entry?.map { Double(axis.entryPosition(of: $0)) },
            exit: data.exit.map { Double(axis.position(of: $0)) },
            event: data.event, weight: data.weight, offset: data.offset, stratum: data.stratum,
            columns: data.columns)
        let competing = plan.causeOfInterest.map { cause in
            (causes ?? []).map { $0 >= 0 && $0 != cause }
        }
        return try CommonBaseline(data: onAxis, grid: grid, ties: cox.ties, competing: competing)
    }

    /// The largest distance from its mean of a row's xβ + offset + log weight: what lifts a row above all others.
    func linearPredictorMax(_ coordinates: Query.Coordinates, _ beta: [Double]) -> Double {
        guard let data, data.rowCount > 0 else { return 0 }
        var predictor = data.offset ?? [Double](repeating: 0, count: data.rowCount)
        if let weight = data.weight { for row in predictor.indices { predictor[row] += log(weight[row]) } }
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
private struct CellIndex: Sendable {
    let cell: [Int32]
    let people: [Int]
}

/// The sorted likelihood of a model in its present working coordinates.
private final class KeptLikelihood: Sendable {
    private let kept = Mutex<(coordinates: Query.Coordinates, likelihood: PartialLikelihood)?>(nil)

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
}

/// The constants that bring a column to [-1, 1], from the dictionary's range alone; 0 and 1 if the range is not finite.
package struct DictionaryRange: Sendable {
    package let middle: Double
    package let half: Double

    package init(_ bounds: ClosedRange<Double>) {
        let half = (bounds.upperBound - bounds.lowerBound) / 2
        let isUsable = half.isFinite && half > 0
        self.half = isUsable ? half : 1
        middle = isUsable ? bounds.lowerBound + half : 0
    }

    package func scaled(_ value: Double) -> Double { (value - middle) / half }
}
