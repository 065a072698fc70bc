#ifndef RAW_STEPS_H
#define RAW_STEPS_H
#include <stddef.h>

/// Runs a query in a database opened for reading: column 0 is text, whose bytes are added up, the others are numbers, put into
/// `numbers[column - 1][row]` unchecked. Gives the number of rows, or -1.
long raw_steps(const char *path, const char *query, int columns, double **numbers, long *text_bytes);

#endif
