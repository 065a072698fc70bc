// The compiled copies of kernel.inc, and which of them a machine can run.
//
// The vectors are the compiler's own, so that one text serves all; function attributes give each copy its
// instructions, which needs no flag of the build. Vectors are passed between inlined functions only, so that
// the call conventions that clang warns of do not arise.
#pragma clang diagnostic ignored "-Wpsabi"

#include "likelihood.h"

// The portable copy rounds every product, also where the machine could fuse it with a sum: it gives the same bits everywhere.
#pragma STDC FP_CONTRACT OFF
#define LANES 2
#define TARGET
#define COPY _portable
#define TILE_ROWS 4
#define TILE_COLUMNS 3
#include "kernel.inc"

#if defined(__x86_64__)
#pragma STDC FP_CONTRACT ON
#define LANES 4
#define TARGET __attribute__((target("avx2,fma")))
#define COPY _avx2
#define TILE_ROWS 4
#define TILE_COLUMNS 3
#include "kernel.inc"

#define LANES 8
#define TARGET __attribute__((target("avx512f,avx512dq,avx512vl,avx2,fma")))
#define COPY _avx512
#define TILE_ROWS 5
#define TILE_COLUMNS 5
#include "kernel.inc"
#endif

cox_instructions cox_best_instructions(void) {
#if defined(__x86_64__)
    __builtin_cpu_init();
    bool has_avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    if (has_avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq")
        && __builtin_cpu_supports("avx512vl")) return COX_AVX512;
    if (has_avx2) return COX_AVX2;
#endif
    return COX_PORTABLE;
}

const cox_kernel *cox_kernel_for(cox_instructions instructions) {
#if defined(__x86_64__)
    if (instructions == COX_AVX512) return &kernel_avx512;
    if (instructions == COX_AVX2) return &kernel_avx2;
#endif
    return &kernel_portable;
}
