// What sorting the rows hands on to laying them out.
#pragma once

#include "likelihood.h"

/// A row of the caller, and what it is sorted by.
typedef struct {
    uint64_t key;
    int32_t row;
} item;

/// What the caller handed over, and the rows as sorted.
typedef struct {
    int64_t count;
    const double *exit, *entry, *weight, *offset;
    const bool *event;
    const int32_t *stratum;
    bool efron;
    item *exits, *entries;
    int64_t kept, late;
} input;

/// Sorts the rows, and finds the strata, the slots and each row's place among them. Fills `exits` and `entries`, which the
/// caller frees.
void cox_sort_rows(cox_likelihood *likelihood, input *in);

/// Aligned memory with anything in it; aborts where there is none.
void *cox_reserve(size_t bytes);

static inline void *allocate(int64_t count, size_t size) { return cox_allocate((size_t)count * size); }
