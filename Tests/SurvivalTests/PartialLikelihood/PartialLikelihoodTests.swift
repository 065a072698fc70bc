import Foundation
import ReferenceStudies
import Testing

@testable import Survival

/// Properties of the partial likelihood, on made-up rows with every feature at once.
struct PartialLikelihoodTests {
    /// 120 rows: heavy ties, late entry, weights, offsets, three strata (of which one has no event), four covariates.
    static func rows(_ count: Int = 120, seed: UInt64 = 7) throws -> SurvivalData {
        var generator = SeededGenerator(seed)
        func uniform() -> Double { Double.random(in: 0..<1, using: &generator) }
        let exit = (0..<count).map { _ in 1 + (uniform() * 9).rounded() }
        let stratum = (0..<count).map { Int32($0 % 3) }
        return try SurvivalData(
            entry: exit.map { uniform() < 0.5 ? 0 : ($0 - 1) * uniform().rounded(.up) * 0.5 }, exit: exit,
            event: stratum.map { $0 != 2 && uniform() < 0.6 }, weight: exit.map { _ in 0.5 + uniform() },
            offset: exit.map { _ in uniform() - 0.5 }, stratum: stratum,
            columns: (0..<4).map { _ in exit.map { _ in uniform() * 2 - 1 } })
    }

    static let beta = [0.4, -0.7, 0.2, 0.9]

    static func data(
        _ data: SurvivalData, rows: [Int], columns: [[Double]]? = nil, offset: [Double]? = nil
    ) throws -> SurvivalData {
        func some<T>(_ values: [T]) -> [T] { rows.map { values[$0] } }
        return try SurvivalData(
            entry: data.entry.map(some), exit: some(data.exit), event: some(data.event),
            weight: data.weight.map(some), offset: (offset ?? data.offset).map(some),
            stratum: data.stratum.map(some), columns: (columns ?? data.columns).map(some))
    }

    @Test(arguments: [Ties.efron, .breslow])
    func `score and information are the derivatives of the log-likelihood`(ties: Ties) throws {
        let likelihood = PartialLikelihood(try Self.rows(), ties: ties)
        let here = try likelihood.evaluate(at: Self.beta)
        let step = 1e-5
        for index in 0..<4 {
            var (up, down) = (Self.beta, Self.beta)
            up[index] += step
            down[index] -= step
            let (above, below) = (try likelihood.evaluate(at: up), try likelihood.evaluate(at: down))
            let slope = (above.logLikelihood - below.logLikelihood) / (2 * step)
            expectClose(here.score[index], slope, relative: 1e-6, absolute: 1e-7, "score")
            for other in 0..<4 {
                let curvature = (below.score[other] - above.score[other]) / (2 * step)
                expectClose(
                    here.information[index, other], curvature, relative: 1e-6, absolute: 1e-7, "information")
            }
        }
    }

    @Test(arguments: [Ties.efron, .breslow])
    func `the sums agree with the formulas written out row by row`(ties: Ties) throws {
        let data = try Self.rows()
        let got = try PartialLikelihood(data, ties: ties).evaluate(at: Self.beta)
        let want = Self.writtenOut(data, beta: Self.beta, ties: ties)
        expectClose(got.logLikelihood, want.logLikelihood, relative: 1e-13, "loglik")
        expectClose(got.score, want.score, relative: 1e-11, absolute: 1e-12, "score")
        expectClose(
            got.information.packedUpper, want.information.packedUpper, relative: 1e-11, absolute: 1e-11,
            "information")
    }

    /// DESIGN's textbook form: at each death time, s(l) = S₀ − (l/d)E₀ and so on, with p×p sums over the risk set.
    static func writtenOut(_ data: SurvivalData, beta: [Double], ties: Ties) -> LikelihoodSums {
        var sums = LikelihoodSums.zero(parameterCount: beta.count)
        let x = { (row: Int) in data.columns.map { $0[row] } }
        let eta = { (row: Int) in dot(x(row), beta) + (data.offset?[row] ?? 0) }
        let all = Array(0..<data.rowCount)
        for stratum in Set(data.stratum ?? []) {
            let rows = all.filter { data.stratum?[$0] == stratum }
            for time in Set(rows.filter { data.event[$0] }.map { data.exit[$0] }) {
                let risk = rows.filter { (data.entry?[$0] ?? -1) < time && time <= data.exit[$0] }
                let dead = risk.filter { data.event[$0] && data.exit[$0] == time }
                let weight = dead.reduce(0) { $0 + (data.weight?[$1] ?? 1) } / Double(dead.count)
                for row in dead {
                    let own = data.weight?[row] ?? 1
                    sums.logLikelihood += own * eta(row)
                    for index in beta.indices { sums.score[index] += own * x(row)[index] }
                }
                for index in dead.indices {
                    let fraction = ties == .efron ? Double(index) / Double(dead.count) : 0
                    var (s0, s1, s2) = (
                        0.0, Array(repeating: 0.0, count: beta.count), SymmetricMatrix(order: beta.count)
                    )
                    for row in risk {
                        let share = dead.contains(row) ? 1 - fraction : 1
                        let value = share * (data.weight?[row] ?? 1) * exp(eta(row))
                        s0 += value
                        for index in beta.indices { s1[index] += value * x(row)[index] }
                        s2.add(value, outer: x(row))
                    }
                    let mean = s1.map { $0 / s0 }
                    sums.logLikelihood -= weight * log(s0)
                    for index in beta.indices { sums.score[index] -= weight * mean[index] }
                    for index in s2.packedUpper.indices {
                        sums.information.packedUpper[index] += weight * s2.packedUpper[index] / s0
                    }
                    sums.information.add(-weight, outer: mean)
                }
            }
        }
        return sums
    }

    @Test func `the order of the rows does not matter`() throws {
        let data = try Self.rows()
        var generator = SeededGenerator(1)
        let shuffled = try Self.data(data, rows: Array(0..<data.rowCount).shuffled(using: &generator))
        let (one, two) = try (
            PartialLikelihood(data, ties: .efron).evaluate(at: Self.beta),
            PartialLikelihood(shuffled, ties: .efron).evaluate(at: Self.beta)
        )
        expectClose(one.logLikelihood, two.logLikelihood, relative: 1e-14, "loglik")
        expectClose(one.score, two.score, relative: 1e-11, absolute: 1e-12, "score")
    }

    @Test func `a shift of covariates or offset changes nothing`() throws {
        let data = try Self.rows()
        let shifted = try Self.data(
            data, rows: Array(0..<data.rowCount), columns: data.columns.map { $0.map { $0 + 1000 } },
            offset: data.offset?.map { $0 + 5000 })
        let (one, two) = try (
            PartialLikelihood(data, ties: .efron).evaluate(at: Self.beta),
            PartialLikelihood(shifted, ties: .efron).evaluate(at: Self.beta)
        )
        expectClose(one.logLikelihood, two.logLikelihood, relative: 1e-11, "loglik")
        expectClose(one.score, two.score, relative: 1e-9, absolute: 1e-9, "score")
        expectClose(
            one.information.packedUpper, two.information.packedUpper, relative: 1e-9, absolute: 1e-9,
            "information")
    }

    @Test func `a change of unit changes the coefficient by its inverse, and nothing else`() throws {
        let data = try Self.rows()
        let names = ["a", "b", "c", "d"]
        let scale = [10.0, 0.01, 3, 1]
        let fit = try CoxClosedFormTests.fit(data, ties: .efron, names: names)
        let rescaled = try CoxClosedFormTests.fit(
            data.rescaled(center: [1, 2, 3, 4], scale: scale), ties: .efron, names: names)
        expectClose(
            zip(rescaled.beta, scale).map { $0 / $1 }, fit.beta, relative: 1e-10, absolute: 1e-12, "beta")
        expectClose(rescaled.logLikelihood, fit.logLikelihood, relative: 1e-13, "loglik")
        let table = CoxInference.summarize(rescaled, names: names, scale: scale, level: 0.95)
        let plain = CoxInference.summarize(fit, names: names, scale: [1, 1, 1, 1], level: 0.95)
        expectClose(
            table.terms.map { $0.se.value ?? .nan }, plain.terms.map { $0.se.value ?? .nan }, relative: 1e-10,
            "se")
        expectClose(
            table.wald.statistic.value ?? .nan, plain.wald.statistic.value ?? .nan, relative: 1e-10, "wald")
    }

    @Test func `weight two is two rows under Breslow, and not under Efron`() throws {
        let data = try Self.rows()
        let twice = try Self.data(data, rows: Array(0..<data.rowCount) + Array(0..<data.rowCount))
        let heavy = try SurvivalData(
            entry: data.entry, exit: data.exit, event: data.event, weight: data.weight?.map { 2 * $0 },
            offset: data.offset, stratum: data.stratum, columns: data.columns)
        func value(_ data: SurvivalData, _ ties: Ties) throws -> Double {
            try PartialLikelihood(data, ties: ties).evaluate(at: Self.beta).logLikelihood
        }
        expectClose(try value(twice, .breslow), try value(heavy, .breslow), relative: 1e-13, "Breslow")
        #expect(abs(try value(twice, .efron) - value(heavy, .efron)) > 0.01)
    }

    @Test func `large offsets do not overflow`() throws {
        let data = try Self.rows()
        let far = try Self.data(
            data, rows: Array(0..<data.rowCount),
            offset: data.offset?.enumerated().map { $1 + 900 * Double($0 % 3) })
        // The offset differs between strata only, so that it cancels.
        let (near, shifted) = try (
            PartialLikelihood(data, ties: .efron).evaluate(at: Self.beta),
            PartialLikelihood(far, ties: .efron).evaluate(at: Self.beta)
        )
        expectClose(near.logLikelihood, shifted.logLikelihood, relative: 1e-11, "loglik")
    }

    @Test func `a spread beyond the range of the numbers is refused in words`() throws {
        let data = try SurvivalData(
            entry: nil, exit: [1, 2, 3], event: [true, true, true], weight: nil, offset: [1000, 0, 0],
            stratum: nil,
            columns: [[1, 2, 3]])
        #expect(throws: SurvivalDataError.riskOutOfRange) {
            try PartialLikelihood(data, ties: .efron).evaluate(at: [0])
        }
        #expect("\(SurvivalDataError.riskOutOfRange)".contains("check the scale"))
    }

    @Test func `a site without rows sends zeros`() throws {
        let nobody = try SurvivalData(
            entry: nil, exit: [], event: [], weight: nil, offset: nil, stratum: nil, columns: [[], []])
        #expect(try PartialLikelihood(nobody, ties: .efron).evaluate(at: [1, 1]) == .zero(parameterCount: 2))
    }
}
