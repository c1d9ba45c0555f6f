#pragma once
// What the numeric targets need of C: loops that use the widest vectors of the processor at hand, chosen at run time.
#include <stddef.h>
#include <stdint.h>

// One row of a weighted least-squares problem over the rows y_j of a factor matrix:
//   (G + ridge·I + Σ_j |w_j| y_j y_jᵀ) x = Σ_{j: w_j > 0} (unobserved + w_j) y_j
// `stride` is the length of every vector, a multiple of 16.
typedef struct {
    const float *factors;
    size_t stride;
    const uint32_t *columns;
    const float *weights;
    size_t count;
    float unobserved;
    float ridge;
} numerics_row;

// Begins conjugate gradients at x. On entry `residual` holds −G·x; on return it is the residual, and so is `direction`.
// Returns the residual's squared length.
float numerics_cg_begin(const numerics_row *row, const float *x, float *residual, float *direction);

// One step. On entry `image` holds G·direction. Returns the squared length of the new residual; 0 when it stands still.
float numerics_cg_step(
    const numerics_row *row, float *x, float *residual, float *direction, float *image, float squared);
