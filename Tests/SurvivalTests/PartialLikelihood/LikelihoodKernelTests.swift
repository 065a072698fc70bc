import Foundation
import ReferenceStudies
import Testing

@testable import Survival

/// The kernel against the likelihood written out, and against itself on other threads and other instructions.
struct LikelihoodKernelTests {
    static let instructions = InstructionSet.allCases.filter { $0 <= .best }

    @Test(arguments: RandomRows.variety, [Ties.efron, .breslow])
    func `the sums are those of the textbook`(rows: RandomRows, ties: Ties) throws {
        let data = try rows.data()
        let want = WrittenOutLikelihood.sums(data, beta: rows.beta(), ties: ties)
        for instructions in Self.instructions {
            let got = try LikelihoodKernel(data, ties: ties, threads: 1, instructions: instructions)
                .evaluate(at: rows.beta())
            expectNear(got, want, relative: 1e-11, "\(instructions)")
        }
    }

    @Test(arguments: [Ties.efron, .breslow])
    func `event times can count more or less than once`(ties: Ties) throws {
        for rows in [RandomRows(strata: 3, hasEntry: true, hasWeights: true, hasOffset: true), RandomRows()] {
            let data = try rows.data()
            let got = try LikelihoodKernel(data, ties: ties, threads: 2, instructions: .best)
                .evaluate(at: rows.beta()) { log($0) - 1 }
            let want = WrittenOutLikelihood.sums(data, beta: rows.beta(), ties: ties) { log($0) - 1 }
            expectNear(got, want, relative: 1e-11, "weighted")
        }
    }

    /// Enough rows for many superblocks, ties longer than a block and, with 40 times, than a superblock.
    static let large = [
        RandomRows(rows: 30000, columns: 7, distinctTimes: 40),
        RandomRows(
            rows: 20000, columns: 12, distinctTimes: 3000, strata: 3, hasEntry: true, hasWeights: true,
            hasOffset: true),
        RandomRows(rows: 20000, columns: 5, distinctTimes: nil, strata: 5000),
    ]

    @Test(arguments: large)
    func `the number of threads changes no bit`(rows: RandomRows) throws {
        let data = try rows.data()
        let one = try LikelihoodKernel(data, ties: .efron, threads: 1, instructions: .best)
            .evaluate(at: rows.beta())
        for threads in 2...3 {
            let kernel = LikelihoodKernel(data, ties: .efron, threads: threads, instructions: .best)
            for _ in 0..<3 { #expect(try kernel.evaluate(at: rows.beta()) == one) }
        }
    }

    @Test(arguments: large)
    func `the instruction sets agree to the last digits`(rows: RandomRows) throws {
        let data = try rows.data()
        let sums = try Self.instructions.map {
            try LikelihoodKernel(data, ties: .efron, threads: 1, instructions: $0).evaluate(at: rows.beta())
        }
        for other in sums.dropFirst() { expectNear(other, sums[0], relative: 1e-12, "instructions") }
    }

    @Test(arguments: large)
    func `the strata of many rows add up`(rows: RandomRows) throws {
        let data = try rows.data()
        let half = { (stratum: Int) in stratum * 2 < rows.strata ? 0 : 1 }
        let parts = Dictionary(grouping: 0..<data.rowCount) { half(Int(data.stratum?[$0] ?? 0)) }
        let sum = try parts.values.map {
            let part = try PartialLikelihoodTests.data(data, rows: $0)
            return try PartialLikelihood(part, ties: .efron).evaluate(at: rows.beta())
        }.reduce(.zero(parameterCount: rows.columns), +)
        expectNear(
            try PartialLikelihood(data, ties: .efron).evaluate(at: rows.beta()), sum, relative: 1e-12,
            "strata")
    }

    @Test func `ties that fill several blocks are those of the textbook`() throws {
        let rows = RandomRows(rows: 3000, columns: 4, distinctTimes: 5, hasEntry: true, hasWeights: true)
        let data = try rows.data()
        for ties in [Ties.efron, .breslow] {
            expectNear(
                try PartialLikelihood(data, ties: ties).evaluate(at: rows.beta()),
                WrittenOutLikelihood.sums(data, beta: rows.beta(), ties: ties), relative: 1e-11, "\(ties)")
        }
    }

    @Test func `offsets of strata far from each other cancel in each`() throws {
        let rows = RandomRows(rows: 700, strata: 4, hasEntry: true, hasWeights: true, hasOffset: true)
        let data = try rows.data()
        let far = try PartialLikelihoodTests.data(
            data, rows: Array(0..<data.rowCount),
            offset: data.offset.map { zip($0, data.stratum ?? []).map { $0 + 1e4 * Double($1) } })
        try expectNear(
            PartialLikelihood(far, ties: .efron).evaluate(at: rows.beta()),
            PartialLikelihood(data, ties: .efron).evaluate(at: rows.beta()), relative: 1e-10, "far offsets")
    }

    @Test func `risks may span 1e300, and are shifted where they would overflow`() throws {
        let rows = RandomRows(rows: 700, distinctTimes: nil, strata: 4, hasWeights: true, hasOffset: true)
        let data = try rows.data()
        // Predictors within ±300 are taken as they are (75), beyond that less the stratum's largest (300).
        for factor in [75.0, 300] {
            let beta = rows.beta().map { factor * $0 }
            let got = try PartialLikelihood(data, ties: .efron).evaluate(at: beta)
            let want = WrittenOutLikelihood.sums(data, beta: beta, ties: .efron)
            expectNear(got, want, relative: 1e-10, "slopes times \(factor)")
        }
    }

    /// Rows that enter late are taken off sums that contain them: what is left keeps the digits of the
    /// largest.
    @Test func `late entries cancel to fifteen digits of the largest risk`() throws {
        let rows = RandomRows(rows: 700, strata: 4, hasEntry: true, hasWeights: true)
        let beta = rows.beta().map { 10 * $0 }
        try expectNear(
            PartialLikelihood(rows.data(), ties: .breslow).evaluate(at: beta),
            WrittenOutLikelihood.sums(rows.data(), beta: beta, ties: .breslow), relative: 1e-9, "steep")
    }

    @Test func `an evaluation may run beside another of the same rows`() async throws {
        let rows = RandomRows(rows: 20000)
        let likelihood = PartialLikelihood(try rows.data(), ties: .efron)
        let betas = (0..<8).map { index in rows.beta().map { $0 / Double(index + 1) } }
        let alone = try betas.map { try likelihood.evaluate(at: $0) }
        let together = try await withThrowingTaskGroup(of: (Int, LikelihoodSums).self) { group in
            for (index, beta) in betas.enumerated() {
                group.addTask { (index, try likelihood.evaluate(at: beta)) }
            }
            return try await group.reduce(into: [:]) { $0[$1.0] = $1.1 }
        }
        for index in betas.indices { #expect(together[index] == alone[index]) }
    }

    @Test func `no covariate is a model too`() throws {
        let rows = RandomRows(columns: 0)
        let got = try PartialLikelihood(try rows.data(), ties: .efron).evaluate(at: [])
        let want = WrittenOutLikelihood.sums(try rows.data(), beta: [], ties: .efron)
        expectClose(got.logLikelihood, want.logLikelihood, relative: 1e-13, "loglik")
    }

    @Test func `an estimate that is not a number is refused`() throws {
        let likelihood = PartialLikelihood(try RandomRows(columns: 1).data(), ties: .efron)
        for beta in [Double.nan, .infinity, 1e300] {
            #expect(throws: SurvivalDataError.riskOutOfRange) { try likelihood.evaluate(at: [beta]) }
        }
        #expect(try likelihood.evaluate(at: [0]).logLikelihood < 0)
    }

    /// Score and information are compared on the scale of the information's diagonal: what a difference means
    /// in standard errors.
    private func expectNear(
        _ got: LikelihoodSums, _ want: LikelihoodSums, relative: Double, _ what: String,
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        expectClose(
            got.logLikelihood, want.logLikelihood, relative: relative, absolute: relative, "\(what): loglik",
            sourceLocation: sourceLocation)
        let sizes = want.information.diagonal.map { max(1, abs($0).squareRoot()) }
        for row in sizes.indices {
            expectClose(
                got.score[row], want.score[row], relative: relative, absolute: relative * sizes[row] * 10,
                "\(what): score[\(row)]", sourceLocation: sourceLocation)
            for column in row..<sizes.count {
                expectClose(
                    got.information[row, column], want.information[row, column], relative: relative,
                    absolute: relative * sizes[row] * sizes[column],
                    "\(what): information[\(row), \(column)]", sourceLocation: sourceLocation)
            }
        }
    }
}
