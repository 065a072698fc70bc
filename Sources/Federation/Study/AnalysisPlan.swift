package import Survival

/// One analysis of a study, compiled.
package struct AnalysisPlan: Sendable {
    package var id: String
    package var cohort: [Expression]
    package var endpoint: EndpointSpecification
    package var times: TimeAxisKind
    package var level: Double
    package var kind: any PlannedAnalysis
    /// The unit of all times.
    package var unit: TimeUnit
    /// Dictionary variables that the analysis reads, and of those the ones whose absence drops a row; both sorted.
    package var variables: [String]
    package var neededVariables: [String]
    /// Covariates' variables that the dictionary marks as measured after time zero, where follow-up starts at time zero or at
    /// a landmark before they are known, or not known to be.
    package var lateVariables: [String]
    /// What the dictionary allows the end of follow-up to be.
    package var timeBounds: ClosedRange<Double>
    /// Of what the recorded times are multiples, by the dictionary; nil if of nothing.
    package var timeResolution: Double?
    /// Positions on the time axis; nil where no time leaves a hospital.
    ///
    /// Also nil before they are found, where the times have a `searchRange`.
    package var axis: TimeAxis?
    /// The bounds of exact times whose positions the dictionary does not fix: they are searched for.
    package var searchRange: ClosedRange<Double>?
    /// Competing causes whose exits are counted apart: the endpoint's, or none.
    package var causes: [Cause]
    /// Which of several causes is the event; nil if each of them is.
    package var causeOfInterest: Int?
    /// The event that an analysis has in place of the endpoint's: a condition, or the name of a cause.
    package var ownEvent: String?
    /// What becomes of rows of one person that overlap in time; nil refuses the analysis where there are any.
    package var people: OverlappingRows?

    /// A cause of the event and the condition that says so; of one row at most one cause is true.
    package struct Cause: Hashable, Sendable {
        package var name: String
        package var condition: Expression
    }

    /// A category or a condition within whose levels groups are compared.
    package typealias Stratum = (expression: Expression, levels: [String])

    init(
        _ analysis: StudyFile.Analysis, in study: StudyFile, scope: VariableScope
    ) throws(StudyError) {
        do {
            let compiler = AnalysisCompiler(study: study, scope: scope)
            id = analysis.id
            unit = study.endpoint.unit
            times = analysis.times
            level = analysis.level
            cohort = try compiler.cohort(of: analysis)
            endpoint = try compiler.endpoint(of: analysis)
            causes = try compiler.causes(of: analysis)
            causeOfInterest = causes.firstIndex { $0.name == analysis.cause }
            ownEvent = analysis.cause ?? analysis.event
            kind = try analysis.kind.plan(analysis, with: compiler)
            if !kind.usesTimes { times = .exact }
            people = kind.countsRows ? analysis.people ?? study.people : nil
            let needed = endpoint.expressions + kind.needed + causes.map(\.condition)
            neededVariables = Array(Set(needed.flatMap { scope.variables(of: $0) })).sorted()
            let read = cohort + kind.described
            variables = Array(Set(neededVariables + read.flatMap { scope.variables(of: $0) })).sorted()
            lateVariables = compiler.lateVariables(of: kind, endpoint: endpoint)
            timeBounds = try compiler.followUpBounds(of: endpoint)
            timeResolution = scope.resolution(of: endpoint.time)
            (axis, searchRange) = try compiler.axis(of: analysis, kind, endpoint: endpoint)
        } catch {
            throw .analysis(id: analysis.id, line: analysis.line, reason: "\(error)")
        }
    }

    /// Expressions besides the endpoint that must not be missing.
    package var neededExpressions: [Expression] { kind.needed + causes.map(\.condition) }

    /// Whether sums indexed by time leave a hospital.
    package var usesTimes: Bool { axis != nil || searchRange != nil }

    /// The same with the positions that a search has found; unchanged without.
    func located(on axis: TimeAxis?) -> AnalysisPlan {
        guard let axis else { return self }
        var located = self
        located.axis = axis
        return located
    }

    /// The interval of the grid that some cells of its axis make up.
    func interval(_ cells: Range<Int>) -> GridInterval {
        GridInterval(
            start: axis?.time(at: cells.lowerBound - 1) ?? 0, end: axis?.time(at: cells.upperBound - 1) ?? 0,
            isClosed: cells.lowerBound == 0, resolution: timeResolution, origin: endpoint.landmark ?? 0)
    }

    /// The width of the study's grid where times are on it.
    package var gridWidth: Double? { times == .grid ? axis?.step : nil }

    /// The times at which values of curves are asked for.
    package var pointTimes: [Double] { kind.pointTimes }

    /// Every formula of the analysis with the key that it stands under, the study's cohort and endpoint included.
    ///
    /// Whatever is evaluated for a patient is here: the rules for formulas look nowhere else.
    package var formulas: [(key: String, expression: Expression)] {
        cohort.map { ("cohort", $0) } + [("endpoint", endpoint.time)]
            + [endpoint.start].compactMap(\.self).map { ("endpoint", $0) } + [("event", endpoint.event)]
            + causes.map { ("causes", $0.condition) } + kind.formulas
    }

    /// Whether rows are counted, not people: a table of the patients takes each person once.
    package var countsRows: Bool { kind.countsRows }

    /// Case weights.
    package var weights: Expression? { kind.weights }

    /// The design matrix of the analysis; nil if it has none.
    package var model: ModelSpecification? { kind.design }

    /// The levels whose smallest counts the disclosure rules protect.
    package var levels: [ModelSpecification.Level] { kind.levels(causes: causes) }

    /// The levels of groups, then those of strata.
    static func levels(
        _ by: Expression?, _ groups: [String], _ strata: [Stratum]
    ) -> [ModelSpecification.Level] {
        (by.map { by in groups.map { .init(variable: by.text, level: $0) } } ?? [])
            + strata.flatMap { stratum in
                stratum.levels.map { .init(variable: stratum.expression.text, level: $0) }
            }
    }

    /// What a reader must know of covariates that are only known later than time zero: whoever lives longer has more time
    /// to attain them, which makes them look protective (guarantee-time bias; Anderson et al., J Clin Oncol 1983).
    package var guaranteeTimeWarnings: [String] {
        lateVariables.map {
            endpoint.landmark == nil
                ? "\($0) is measured after time zero and is used as if known from the start; the comparison favours those who live longer (guarantee-time bias)"
                : "\($0) is used as if known at the landmark, and the dictionary does not say that it is; what is measured later favours those who live longer (guarantee-time bias)"
        }
    }

    /// The kind's word in results.
    package var name: String { type(of: kind).name }

    /// Every question that a run may ask; others are refused.
    package var questions: [any Question.Type] {
        [CountsQuestion.self] + (searchRange == nil ? [] : [TimesQuestion.self]) + kind.questions(in: self)
    }

    /// A line for each question that a run may ask, in the question's own words: what leaves a hospital.
    package func leaving(evaluationsMax: Int) -> [String] {
        questions.map { question in
            let sum = question.summation(in: self)
            let often =
                sum.isEvaluation
                ? "; an evaluation of the model, of which there are at most \(evaluationsMax)" : ""
            return "\(question.name), over \(sum.people.words): \(question.words(in: self))\(often)"
        }
    }

    /// At which times sums leave a hospital.
    var timesInWords: String {
        guard let step = axis?.step else { return "at exact times" }
        return times == .exact
            ? "at exact times (to \(step) \(unit.rawValue))" : "on a grid of \(step) \(unit.rawValue)"
    }
}

extension [AnalysisPlan.Stratum] {
    /// Combinations of the levels; 1 without strata.
    package var combinations: Int { reduce(1) { $0 * $1.levels.count } }
}

extension [(key: String, expression: Expression)] {
    /// The expressions that there are, under one key.
    static func named(_ key: String, _ expressions: [Expression?]) -> Self {
        expressions.compactMap(\.self).map { (key, $0) }
    }
}

extension AnalysisPlan {
    /// Covariate columns; a marker is one; 0 for analyses without a model.
    package var columnCount: Int { model?.columns.count ?? 0 }

    /// How a Cox model handles tied event times; of no matter to other analyses.
    package var ties: Ties { cox?.ties ?? .breslow }

    /// Whether the moments have the sum of the offset: what linear predictors are counted from under one baseline for all.
    var sumsOffset: Bool { hasCommonBaseline && cox?.model.offset != nil }

    /// Whether one baseline hazard is formed for all hospitals.
    var hasCommonBaseline: Bool { cox?.baseline == .common }

    /// Groups of a survival analysis, strata of a Cox model.
    package var groupCount: Int { kind.groupCount }

    /// Numbers in the answer to `tallies`; 0 for analyses that are no table.
    package var tallyCount: Int { description.map { TallyLayout($0).count } ?? 0 }

    /// Columns whose variance a scaled ridge penalty needs.
    package var spreadColumns: [Int] {
        guard case .ridge(let ridge)? = cox?.penalty, ridge.isScaled else { return [] }
        return ridge.columns
    }

    /// What a Cox model's residuals are added up over; nil if its study does not ask.
    package var diagnostics: CoxPlan.Diagnostics? { cox?.diagnostics }

    /// The levels of a category that clusters are made of; nil for people, or without clusters.
    package var clusterLevels: [String]? { cox?.cluster?.levels }

    /// Groups of which the exits are counted apart: those of a survival analysis in each stratum of its test.
    ///
    /// Of a Cox model only common baselines need the strata.
    package var exitGroupCount: Int { kind.exitGroupCount }
}
