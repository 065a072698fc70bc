import Survival

/// Numbers that one site sends for a Cox model with one baseline hazard for all, against those of Newton's method on S₀, S₁
/// and S₂ at every event time, which is what sums indexed by time cost elsewhere.
struct Communication {
    private(set) var evaluations = 0
    /// S₀, score and Gram matrix of the evaluations.
    private(set) var iterationNumbers = 0
    /// S₁, for the exact information at 0 (score test) and at the estimate.
    private(set) var informationNumbers = 0
    private(set) var newtonIterations = 0
    private let times: Int
    private let columns: Int

    /// Deals the rows to `siteCount` sites and fits.
    init(_ rows: MadeUpRows, siteCount: Int) throws {
        let whole = try rows.survivalData()
        let grid = EventGrid(eventsOf: whole, stratumCount: 1)
        (times, columns) = (grid.pointCount, rows.columnCount)
        try fit(
            (0..<siteCount).map { site in
                try rows.survivalData(stride(from: site, to: rows.rowCount, by: siteCount))
            }, grid)
        try countNewton(PartialLikelihood(whole, ties: .efron))
    }

    private mutating func fit(_ rows: [SurvivalData], _ grid: EventGrid) throws {
        let sites = try rows.map { try CommonBaseline(data: $0, grid: grid, ties: .efron) }
        let eventSums = Self.total(rows.map { CommonBaseline.eventSums(of: $0) })
        var iteration = CommonBaselineIteration(
            parameterNames: Self.names(columns), eventSums: eventSums, eventWeight: grid.eventWeight)
        var step = CommonBaselineIteration.Step.evaluate(iteration.beta)
        var (hazard, gram) = (HazardIncrements?.none, [Double]())
        iterationNumbers += eventSums.count
        while true {
            switch step {
            case .evaluate(let beta):
                evaluations += 1
                let risks = Self.total(try sites.map { try $0.riskSums(at: beta) })
                let increments = try HazardIncrements(grid: grid, riskSums: risks, ties: .efron)
                gram = Self.total(try sites.map { try $0.gram(at: beta, hazard: increments) })
                iterationNumbers += risks.count + gram.count
                let sums = increments.evaluation(at: beta, eventSums: eventSums, gram: gram)
                hazard = increments
                step = try iteration.receive(
                    logLikelihood: sums.logLikelihood, score: sums.score, gram: sums.gram)
            case .information(let beta):
                let products = Self.total(try sites.map { try $0.covariateRiskSums(at: beta) })
                informationNumbers += products.count
                guard let hazard else { return }
                step = try iteration.receive(
                    information: hazard.information(
                        gram: gram, covariateRiskSums: products, parameterCount: beta.count))
            case .finished: return
            }
        }
    }

    /// Newton's iterations by R's rule of convergence, which are the fewest that others need.
    private mutating func countNewton(_ likelihood: PartialLikelihood) throws {
        var newton = NewtonIteration(parameterNames: Self.names(columns))
        var former = -Double.infinity
        while true {
            let sums = try likelihood.evaluate(at: newton.beta)
            newtonIterations += 1
            if abs(1 - former / sums.logLikelihood) <= 1e-9 { return }
            former = sums.logLikelihood
            guard case .evaluate = try newton.receive(sums) else { return }
        }
    }

    private var newtonNumbers: Int { newtonIterations * times * (1 + columns + columns * (columns + 1) / 2) }

    var line: String {
        func share(_ numbers: Int) -> String {
            let percent = 100 * Double(numbers) / Double(newtonNumbers)
            return "\((percent * 100).rounded() / 100) %"
        }
        return """
            one baseline for all, \(times) event times, p = \(columns): numbers that a site sends
                S0, S1, S2 at each time, Newton: \(newtonNumbers) in \(newtonIterations) evaluations
                ours: \(iterationNumbers) in \(evaluations) evaluations, \(share(iterationNumbers)); \
            S1 for the exact information, at 0 and at the end: \(informationNumbers), \(share(informationNumbers))
            """
    }

    private static func total(_ vectors: [[Double]]) -> [Double] {
        vectors.dropFirst().reduce(vectors[0]) { zip($0, $1).map { $0 + $1 } }
    }

    private static func names(_ count: Int) -> [String] { (0..<count).map { "x\($0)" } }
}
