#pragma clang diagnostic ignored "-Wpsabi"
#pragma STDC FP_CONTRACT ON

#include "MachineLimits.h"

// Both in the widest instructions there are, as the kernel has them.
#define LIMITS(SUFFIX, TARGET, LANES, CHAINS)                                                                \
    typedef double vector##SUFFIX __attribute__((vector_size(8 * LANES)));                                  \
    TARGET static double read##SUFFIX(const double *values, size_t count) {                                 \
        vector##SUFFIX sum[4] = {{0}};                                                                      \
        for (size_t i = 0; i < count; i += 4 * LANES) {                                                     \
            for (int k = 0; k < 4 * LANES; k += 8) __builtin_prefetch(values + i + 4096 + k, 0, 2);         \
            for (int k = 0; k < 4; k++) sum[k] += *(const vector##SUFFIX *)(values + i + k * LANES);        \
        }                                                                                                   \
        return (sum[0] + sum[1] + sum[2] + sum[3])[0];                                                      \
    }                                                                                                       \
    TARGET static double multiply##SUFFIX(size_t steps, volatile double *seed) {                            \
        vector##SUFFIX sum[CHAINS], factor = {0}, term = {0};                                               \
        factor += *seed;                                                                                    \
        term += *seed;                                                                                      \
        for (int k = 0; k < CHAINS; k++) sum[k] = term;                                                     \
        for (size_t i = 0; i < steps; i++) {                                                                \
            _Pragma("clang loop unroll(full)") for (int k = 0; k < CHAINS; k++)                             \
                sum[k] = sum[k] * factor + term;                                                            \
        }                                                                                                   \
        for (int k = 1; k < CHAINS; k++) sum[0] += sum[k];                                                  \
        *seed += 1e-300 * sum[0][0];                                                                        \
        return 2.0 * CHAINS * LANES * (double)steps;                                                        \
    }

LIMITS(_plain, , 2, 10)
#if defined(__x86_64__)
LIMITS(_avx2, __attribute__((target("avx2,fma"))), 4, 12)
LIMITS(_avx512, __attribute__((target("avx512f"))), 8, 12)
#endif

static int level(void) {
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512f")) return 2;
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return 1;
#endif
    return 0;
}

double limits_read(const double *values, size_t count) {
#if defined(__x86_64__)
    if (level() == 2) return read_avx512(values, count);
    if (level() == 1) return read_avx2(values, count);
#endif
    return read_plain(values, count);
}

double limits_multiply(size_t steps) {
    static volatile double seed = 0.5;
#if defined(__x86_64__)
    if (level() == 2) return multiply_avx512(steps, &seed);
    if (level() == 1) return multiply_avx2(steps, &seed);
#endif
    return multiply_plain(steps, &seed);
}
