import ReferenceStudies
import Testing

@testable import Survival

/// One baseline for all sites, from sums over sites, against R 4.2.2, survival 3.5-3: see Reference/README.md.
struct CommonBaselineTests {
    static let cases = ReferenceCase.of(kind: "cox").filter { $0.isWellPosed && $0.ties != .exact }

    @Test(arguments: cases)
    func `rows split over four sites at random give R's table of the stacked rows`(reference: ReferenceCase)
        throws
    {
        let frame = ModelFrame(reference).withMergedTimes()
        var generator = SeededGenerator(3)
        var split = Array(repeating: [Int](), count: 4)
        for row in 0..<frame.rowCount { split[Int.random(in: 0..<4, using: &generator)].append(row) }
        try CoxExpectation(reference).check(CommonFit(frame, split: split, ties: reference.ties).table)
    }

    @Test(arguments: cases.filter { !$0.isStratifiedBySite && !$0.json["data"]["site"].isNull })
    func `the case's sites give R's table of the stacked rows`(reference: ReferenceCase) throws {
        let frame = ModelFrame(reference).withMergedTimes()
        let fit = try CommonFit(frame, split: frame.rowsBySite.map(\.rows), ties: reference.ties)
        CoxExpectation(reference).check(fit.table)
        #expect(fit.evaluations <= 14)
    }

    @Test(arguments: cases.filter { !$0.expected["risk_set_sums"].isNull && !$0.isStratifiedBySite })
    func `each site's risk-set sums are R's`(reference: ReferenceCase) throws {
        let frame = ModelFrame(reference).withMergedTimes()
        let strata = Set(frame.stratum).count
        let all = try frame.data(mergesNearTies: false)
        let grid = EventGrid(eventsOf: all, stratumCount: strata)
        let want = reference.expected["risk_set_sums"]
        // With further strata R's sums are over all of them; ours are by stratum.
        guard strata == 1, grid.pointCount > 0 else { return }
        let points = want["times"].doubles.map { TimeGrid(grid.strata[0].times).index(of: $0) }
        for (beta, name) in [
            (reference.expected["coef"].doubles, "beta_hat"), (frame.columns.map { _ in 0 }, "beta_zero"),
        ] {
            // Rows without a site are in the model, but in no site's sums.
            for (site, rows) in frame.rowsBySite where !site.isEmpty {
                let expected = try #require(want[name].elements.first { $0["site"].string == site })
                let part = try CommonBaseline(
                    data: frame.data(rows: rows, mergesNearTies: false), grid: grid, ties: .efron)
                if expected["s0"].doubles.contains(.infinity) {
                    #expect(throws: SurvivalDataError.riskOutOfRange) { try part.riskSums(at: beta) }
                    continue
                }
                let (s0, s1) = (try part.riskSums(at: beta), try part.covariateRiskSums(at: beta))
                for (index, point) in points.enumerated() {
                    let point = try #require(point)
                    expectClose(s0[point], expected["s0"].doubles[index], relative: 1e-9, "S0 of \(site)")
                    let products = expected["s1"].elements[index].doubles
                    expectClose(
                        Array(s1[point * beta.count..<(point + 1) * beta.count]), products, relative: 1e-9,
                        absolute: 1e-9 * (products.map(abs).max() ?? 0), "S1 of \(site)")
                }
            }
        }
    }

    @Test func `a site without rows in a stratum, or at all, sends zeros of the same length`() throws {
        let data = try PartialLikelihoodTests.rows()
        let grid = EventGrid(eventsOf: data, stratumCount: 3)
        #expect(grid.strata[2].times.isEmpty)
        let first = try CommonBaseline(
            data: PartialLikelihoodTests.data(data, rows: stride(from: 0, to: 120, by: 3).map { $0 }),
            grid: grid,
            ties: .efron)
        let nobodysRows = try PartialLikelihoodTests.data(data, rows: [])
        let nobody = try CommonBaseline(data: nobodysRows, grid: grid, ties: .efron)
        let sums = try first.riskSums(at: PartialLikelihoodTests.beta)
        let (points, own) = (grid.pointCount, grid.strata[0].times.count)
        let ties = grid.tiedPoints(.efron).count
        #expect(sums.count == points + ties && ties > 0)
        #expect(sums[..<own].allSatisfy { $0 > 0 } && sums[own..<points].allSatisfy { $0 == 0 })
        #expect(
            try nobody.riskSums(at: PartialLikelihoodTests.beta)
                == Array(repeating: 0, count: points + ties))
        #expect(CommonBaseline.eventSums(of: nobodysRows) == [0, 0, 0, 0, 0])
        #expect(try nobody.covariateRiskSums(at: PartialLikelihoodTests.beta).count == 4 * (points + ties))
    }

    @Test func `a death that the grid does not have, or an unknown stratum, is refused`() throws {
        let data = try PartialLikelihoodTests.rows()
        var grid = EventGrid(eventsOf: data, stratumCount: 3)
        grid.strata[0].times.removeLast()
        grid.strata[0].deaths.removeLast()
        grid.strata[0].deathWeights.removeLast()
        #expect(throws: SurvivalDataError.notOnGrid) {
            try CommonBaseline(data: data, grid: grid, ties: .efron)
        }
        let one = EventGrid(strata: [grid.strata[0]])
        #expect(throws: SurvivalDataError.notOnGrid) {
            try CommonBaseline(data: data, grid: one, ties: .efron)
        }
    }

    @Test func `a death where nobody is at risk, or sums of another grid, are refused`() {
        let grid = EventGrid(strata: [.init(times: [1, 2], deaths: [1, 1], deathWeights: [1, 1])])
        #expect(throws: FitError.nobodyAtRisk) {
            try HazardIncrements(grid: grid, riskSums: [2, 0], ties: .efron)
        }
        #expect(throws: FitError.wrongShape(expected: 2, got: 3)) {
            try HazardIncrements(grid: grid, riskSums: [2, 0, 1], ties: .efron)
        }
    }
}

/// A fit with a common baseline and exact times, driven as a study drives it.
struct CommonFit {
    let table: FittedTable
    private(set) var evaluations = 0
    private(set) var informations = 0

    init(_ frame: ModelFrame, split: [[Int]], ties: Ties) throws {
        let (center, scale) = frame.moments
        let strata = Set(frame.stratum).count
        let grid = EventGrid(eventsOf: try frame.data(mergesNearTies: false), stratumCount: strata)
        let offsetCenter = (frame.offset ?? []).reduce(0, +) / Double(max(frame.rowCount, 1))
        let rows = try split.map {
            try frame.data(rows: $0, mergesNearTies: false)
                .rescaled(center: center, scale: scale, offsetCenter: offsetCenter)
        }
        try self.init(rows, grid: grid, ties: ties, names: frame.names, scale: scale)
    }

    /// `rows` are those of each site, in working coordinates.
    init(_ rows: [SurvivalData], grid: EventGrid, ties: Ties, names: [String], scale: [Double]) throws {
        let sites = try rows.map { try CommonBaseline(data: $0, grid: grid, ties: ties) }
        func total(_ vectors: [[Double]]) -> [Double] {
            vectors.dropFirst().reduce(vectors[0]) { zip($0, $1).map { $0 + $1 } }
        }
        let eventSums = total(rows.map { CommonBaseline.eventSums(of: $0) })
        var iteration = CommonBaselineIteration(
            parameterNames: names, eventSums: eventSums, eventWeight: grid.eventWeight)
        var step = CommonBaselineIteration.Step.evaluate(iteration.beta)
        var (hazard, gram) = (HazardIncrements?.none, [Double]())
        while true {
            switch step {
            case .evaluate(let beta):
                evaluations += 1
                let riskSums = total(try sites.map { try $0.riskSums(at: beta) })
                let increments = try HazardIncrements(grid: grid, riskSums: riskSums, ties: ties)
                gram = total(try sites.map { try $0.gram(at: beta, hazard: increments) })
                hazard = increments
                let sums = increments.evaluation(at: beta, eventSums: eventSums, gram: gram)
                step = try iteration.receive(
                    logLikelihood: sums.logLikelihood, score: sums.score, gram: sums.gram)
            case .information(let beta):
                informations += 1
                let products = total(try sites.map { try $0.covariateRiskSums(at: beta) })
                let information = try #require(hazard).information(
                    gram: gram, covariateRiskSums: products, parameterCount: beta.count)
                step = try iteration.receive(information: information)
            case .finished(let fit):
                table = FittedTable(fit, names: names, scale: scale)
                return
            }
        }
    }
}
