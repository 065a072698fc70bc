import Survival

/// What a Cox course asks once the coefficients are known, and the result with the answers: robust variance, checks.
struct CoxEpilogue: Sendable {
    private let report: CoxReport
    private let fit: CoxFit
    private let scale: [Double]
    private let check: HazardCheck?
    private let trend: Trend
    private let residuals: Query.Ask?
    private let concordance: Query.Ask?
    private let trendAsks: [Query.Ask]

    /// Where the sums of the proportional-hazards test come from.
    private enum Trend: Sendable {
        case none, site
        case common(GridTrend, covariateRiskSums: [Double])
    }

    /// A baseline hazard for each site.
    init(_ report: CoxReport, _ fit: CoxFit, check: HazardCheck?, coordinates: Query.Coordinates) {
        (self.report, self.fit, self.check, scale) = (report, fit, check, coordinates.scale)
        residuals = report.wantsResiduals(of: fit) ? .residuals(coordinates, beta: fit.beta, nil) : nil
        concordance = report.concordanceAsk(of: fit, coordinates)
        if let function = check?.function, fit.rank > 0 {
            trend = .site
            trendAsks = [.timeTrend(coordinates, beta: fit.beta, function)]
        } else {
            (trend, trendAsks) = (.none, [])
        }
    }

    /// One baseline for all: `hazard` and `covariateRiskSums` are those at the fit, which ends where S₁ was asked for.
    init(
        _ report: CoxReport, _ fit: CoxFit, check: HazardCheck?, coordinates: Query.Coordinates,
        grid: EventGrid,
        hazard: HazardIncrements, covariateRiskSums: [Double]
    ) {
        (self.report, self.fit, self.check, scale) = (report, fit, check, coordinates.scale)
        let common = {
            Query.CommonHazard(
                grid: grid, hazard: hazard,
                means: hazard.meanIncrements(
                    covariateRiskSums: covariateRiskSums, parameterCount: report.parameterCount))
        }
        residuals = report.wantsResiduals(of: fit) ? .residuals(coordinates, beta: fit.beta, common()) : nil
        concordance = report.concordanceAsk(of: fit, coordinates)
        if let check, check.function != nil, fit.rank > 0, let axis = report.plan.axis {
            let sums = GridTrend(check.factors(at: grid, on: axis), hazard: hazard)
            trend = .common(sums, covariateRiskSums: covariateRiskSums)
            trendAsks = sums.asks(coordinates, beta: fit.beta, grid: grid)
        } else {
            (trend, trendAsks) = (.none, [])
        }
    }

    /// Asks, or is finished at once.
    var step: CoxStep {
        let asks = [residuals, concordance].compactMap { $0 } + trendAsks
        return asks.isEmpty ? .finish(result([])) : .ask(asks)
    }

    /// The result with the summed answers, one for each of the questions asked.
    func result(_ answers: [[Double]]) -> CoxResult {
        var rest = answers[...]
        let robust = residuals.flatMap { _ in rest.popFirst() }.map { report.robustCovariance(of: fit, $0) }
        let pairs = concordance.flatMap { _ in rest.popFirst() }
        var result = report.result(
            fit, scale: scale, robust: robust,
            check: trendSums(Array(rest)).flatMap { check?.result(of: fit, trend: $0) })
        result.concordance = pairs.flatMap(report.concordance)
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
