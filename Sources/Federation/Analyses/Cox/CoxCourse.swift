package import Survival

/// A Cox model in which each hospital has its own baseline hazard: moments, then Newton on summed scores.
struct SiteCoxCourse: AnalysisCourse {
    private var report: CoxReport
    private var coordinates: Coordinates?
    private var newton: NewtonIteration?
    private var survey: ProfileSurvey?
    private var check: HazardCheck?
    private var epilogue: CoxEpilogue?
    private var diagnostics: CoxDiagnostics?
    /// The fit while the hospitals' ranks are asked for.
    private var fit: CoxFit?

    init(_ plan: AnalysisPlan, _ cox: CoxPlan, counts: CohortCounts) {
        report = CoxReport(plan: plan, cox: cox, counts: counts)
    }

    var opening: [any Question] { CoxOpening.asks(of: report.cox, in: report.plan) }

    var thinnestInterval: Int? { nil }

    mutating func receive(_ received: [Answer]) throws -> CourseStep {
        if let coordinates, epilogue == nil, fit == nil { return try evaluated(received, coordinates) }
        let answers = try received.numbers
        guard let coordinates else {
            let opening = CoxOpening(report.cox, in: report.plan, answers)
            let standardised = report.coordinates(fromMoments: opening.moments)
            coordinates = standardised
            check = try opening.check.flatMap {
                try HazardCheck(report.plan, report.cox, counts: report.counts, answer: $0)
            }
            diagnostics = try CoxDiagnostics(
                report.plan, counts: report.counts, exits: opening.exits, cells: opening.cells)
            return .ask(
                [report.likelihoodAsk(standardised, beta: report.origin)] + report.spreadAsks(standardised))
        }
        if let epilogue { return .finish(.cox(epilogue.result(answers))) }
        guard let fit else { throw StudyError.sums("no fit yet") }
        return conclude(fit, coordinates, try report.heterogeneityTest(of: fit, ranks: answers[0]))
    }

    /// Takes likelihoods at coefficients, of which some may not be had there.
    private mutating func evaluated(
        _ answers: [Answer], _ coordinates: Coordinates
    ) throws -> CourseStep {
        if var survey {
            survey.receive(answers.map { $0.evaluated.map(report.likelihoodSums) })
            return try follow(survey, coordinates)
        }
        if newton == nil {
            // What cannot be had at the start cannot be had: there are no coefficients to go back to.
            let numbers = try answers.numbers
            if numbers.count > 1 { report.takeSpread(numbers[1], coordinates) }
        }
        var newton =
            self.newton
            ?? NewtonIteration(
                parameterNames: report.cox.model.parameterNames, penalty: report.penalty(coordinates),
                reach: report.cox.model.reach(of: coordinates), iterationMax: report.cox.evaluationsMax)
        let step = try newton.receive(answers[0].evaluated.map(report.likelihoodSums))
        self.newton = newton
        switch step {
        case .evaluate(let beta): return .ask([report.likelihoodAsk(coordinates, beta: beta)])
        case .finished(let fit):
            guard let track = newton.track else { throw StudyError.sums("a fit without a way") }
            return try follow(report.survey(fit, track, coordinates), coordinates)
        }
    }

    /// Profile likelihoods are followed to their end before the rest is asked.
    private mutating func follow(
        _ survey: ProfileSurvey, _ coordinates: Coordinates
    ) throws -> CourseStep {
        self.survey = survey
        if !survey.betas.isEmpty {
            return .ask(survey.betas.map { report.likelihoodAsk(coordinates, beta: $0) })
        }
        let fit = survey.result
        guard report.cox.testsHeterogeneity, fit.rank > 0 else { return conclude(fit, coordinates, nil) }
        self.fit = fit
        return .ask([SiteRanksQuestion(coordinates, beta: fit.beta, holding: HeterogeneityTest.held(fit))])
    }

    private mutating func conclude(
        _ fit: CoxFit, _ coordinates: Coordinates, _ heterogeneity: HeterogeneityTest?
    ) -> CourseStep {
        let epilogue = CoxEpilogue(
            report, fit, check: check, coordinates: coordinates, heterogeneity: heterogeneity,
            diagnostics: diagnostics)
        self.epilogue = epilogue
        return epilogue.step
    }
}

/// A Cox model with one baseline hazard for all: S₀ at each β, then score and Gram matrix under the increments formed from
/// the *summed* S₀; S₁ only for the exact information (DESIGN §3).
struct CommonCoxCourse: AnalysisCourse {
    private var report: CoxReport
    private let smallestInterval: Int
    private var setting: Setting?
    private var iteration: CommonBaselineIteration?
    /// The last S₁ that was asked for; a fit ends where it was asked for.
    private var covariateRiskSums: [Double] = []
    private var phase = Phase.moments
    /// The increments at the last point that was evaluated.
    private var hazard: HazardIncrements?
    private var check: HazardCheck?
    private var followUpEnds: [Int] = []
    private var diagnostics: CoxDiagnostics?
    /// Exits in the thinnest interval of the merged grid; nil with exact times.
    private(set) var thinnestInterval: Int?

    /// What stays the same over the iterations once the first sums are in.
    private struct Setting: Sendable {
        var coordinates: Coordinates
        var grid: EventGrid
        /// Σ over events of w·x, then of w·(offset − shift).
        var eventSums: [Double]
        var scales = RiskScales()

        /// Working coordinates for sums over risk sets at these coefficients.
        func coordinates(near beta: [Double]) -> Coordinates {
            coordinates.scaled(by: scales.exponents(near: beta))
        }
    }

    private enum Phase: Sendable {
        case moments
        case start(Coordinates, EventGrid)
        case riskSums(beta: [Double])
        case gram(beta: [Double], HazardIncrements)
        case information(gram: [Double], HazardIncrements)
        case profile(CommonProfile, at: HazardIncrements)
        case epilogue(CoxEpilogue)
    }

    init(_ plan: AnalysisPlan, _ cox: CoxPlan, counts: CohortCounts, smallestInterval: Int) {
        report = CoxReport(plan: plan, cox: cox, counts: counts)
        self.smallestInterval = smallestInterval
    }

    var opening: [any Question] { CoxOpening.asks(of: report.cox, in: report.plan) }

    mutating func receive(_ received: [Answer]) throws -> CourseStep {
        switch phase {
        case .profile(var profile, let hazard):
            try profile.receive(received.map(\.evaluated))
            return try follow(profile, hazard)
        case .riskSums, .gram:
            // From the start there is no way back.
            let isUnderWay = iteration?.track != nil
            if isUnderWay, !received.allSatisfy(\.trouble.isEmpty) { return try retreat() }
            return try takeUp(received.numbers)
        default: return try takeUp(received.numbers)
        }
    }

    /// The likelihood cannot be had where the fit has led.
    private mutating func retreat() throws -> CourseStep {
        try follow { (iteration) throws(FitError) in try iteration.receiveNothing() }
    }

    private mutating func takeUp(_ answers: [[Double]]) throws -> CourseStep {
        switch phase {
        case .moments:
            let opening = CoxOpening(report.cox, in: report.plan, answers)
            diagnostics = try CoxDiagnostics(
                report.plan, counts: report.counts, exits: opening.exits, cells: opening.cells)
            return try begin(moments: opening.moments, exits: opening.exits ?? [])
        case .start(let coordinates, let grid): return try start(coordinates, grid, answers)
        case .riskSums(let beta): return try formHazard(at: beta, answers[0])
        case .gram(let beta, let hazard): return try evaluate(at: beta, gram: answers[0], hazard)
        case .information(let gram, let hazard):
            covariateRiskSums = try known().coordinates(near: iteration?.beta ?? report.origin).scaled(
                answers[0], width: report.parameterCount, undone: true)
            let information = hazard.information(
                gram: gram, covariateRiskSums: covariateRiskSums, parameterCount: report.parameterCount)
            return try follow { (iteration) throws(FitError) in
                try iteration.receive(information: information)
            }
        case .profile: throw StudyError.sums("profile likelihoods are taken up elsewhere")
        case .epilogue(let epilogue): return .finish(.cox(epilogue.result(answers)))
        }
    }

    private mutating func begin(moments: [Double], exits: [Double]) throws -> CourseStep {
        try ExitsLayout(report.plan).requireFit(exits, report.counts)
        var coordinates = report.coordinates(fromMoments: moments)
        coordinates.shift = report.offsetMean(fromMoments: moments)
        let merged = try CommonGrid(report.plan, exits: exits, smallestInterval: smallestInterval)
        thinnestInterval = merged.thinnestInterval
        check = try HazardCheck(report.plan, report.cox, counts: report.counts, answer: exits)
        followUpEnds = merged.followUpEnds
        phase = .start(coordinates, merged.grid)
        return .ask(
            [
                EventSumsQuestion(coordinates),
                RiskSumsQuestion(coordinates, beta: report.origin, merged.grid),
            ]
                + report.spreadAsks(coordinates))
    }

    /// The sums over events come with the first S₀.
    private mutating func start(
        _ coordinates: Coordinates, _ grid: EventGrid, _ answers: [[Double]]
    ) throws -> CourseStep {
        if answers.count > 2 { report.takeSpread(answers[2], coordinates) }
        let iteration = CommonBaselineIteration(
            parameterNames: report.cox.model.parameterNames, eventSums: answers[0],
            eventWeight: grid.eventWeight, penalty: report.penalty(coordinates),
            reach: report.cox.model.reach(of: coordinates),
            logLikelihoodMax: grid.logLikelihoodMax(report.cox.ties), iterationMax: report.cox.evaluationsMax)
        self.iteration = iteration
        setting = Setting(coordinates: coordinates, grid: grid, eventSums: answers[0])
        return try formHazard(at: iteration.beta, answers[1])
    }

    private mutating func formHazard(at beta: [Double], _ answer: [Double]) throws -> CourseStep {
        var setting = try known()
        let riskSums = setting.coordinates(near: beta).scaled(answer, width: 1, undone: true)
        let hazard: HazardIncrements
        do {
            hazard = try HazardIncrements(grid: setting.grid, riskSums: riskSums, ties: report.cox.ties)
        } catch {
            // At the start nobody is at risk at a death, elsewhere risks are too small for the numbers.
            guard self.hazard != nil, error == .nobodyAtRisk else { throw error }
            return try retreat()
        }
        self.hazard = hazard
        setting.scales.add(hazard, at: beta)
        self.setting = setting
        phase = .gram(beta: beta, hazard)
        return .ask([GramQuestion(setting.coordinates, beta: beta, setting.grid, hazard)])
    }

    private func known() throws -> Setting {
        guard let setting else { throw StudyError.sums("no grid yet") }
        return setting
    }

    private mutating func evaluate(
        at beta: [Double], gram: [Double], _ hazard: HazardIncrements
    ) throws -> CourseStep {
        let sums = hazard.evaluation(at: beta, eventSums: try known().eventSums, gram: gram)
        phase = .information(gram: gram, hazard)
        return try follow { (iteration) throws(FitError) in
            try iteration.receive(logLikelihood: sums.logLikelihood, score: sums.score, gram: sums.gram)
        }
    }

    private mutating func follow(
        _ receive: (inout CommonBaselineIteration) throws(FitError) -> CommonBaselineIteration.Step
    ) throws -> CourseStep {
        let setting = try known()
        guard var iteration else { throw StudyError.sums("no iteration yet") }
        let step = try receive(&iteration)
        self.iteration = iteration
        switch step {
        case .evaluate(let beta):
            phase = .riskSums(beta: beta)
            return .ask([RiskSumsQuestion(setting.coordinates(near: beta), beta: beta, setting.grid)])
        case .information(let beta):
            // The likelihood has just been evaluated there: `phase` has its sums.
            return .ask([CovariateRiskSumsQuestion(setting.coordinates(near: beta), beta: beta, setting.grid)]
            )
        case .finished(let fit):
            guard let track = iteration.track, case .information(_, let hazard) = phase else {
                throw StudyError.sums("a fit without a way")
            }
            let profile = CommonProfile(
                report.survey(fit, track, setting.coordinates), of: iteration,
                coordinates: setting.coordinates, scales: setting.scales, grid: setting.grid,
                eventSums: setting.eventSums, ties: report.cox.ties)
            return try follow(profile, hazard)
        }
    }

    /// Profile likelihoods are followed to their end before the rest is asked; `hazard` is that at the fit.
    private mutating func follow(_ profile: CommonProfile, _ hazard: HazardIncrements) throws -> CourseStep {
        if !profile.asks.isEmpty {
            phase = .profile(profile, at: hazard)
            return .ask(profile.asks)
        }
        let setting = try known()
        let epilogue = CoxEpilogue(
            report, profile.result, check: check, coordinates: setting.coordinates, grid: setting.grid,
            hazard: hazard, covariateRiskSums: covariateRiskSums, followUpEnds: followUpEnds,
            diagnostics: diagnostics)
        phase = .epilogue(epilogue)
        return epilogue.step
    }
}

/// What both kinds of Cox course share: coordinates from moments, and the result from a fit.
struct CoxReport: Sendable {
    let plan: AnalysisPlan
    let cox: CoxPlan
    let counts: CohortCounts
    /// Of the covariates under a scaled ridge penalty, by column, in the study's units; empty until `takeSpread`.
    var variances: [Int: Double] = [:]

    var parameterCount: Int { cox.model.columns.count }

    /// Means and standard deviations as working coordinates.
    ///
    /// They only condition the iteration: the coefficients do not depend on them. Where the range of the dictionary is so much
    /// wider than the values that rounding hides their spread, or where they are constant, the spread is taken to be 1e-10 of
    /// the range: still near enough to tell a narrow column, which has a coefficient, from a constant one, which has none.
    func coordinates(fromMoments moments: [Double]) -> Coordinates {
        let rows = max(moments[0], 1)
        var coordinates = Coordinates(center: [], scale: [])
        for (index, column) in cox.model.columns.enumerated() {
            let range = DictionaryRange(column.bounds)
            let mean = moments[1 + index] / rows
            let variance = moments[1 + parameterCount + index] / rows - mean * mean
            let deviation = max(variance, 1e-20).squareRoot()
            coordinates.center.append(range.middle + range.half * mean)
            coordinates.scale.append(range.half * deviation)
        }
        return widened(coordinates)
    }

    /// Of the rows, where there is an offset: what linear predictors are counted from under one baseline for all.
    func offsetMean(fromMoments moments: [Double]) -> Double {
        plan.sumsOffset ? moments[1 + 2 * parameterCount] / max(moments[0], 1) : 0
    }

    func likelihoodSums(_ answer: [Double]) -> LikelihoodSums {
        let p = parameterCount
        let end = 1 + p + SymmetricMatrix.packedCount(order: p)
        return LikelihoodSums(
            logLikelihood: answer[0], score: Array(answer[1...p]),
            information: SymmetricMatrix(order: p, packedUpper: Array(answer[(p + 1)..<end])),
            thirdDerivatives: ThirdDerivatives(order: p, packed: Array(answer[end...])))
    }

    /// Nil if too few hospitals can be compared.
    func heterogeneityTest(of fit: CoxFit, ranks: [Double]) throws(StudyError) -> HeterogeneityTest? {
        guard HeterogeneityTest.isPlausible(ranks, parameterCount: parameterCount) else {
            throw .sums("the hospitals' ranks of information make no sense")
        }
        return HeterogeneityTest(of: fit, ranks: ranks)
    }

    /// Whether the variance is to be robust, and there is one.
    private func isRobust(_ fit: CoxFit) -> Bool { cox.cluster != nil && fit.rank > 0 }

    /// The question of a robust variance; nil if none is asked for, or if the information is not definite.
    func residualsAsk(
        of fit: CoxFit, _ coordinates: Coordinates, _ common: @autoclosure () -> CommonHazard?
    ) -> (any Question)? {
        let frame = fit.frame
        guard isRobust(fit), frame.isDefinite else { return nil }
        return ResidualsQuestion(coordinates, beta: fit.beta, frame, common())
    }

    /// From the summed answer to `residuals`: squares already, or sums by level of the cluster; nil if none is asked for.
    func robustCovariance(of fit: CoxFit, _ answer: [Double]?) -> CoefficientCovariance? {
        guard isRobust(fit) else { return nil }
        guard let answer else { return fit.robustCovariance(squares: SymmetricMatrix(order: fit.finiteRank)) }
        let squares =
            cox.cluster?.levels == nil
            ? SymmetricMatrix(order: fit.finiteRank, packedUpper: answer)
            : ScoreResiduals.squares(ofSums: answer, parameterCount: fit.finiteRank)
        return fit.robustCovariance(squares: squares)
    }

    /// The question of a fit's concordance; nil if none is asked for, or if no coefficient tells rows apart.
    func concordanceAsk(of fit: CoxFit, _ coordinates: Coordinates) -> (any Question)? {
        guard let options = cox.concordance, fit.rank > 0 else { return nil }
        return ConcordanceQuestion(coordinates, beta: fit.beta, options, scale: Double(max(counts.rows, 1)))
    }

    /// From the summed answer to `concordance`: squares already, or sums by level of the cluster.
    func concordance(_ answer: [Double]) -> ConcordanceEstimate? {
        guard let options = cox.concordance else { return nil }
        return ConcordanceEstimate(
            answer: answer, scale: Double(max(counts.rows, 1)), isSquared: cox.cluster?.levels == nil,
            options: options)
    }

    /// The table of a fit; `check` is nil where none was asked for or none can be made.
    func result(
        _ fit: CoxFit, scale: [Double], robust: CoefficientCovariance?, check: CoxResult.ProportionalHazards?,
        heterogeneity: CoxResult.Heterogeneity? = nil, diagnostics: CoxResult.Diagnostics? = nil,
        furtherWarnings: [String] = []
    ) -> CoxResult {
        let summary = CoxInference.summarize(
            fit, names: cox.model.parameterNames, scale: scale, level: plan.level, robust: robust)
        let termTests = CoxInference.termTests(of: fit, terms: cox.model.terms, robust: robust)
        var result = CoxResult(
            id: plan.id, counts: counts, baseline: cox.baseline, ties: cox.ties,
            times: cox.baseline == .site ? .exact : plan.times, level: plan.level,
            terms: summary.terms, covariance: summary.covariance, logLikelihoodNull: fit.logLikelihoodNull,
            logLikelihood: fit.logLikelihood, likelihoodRatio: summary.likelihoodRatio, wald: summary.wald,
            score: summary.score, iterations: fit.iterations,
            warnings: plan.guaranteeTimeWarnings + fit.warnings + (robust?.warnings ?? [])
                + checkWarnings(check)
                + heterogeneityWarnings(heterogeneity) + furtherWarnings,
            proportionalHazards: check, cluster: robust.flatMap { _ in cox.cluster?.name },
            naiveCovariance: robust.map { _ in
                CoxInference.covariance(fit.covariance, of: fit, scale: scale)
            }, termTests: termTests.isEmpty ? nil : termTests, heterogeneity: heterogeneity,
            diagnostics: diagnostics, limits: cox.limits, penalty: penalised(fit, scale: scale))
        (result.event, result.hazard) = (plan.ownEvent, cox.hazard)
        let differences = CoxInference.differences(
            of: fit, terms: cox.model.terms, names: cox.model.parameterNames, scale: scale,
            level: plan.level, robust: robust)
        result.differences = differences.isEmpty ? nil : differences
        if result.times == .grid { result.gridWidth = plan.gridWidth }
        return result
    }

    private func heterogeneityWarnings(_ heterogeneity: CoxResult.Heterogeneity?) -> [String] {
        guard cox.testsHeterogeneity, heterogeneity == nil else { return [] }
        return [
            "coefficients cannot be compared between hospitals: fewer than \(HeterogeneityTest.sitesMin) have events and variation"
        ]
    }

    /// Says so if a check was asked for and cannot be made.
    private func checkWarnings(_ check: CoxResult.ProportionalHazards?) -> [String] {
        guard let transform = cox.check, check == nil else { return [] }
        return transform == .log
            ? ["proportional hazards cannot be tested along log time: there is no event, or one at time 0"]
            : ["proportional hazards cannot be tested: there is no event, or no coefficient"]
    }
}

extension [Answer] {
    /// The numbers of each answer; throws if one has none.
    var numbers: [[Double]] {
        get throws(StudyError) {
            let trouble = reduce(into: Trouble()) { $0.formUnion($1.trouble) }
            guard trouble.isEmpty else { throw .sums(trouble.reason) }
            return map(\.numbers)
        }
    }
}

extension CoxPlan {
    package func course(
        _ plan: AnalysisPlan, counts: CohortCounts, privacy: StudyFile.Privacy
    ) -> any AnalysisCourse {
        switch baseline {
        case .site: SiteCoxCourse(plan, self, counts: counts)
        case .common:
            CommonCoxCourse(plan, self, counts: counts, smallestInterval: privacy.smallestInterval)
        }
    }
}
