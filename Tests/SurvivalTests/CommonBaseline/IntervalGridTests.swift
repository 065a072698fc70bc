import Foundation
import ReferenceStudies
import Testing

@testable import Survival

/// The common baseline on intervals, where all who leave take the place of the deaths.
struct IntervalGridTests {
    /// Intervals `width` long that cover all exits of the rows.
    static func grid(_ data: SurvivalData, width: Double, stratumCount: Int) -> EventGrid {
        let last = data.exit.max() ?? 0
        let count = Int((last / width).rounded(.up))
        var strata = (0..<stratumCount).map { _ in
            EventGrid.Stratum(
                times: (1...count).map { Double($0) * width }, deaths: Array(repeating: 0, count: count),
                deathWeights: Array(repeating: 0, count: count),
                starts: (0..<count).map { Double($0) * width })
        }
        for row in 0..<data.rowCount where data.event[row] {
            let stratum = Int(data.stratum?[row] ?? 0)
            let interval = TimeGrid(strata[stratum].times).index(atOrAfter: data.exit[row])
            strata[stratum].deaths[interval] += 1
            strata[stratum].deathWeights[interval] += data.weight?[row] ?? 1
        }
        return EventGrid(strata: strata)
    }

    /// Log-likelihood, score and exact information of all rows at β.
    private func sums(_ data: SurvivalData, grid: EventGrid, beta: [Double], ties: Ties) throws
        -> LikelihoodSums
    {
        let part = try CommonBaseline(data: data, grid: grid, ties: ties)
        let hazard = try HazardIncrements(grid: grid, riskSums: part.riskSums(at: beta), ties: ties)
        let gram = try part.gram(at: beta, hazard: hazard)
        let evaluation = hazard.evaluation(
            at: beta, eventSums: CommonBaseline.eventSums(of: data), gram: gram)
        return LikelihoodSums(
            logLikelihood: evaluation.logLikelihood, score: evaluation.score,
            information: hazard.information(
                gram: gram, covariateRiskSums: try part.covariateRiskSums(at: beta),
                parameterCount: beta.count))
    }

    @Test(arguments: [Ties.efron, .breslow])
    func `the exact grid gives the sums of the site's own baseline`(ties: Ties) throws {
        let data = try PartialLikelihoodTests.rows()
        let beta = PartialLikelihoodTests.beta
        let own = try PartialLikelihood(data, ties: ties).evaluate(at: beta)
        let common = try sums(data, grid: EventGrid(eventsOf: data, stratumCount: 3), beta: beta, ties: ties)
        expectClose(common.logLikelihood, own.logLikelihood, relative: 1e-12, "loglik")
        expectClose(common.score, own.score, relative: 1e-10, absolute: 1e-11, "score")
        expectClose(
            common.information.packedUpper, own.information.packedUpper, relative: 1e-10, absolute: 1e-10,
            "information")
    }

    @Test(arguments: [Ties.efron, .breslow])
    func `score and information are the derivatives of the interval likelihood`(ties: Ties) throws {
        let data = try PartialLikelihoodTests.rows()
        let grid = Self.grid(data, width: 2.5, stratumCount: 3)
        let beta = PartialLikelihoodTests.beta
        let here = try sums(data, grid: grid, beta: beta, ties: ties)
        for index in beta.indices {
            var (up, down) = (beta, beta)
            up[index] += 1e-5
            down[index] -= 1e-5
            let above = try sums(data, grid: grid, beta: up, ties: ties)
            let below = try sums(data, grid: grid, beta: down, ties: ties)
            let slope = (above.logLikelihood - below.logLikelihood) / 2e-5
            expectClose(here.score[index], slope, relative: 1e-6, absolute: 1e-7, "score")
            for other in beta.indices {
                let curvature = (below.score[other] - above.score[other]) / 2e-5
                expectClose(
                    here.information[index, other], curvature, relative: 1e-6, absolute: 1e-7, "information")
            }
        }
    }

    @Test func `without censoring, an interval for each death time is Efron's formula`() throws {
        let rows = try PartialLikelihoodTests.rows()
        let data = try SurvivalData(
            entry: nil, exit: rows.exit, event: rows.exit.map { _ in true }, weight: rows.weight,
            offset: rows.offset,
            stratum: nil, columns: rows.columns)
        let beta = PartialLikelihoodTests.beta
        let intervals = Self.grid(data, width: 1, stratumCount: 1)
        let got = try sums(data, grid: intervals, beta: beta, ties: .efron)
        let want = try PartialLikelihood(data, ties: .efron).evaluate(at: beta)
        expectClose(got.logLikelihood, want.logLikelihood, relative: 1e-12, "loglik")
        expectClose(got.score, want.score, relative: 1e-10, absolute: 1e-11, "score")
    }

    @Test func `a coarse grid of the synthetic cohort is within half a standard error of the exact times`()
        throws
    {
        let reference = try ReferenceCase.named("hcc-published-model-pooled-efron")
        let frame = ModelFrame(reference)
        let (center, scale) = frame.moments
        let grid = Self.grid(try frame.data(), width: 1, stratumCount: 1)
        let rows = try frame.rowsBySite.map {
            try frame.data(rows: $0.rows).rescaled(center: center, scale: scale)
        }
        let fit = try CommonFit(rows, grid: grid, ties: .efron, names: frame.names, scale: scale)
        #expect(fit.informations == 2)
        let (coef, se) = (reference.expected["coef"].doubles, reference.expected["se"].doubles)
        for (index, term) in fit.table.terms.enumerated() {
            expectClose(
                term.coef.value ?? .nan, coef[index], relative: 0, absolute: 0.5 * se[index], term.name)
            expectClose(term.se.value ?? .nan, se[index], relative: 0.05, "se of \(term.name)")
        }
    }

    @Test func `rows that leave in a gap between intervals are at risk before it only`() throws {
        let data = try SurvivalData(
            entry: nil, exit: [1, 2.5, 4], event: [true, false, true], weight: nil, offset: nil, stratum: nil,
            columns: [[0, 0, 0]])
        let grid = EventGrid(
            strata: [.init(times: [2, 5], deaths: [1, 1], deathWeights: [1, 1], starts: [0, 3])])
        // Interval (0, 2]: three at risk; interval (3, 5]: one.
        #expect(try CommonBaseline(data: data, grid: grid, ties: .efron).riskSums(at: [0]) == [3, 1])
    }

    @Test func `a row that enters within an interval is at risk in it`() throws {
        let data = try SurvivalData(
            entry: [0, 1, 2], exit: [1.5, 3, 4], event: [true, true, true], weight: nil, offset: nil,
            stratum: nil,
            columns: [[0, 0, 0]])
        let grid = EventGrid(
            strata: [.init(times: [2, 4], deaths: [1, 2], deathWeights: [1, 2], starts: [0, 2])])
        #expect(try CommonBaseline(data: data, grid: grid, ties: .efron).riskSums(at: [0]) == [2, 2, 0])
    }
}
