// Lays out the covariates.

#include "layout.h"

#include <stdlib.h>
#include <string.h>

#if defined(__linux__)
#include <sys/mman.h>
#endif

#pragma STDC FP_CONTRACT OFF

// --- Memory.

void *cox_reserve(size_t bytes) {
    // Large arrays on pages of 2 MB: streaming through pages of 4 KB misses the translation buffer all the
    // time.
    const size_t huge = (size_t)2 << 20;
    size_t alignment = bytes >= 2 * huge ? huge : 64;
    void *memory = NULL;
    if (posix_memalign(&memory, alignment, bytes + 64) != 0) abort();
#if defined(__linux__)
    if (bytes >= 2 * huge) madvise(memory, bytes, MADV_HUGEPAGE);
#endif
    return memory;
}

void *cox_allocate(size_t bytes) { return memset(cox_reserve(bytes), 0, bytes + 64); }

// --- Rows.

// A vector is brought into order in two steps, each of which stays within a cache: the rows of so many neighbouring
// places are staged together, in the caller's order, and go to their places from there.
enum { SHELF = 1 << 14 };

// Where each row of the caller is staged; those that are left out come last.
static void stage_rows(cox_rows *rows, const item *items, int64_t given) {
    int64_t shelves = rows->count / SHELF + 2, left_out = shelves - 1;
    int32_t *next = allocate(shelves, sizeof *next), *stage = cox_reserve((size_t)given * sizeof *stage);
    for (int64_t row = 0; row < given; row++) stage[row] = (int32_t)left_out;
    for (int64_t i = 0; i < rows->count; i++) stage[items[i].row] = (int32_t)(i / SHELF);
    for (int64_t shelf = 0; shelf < left_out; shelf++) next[shelf] = (int32_t)(shelf * SHELF);
    next[left_out] = (int32_t)rows->count;
    for (int64_t row = 0; row < given; row++) stage[row] = next[stage[row]]++;
    free(next);
    rows->stage = stage;
}

// Memory for a staged vector: that of an earlier one, if nobody else has taken it.
static double *take_staging(cox_likelihood *likelihood) {
    double *idle = __atomic_exchange_n(&likelihood->idle_staging, NULL, __ATOMIC_ACQUIRE);
    return idle ? idle : cox_reserve((size_t)likelihood->given * sizeof *idle);
}

static void leave_staging(cox_likelihood *likelihood, double *staging) {
    free(__atomic_exchange_n(&likelihood->idle_staging, staging, __ATOMIC_ACQ_REL));
}

static void stage(const cox_likelihood *likelihood, int order, const double *values, double *staging) {
    const int32_t *to = likelihood->rows[order].stage;
    for (int64_t row = 0; row < likelihood->given; row++) staging[to[row]] = values[row];
}

static void place_weights(cox_likelihood *likelihood, int order, const double *weight) {
    cox_rows *rows = &likelihood->rows[order];
    int64_t places = rows->blocks * ROWS;
    rows->weight = cox_reserve((size_t)places * sizeof(double));
    if (places == 0) return;
    double *staging = take_staging(likelihood);
    stage(likelihood, order, weight, staging);
    for (int64_t i = 0; i < places; i++) rows->weight[i] = rows->source[i] < 0 ? 0 : staging[rows->source[i]];
    leave_staging(likelihood, staging);
}

static void place_rows(cox_likelihood *likelihood, int order, const item *items, const input *in) {
    cox_rows *rows = &likelihood->rows[order];
    int64_t places = rows->blocks * ROWS;
    rows->source = cox_reserve((size_t)places * sizeof *rows->source);
    memset(rows->source, 0xff, (size_t)places * sizeof *rows->source);
    if (rows->count > 0) stage_rows(rows, items, in->count);
    for (int64_t i = 0; i < rows->count; i++) rows->source[place(i)] = rows->stage[items[i].row];
    rows->x = cox_reserve((size_t)(places * likelihood->columns) * sizeof *rows->x);
    rows->tail = allocate(rows->blocks, sizeof *rows->tail);
    for (int64_t block = 0; block < rows->blocks; block++) rows->tail[block] = -1;
    for (int64_t i = 0; i < likelihood->strata; i++) {
        int32_t first = likelihood->stratum[i].first[order];
        if (first < rows->count) rows->tail[first / ROWS] = (int16_t)(first % ROWS);
    }
    rows->last_weight = allocate(ROWS, sizeof(double));
    for (int64_t i = 0; i < ROWS && places > 0; i++) {
        rows->last_weight[i] = rows->source[places - ROWS + i] >= 0;
    }
    if (in->weight) place_weights(likelihood, order, in->weight);
    if (in->offset) rows->offset = cox_reserve((size_t)places * sizeof(double));
}

// A number to centre a stratum's rows with: the mean of some thousand of them, evenly spread. The results do not depend
// on it, and that near the mean it costs no digits either. Of equal values it is the value itself, so that they become 0.
static double center_of(const double *staging, const int32_t *source, int64_t first, int64_t stop) {
    int64_t step = cox_greatest(1, (stop - first) / 4096), count = 0;
    double base = staging[source[place(first)]], sum = 0;
    for (int64_t row = first; row < stop; row += step, count++) sum += staging[source[place(row)]] - base;
    return base + sum / (double)count;
}

typedef struct { double lowest, highest; } range;

// In four strands that do not wait for each other.
static void widen(range *seen, const double *values, int64_t count) {
    double lowest[4], highest[4];
    for (int k = 0; k < 4; k++) lowest[k] = seen->lowest, highest[k] = seen->highest;
    for (int64_t i = 0; i < count; i++) {
        lowest[i % 4] = values[i] < lowest[i % 4] ? values[i] : lowest[i % 4];
        highest[i % 4] = values[i] > highest[i % 4] ? values[i] : highest[i % 4];
    }
    for (int k = 0; k < 4; k++) {
        if (lowest[k] < seen->lowest) seen->lowest = lowest[k];
        if (highest[k] > seen->highest) seen->highest = highest[k];
    }
}

// Writes the rows of one stratum in one order: whole blocks place by place, the rest row by row.
static void write_centered(
    const double *staging, const int32_t *source, int64_t first, int64_t stop, double center, double *to,
    int64_t stride, range *seen
) {
    while (first < stop) {
        int64_t block = first / ROWS, end = cox_least(stop, (block + 1) * ROWS);
        double *out = to + block * stride;
        if (end - first == ROWS) {
            for (int64_t i = 0; i < ROWS; i++) out[i] = staging[source[first + i]] - center;
            widen(seen, out, ROWS);
        }
        for (int64_t row = first; end - first < ROWS && row < end; row++) {
            double *value = out + place(row) % ROWS;
            *value = staging[source[place(row)]] - center;
            widen(seen, value, 1);
        }
        first = end;
    }
}

// Writes one vector in both orders, centred in each stratum (which changes no sum, and keeps digits); notes
// its range.
static range center(cox_likelihood *likelihood, const double *values, double *to[2], int64_t stride) {
    range seen = {0, 0};
    double *staging = take_staging(likelihood), *centers = allocate(likelihood->strata, sizeof *centers);
    for (int order = EXITS; order <= ENTRIES; order++) {
        const cox_rows *rows = &likelihood->rows[order];
        if (rows->count > 0) stage(likelihood, order, values, staging);
        for (int64_t i = 0; i < likelihood->strata; i++) {
            int64_t first = likelihood->stratum[i].first[order], stop = likelihood->stratum[i + 1].first[order];
            if (order == EXITS) centers[i] = center_of(staging, rows->source, first, stop);
            write_centered(staging, rows->source, first, stop, centers[i], to[order], stride, &seen);
        }
        for (int64_t row = rows->count; row < rows->blocks * ROWS; row++) {
            to[order][row / ROWS * stride + place(row) % ROWS] = 0;
        }
    }
    free(centers);
    leave_staging(likelihood, staging);
    return seen;
}

cox_likelihood *cox_create(
    int64_t rows, int32_t columns, const double *exit, const double *entry, const bool *event,
    const double *weight, const double *offset, const int32_t *stratum, bool efron,
    cox_instructions instructions
) {
    cox_likelihood *likelihood = allocate(1, sizeof *likelihood);
    likelihood->kernel = cox_kernel_for(instructions);
    likelihood->columns = columns;
    likelihood->given = rows;
    input in = {
        .count = rows, .exit = exit, .entry = entry, .weight = weight, .offset = offset, .event = event,
        .stratum = stratum, .efron = efron,
    };
    cox_sort_rows(likelihood, &in);
    place_rows(likelihood, EXITS, in.exits, &in);
    place_rows(likelihood, ENTRIES, in.entries, &in);
    free(in.exits);
    free(in.entries);
    likelihood->ones = allocate(ROWS, sizeof(double));
    for (int64_t i = 0; i < ROWS; i++) likelihood->ones[i] = 1;
    likelihood->death_sum = allocate(columns + 1, sizeof(double));
    likelihood->lowest = allocate(columns + 1, sizeof(double));
    likelihood->highest = allocate(columns + 1, sizeof(double));
    if (offset) {
        double *to[2] = {likelihood->rows[EXITS].offset, likelihood->rows[ENTRIES].offset};
        range seen = center(likelihood, offset, to, ROWS);
        likelihood->lowest[columns] = seen.lowest;
        likelihood->highest[columns] = seen.highest;
        likelihood->death_sum[columns] = cox_sum_deaths(likelihood, columns, NULL);
    }
    return likelihood;
}

void cox_fill(cox_likelihood *likelihood, int32_t column, const double *values) {
    double *to[2];
    for (int order = EXITS; order <= ENTRIES; order++) to[order] = likelihood->rows[order].x + column * ROWS;
    range seen = center(likelihood, values, to, (int64_t)likelihood->columns * ROWS);
    likelihood->lowest[column] = seen.lowest;
    likelihood->highest[column] = seen.highest;
    likelihood->death_sum[column] = cox_sum_deaths(likelihood, column, NULL);
}

double cox_sum_deaths(const cox_likelihood *likelihood, int64_t column, const double *importance) {
    const cox_rows *rows = &likelihood->rows[EXITS];
    int64_t columns = likelihood->columns, stride = column < columns ? columns * ROWS : ROWS;
    const double *values = column < columns ? rows->x + column * ROWS : rows->offset;
    double sum = 0, part = 0;
    if (!values) return 0;
    for (int64_t slot = 0; slot < likelihood->slots; slot++) {
        int64_t end = likelihood->end[EXITS][slot];
        double share = 0;
        for (int64_t row = end - likelihood->deaths[slot]; row < end; row++) {
            int64_t at = place(row);
            share += (rows->weight ? rows->weight[at] : 1) * values[row / ROWS * stride + at % ROWS];
        }
        part += share * (importance ? importance[slot] : 1);
        if (slot % ROWS == ROWS - 1) {
            sum += part;
            part = 0;
        }
    }
    return sum + part;
}

void cox_seal(cox_likelihood *likelihood) {
    for (int order = EXITS; order <= ENTRIES; order++) {
        cox_rows *rows = &likelihood->rows[order];
        free(rows->stage);
        free(rows->source);
        rows->stage = rows->source = NULL;
    }
    free(likelihood->idle_staging);
    likelihood->idle_staging = NULL;
}

void cox_destroy(cox_likelihood *likelihood) {
    cox_free_evaluation(likelihood->idle);
    cox_seal(likelihood);
    for (int order = EXITS; order <= ENTRIES; order++) {
        cox_rows *rows = &likelihood->rows[order];
        free(rows->x);
        free(rows->weight);
        free(rows->offset);
        free(rows->last_weight);
        free(rows->tail);
        free(likelihood->end[order]);
    }
    free(likelihood->stratum);
    free(likelihood->deaths);
    free(likelihood->death_weight);
    free(likelihood->time);
    free(likelihood->exit_slot);
    free(likelihood->entry_slot);
    free(likelihood->part_slot);
    free(likelihood->ones);
    free(likelihood->death_sum);
    free(likelihood->lowest);
    free(likelihood->highest);
    free(likelihood);
}
