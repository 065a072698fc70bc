// Sorts the rows, finds the risk sets, and lays out the covariates.

#include "likelihood.h"

#include <stdlib.h>
#include <string.h>

#if defined(__linux__)
#include <sys/mman.h>
#endif

static void *reserve(size_t bytes) {
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

void *cox_allocate(size_t bytes) { return memset(reserve(bytes), 0, bytes + 64); }

static void *allocate(int64_t count, size_t size) { return cox_allocate((size_t)count * size); }

// --- Sorting.

typedef struct {
    uint64_t key;
    int32_t row;
} item;

enum { DIGIT_BITS = 11, DIGITS = 6, BUCKETS = 1 << DIGIT_BITS };

// A key that sorts times latest first. Adding 0 makes −0 and 0 the same time.
static uint64_t descending(double time) {
    double value = time + 0.0;
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits >> 63 ? bits : ~bits & ~(1ULL << 63);
}

// Stable radix sort by `key`, least digit first; digits that are the same throughout cost nothing.
static void sort_items(item *items, item *spare, int64_t count) {
    uint32_t (*start)[BUCKETS] = allocate(DIGITS, sizeof *start);
    for (int64_t i = 0; i < count; i++) {
        for (int digit = 0; digit < DIGITS; digit++) {
            start[digit][items[i].key >> digit * DIGIT_BITS & (BUCKETS - 1)]++;
        }
    }
    item *from = items, *to = spare;
    for (int digit = 0; digit < DIGITS && count > 0; digit++) {
        int shift = digit * DIGIT_BITS;
        if (start[digit][from[0].key >> shift & (BUCKETS - 1)] == count) continue;
        uint32_t sum = 0;
        for (int bucket = 0; bucket < BUCKETS; bucket++) {
            uint32_t size = start[digit][bucket];
            start[digit][bucket] = sum;
            sum += size;
        }
        for (int64_t i = 0; i < count; i++) {
            to[start[digit][from[i].key >> shift & (BUCKETS - 1)]++] = from[i];
        }
        item *other = from;
        from = to;
        to = other;
    }
    if (from != items) memcpy(items, from, (size_t)count * sizeof *items);
    free(start);
}

static void sort_by_stratum(item *items, item *spare, int64_t count, const int32_t *stratum) {
    if (!stratum) return;
    for (int64_t i = 0; i < count; i++) items[i].key = (uint64_t)stratum[items[i].row];
    sort_items(items, spare, count);
}

// --- Risk sets.

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

// By stratum; by exit, latest first; the deaths of a time after the others.
static void sort_exits(input *in, item *spare) {
    int64_t next = 0;
    for (int with_event = 0; with_event < 2; with_event++) {
        for (int64_t row = 0; row < in->count; row++) {
            if (in->event[row] != (bool)with_event) continue;
            in->exits[next++] = (item){descending(in->exit[row]), (int32_t)row};
        }
    }
    sort_items(in->exits, spare, in->count);
    sort_by_stratum(in->exits, spare, in->count, in->stratum);
}

static bool same_stratum(const input *in, int32_t a, int32_t b) {
    return !in->stratum || in->stratum[a] == in->stratum[b];
}

// Keeps the strata in which someone dies, each up to its last death (the first in time): the rows behind it
// are in no risk set. Late entries are those that are not at risk at that death.
static void keep_rows(cox_likelihood *likelihood, input *in, item *spare) {
    int64_t strata = 0;
    likelihood->stratum = allocate(1, sizeof *likelihood->stratum);
    for (int64_t start = 0, stop; start < in->count; start = stop) {
        int64_t last = -1;
        int32_t own = in->exits[start].row;
        for (stop = start; stop < in->count && same_stratum(in, own, in->exits[stop].row); stop++) {
            if (in->event[in->exits[stop].row]) last = stop;
        }
        if (last < 0) continue;
        if ((strata & (strata + 1)) == 0) {  // room for the next power of two, and one at the end
            size_t room = (size_t)(2 * strata + 3);
            likelihood->stratum = realloc(likelihood->stratum, room * sizeof *likelihood->stratum);
            if (!likelihood->stratum) abort();
        }
        double first_time = in->exit[in->exits[last].row];
        likelihood->stratum[strata++] = (cox_stratum){{(int32_t)in->kept, 0}, 0, 0};
        for (int64_t i = start; i <= last; i++) {
            int32_t row = in->exits[i].row;
            in->exits[in->kept++] = in->exits[i];
            if (in->entry && in->entry[row] >= first_time) {
                in->entries[in->late++] = (item){descending(in->entry[row]), row};
            }
        }
    }
    likelihood->strata = strata;
    likelihood->stratum[strata] = (cox_stratum){{(int32_t)in->kept, (int32_t)in->late}, 0, 0};
    sort_items(in->entries, spare, in->late);
    sort_by_stratum(in->entries, spare, in->late, in->stratum);
}

// The slots of one stratum, appended; the slot of each row's last event time.
static void find_slots(
    cox_likelihood *likelihood, const input *in, cox_stratum *stratum, int64_t *late_start
) {
    int64_t row = stratum[0].first[EXITS], stop = stratum[1].first[EXITS], waiting = row, late = *late_start;
    stratum->first[ENTRIES] = (int32_t)late;
    stratum->slot = (int32_t)likelihood->slots;
    int32_t own = in->exits[row].row;
    while (row < stop) {
        double time = in->exit[in->exits[row].row], weight = 0;
        int64_t end = row, dead = row;
        for (; end < stop && in->exit[in->exits[end].row] == time; end++) {
            if (!in->event[in->exits[end].row]) dead = end + 1;
        }
        for (int64_t i = dead; i < end; i++) weight += in->weight ? in->weight[in->exits[i].row] : 1;
        row = end;
        if (dead == end) continue;
        bool is_tied = in->efron && end - dead > 1;
        int64_t slot = likelihood->slots + is_tied;
        for (; late < in->late && same_stratum(in, in->entries[late].row, own)
             && in->entry[in->entries[late].row] >= time; late++) {
            // Enters at or after this time, and before the one above it.
            in->entries[late].key = (uint64_t)slot;
        }
        for (int64_t i = likelihood->slots; i <= slot; i++) {
            likelihood->end[EXITS][i] = (int32_t)(i == slot ? end : dead);
            likelihood->end[ENTRIES][i] = (int32_t)late;
            likelihood->deaths[i] = (int32_t)(i == slot ? end - dead : 0);
            likelihood->death_weight[i] = i == slot ? weight : 0;
            likelihood->time[i] = time;
        }
        for (; waiting < end; waiting++) {
            likelihood->exit_slot[place(waiting)] = (int32_t)(waiting < dead ? slot : likelihood->slots);
        }
        stratum->death_weight += weight;
        likelihood->slots = slot + 1;
    }
    *late_start = late;
}

static void *shrunk(void *array, int64_t count, size_t size) {
    void *smaller = realloc(array, (size_t)(count + 1) * size);
    return smaller ? smaller : array;
}

static void find_risk_sets(cox_likelihood *likelihood, input *in) {
    int64_t deaths = 0, late = 0;
    for (int64_t i = 0; i < in->kept; i++) deaths += in->event[in->exits[i].row];
    for (int order = EXITS; order <= ENTRIES; order++) {
        likelihood->end[order] = allocate(deaths + 1, sizeof *likelihood->end[order]);
    }
    likelihood->deaths = allocate(deaths + 1, sizeof *likelihood->deaths);
    likelihood->death_weight = allocate(deaths + 1, sizeof *likelihood->death_weight);
    likelihood->time = allocate(deaths + 1, sizeof *likelihood->time);
    likelihood->exit_slot = allocate(likelihood->rows[EXITS].blocks * ROWS, sizeof *likelihood->exit_slot);
    for (int64_t i = 0; i < likelihood->strata; i++) {
        find_slots(likelihood, in, likelihood->stratum + i, &late);
    }
    likelihood->stratum[likelihood->strata].slot = (int32_t)likelihood->slots;
    int64_t slots = likelihood->slots;
    for (int order = EXITS; order <= ENTRIES; order++) {
        likelihood->end[order] = shrunk(likelihood->end[order], slots, sizeof(int32_t));
    }
    likelihood->deaths = shrunk(likelihood->deaths, slots, sizeof(int32_t));
    likelihood->death_weight = shrunk(likelihood->death_weight, slots, sizeof(double));
    likelihood->time = shrunk(likelihood->time, slots, sizeof(double));
}

// The slot of the last event time at or before each row's entry, from the keys that `find_slots` left.
static void place_entry_slots(cox_likelihood *likelihood, const input *in) {
    if (in->late == 0) return;
    int64_t places = likelihood->rows[EXITS].blocks * ROWS;
    int32_t *rank = reserve((size_t)in->count * sizeof *rank);
    for (int64_t i = 0; i < in->kept; i++) rank[in->exits[i].row] = (int32_t)i;
    likelihood->entry_slot = reserve((size_t)places * sizeof *likelihood->entry_slot);
    for (int64_t i = 0; i < places; i++) likelihood->entry_slot[i] = (int32_t)likelihood->slots;
    for (int64_t i = 0; i < in->late; i++) {
        likelihood->entry_slot[place(rank[in->entries[i].row])] = (int32_t)in->entries[i].key;
    }
    free(rank);
}

// Superblocks are smaller where there are few rows, so that there is something to share; never by the number
// of threads.
static void find_parts(cox_likelihood *likelihood) {
    for (int order = EXITS; order <= ENTRIES; order++) {
        cox_rows *rows = &likelihood->rows[order];
        rows->superblock = cox_greatest(8, cox_least(64, rows->blocks / 24));
    }
    int64_t parts = cox_parts(likelihood), slot = 0;
    likelihood->part_slot = allocate(parts + 1, sizeof *likelihood->part_slot);
    for (int64_t part = 0; part < parts; part++) {
        likelihood->part_slot[part] = (int32_t)slot;
        int64_t stop = (part + 1) * likelihood->rows[EXITS].superblock * ROWS;
        // An event time belongs to the superblock of its last death, with both of its slots.
        while (slot < likelihood->slots) {
            int64_t last = slot + (likelihood->deaths[slot] == 0);
            if (likelihood->end[EXITS][last] > stop) break;
            slot = last + 1;
        }
    }
    likelihood->part_slot[parts] = (int32_t)slot;
}

// --- Rows.

static void place_rows(
    cox_likelihood *likelihood, int order, const item *items, int64_t count, const input *in
) {
    cox_rows *rows = &likelihood->rows[order];
    int64_t places = rows->blocks * ROWS;
    rows->source = reserve((size_t)places * sizeof *rows->source);
    memset(rows->source, 0xff, (size_t)places * sizeof *rows->source);
    for (int64_t i = 0; i < count; i++) rows->source[place(i)] = items[i].row;
    rows->x = reserve((size_t)(places * likelihood->columns) * sizeof *rows->x);
    rows->tail = allocate(rows->blocks, sizeof *rows->tail);
    for (int64_t block = 0; block < rows->blocks; block++) rows->tail[block] = -1;
    for (int64_t i = 0; i < likelihood->strata; i++) {
        int32_t first = likelihood->stratum[i].first[order];
        if (first < count) rows->tail[first / ROWS] = (int16_t)(first % ROWS);
    }
    rows->last_weight = allocate(ROWS, sizeof(double));
    for (int64_t i = 0; i < ROWS && places > 0; i++) {
        rows->last_weight[i] = rows->source[places - ROWS + i] >= 0;
    }
    if (in->weight) {
        rows->weight = reserve((size_t)places * sizeof(double));
        for (int64_t i = 0; i < places; i++) {
            rows->weight[i] = rows->source[i] < 0 ? 0 : in->weight[rows->source[i]];
        }
    }
    if (in->offset) rows->offset = reserve((size_t)places * sizeof(double));
}

// The mean over a stratum's rows, in four sums that do not wait for each other.
static double mean_of(const double *values, const int32_t *source, int64_t first, int64_t stop) {
    double sum[4] = {0, 0, 0, 0};
    for (int64_t row = first; row < stop; row++) sum[row % 4] += values[source[place(row)]];
    return (sum[0] + sum[1] + sum[2] + sum[3]) / (double)(stop - first);
}

typedef struct { double lowest, highest; } range;

// Writes the rows of one stratum in one order: whole blocks place by place, the rest row by row.
static range write_centered(
    const double *values, const int32_t *source, int64_t first, int64_t stop, double mean, double *to,
    int64_t stride
) {
    range seen = {0, 0};
    while (first < stop) {
        bool is_whole = first % ROWS == 0 && stop - first >= ROWS;
        int64_t block = first / ROWS, end = is_whole ? first + ROWS : cox_least(stop, (block + 1) * ROWS);
        for (int64_t row = first; row < end; row++) {
            int64_t at = is_whole ? row : place(row);
            double value = values[source[at]] - mean;
            to[block * stride + at % ROWS] = value;
            seen.lowest = value < seen.lowest ? value : seen.lowest;
            seen.highest = value > seen.highest ? value : seen.highest;
        }
        first = end;
    }
    return seen;
}

// Writes one vector in both orders, centred in each stratum (which changes no sum, and keeps digits); notes
// its range.
static range center(cox_likelihood *likelihood, const double *values, double *to[2], int64_t stride) {
    range all = {0, 0};
    for (int64_t i = 0; i < likelihood->strata; i++) {
        const cox_stratum *stratum = likelihood->stratum + i;
        double mean = mean_of(
            values, likelihood->rows[EXITS].source, stratum[0].first[EXITS], stratum[1].first[EXITS]);
        for (int order = EXITS; order <= ENTRIES; order++) {
            range seen = write_centered(
                values, likelihood->rows[order].source, stratum[0].first[order], stratum[1].first[order],
                mean, to[order], stride);
            if (seen.lowest < all.lowest) all.lowest = seen.lowest;
            if (seen.highest > all.highest) all.highest = seen.highest;
        }
    }
    for (int order = EXITS; order <= ENTRIES; order++) {
        const cox_rows *rows = &likelihood->rows[order];
        for (int64_t row = rows->count; row < rows->blocks * ROWS; row++) {
            to[order][row / ROWS * stride + place(row) % ROWS] = 0;
        }
    }
    return all;
}

cox_likelihood *cox_create(
    int64_t rows, int32_t columns, const double *exit, const double *entry, const bool *event,
    const double *weight, const double *offset, const int32_t *stratum, bool efron,
    cox_instructions instructions
) {
    cox_likelihood *likelihood = allocate(1, sizeof *likelihood);
    likelihood->kernel = cox_kernel_for(instructions);
    likelihood->columns = columns;
    input in = {
        .count = rows, .exit = exit, .entry = entry, .weight = weight, .offset = offset, .event = event,
        .stratum = stratum, .efron = efron,
    };
    in.exits = reserve((size_t)rows * sizeof(item));
    in.entries = reserve(entry ? (size_t)rows * sizeof(item) : 0);
    item *spare = reserve((size_t)rows * sizeof(item));
    sort_exits(&in, spare);
    keep_rows(likelihood, &in, spare);
    free(spare);
    int64_t counts[2] = {in.kept, in.late};
    for (int order = EXITS; order <= ENTRIES; order++) {
        likelihood->rows[order].count = counts[order];
        likelihood->rows[order].blocks = (counts[order] + ROWS - 1) / ROWS;
    }
    find_risk_sets(likelihood, &in);
    place_entry_slots(likelihood, &in);
    find_parts(likelihood);
    place_rows(likelihood, EXITS, in.exits, in.kept, &in);
    place_rows(likelihood, ENTRIES, in.entries, in.late, &in);
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
        free(likelihood->rows[order].source);
        likelihood->rows[order].source = NULL;
    }
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
