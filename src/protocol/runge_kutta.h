/** Adaptive integration of dx/dt = f(x): the embedded pair of Dormand & Prince (1980), orders 5 and 4. */
#ifndef PROTOCOL_RUNGE_KUTTA_H
#define PROTOCOL_RUNGE_KUTTA_H

#include "base/arena.h"
#include "base/status.h"
#include <stdint.h>

typedef struct runge_kutta {
    void (*derivative)(const void *self, const double *x, double *dx);
    const void *self;
    uint32_t n;
    double *work;
    double trial; /* length of the next step to try */
} runge_kutta;

/** Works in `memory`. Set `derivative` and `self` first. */
meso_status runge_kutta_begin(runge_kutta *rk, uint32_t n, double trial, arena *memory,
                              meso_error *err);
/** Advance x by `length`, in as many steps as a local error of 1e-10 of each level asks for. */
void runge_kutta_step(runge_kutta *rk, double *x, double length);

#endif
