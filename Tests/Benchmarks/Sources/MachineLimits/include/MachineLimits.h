/// What one thread of this machine can do at best: the two limits that an evaluation is held against.
#pragma once

#include <stddef.h>

/// Reads `count` doubles (a multiple of 64) in order, and returns something that depends on all of them.
double limits_read(const double *values, size_t count);

/// Does `steps` steps of multiply-adds on numbers held in registers; returns how many floating-point operations that were.
double limits_multiply(size_t steps);
