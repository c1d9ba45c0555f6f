#include "COpenBLAS.h"

#include <cblas.h>
#include <dlfcn.h>
#include <pthread.h>
#include <stdlib.h>

static struct {
    void (*sgemm)(
        int, int, int, int, int, int, float, const float *, int, const float *, int, float, float *, int);
    void (*sgemv)(int, int, int, int, float, const float *, int, const float *, int, float, float *, int);
    void (*ssyrk)(int, int, int, int, int, float, const float *, int, float, float *, int);
    void (*strsm)(int, int, int, int, int, int, int, float, const float *, int, float *, int);
    float (*sdot)(int, const float *, int, const float *, int);
    void (*saxpy)(int, float, const float *, int, float *, int);
    void (*spotrf)(const char *, const int *, float *, const int *, int *);
    void (*spotrs)(const char *, const int *, const int *, const float *, const int *, float *, const int *, int *);
    void (*spotri)(const char *, const int *, float *, const int *, int *);
    void (*ssyevd)(
        const char *, const char *, const int *, float *, const int *, float *, float *, const int *, int *, const int *,
        int *);
    char *(*core)(void);
} blas;

static pthread_once_t once = PTHREAD_ONCE_INIT;
static bool loaded;

static void choose_kernels(void) {
    if (getenv("OPENBLAS_CORETYPE") != NULL) return;
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq")
        && __builtin_cpu_supports("avx512vl"))
        setenv("OPENBLAS_CORETYPE", "SKYLAKEX", 1);
    else if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        setenv("OPENBLAS_CORETYPE", "HASWELL", 1);
#endif
}

static void load(void) {
    choose_kernels();
    // No threads of its own: whoever calls splits the work.
    setenv("OPENBLAS_NUM_THREADS", "1", 1);
    void *library = dlopen("libopenblas.so.0", RTLD_NOW | RTLD_LOCAL);
    if (library == NULL) library = dlopen("libopenblas.so", RTLD_NOW | RTLD_LOCAL);
    if (library == NULL) return;
    const struct {
        void *target;
        const char *name;
    } symbols[] = {
        {&blas.sgemm, "cblas_sgemm"}, {&blas.sgemv, "cblas_sgemv"}, {&blas.ssyrk, "cblas_ssyrk"},
        {&blas.strsm, "cblas_strsm"}, {&blas.sdot, "cblas_sdot"},   {&blas.saxpy, "cblas_saxpy"},
        {&blas.spotrf, "spotrf_"},    {&blas.spotrs, "spotrs_"},    {&blas.spotri, "spotri_"},
        {&blas.ssyevd, "ssyevd_"},    {&blas.core, "openblas_get_corename"},
    };
    for (size_t index = 0; index < sizeof symbols / sizeof *symbols; index++) {
        void *symbol = dlsym(library, symbols[index].name);
        if (symbol == NULL) return;
        *(void **)symbols[index].target = symbol;
    }
    loaded = true;
}

bool blas_load(void) {
    pthread_once(&once, load);
    return loaded;
}

const char *blas_core(void) { return blas.core(); }

static int turn(bool turned) { return turned ? CblasTrans : CblasNoTrans; }

void blas_sgemm(
    bool turnLeft, bool turnRight, int rows, int columns, int inner, float alpha, const float *left, int leftStride,
    const float *right, int rightStride, float beta, float *product, int productStride) {
    blas.sgemm(
        CblasRowMajor, turn(turnLeft), turn(turnRight), rows, columns, inner, alpha, left, leftStride, right, rightStride,
        beta, product, productStride);
}

void blas_sgemv(
    bool turned, int rows, int columns, float alpha, const float *matrix, int stride, const float *vector, float beta,
    float *product) {
    blas.sgemv(CblasRowMajor, turn(turned), rows, columns, alpha, matrix, stride, vector, 1, beta, product, 1);
}

void blas_ssyrk_upper(
    bool turned, int order, int inner, float alpha, const float *matrix, int stride, float beta, float *product,
    int productStride) {
    blas.ssyrk(
        CblasRowMajor, CblasUpper, turn(turned), order, inner, alpha, matrix, stride, beta, product, productStride);
}

void blas_strsm_right_upper(int rows, int columns, const float *triangle, int triangleStride, float *matrix, int stride) {
    blas.strsm(
        CblasRowMajor, CblasRight, CblasUpper, CblasNoTrans, CblasNonUnit, rows, columns, 1, triangle, triangleStride,
        matrix, stride);
}

float blas_sdot(int count, const float *left, const float *right) { return blas.sdot(count, left, 1, right, 1); }

void blas_saxpy(int count, float factor, const float *source, float *target) {
    blas.saxpy(count, factor, source, 1, target, 1);
}

void blas_spotrf(int order, float *matrix, int stride, int *info) { blas.spotrf("L", &order, matrix, &stride, info); }

void blas_spotrs(int order, int sides, const float *factor, int stride, float *side, int sideStride, int *info) {
    blas.spotrs("L", &order, &sides, factor, &stride, side, &sideStride, info);
}

void blas_spotri(int order, float *matrix, int stride, int *info) { blas.spotri("L", &order, matrix, &stride, info); }

void blas_ssyevd(
    int order, float *matrix, int stride, float *values, float *work, int workSize, int *integers, int integerSize,
    int *info) {
    blas.ssyevd("V", "L", &order, matrix, &stride, values, work, &workSize, integers, &integerSize, info);
}
