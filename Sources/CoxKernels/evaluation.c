// The serial parts of an evaluation: its memory, the shift, the carries between blocks, Λ, the final sums.

#include "likelihood.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#pragma STDC FP_CONTRACT OFF

static double *allocate(int64_t count) { return cox_allocate((size_t)count * sizeof(double)); }

// --- Memory.

// The lane sums of all tiles of the Gram matrix, those below the diagonal included.
static int64_t tile_doubles(const cox_likelihood *likelihood) {
    const cox_kernel *kernel = likelihood->kernel;
    int64_t down = (likelihood->columns + kernel->tile_rows - 1) / kernel->tile_rows;
    int64_t across = (likelihood->columns + kernel->tile_columns - 1) / kernel->tile_columns;
    return down * across * kernel->tile_rows * kernel->tile_columns * kernel->lanes;
}

static void allocate_scratch(cox_scratch *scratch, const cox_likelihood *likelihood) {
    int64_t columns = likelihood->columns, lanes = likelihood->kernel->lanes;
    *scratch = (cox_scratch){
        .means = allocate(columns * ROWS), .waiting = allocate(columns),
        .panel = allocate(likelihood->kernel->tile_rows * ROWS),
        .tiles = allocate(tile_doubles(likelihood)), .products = allocate((columns + 1) * lanes),
        .factor = allocate(ROWS), .running = allocate(4 * ROWS), .sums = allocate(ROWS + 2 * lanes),
        .slot_factor = allocate(ROWS), .slot_place = cox_allocate(ROWS),
    };
    for (int i = 0; i < 3; i++) scratch->mix[i] = allocate(ROWS);
}

static void free_scratch(cox_scratch *scratch) {
    free(scratch->means);
    free(scratch->waiting);
    free(scratch->panel);
    free(scratch->tiles);
    free(scratch->products);
    free(scratch->factor);
    free(scratch->running);
    free(scratch->sums);
    free(scratch->slot_factor);
    free(scratch->slot_place);
    for (int i = 0; i < 3; i++) free(scratch->mix[i]);
}

static cox_evaluation *allocate_evaluation(cox_likelihood *likelihood, int32_t threads) {
    cox_evaluation *evaluation = cox_allocate(sizeof *evaluation);
    int64_t columns = likelihood->columns, parts = cox_parts(likelihood);
    evaluation->likelihood = likelihood;
    evaluation->threads = threads;
    evaluation->beta = allocate(columns);
    evaluation->death_sum = allocate(columns + 1);
    for (int order = EXITS; order <= ENTRIES; order++) {
        int64_t blocks = likelihood->rows[order].blocks;
        evaluation->risk[order] = allocate(blocks * ROWS);
        evaluation->high[order] = allocate(blocks * (columns + 1));
        evaluation->low[order] = allocate(blocks * (columns + 1));
    }
    evaluation->inverse = allocate(likelihood->slots);
    evaluation->shape = allocate(likelihood->slots);
    evaluation->hazard = allocate(likelihood->slots + 1);
    evaluation->part_log = allocate(parts);
    evaluation->part_is_valid = cox_allocate((size_t)parts);
    evaluation->part_products = allocate(parts * columns);
    evaluation->part_gram = allocate(parts * (columns * (columns + 1) / 2));
    evaluation->scratch = cox_allocate((size_t)threads * sizeof *evaluation->scratch);
    for (int32_t i = 0; i < threads; i++) allocate_scratch(evaluation->scratch + i, likelihood);
    return evaluation;
}

void cox_free_evaluation(cox_evaluation *evaluation) {
    if (!evaluation) return;
    for (int32_t i = 0; i < evaluation->threads; i++) free_scratch(evaluation->scratch + i);
    free(evaluation->scratch);
    free(evaluation->beta);
    free(evaluation->importance);
    free(evaluation->death_sum);
    for (int order = EXITS; order <= ENTRIES; order++) {
        free(evaluation->offset[order]);
        free(evaluation->risk[order]);
        free(evaluation->high[order]);
        free(evaluation->low[order]);
    }
    free(evaluation->inverse);
    free(evaluation->shape);
    free(evaluation->hazard);
    free(evaluation->part_log);
    free(evaluation->part_is_valid);
    free(evaluation->part_products);
    free(evaluation->part_gram);
    free(evaluation);
}

// The memory of an earlier evaluation, if none that runs at the same time has taken it.
static cox_evaluation *take_evaluation(cox_likelihood *likelihood, int32_t threads) {
    cox_evaluation *idle = __atomic_exchange_n(&likelihood->idle, NULL, __ATOMIC_ACQUIRE);
    if (idle && idle->threads == threads) return idle;
    cox_free_evaluation(idle);
    return allocate_evaluation(likelihood, threads);
}

void cox_abandon(cox_evaluation *evaluation) {
    cox_likelihood *likelihood = evaluation->likelihood;
    for (int order = EXITS; order <= ENTRIES; order++) {
        free(evaluation->offset[order]);
        evaluation->offset[order] = NULL;
    }
    free(evaluation->importance);
    evaluation->importance = NULL;
    cox_free_evaluation(__atomic_exchange_n(&likelihood->idle, evaluation, __ATOMIC_ACQ_REL));
}

// --- The shift M.

// Whether |x·β + offset| is surely below a bound at which neither r nor 1/S0 nor their products overflow.
static bool is_moderate(const cox_likelihood *likelihood, const double *beta) {
    int64_t columns = likelihood->columns;
    double above = likelihood->highest[columns], below = likelihood->lowest[columns];
    for (int64_t j = 0; j < columns; j++) {
        double low = beta[j] * likelihood->lowest[j], high = beta[j] * likelihood->highest[j];
        above += fmax(low, high);
        below += fmin(low, high);
    }
    return above < 300 && below > -300 && isfinite(above - below);
}

// M is the largest x·β + offset of each stratum; it goes into the offsets. False if some are not finite.
static bool shift_predictors(cox_evaluation *evaluation) {
    const cox_likelihood *likelihood = evaluation->likelihood;
    int64_t columns = likelihood->columns;
    double *predictor = evaluation->risk[EXITS];
    for (int order = EXITS; order <= ENTRIES; order++) {
        const cox_rows *rows = &likelihood->rows[order];
        size_t places = (size_t)(rows->blocks * ROWS);
        evaluation->offset[order] = allocate(rows->blocks * ROWS);
        if (rows->offset) memcpy(evaluation->offset[order], rows->offset, places * sizeof(double));
    }
    const cox_rows *rows = &likelihood->rows[EXITS];
    for (int64_t i = 0; i < rows->blocks * ROWS; i++) {
        predictor[i] = evaluation->offset[EXITS][i];
        const double *x = rows->x + i / ROWS * columns * ROWS + i % ROWS;
        for (int64_t j = 0; j < columns; j++) predictor[i] += evaluation->beta[j] * x[j * ROWS];
    }
    for (int64_t i = 0; i < likelihood->strata; i++) {
        const cox_stratum *stratum = likelihood->stratum + i;
        double largest = -INFINITY;
        for (int64_t row = stratum[0].first[EXITS]; row < stratum[1].first[EXITS]; row++) {
            double value = predictor[place(row)];
            if (!isfinite(value)) return false;
            largest = fmax(largest, value);
        }
        for (int order = EXITS; order <= ENTRIES; order++) {
            for (int64_t row = stratum[0].first[order]; row < stratum[1].first[order]; row++) {
                evaluation->offset[order][place(row)] -= largest;
            }
        }
        double weight = 0;
        for (int64_t slot = stratum[0].slot; slot < stratum[1].slot; slot++) {
            double times = evaluation->importance ? evaluation->importance[slot] : 1;
            weight += times * likelihood->death_weight[slot];
        }
        evaluation->shift_sum += largest * weight;
    }
    return true;
}

static void count_by_importance(cox_evaluation *evaluation, const double *importance) {
    const cox_likelihood *likelihood = evaluation->likelihood;
    int64_t columns = likelihood->columns;
    if (!importance) {
        memcpy(evaluation->death_sum, likelihood->death_sum, (size_t)(columns + 1) * sizeof(double));
        return;
    }
    evaluation->importance = allocate(likelihood->slots);
    memcpy(evaluation->importance, importance, (size_t)likelihood->slots * sizeof(double));
    for (int64_t j = 0; j <= columns; j++) {
        evaluation->death_sum[j] = cox_sum_deaths(likelihood, j, importance);
    }
}

cox_evaluation *cox_begin(
    cox_likelihood *likelihood, const double *beta, const double *importance, int32_t threads
) {
    cox_evaluation *evaluation = take_evaluation(likelihood, threads);
    memcpy(evaluation->beta, beta, (size_t)likelihood->columns * sizeof(double));
    count_by_importance(evaluation, importance);
    evaluation->shift_sum = 0;
    if (is_moderate(likelihood, beta) || shift_predictors(evaluation)) return evaluation;
    cox_abandon(evaluation);
    return NULL;
}

// --- Passes.

static int64_t parts_of(const cox_rows *rows) {
    return (rows->blocks + rows->superblock - 1) / rows->superblock;
}

int64_t cox_parts(const cox_likelihood *likelihood) { return parts_of(&likelihood->rows[EXITS]); }

int64_t cox_sum_parts(const cox_likelihood *likelihood) {
    return parts_of(&likelihood->rows[EXITS]) + parts_of(&likelihood->rows[ENTRIES]);
}

int64_t cox_slots(const cox_likelihood *likelihood) { return likelihood->slots; }

const double *cox_slot_times(const cox_likelihood *likelihood) { return likelihood->time; }

void cox_sum_part(cox_evaluation *evaluation, int32_t worker, int64_t part) {
    const cox_likelihood *likelihood = evaluation->likelihood;
    int order = part < cox_parts(likelihood) ? EXITS : ENTRIES;
    if (order == ENTRIES) part -= cox_parts(likelihood);
    const cox_rows *rows = &likelihood->rows[order];
    int64_t first = part * rows->superblock, last = cox_least(first + rows->superblock, rows->blocks);
    likelihood->kernel->sum_blocks(evaluation, evaluation->scratch + worker, order, first, last);
}

// Turns the blocks' own sums into the sums over the rows of the same stratum in earlier blocks (TwoSum
// throughout: sums over exits and entries are subtracted from each other).
void cox_carry(cox_evaluation *evaluation) {
    const cox_likelihood *likelihood = evaluation->likelihood;
    int64_t width = likelihood->columns + 1;
    double *carry = allocate(2 * width), *rest = carry + width;
    for (int order = EXITS; order <= ENTRIES; order++) {
        const cox_rows *rows = &likelihood->rows[order];
        memset(carry, 0, (size_t)(2 * width) * sizeof(double));
        for (int64_t block = 0; block < rows->blocks; block++) {
            double *restrict high = evaluation->high[order] + block * width;
            double *restrict low = evaluation->low[order] + block * width;
            double keep = rows->tail[block] < 0 ? 1 : 0;
            for (int64_t j = 0; j < width; j++) {
                double own = high[j], before = keep * carry[j];
                high[j] = carry[j];
                low[j] = rest[j];
                double total = before + own, taken = total - before;
                rest[j] = keep * rest[j] + ((before - (total - taken)) + (own - taken));
                carry[j] = total;
            }
        }
    }
    free(carry);
}

void cox_hazard_part(cox_evaluation *evaluation, int32_t worker, int64_t part) {
    evaluation->likelihood->kernel->find_hazards(evaluation, evaluation->scratch + worker, part);
}

// Turns increments into Λ: from each stratum's earliest event time (its last slot) on; the deaths of a tied
// time have theirs in place of the survivors'.
bool cox_accumulate(cox_evaluation *evaluation) {
    const cox_likelihood *likelihood = evaluation->likelihood;
    bool is_valid = true;
    for (int64_t part = 0; part < cox_parts(likelihood); part++) is_valid &= evaluation->part_is_valid[part];
    double *hazard = evaluation->hazard;
    hazard[likelihood->slots] = 0;
    for (int64_t i = 0; i < likelihood->strata; i++) {
        double sum = 0;
        int64_t first = likelihood->stratum[i].slot;
        for (int64_t slot = likelihood->stratum[i + 1].slot - 1; slot >= first; slot--) {
            double before = sum;
            hazard[slot] = sum += hazard[slot];
            if (slot > first && likelihood->deaths[slot - 1] == 0) {
                slot--;
                hazard[slot] += before;
            }
        }
    }
    return is_valid;
}

void cox_gram_part(cox_evaluation *evaluation, int32_t worker, int64_t part) {
    evaluation->likelihood->kernel->add_gram(evaluation, evaluation->scratch + worker, part);
}

double cox_finish(cox_evaluation *evaluation, double *score, double *information) {
    const cox_likelihood *likelihood = evaluation->likelihood;
    int64_t columns = likelihood->columns, packed = columns * (columns + 1) / 2;
    int64_t parts = cox_parts(likelihood);
    double sum = evaluation->death_sum[columns] - evaluation->shift_sum, low = 0;
    for (int64_t j = 0; j < columns; j++) {
        sum += evaluation->beta[j] * evaluation->death_sum[j];
        score[j] = evaluation->death_sum[j];
    }
    memset(information, 0, (size_t)packed * sizeof(double));
    for (int64_t part = 0; part < parts; part++) {
        double term = -evaluation->part_log[part], total = sum + term, taken = total - sum;
        low += (sum - (total - taken)) + (term - taken);
        sum = total;
        for (int64_t j = 0; j < columns; j++) score[j] -= evaluation->part_products[part * columns + j];
        for (int64_t k = 0; k < packed; k++) information[k] += evaluation->part_gram[part * packed + k];
    }
    cox_abandon(evaluation);
    return sum + low;
}

// --- Memory in bytes, for those who plan or measure it.

int64_t cox_layout_bytes(const cox_likelihood *likelihood) {
    int64_t places = 0, slots = likelihood->slots;
    for (int order = EXITS; order <= ENTRIES; order++) {
        const cox_rows *rows = &likelihood->rows[order];
        int64_t doubles = likelihood->columns + (rows->weight != NULL) + (rows->offset != NULL);
        places += rows->blocks * ROWS * doubles * (int64_t)sizeof(double);
    }
    int64_t exits = likelihood->rows[EXITS].blocks * ROWS * (int64_t)sizeof(int32_t);
    return places + exits * (likelihood->entry_slot ? 2 : 1) + slots * (3 * 4 + 2 * 8);
}

int64_t cox_working_bytes(const cox_likelihood *likelihood, int32_t threads) {
    int64_t columns = likelihood->columns, doubles = 3 * likelihood->slots;
    for (int order = EXITS; order <= ENTRIES; order++) {
        doubles += likelihood->rows[order].blocks * (ROWS + 2 * (columns + 1));
    }
    doubles += cox_parts(likelihood) * (columns * (columns + 3) / 2 + 1);
    doubles += threads * ((columns + likelihood->kernel->tile_rows + 11) * ROWS + tile_doubles(likelihood));
    return doubles * (int64_t)sizeof(double);
}
