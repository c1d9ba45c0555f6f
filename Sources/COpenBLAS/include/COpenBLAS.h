#pragma once
#include <stdbool.h>

// The routines of OpenBLAS in use. The library is loaded by the first call of `blas_load`, not when the program starts: only
// then can it be told which kernels to use. (It picks kernels by a list of processor models and takes those of 2004 for a
// model that is newer than itself, which costs a factor of five.)
//
// Every other function may be called after `blas_load` has returned true. One thread a call; calls may come from several.

// Loads the library; false when it is not there. Cheap when it was called before.
bool blas_load(void);
// The kernels in use, such as "SkylakeX".
const char *blas_core(void);

// Row-major throughout, as in CBLAS.
void blas_sgemm(
    bool turnLeft, bool turnRight, int rows, int columns, int inner, float alpha, const float *left, int leftStride,
    const float *right, int rightStride, float beta, float *product, int productStride);
void blas_sgemv(
    bool turned, int rows, int columns, float alpha, const float *matrix, int stride, const float *vector, float beta,
    float *product);
// product (its upper triangle) = alpha · matrix · matrixᵀ + beta · product; with `turned`, matrixᵀ · matrix.
void blas_ssyrk_upper(
    bool turned, int order, int inner, float alpha, const float *matrix, int stride, float beta, float *product,
    int productStride);
// matrix = matrix · triangle⁻¹, the triangle being the upper one.
void blas_strsm_right_upper(int rows, int columns, const float *triangle, int triangleStride, float *matrix, int stride);
float blas_sdot(int count, const float *left, const float *right);
void blas_saxpy(int count, float factor, const float *source, float *target);

// LAPACK, column-major: Cholesky factor in the lower triangle ('L'), solving with it, its inverse product,
// eigenvalues and vectors of a symmetric
// matrix. `info` is 0 when it worked.
void blas_spotrf(int order, float *matrix, int stride, int *info);
void blas_spotrs(int order, int sides, const float *factor, int stride, float *side, int sideStride, int *info);
// The lower triangle of the inverse of the matrix that was factorised.
void blas_spotri(int order, float *matrix, int stride, int *info);
void blas_ssyevd(
    int order, float *matrix, int stride, float *values, float *work, int workSize, int *integers, int integerSize, int *info);
