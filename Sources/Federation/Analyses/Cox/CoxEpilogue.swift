import Survival

/// What a Cox course asks once the coefficients are known, and the result with the answers: robust variance, checks.
struct CoxEpilogue: Sendable {
    private let report: CoxReport
    private let fit: CoxFit
    private let scale: [Double]
    private let check: HazardCheck?
    private let trend: Trend
    private let residuals: (any Question)?
    private let concordance: (any Question)?
    private let diagnostics: (table: CoxDiagnostics, ask: (any Question)?)?
    private let heterogeneity: (test: HeterogeneityTest, ask: any Question)?
    private let trendAsks: [any Question]
    private let curves: PredictedCurves?

    /// Where the sums of the proportional-hazards test come from.
    private enum Trend: Sendable {
        case none, site
        case common(GridTrend, covariateRiskSums: [Double])
    }

    /// A baseline hazard for each site.
    init(
        _ report: CoxReport, _ fit: CoxFit, check: HazardCheck?, coordinates: Coordinates,
        heterogeneity: HeterogeneityTest?, diagnostics: CoxDiagnostics?
    ) {
        self.diagnostics = diagnostics.map { ($0, $0.ask(coordinates, beta: fit.beta, nil)) }
        self.heterogeneity = heterogeneity.map {
            (
                $0,
                SiteHeterogeneityQuestion(
                    coordinates, beta: fit.beta, coefficients: $0.coefficients, holding: $0.held)
            )
        }
        (self.report, self.fit, self.check, scale) = (report, fit, check, coordinates.scale)
        curves = nil
        residuals = report.residualsAsk(of: fit, coordinates, nil)
        concordance = report.concordanceAsk(of: fit, coordinates)
        if let function = check?.function, fit.rank > 0 {
            trend = .site
            trendAsks = [TimeTrendQuestion(coordinates, beta: fit.beta, function)]
        } else {
            (trend, trendAsks) = (.none, [])
        }
    }

    /// One baseline for all: `hazard` and `covariateRiskSums` are those at the fit, which ends where S₁ was asked for.
    init(
        _ report: CoxReport, _ fit: CoxFit, check: HazardCheck?, coordinates: Coordinates,
        grid: EventGrid,
        hazard: HazardIncrements, covariateRiskSums: [Double], followUpEnds: [Int],
        diagnostics: CoxDiagnostics?
    ) {
        (self.report, self.fit, self.check, scale) = (report, fit, check, coordinates.scale)
        heterogeneity = nil
        let common = {
            CommonHazard(
                grid: grid, hazard: hazard,
                means: hazard.meanIncrements(
                    covariateRiskSums: covariateRiskSums, parameterCount: report.parameterCount))
        }
        residuals = report.residualsAsk(of: fit, coordinates, common())
        concordance = report.concordanceAsk(of: fit, coordinates)
        curves = report.cox.prediction.flatMap { prediction in
            report.plan.axis.map { axis in
                PredictedCurves(
                    prediction, common(), ends: followUpEnds.map { axis.time(at: $0) }, axis: axis,
                    coordinates: coordinates, plan: report.plan)
            }
        }
        self.diagnostics = diagnostics.map { ($0, $0.ask(coordinates, beta: fit.beta, common())) }
        if let check, check.function != nil, fit.rank > 0, let axis = report.plan.axis {
            let sums = GridTrend(check.factors(at: grid, on: axis), hazard: hazard)
            trend = .common(sums, covariateRiskSums: covariateRiskSums)
            trendAsks = sums.asks(coordinates, beta: fit.beta, grid: grid)
        } else {
            (trend, trendAsks) = (.none, [])
        }
    }

    /// Asks, or is finished at once.
    var step: CourseStep {
        let asks =
            [residuals, concordance, heterogeneity?.ask, diagnostics?.ask].compactMap(\.self) + trendAsks
        return asks.isEmpty ? .finish(.cox(result([]))) : .ask(asks)
    }

    /// The result with the summed answers, one for each of the questions asked.
    func result(_ answers: [[Double]]) -> CoxResult {
        var rest = answers[...]
        let robust = report.robustCovariance(of: fit, residuals.flatMap { _ in rest.popFirst() })
        let pairs = concordance.flatMap { _ in rest.popFirst() }
        let heterogeneity = heterogeneity.flatMap { asked in
            rest.popFirst().map { asked.test.result($0, names: report.cox.model.parameterNames) }
        }
        let names = report.cox.model.parameterNames
        let binned = diagnostics.flatMap { asked in
            asked.ask.flatMap { _ in rest.popFirst() }.map {
                asked.table.result($0, of: fit, scale: scale, names: names)
            }
        }
        var result = report.result(
            fit, scale: scale, robust: robust,
            check: trendSums(Array(rest)).flatMap { check?.result(of: fit, trend: $0) },
            heterogeneity: heterogeneity, diagnostics: binned,
            furtherWarnings: diagnostics?.table.warnings ?? [])
        result.concordance = pairs.flatMap(report.concordance)
        curves?.add(to: &result, fit: fit, covariance: robust ?? CoefficientCovariance(fit))
        return result
    }

    private func trendSums(_ answers: [[Double]]) -> TimeTrendSums? {
        switch trend {
        case .none: nil
        case .site: TimeTrendSums(vector: answers[0], parameterCount: report.parameterCount)
        case .common(let sums, let covariateRiskSums):
            sums.sums(answers, covariateRiskSums: covariateRiskSums, parameterCount: report.parameterCount)
        }
    }
}
