import Testing

@testable import Survival

/// Sites with one baseline hazard for all, on the exact event times.
struct CommonSites {
    private let rows: [SurvivalData]
    let sites: [CommonBaseline]
    let grid: EventGrid
    let frame: ModelFrame
    let ties: Ties

    init(_ frame: ModelFrame, split: [[Int]], ties: Ties) throws {
        let (center, scale) = frame.moments
        let offsetCenter = (frame.offset ?? []).reduce(0, +) / Double(max(frame.rowCount, 1))
        let grid = EventGrid(
            eventsOf: try frame.data(mergesNearTies: false), stratumCount: Set(frame.stratum).count)
        rows = try split.map {
            try frame.data(rows: $0, mergesNearTies: false)
                .rescaled(center: center, scale: scale, offsetCenter: offsetCenter)
        }
        sites = try rows.map { try CommonBaseline(data: $0, grid: grid, ties: ties) }
        (self.grid, self.frame, self.ties) = (grid, frame, ties)
    }

    func fit() throws -> CoxFit {
        let (_, scale) = frame.moments
        return try CommonFit(rows, grid: grid, ties: ties, names: frame.names, scale: scale).table.fit
    }

    func total(_ answer: (CommonBaseline) throws -> [Double]) rethrows -> [Double] {
        let vectors = try sites.map(answer)
        return vectors.dropFirst().reduce(vectors[0]) { zip($0, $1).map { $0 + $1 } }
    }

    func trend(at beta: [Double], along function: TimeFunction) throws -> TimeTrendSums {
        let factors = grid.strata.flatMap(\.times).map { function($0) }
        let hazard = try HazardIncrements(
            grid: grid, riskSums: total { try $0.riskSums(at: beta) }, ties: ties)
        let products = try total { try $0.covariateRiskSums(at: beta) }
        let first = hazard.weighted(by: factors)
        let second = hazard.weighted(by: factors.map { $0 * $0 })
        let grams = try [first, second].map { hazard in try total { try $0.gram(at: beta, hazard: hazard) } }
        let events = total { $0.eventSums(weightedBy: factors) }
        return TimeTrendSums(
            score: beta.indices.map { events[$0] - grams[0][$0] },
            information: first.information(
                gram: grams[0], covariateRiskSums: products, parameterCount: beta.count),
            square: second.information(
                gram: grams[1], covariateRiskSums: products, parameterCount: beta.count))
    }

    /// Σ of squares of score residuals by cluster, in the fit's frame; `clusters` are those of each site's rows.
    func squares(of fit: CoxFit, by clusters: [[Int32]]) throws -> SymmetricMatrix {
        let beta = fit.beta
        let hazard = try HazardIncrements(
            grid: grid, riskSums: total { try $0.riskSums(at: beta) }, ties: ties)
        let means = hazard.meanIncrements(
            covariateRiskSums: try total { try $0.covariateRiskSums(at: beta) }, parameterCount: beta.count)
        let parts = try zip(sites, clusters).map {
            try $0.scoreResiduals(at: beta, hazard: hazard, means: means)
                .whitened(by: fit.frame).squares(by: $1)
        }
        let sum = parts.dropFirst().reduce(parts[0]) { zip($0, $1).map { $0 + $1 } }
        return SymmetricMatrix(order: fit.rank, packedUpper: sum)
    }
}
