import Survival

/// A Cox model in which each hospital has its own baseline hazard: moments, then Newton on summed scores.
struct SiteCoxCourse: Sendable {
    private let report: CoxReport
    private var coordinates: Query.Coordinates?
    private var newton: NewtonIteration
    private var check: HazardCheck?
    private var epilogue: CoxEpilogue?

    init(_ plan: AnalysisPlan, _ cox: AnalysisPlan.CoxPlan, counts: CohortCounts) {
        report = CoxReport(plan: plan, cox: cox, counts: counts)
        newton = NewtonIteration(parameterNames: cox.model.parameterNames)
    }

    mutating func receive(_ answers: [[Double]]) throws -> CoxStep {
        guard let coordinates else {
            let standardised = report.coordinates(fromMoments: answers[0])
            coordinates = standardised
            check = try answers.dropFirst().first.flatMap {
                try HazardCheck(report.plan, report.cox, counts: report.counts, answer: $0)
            }
            return .ask([.likelihood(standardised, beta: newton.beta)])
        }
        if let epilogue { return .finish(epilogue.result(answers)) }
        switch try newton.receive(report.likelihoodSums(answers[0])) {
        case .evaluate(let beta): return .ask([.likelihood(coordinates, beta: beta)])
        case .finished(let fit):
            let epilogue = CoxEpilogue(report, fit, check: check, coordinates: coordinates)
            self.epilogue = epilogue
            return epilogue.step
        }
    }
}

/// A Cox model with one baseline hazard for all: S₀ at each β, then score and Gram matrix under the increments formed from
/// the *summed* S₀; S₁ only for the exact information (DESIGN §3).
struct CommonCoxCourse: Sendable {
    private let report: CoxReport
    private let smallestInterval: Int
    private var setting: Setting?
    private var iteration: CommonBaselineIteration?
    /// The last S₁ that was asked for; a fit ends where it was asked for.
    private var covariateRiskSums: [Double] = []
    private var phase = Phase.moments
    private var check: HazardCheck?
    private var followUpEnds: [Int] = []
    /// Exits in the thinnest interval of the merged grid; nil with exact times.
    private(set) var thinnestInterval: Int?

    /// What stays the same over the iterations once the first sums are in.
    private struct Setting: Sendable {
        var coordinates: Query.Coordinates
        var grid: EventGrid
        /// Σ over events of w·x, then of w·offset.
        var eventSums: [Double]
    }

    private enum Phase: Sendable {
        case moments
        case start(Query.Coordinates, EventGrid)
        case riskSums(beta: [Double])
        case gram(beta: [Double], HazardIncrements)
        case information(gram: [Double], HazardIncrements)
        case epilogue(CoxEpilogue)
    }

    init(_ plan: AnalysisPlan, _ cox: AnalysisPlan.CoxPlan, counts: CohortCounts, smallestInterval: Int) {
        report = CoxReport(plan: plan, cox: cox, counts: counts)
        self.smallestInterval = smallestInterval
    }

    mutating func receive(_ answers: [[Double]]) throws -> CoxStep {
        switch phase {
        case .moments: return try begin(moments: answers[0], exits: answers[1])
        case .start(let coordinates, let grid): return try start(coordinates, grid, answers)
        case .riskSums(let beta): return try formHazard(at: beta, answers[0])
        case .gram(let beta, let hazard): return try evaluate(at: beta, gram: answers[0], hazard)
        case .information(let gram, let hazard):
            let information = hazard.information(
                gram: gram, covariateRiskSums: answers[0], parameterCount: report.parameterCount)
            covariateRiskSums = answers[0]
            return try follow(
                { (iteration) throws(FitError) in try iteration.receive(information: information) }, gram,
                hazard)
        case .epilogue(let epilogue): return .finish(epilogue.result(answers))
        }
    }

    private mutating func begin(moments: [Double], exits: [Double]) throws -> CoxStep {
        try ExitsLayout(report.plan).requireFit(exits, report.counts)
        let coordinates = report.coordinates(fromMoments: moments)
        let merged = try CommonGrid(report.plan, exits: exits, smallestInterval: smallestInterval)
        thinnestInterval = merged.thinnestInterval
        check = try HazardCheck(report.plan, report.cox, counts: report.counts, answer: exits)
        followUpEnds = merged.followUpEnds
        phase = .start(coordinates, merged.grid)
        let origin = [Double](repeating: 0, count: report.parameterCount)
        return .ask([.eventSums(coordinates), .riskSums(coordinates, beta: origin, merged.grid)])
    }

    /// The sums over events come with the first S₀.
    private mutating func start(
        _ coordinates: Query.Coordinates, _ grid: EventGrid, _ answers: [[Double]]
    ) throws -> CoxStep {
        let iteration = CommonBaselineIteration(
            parameterNames: report.cox.model.parameterNames, eventSums: answers[0],
            eventWeight: grid.eventWeight)
        self.iteration = iteration
        setting = Setting(coordinates: coordinates, grid: grid, eventSums: answers[0])
        return try formHazard(at: iteration.beta, answers[1])
    }

    private mutating func formHazard(at beta: [Double], _ riskSums: [Double]) throws -> CoxStep {
        let setting = try known()
        let hazard = try HazardIncrements(grid: setting.grid, riskSums: riskSums, ties: report.cox.ties)
        phase = .gram(beta: beta, hazard)
        return .ask([.gram(setting.coordinates, beta: beta, setting.grid, hazard)])
    }

    private func known() throws -> Setting {
        guard let setting else { throw StudyError.sums("no grid yet") }
        return setting
    }

    private mutating func evaluate(
        at beta: [Double], gram: [Double], _ hazard: HazardIncrements
    ) throws -> CoxStep {
        let sums = hazard.evaluation(at: beta, eventSums: try known().eventSums, gram: gram)
        return try follow(
            { (iteration) throws(FitError) in
                try iteration.receive(logLikelihood: sums.logLikelihood, score: sums.score, gram: sums.gram)
            }, gram, hazard)
    }

    private mutating func follow(
        _ receive: (inout CommonBaselineIteration) throws(FitError) -> CommonBaselineIteration.Step,
        _ gram: [Double],
        _ hazard: HazardIncrements
    ) throws -> CoxStep {
        let setting = try known()
        guard var iteration else { throw StudyError.sums("no iteration yet") }
        let step = try receive(&iteration)
        self.iteration = iteration
        switch step {
        case .evaluate(let beta):
            phase = .riskSums(beta: beta)
            return .ask([.riskSums(setting.coordinates, beta: beta, setting.grid)])
        case .information(let beta):
            phase = .information(gram: gram, hazard)
            return .ask([.covariateRiskSums(setting.coordinates, beta: beta, setting.grid)])
        case .finished(let fit):
            let epilogue = CoxEpilogue(
                report, fit, check: check, coordinates: setting.coordinates, grid: setting.grid,
                hazard: hazard,
                covariateRiskSums: covariateRiskSums, followUpEnds: followUpEnds)
            phase = .epilogue(epilogue)
            return epilogue.step
        }
    }
}

/// What both kinds of Cox course share: coordinates from moments, and the result from a fit.
struct CoxReport: Sendable {
    let plan: AnalysisPlan
    let cox: AnalysisPlan.CoxPlan
    let counts: CohortCounts

    var parameterCount: Int { cox.model.columns.count }

    /// Means and standard deviations as working coordinates.
    ///
    /// They only condition the iteration: the coefficients do not depend on them. Where the range of the dictionary is so much
    /// wider than the values that rounding hides their spread, or where they are constant, the spread is taken to be 1e-10 of
    /// the range: still near enough to tell a narrow column, which has a coefficient, from a constant one, which has none.
    func coordinates(fromMoments moments: [Double]) -> Query.Coordinates {
        let rows = max(moments[0], 1)
        var coordinates = Query.Coordinates(center: [], scale: [])
        for (index, column) in cox.model.columns.enumerated() {
            let range = DictionaryRange(column.bounds)
            let mean = moments[1 + index] / rows
            let variance = moments[1 + parameterCount + index] / rows - mean * mean
            let deviation = max(variance, 1e-20).squareRoot()
            coordinates.center.append(range.middle + range.half * mean)
            coordinates.scale.append(range.half * deviation)
        }
        return coordinates
    }

    func likelihoodSums(_ answer: [Double]) -> LikelihoodSums {
        let p = parameterCount
        return LikelihoodSums(
            logLikelihood: answer[0], score: Array(answer[1...p]),
            information: SymmetricMatrix(order: p, packedUpper: Array(answer[(p + 1)...])))
    }

    func wantsResiduals(of fit: CoxFit) -> Bool { cox.cluster != nil && fit.rank > 0 }

    /// From the summed answer to `residuals`: squares already, or sums by level of the cluster.
    func robustCovariance(of fit: CoxFit, _ answer: [Double]) -> SymmetricMatrix {
        let squares =
            cox.cluster?.levels == nil
            ? SymmetricMatrix(order: parameterCount, packedUpper: answer)
            : ScoreResiduals.squares(ofSums: answer, parameterCount: parameterCount)
        return fit.robustCovariance(squares: squares)
    }

    /// The table of a fit; `check` is nil where none was asked for or none can be made.
    func result(
        _ fit: CoxFit, scale: [Double], robust: SymmetricMatrix?, check: CoxResult.ProportionalHazards?
    ) -> CoxResult {
        let summary = CoxInference.summarize(
            fit, names: cox.model.parameterNames, scale: scale, level: plan.level, robust: robust)
        var result = CoxResult(
            id: plan.id, counts: counts, baseline: cox.baseline, ties: cox.ties,
            times: cox.baseline == .site ? .exact : plan.times, level: plan.level,
            terms: summary.terms, covariance: summary.covariance, logLikelihoodNull: fit.logLikelihoodNull,
            logLikelihood: fit.logLikelihood, likelihoodRatio: summary.likelihoodRatio, wald: summary.wald,
            score: summary.score, iterations: fit.iterations,
            warnings: plan.guaranteeTimeWarnings + fit.warnings + checkWarnings(check),
            proportionalHazards: check, cluster: robust.flatMap { _ in cox.cluster?.name },
            naiveCovariance: robust.map { _ in
                CoxInference.covariance(fit.covariance, of: fit, scale: scale)
            })
        (result.event, result.hazard) = (plan.ownEvent, cox.hazard)
        return result
    }

    /// Says so if a check was asked for and cannot be made.
    private func checkWarnings(_ check: CoxResult.ProportionalHazards?) -> [String] {
        guard let transform = cox.check, check == nil else { return [] }
        return transform == .log
            ? ["proportional hazards cannot be tested along log time: there is no event, or one at time 0"]
            : ["proportional hazards cannot be tested: there is no event, or no coefficient"]
    }
}
