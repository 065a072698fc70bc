/// Cox's log partial likelihood, its gradient and the information, of the rows of one site.
///
/// Right-censored or (start, stop] rows, Efron's or Breslow's ties, strata, weights, offset. The algebra is
/// in likelihood.h, the arithmetic in kernel.inc; which of its compiled copies runs is decided once, when the
/// rows are laid out. Everything is deterministic: the work is cut into superblocks that do not depend on the
/// number of threads, each leaves its own partial sums, and these are added in a fixed order.
#pragma once

#include <stdbool.h>
#include <stdint.h>

/// The compiled copies of the arithmetic; they differ in rounding only.
typedef enum {
    COX_PORTABLE = 0,
    COX_AVX2 = 1,
    COX_AVX512 = 2,
} cox_instructions;

/// The best copy that this machine can run.
cox_instructions cox_best_instructions(void);

/// The rows of one analysis, sorted, cut into blocks, ready to be evaluated. Immutable once sealed.
typedef struct cox_likelihood cox_likelihood;

/// One evaluation at one β, with its working memory.
typedef struct cox_evaluation cox_evaluation;

/// Sorts the rows and finds the risk sets. Absent vectors are NULL; `entry` < `exit`, `weight` > 0, `stratum`
/// >= 0.
///
/// Reads the vectors during the call only.
cox_likelihood *cox_create(
    int64_t rows, int32_t columns, const double *exit, const double *entry, const bool *event,
    const double *weight, const double *offset, const int32_t *stratum, bool efron,
    cox_instructions instructions);

/// Lays out one covariate, in the order in which rows were given to `cox_create`. Columns may be filled in
/// parallel.
void cox_fill(cox_likelihood *likelihood, int32_t column, const double *values);

/// Frees what only the layout needed; to be called once, after all columns.
void cox_seal(cox_likelihood *likelihood);

void cox_destroy(cox_likelihood *likelihood);

/// Bytes that the rows take, and those of one evaluation's working memory for `threads` workers.
int64_t cox_layout_bytes(const cox_likelihood *likelihood);
int64_t cox_working_bytes(const cox_likelihood *likelihood, int32_t threads);

/// Sets of rows over which sums are needed, and the event time of each. With no slot nobody dies: all sums
/// are 0, and there is nothing to evaluate.
int64_t cox_slots(const cox_likelihood *likelihood);
const double *cox_slot_times(const cox_likelihood *likelihood);

/// Begins an evaluation. NULL if x·β + offset is not finite.
///
/// `importance` is how often each slot's event time counts, in all sums; NULL for once.
///
/// Then, in this order, each `..._part` for every part below its count, in parallel or not, with `worker` <
/// `threads` and different for calls that run at the same time:
///     cox_sum_part, cox_carry, cox_hazard_part, cox_accumulate, cox_gram_part, cox_finish.
cox_evaluation *cox_begin(
    cox_likelihood *likelihood, const double *beta, const double *importance, int32_t threads);

/// Parts of `cox_sum_part`, and of the two others.
int64_t cox_sum_parts(const cox_likelihood *likelihood);
int64_t cox_parts(const cox_likelihood *likelihood);

void cox_sum_part(cox_evaluation *evaluation, int32_t worker, int64_t part);
void cox_carry(cox_evaluation *evaluation);
void cox_hazard_part(cox_evaluation *evaluation, int32_t worker, int64_t part);
/// False if the sum over some risk set is 0 or not finite; the evaluation must then be ended by
/// `cox_abandon`.
bool cox_accumulate(cox_evaluation *evaluation);
void cox_gram_part(cox_evaluation *evaluation, int32_t worker, int64_t part);

/// Gives the log-likelihood, writes the score (p numbers) and the information (packed upper triangle), ends
/// the evaluation.
double cox_finish(cox_evaluation *evaluation, double *score, double *information);

/// Ends an evaluation without a result.
void cox_abandon(cox_evaluation *evaluation);
