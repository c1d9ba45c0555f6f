#pragma once
// CBLAS and the few LAPACK routines in use. Debian's libopenblas holds LAPACK's Fortran symbols itself.
#include <cblas.h>

void openblas_set_num_threads(int count);

// Cholesky factorisation, and solving with it. Column-major; `uplo` is 'L' or 'U'; info is 0 when it worked.
void spotrf_(const char *uplo, const int *n, float *a, const int *lda, int *info);
void spotrs_(
    const char *uplo, const int *n, const int *nrhs, const float *a, const int *lda, float *b, const int *ldb, int *info);
void dpotrf_(const char *uplo, const int *n, double *a, const int *lda, int *info);
void dpotrs_(
    const char *uplo, const int *n, const int *nrhs, const double *a, const int *lda, double *b, const int *ldb, int *info);
// Eigenvalues and vectors of a symmetric matrix, ascending.
void ssyevd_(
    const char *jobz, const char *uplo, const int *n, float *a, const int *lda, float *w, float *work, const int *lwork,
    int *iwork, const int *liwork, int *info);
