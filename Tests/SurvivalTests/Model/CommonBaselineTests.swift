import Testing

@testable import Survival

/// One baseline for all sites, from sums over sites, against R 4.2.2, survival 3.5-3: see Reference/README.md.
struct CommonBaselineTests {
    static let cases = ReferenceCase.of(kind: "cox").filter(\.isWellPosed)

    @Test(arguments: cases, [1, 4])
    func `rows split over sites at random give R's table of the stacked rows`(
        reference: ReferenceCase, siteCount: Int
    ) throws {
        let frame = ModelFrame(reference).withMergedTimes()
        var generator = SeededGenerator(state: 3)
        var split = Array(repeating: [Int](), count: siteCount)
        for row in 0..<frame.rowCount { split[Int.random(in: 0..<siteCount, using: &generator)].append(row) }
        try CoxExpectation(reference).check(CommonFit(frame, split: split, ties: reference.ties).table)
    }

    @Test(arguments: cases.filter { !$0.isStratifiedBySite && !$0.json["data"]["site"].isNull })
    func `the case's sites give R's table of the stacked rows`(reference: ReferenceCase) throws {
        let frame = ModelFrame(reference).withMergedTimes()
        let fit = try CommonFit(frame, split: frame.rowsBySite.map(\.rows), ties: reference.ties)
        CoxExpectation(reference).check(fit.table)
        #expect(fit.evaluations <= 14)
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
        let sites = try split.map {
            let data = try frame.data(rows: $0, mergesNearTies: false)
                .rescaled(center: center, scale: scale, offsetCenter: offsetCenter)
            return try CommonBaseline(data: data, grid: grid, ties: ties)
        }
        try self.init(sites, grid: grid, ties: ties, names: frame.names, scale: scale)
    }

    init(_ sites: [CommonBaseline], grid: EventGrid, ties: Ties, names: [String], scale: [Double]) throws {
        func total(_ vectors: [[Double]]) -> [Double] {
            vectors.dropFirst().reduce(vectors[0]) { zip($0, $1).map { $0 + $1 } }
        }
        let eventSums = total(sites.map { $0.eventSums() })
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
