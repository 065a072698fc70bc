import CoxKernels

/// The rows of one analysis, sorted and laid out for the kernel in `CoxKernels`, and its evaluation.
///
/// See likelihood.h there for the algebra. The result is the same, bit for bit, for any number of threads.
final class LikelihoodKernel {
    private let rows: OpaquePointer
    private let threads: Int
    let parameterCount: Int

    init(_ data: SurvivalData, ties: Ties, threads: Int, instructions: InstructionSet) {
        precondition(data.rowCount <= Int32.max, "more rows than the kernel can count")
        precondition(ties == .efron || ties == .breslow, "ties whose likelihood is no sum over rows")
        precondition(
            threads > 0 && instructions <= .best, "no thread, or instructions that the machine lacks")
        (self.threads, parameterCount) = (threads, data.columnCount)
        rows = cox_create(
            Int64(data.rowCount), Int32(data.columnCount), data.exit, data.entry, data.event, data.weight,
            data.offset, data.stratum, ties == .efron, instructions.kernel)
        nonisolated(unsafe) let rows = rows  // each part writes a column of its own
        Workers(count: threads).run(Int64(data.columnCount)) { _, column in
            cox_fill(rows, Int32(column), data.columns[Int(column)])
        }
        cox_seal(rows)
    }

    deinit { cox_destroy(rows) }

    /// Bytes that the laid-out rows and one evaluation's working memory take.
    var byteCount: Int { Int(cox_layout_bytes(rows) + cox_working_bytes(rows, Int32(threads))) }

    /// Log-likelihood, score and information at `beta`, each event time counted `importance(time)` times.
    ///
    /// Throws `riskOutOfRange` where exp(xβ + offset) is no number, or spans more than the range of the numbers.
    func evaluate(
        at beta: [Double], importance: ((_ time: Double) -> Double)? = nil
    ) throws(SurvivalDataError) -> LikelihoodSums {
        precondition(beta.count == parameterCount, "one coefficient per covariate")
        var sums = LikelihoodSums.zero(parameterCount: parameterCount)
        let slots = UnsafeBufferPointer(start: cox_slot_times(rows), count: Int(cox_slots(rows)))
        if slots.isEmpty { return sums }
        guard let begun = cox_begin(rows, beta, importance.map(slots.map), Int32(threads)) else {
            throw .riskOutOfRange
        }
        // Each part writes what no other reads before the next step.
        nonisolated(unsafe) let evaluation = begun
        let workers = Workers(count: threads)
        workers.run(cox_sum_parts(rows)) { cox_sum_part(evaluation, $0, $1) }
        cox_carry(evaluation)
        workers.run(cox_parts(rows)) { cox_hazard_part(evaluation, $0, $1) }
        guard cox_accumulate(evaluation) else {
            cox_abandon(evaluation)
            throw .riskOutOfRange
        }
        workers.run(cox_parts(rows)) { cox_gram_part(evaluation, $0, $1) }
        sums.logLikelihood = cox_finish(evaluation, &sums.score, &sums.information.packedUpper)
        return sums
    }
}

// What the pointer leads to is not changed after `init`, but for the working memory of an evaluation, which
// is handed over from one evaluation to the next by an atomic exchange.
extension LikelihoodKernel: @unchecked Sendable {}
