// The kernels of Sources/CoxKernels on random rows of every shape, for AddressSanitizer and UndefinedBehaviorSanitizer.
//
// Every vector is allocated to its exact length, so that a read beyond its end is seen. Each shape is evaluated by every
// copy of the arithmetic that the machine can run, with one worker and with three; the numbers must agree.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "CoxKernels.h"

static uint64_t state = 2026;

/// SplitMix64.
static uint64_t draw(void) {
    uint64_t z = (state += 0x9E3779B97F4A7C15u);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

static int64_t below(int64_t limit) { return (int64_t)(draw() % (uint64_t)limit); }
static double uniform(void) { return (double)(draw() >> 11) * 0x1p-53; }

/// `malloc` that is never asked for nothing, and never fails.
static void *vector(int64_t count, size_t size) {
    void *bytes = malloc(count > 0 ? (size_t)count * size : 1);
    if (!bytes) abort();
    return bytes;
}

typedef struct {
    int64_t rows;
    int32_t columns;
    double *exit, *entry, *weight, *offset, *importance;
    bool *event;
    int32_t *stratum;
    double **x;
    double *beta;
    bool efron;
} shape;

static shape random_shape(void) {
    static const int64_t sizes[] = {1, 2, 3, 7, 8, 9, 31, 64, 65, 255, 256, 257, 1000, 4099};
    shape s = {.rows = sizes[below(14)], .columns = (int32_t)below(below(4) ? 6 : 40), .efron = below(2)};
    int64_t times = below(3) ? 1 + below(20) : 100000;
    int64_t events = below(4);  // nobody, few, most, all
    s.exit = vector(s.rows, sizeof(double));
    s.event = vector(s.rows, sizeof(bool));
    s.entry = below(3) ? NULL : vector(s.rows, sizeof(double));
    s.weight = below(3) ? NULL : vector(s.rows, sizeof(double));
    s.offset = below(3) ? NULL : vector(s.rows, sizeof(double));
    s.stratum = below(3) ? NULL : vector(s.rows, sizeof(int32_t));
    for (int64_t row = 0; row < s.rows; row++) {
        s.exit[row] = (double)(1 + below(times));
        s.event[row] = events == 3 || (events && below(10) < (events == 1 ? 1 : 7));
        if (s.entry) s.entry[row] = s.exit[row] - 0.5 - (double)below(10);
        if (s.weight) s.weight[row] = 0.25 + uniform();
        if (s.offset) s.offset[row] = uniform() - 0.5;
        if (s.stratum) s.stratum[row] = (int32_t)below(5);
    }
    s.x = vector(s.columns, sizeof(double *));
    s.beta = vector(s.columns, sizeof(double));
    for (int32_t column = 0; column < s.columns; column++) {
        s.x[column] = vector(s.rows, sizeof(double));
        bool binary = below(2);
        for (int64_t row = 0; row < s.rows; row++) s.x[column][row] = binary ? (double)below(2) : uniform() - 0.5;
        s.beta[column] = uniform() - 0.5;
    }
    return s;
}

static void free_shape(shape s) {
    for (int32_t column = 0; column < s.columns; column++) free(s.x[column]);
    free(s.x), free(s.beta), free(s.exit), free(s.entry), free(s.weight), free(s.offset), free(s.event);
    free(s.stratum);
}

/// Log-likelihood, score, packed information: into `sums`; false if there is nothing to evaluate, or no result.
static bool evaluate(shape s, cox_instructions instructions, int32_t threads, double *sums) {
    cox_likelihood *likelihood = cox_create(
        s.rows, s.columns, s.exit, s.entry, s.event, s.weight, s.offset, s.stratum, s.efron, instructions);
    if (!likelihood) abort();
    for (int32_t column = 0; column < s.columns; column++) cox_fill(likelihood, column, s.x[column]);
    cox_seal(likelihood);
    int64_t slots = cox_slots(likelihood);
    cox_evaluation *evaluation = NULL;
    bool done = false;
    if (slots > 0) {
        double *importance = vector(slots, sizeof(double));
        for (int64_t slot = 0; slot < slots; slot++) importance[slot] = cox_slot_times(likelihood)[slot] > 0;
        evaluation = cox_begin(likelihood, s.beta, importance, threads);
        if (evaluation) {
            for (int64_t part = 0; part < cox_sum_parts(likelihood); part++)
                cox_sum_part(evaluation, (int32_t)(part % threads), part);
            cox_carry(evaluation);
            for (int64_t part = 0; part < cox_parts(likelihood); part++)
                cox_hazard_part(evaluation, (int32_t)(part % threads), part);
            done = cox_accumulate(evaluation);
            for (int64_t part = 0; done && part < cox_parts(likelihood); part++)
                cox_gram_part(evaluation, (int32_t)(part % threads), part);
            if (done) sums[0] = cox_finish(evaluation, sums + 1, sums + 1 + s.columns);
            else cox_abandon(evaluation);
        }
        free(importance);
    }
    cox_destroy(likelihood);
    return done;
}

int main(int argc, char **argv) {
    int count = argc > 1 ? atoi(argv[1]) : 600, evaluated = 0;
    for (int index = 0; index < count; index++) {
        shape s = random_shape();
        int64_t numbers = 1 + s.columns + (int64_t)s.columns * (s.columns + 1) / 2;
        double *reference = vector(numbers, sizeof(double)), *sums = vector(numbers, sizeof(double));
        bool done = evaluate(s, COX_PORTABLE, 1, reference);
        evaluated += done;
        for (int kind = COX_PORTABLE; kind <= (int)cox_best_instructions(); kind++) {
            for (int32_t threads = 1; threads <= 3; threads += 2) {
                if (evaluate(s, (cox_instructions)kind, threads, sums) != done) {
                    printf("shape %d: copies disagree whether there is a result\n", index);
                    return 1;
                }
                for (int64_t number = 0; done && number < numbers; number++) {
                    double scale = fabs(reference[number]) + 1e-3 * (double)s.rows;
                    if (!(fabs(sums[number] - reference[number]) <= 1e-10 * scale)) {
                        printf("shape %d, copy %d, %d workers: %.17g is not %.17g\n", index, kind, threads,
                               sums[number], reference[number]);
                        return 1;
                    }
                }
            }
        }
        free(reference), free(sums);
        free_shape(s);
    }
    printf("%d shapes, %d with events, on %d copies of the arithmetic: no fault\n", count, evaluated,
           (int)cox_best_instructions() + 1);
    return evaluated > 0 ? 0 : 1;
}
