// Sorts the rows and finds the risk sets.

#include "layout.h"

#include <stdlib.h>
#include <string.h>

// --- Sorting.

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
    int32_t *rank = cox_reserve((size_t)in->count * sizeof *rank);
    for (int64_t i = 0; i < in->kept; i++) rank[in->exits[i].row] = (int32_t)i;
    likelihood->entry_slot = cox_reserve((size_t)places * sizeof *likelihood->entry_slot);
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

void cox_sort_rows(cox_likelihood *likelihood, input *in) {
    in->exits = cox_reserve((size_t)in->count * sizeof(item));
    in->entries = cox_reserve(in->entry ? (size_t)in->count * sizeof(item) : 0);
    item *spare = cox_reserve((size_t)in->count * sizeof(item));
    sort_exits(in, spare);
    keep_rows(likelihood, in, spare);
    free(spare);
    int64_t counts[2] = {in->kept, in->late};
    for (int order = EXITS; order <= ENTRIES; order++) {
        likelihood->rows[order].count = counts[order];
        likelihood->rows[order].blocks = (counts[order] + ROWS - 1) / ROWS;
    }
    find_risk_sets(likelihood, in);
    place_entry_slots(likelihood, in);
    find_parts(likelihood);
}
