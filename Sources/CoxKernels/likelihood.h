// Rows, risk sets and working memory of Cox's partial likelihood; shared by the files of this target.
//
// The algebra, in one stratum (everything adds up over strata). Row i is at risk in (a_i, b_i], has weight
// w_i, linear predictor η_i = x_i·β + offset_i, and r_i = w_i exp(η_i − M), M a shift of the stratum. At
// event time t_k there are d_k deaths of total weight ω_k; S0 = Σ r and S1 = Σ r x over those at risk, + with
// the deaths, − without them. Efron's l-th denominator, l = 0 … d−1, f = l/d, c = ω/d:
//
//     s_l = (1 − f) S0⁺ + f S0⁻                   (a sum of positive terms; Breslow has f = 0)
//     ℓ   = Σ_dead w η − Σ_k c Σ_l log s_l
//     h_k = c Σ_l 1/s_l for those who stay,  h'_k = c Σ_l (1 − f)/s_l for the deaths themselves
//     Λ_i = Σ h_k over a_i < t_k ≤ b_i, with h'_k for the last term if i dies at t_k;   g_i = r_i Λ_i
//     score = Σ_dead w x − Xᵀg
//     information = Xᵀ diag(g) X − Σ_k c Σ_l ā_l ā_lᵀ
//
// The mean covariates ā_l lie on the line from x̄⁺ = S1⁺/S0⁺ to x̄⁻ = S1⁻/S0⁻, at θ_l = f S0⁻/s_l, so that
//     c Σ_l ā_l ā_lᵀ = ω m mᵀ + c Σ_l (θ_l − θ̄)² Δ Δᵀ,   Δ = x̄⁻ − x̄⁺,   m = x̄⁺ + θ̄ Δ:
// one vector per event time, two if it is tied. They fill a block like rows, and go through the same Gram
// kernel with negative weights. Source: the Cox information as one weighted Gram matrix follows from
// exchanging the sums over event times and rows in Efron (JASA 1977; 72:557); Cox & Oakes, Analysis of
// Survival Data (1984), ch. 7, has the sums themselves.
//
// Order. Rows are sorted by stratum, then exit (latest first), then deaths last, so that a risk set is a
// prefix of the stratum's rows, less a prefix of the same rows sorted by entry. Those that enter late are
// therefore kept a second time, in that order. Sums over a prefix are: the carry into its block (compensated)
// + the sum within the block. What late entries leave of a sum keeps the digits of its largest terms, as in R.
//
// Where event times count more or less than once (sums for tests of proportional hazards weight them by a
// function of time), ω_k and the deaths' weights are multiplied by that number throughout.
//
// Within a block of 256 rows, row 16·a + b stands at position 16·b + a: sixteen lanes of sixteen consecutive
// rows. A running sum is then a plain vector addition per step in each lane, and an offset per lane at the
// end, with no shuffle.
#pragma once

#include "CoxKernels.h"

#include <stddef.h>

enum { SIDE = 16, ROWS = SIDE * SIDE };

/// Where a row stands in the arrays; its own inverse.
static inline int64_t place(int64_t row) {
    return (row & ~(int64_t)(ROWS - 1)) | (row % SIDE) * SIDE | (row / SIDE % SIDE);
}

/// The two orders in which rows are kept.
enum { EXITS = 0, ENTRIES = 1 };

/// Rows in one order: blocks of 256, column by column within a block, padded with rows of weight 0.
typedef struct {
    int64_t count, blocks;
    double *x;             // [block][column][place]
    double *weight;        // NULL: all 1
    double *offset;        // NULL: all 0
    double *last_weight;   // of the last block where `weight` is NULL: 1, and 0 for the padding
    int16_t *tail;         // per block: where the last stratum that begins in it begins, −1 if none does
    int32_t *stage;        // until sealed: where each row of the caller is staged (see layout.c); NULL if none is kept
    int32_t *source;       // until sealed: where the row at each place was staged, −1 for the padding
    int64_t superblock;    // blocks in a superblock: the unit of work, and of partial sums
} cox_rows;

/// A stratum's first row in either order, and its first slot.
typedef struct {
    int32_t first[2];
    int32_t slot;
    double death_weight;
} cox_stratum;

typedef struct cox_kernel cox_kernel;

struct cox_likelihood {
    const cox_kernel *kernel;
    int32_t columns;
    int64_t given;         // rows of the caller, of which those in no risk set are left out
    cox_rows rows[2];
    int64_t strata;
    cox_stratum *stratum;  // strata + 1 of them

    // Slots: the sets of rows over which sums are needed, latest time first. An event time has one, or two if
    // Efron's ties need the sums without the deaths: that one comes first, and has 0 deaths.
    int64_t slots;
    int32_t *end[2];       // the sums are over rows stratum.first ..< end, of exits less those of entries
    int32_t *deaths;
    double *death_weight;
    double *time;

    // Λ of a row is hazard[exit_slot] − hazard[entry_slot]; by place of the exits, `slots` where there is
    // none.
    int32_t *exit_slot;
    int32_t *entry_slot;   // NULL if nobody enters late

    int32_t *part_slot;    // first slot of each superblock of exits, by its event's last death; one more at the end
    double *ones;          // 256 of them

    double *death_sum;     // Σ over the deaths of w x, then of w·offset
    double *lowest, *highest;  // of each column, then of the offset, as stored
    double *idle_staging;  // until sealed: memory for one staged vector, for the next one to take
    cox_evaluation *idle;  // an evaluation's memory for the next one to take
};

/// Working memory of one worker.
typedef struct {
    double *means;         // [column][256]: sums, then mean covariates, at slots `first ..< first + filled`
    double *waiting;       // per column: sums at a slot whose partner is yet to come
    double *panel;         // columns times g
    double *tiles;         // lane sums of the Gram matrix
    double *products;      // lane sums of Xᵀg, or of Σ r and Σ r x
    double *factor;        // 256: g, or a masked copy of r
    double *running;       // 4 · 256: running sums within a block, or r apart
    double *mix[3];        // 256 + padding: own, next, previous slot's share in a slot's mean
    double *sums;          // 256 + padding
    double *slot_factor;   // 256
    uint8_t *slot_place;   // place in its block of the last row of each slot
    int64_t first, filled;
} cox_scratch;

struct cox_evaluation {
    cox_likelihood *likelihood;
    int32_t threads;
    double *beta;
    double *importance;    // per slot: how often its event time counts; NULL: once
    double *death_sum;     // the likelihood's, or with each death counted so
    double shift_sum;      // Σ over strata of M Σ ω, as counted
    double *offset[2];     // offsets less M, where the shift is needed; otherwise NULL
    double *risk[2];       // r by place
    double *high[2], *low[2];  // [block][1 + column]: the blocks' own sums, then those of the stratum before each
    double *inverse;       // per slot: S0, then 1/S0
    double *shape;         // per slot: θ̄, or for the sums without the deaths c Σ (θ − θ̄)²
    double *hazard;        // per slot: h or h', then Λ
    double *part_log;      // per superblock: Σ c Σ log s
    bool *part_is_valid;
    double *part_products; // per superblock: Xᵀg
    double *part_gram;     // per superblock: packed upper triangle
    cox_scratch *scratch;
};

/// One compiled copy of kernel.inc.
struct cox_kernel {
    int32_t lanes, tile_rows, tile_columns;
    void (*sum_blocks)(cox_evaluation *, cox_scratch *, int order, int64_t first, int64_t last);
    void (*find_hazards)(cox_evaluation *, cox_scratch *, int64_t part);
    void (*add_gram)(cox_evaluation *, cox_scratch *, int64_t part);
};

const cox_kernel *cox_kernel_for(cox_instructions instructions);

/// Σ over the deaths of w x in one column, or of w·offset (`column` = columns), each counted
/// `importance[slot]` times.
double cox_sum_deaths(const cox_likelihood *likelihood, int64_t column, const double *importance);

void cox_free_evaluation(cox_evaluation *evaluation);

/// Aligned, zeroed memory; aborts where there is none, as a Swift array does.
void *cox_allocate(size_t bytes);

static inline int64_t cox_least(int64_t a, int64_t b) { return a < b ? a : b; }
static inline int64_t cox_greatest(int64_t a, int64_t b) { return a > b ? a : b; }
