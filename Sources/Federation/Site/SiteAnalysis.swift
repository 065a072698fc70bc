import Survival
import Synchronization

/// One analysis at one site: the complete cases and the likelihoods on them.
package struct SiteAnalysis: Sendable {
    private(set) var plan: AnalysisPlan
    let cases: CompleteCases
    let eventPeople: Int
    /// Which of the plan's causes is each row's, -1 for none; nil if causes are not counted apart.
    let causes: [Int]?
    /// What the analysis's kind has made of the rows.
    let rows: PreparedRows
    /// The mean size of times over all hospitals, by which times that differ by rounding are told.
    private(set) var meanTime: Double?
    /// Sorted rows in working coordinates, rows placed on a common grid, and the rows with tied times.
    private let likelihoods = LastMade<LikelihoodFrame, PartialLikelihood>()
    private let baselines = LastMade<BaselineFrame, CommonBaseline>()
    private let tied = LastMade<Double?, SurvivalData>()
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
        eventPeople = Set(zip(cases.person, cases.event).lazy.filter(\.1).map(\.0)).count
        causes = plan.causes.isEmpty ? nil : try Self.causeIndex(plan, cases)
        rows = try plan.kind.prepare(plan, cases, causes: causes, in: table)
    }

    var weightRatio: Double {
        guard let weight = rows.data?.weight ?? rows.weights, let least = weight.min(),
            let most = weight.max()
        else {
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

    /// The same with what a query says of the times of all hospitals.
    func located(by query: Query) -> SiteAnalysis {
        var located = self
        located.plan = plan.located(on: query.axis)
        located.meanTime = query.meanTime
        return located
    }

    /// The rows with times made equal that differ by rounding only.
    func tiedData() throws -> SurvivalData? {
        try rows.data.map { data in try tied.value(of: meanTime) { try data.tied(meanTime: meanTime) } }
    }

    func model(_ coordinates: Coordinates) throws -> (SurvivalData, CoxPlan) {
        guard let cox = plan.cox, let data = try tiedData() else {
            throw StudyError.sums("only a model has a likelihood")
        }
        return (
            data.rescaled(
                center: coordinates.center, scale: coordinates.scale, offsetCenter: coordinates.shift), cox
        )
    }

    /// The likelihood under the site's own baseline; sorted once, and kept for the evaluations that follow.
    func likelihood(_ coordinates: Coordinates) throws -> PartialLikelihood {
        try likelihoods.value(of: LikelihoodFrame(coordinates: coordinates, meanTime: meanTime)) {
            let (data, cox) = try model(coordinates)
            return PartialLikelihood(data, ties: cox.ties, instructions: instructions)
        }
    }

    /// The common-baseline likelihood; laid out once, and kept for the questions that follow.
    func baseline(_ coordinates: Coordinates, _ grid: EventGrid) throws -> CommonBaseline {
        // The powers of two scale sums that were made without them.
        let frame = BaselineFrame(coordinates: coordinates.scaled(by: []), grid: grid, axis: plan.axis)
        return try baselines.value(of: frame) { try makeBaseline(coordinates, grid) }
    }

    /// On a time axis counted in positions, which decides alone which times are equal.
    private func makeBaseline(_ coordinates: Coordinates, _ grid: EventGrid) throws -> CommonBaseline {
        guard let cox = plan.cox,
            let data = rows.data?.rescaled(
                center: coordinates.center, scale: coordinates.scale, offsetCenter: coordinates.shift)
        else { throw StudyError.sums("only a model has a likelihood") }
        guard let axis = plan.axis else { throw StudyError.sums("a common baseline needs a time axis") }
        let onAxis = try SurvivalData(
            entry: data.entry?.map { Double(axis.entryPosition(of: $0)) },
            exit: data.exit.map { Double(axis.position(of: $0)) },
            event: data.event, weight: data.weight, offset: data.offset, stratum: data.stratum,
            columns: data.columns, mergesNearTies: false)
        let competing = plan.causeOfInterest.map { cause in
            (causes ?? []).map { $0 >= 0 && $0 != cause }
        }
        return try CommonBaseline(data: onAxis, grid: grid, ties: cox.ties, competing: competing)
    }

    /// The people of a table.
    func table() throws -> SiteDescription {
        guard let people = rows.people else {
            throw StudyError.sums("only a table of the patients has tallies")
        }
        return people
    }

    /// The largest distance from its mean of a row's xβ + offset + log weight: what lifts a row above all others.
    func linearPredictorMax(_ coordinates: Coordinates, _ beta: [Double]) -> Double {
        guard let data = rows.data, data.rowCount > 0 else { return 0 }
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

/// What a likelihood under the site's own baseline is made of, besides the rows.
private struct LikelihoodFrame: Hashable, Sendable {
    var coordinates: Coordinates
    var meanTime: Double?
}

/// What a common-baseline likelihood is made of, besides the rows.
private struct BaselineFrame: Hashable, Sendable {
    var coordinates: Coordinates
    var grid: EventGrid
    var axis: TimeAxis?
}

/// The value that was made last, with what it was made of: questions that follow each other need the same one.
private final class LastMade<Parts: Equatable & Sendable, Value: Sendable>: Sendable {
    private let last = Mutex<(parts: Parts, value: Value)?>(nil)

    func value(of parts: Parts, make: () throws -> Value) throws -> Value {
        try last.withLock { last in
            if let last, last.parts == parts { return last.value }
            last = nil  // so that there are never two of them in memory
            let made = try make()
            last = (parts, made)
            return made
        }
    }
}
