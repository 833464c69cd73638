/** Exact steps of linear systems dx/dt = A x + u with constant u. */
#ifndef PROTOCOL_MATRIX_EXPONENTIAL_H
#define PROTOCOL_MATRIX_EXPONENTIAL_H

#include "base/status.h"
#include <stdint.h>

/**
 * x(t + step) = transition x(t) + response u.
 * Inputs    a           [n x n] by rows, per unit of time
 * Outputs   transition  [n x n] exp(a step)
 *           response    [n x n] integral of exp(a s) for s from 0 to the step
 * Errors    MESO_MEMORY
 */
meso_status linear_step(const double *a, uint32_t n, double step, double *transition,
                        double *response, meso_error *err);

#endif
