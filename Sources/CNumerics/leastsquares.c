// Conjugate gradients for many small least-squares problems. The product with G is done for many rows at once by BLAS;
// what differs from row to row is done here. The same source is compiled for AVX-512, for AVX2 and for the plain processor.
#include "CNumerics.h"

#define INLINE static inline __attribute__((always_inline))
typedef float vector __attribute__((vector_size(64), aligned(4)));
typedef float half __attribute__((vector_size(32)));
typedef float quarter __attribute__((vector_size(16)));
enum { width = 16, group = 4, ahead = 8 };

// Vectors are passed only between functions that are inlined, so that there is no calling convention to disagree about.
#pragma clang diagnostic ignored "-Wpsabi"

#define NAME(function) function##_plain
#include "leastsquares.inc"
#undef NAME

#if defined(__x86_64__)
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#define NAME(function) function##_avx2
#include "leastsquares.inc"
#undef NAME
#pragma clang attribute pop

#pragma clang attribute push(__attribute__((target("avx2,fma,avx512f,avx512dq,avx512bw,avx512vl"))), apply_to = function)
#define NAME(function) function##_avx512
#include "leastsquares.inc"
#undef NAME
#pragma clang attribute pop

#define CHOOSE(function, ...) \
    return __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") ? function##_avx512(__VA_ARGS__) \
        : __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")           ? function##_avx2(__VA_ARGS__) \
                                                                                    : function##_plain(__VA_ARGS__)
#else
#define CHOOSE(function, ...) return function##_plain(__VA_ARGS__)
#endif

float numerics_cg_begin(const numerics_row *row, const float *x, float *residual, float *direction) {
    CHOOSE(begin, row, x, residual, direction);
}

float numerics_cg_step(
    const numerics_row *row, float *x, float *residual, float *direction, float *image, float squared) {
    CHOOSE(step, row, x, residual, direction, image, squared);
}
