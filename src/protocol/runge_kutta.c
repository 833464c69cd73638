#include "protocol/runge_kutta.h"

#include <math.h>
#include <string.h>

#define STAGES 7
#define RELATIVE 1e-10
#define ABSOLUTE 1e-9
#define SHORTEST 1e-9 /* of the way: shorter steps are taken as they are */

static const double weights[STAGES - 1][STAGES - 1] = {
    {1.0 / 5},
    {3.0 / 40, 9.0 / 40},
    {44.0 / 45, -56.0 / 15, 32.0 / 9},
    {19372.0 / 6561, -25360.0 / 2187, 64448.0 / 6561, -212.0 / 729},
    {9017.0 / 3168, -355.0 / 33, 46732.0 / 5247, 49.0 / 176, -5103.0 / 18656},
    {35.0 / 384, 0, 500.0 / 1113, 125.0 / 192, -2187.0 / 6784, 11.0 / 84}};

/* Order 5 minus order 4. */
static const double difference[STAGES] = {71.0 / 57600,      0,          -71.0 / 16695, 71.0 / 1920,
                                          -17253.0 / 339200, 22.0 / 525, -1.0 / 40};

meso_status runge_kutta_begin(runge_kutta *rk, uint32_t n, double trial, arena *memory,
                              meso_error *err)
{
    rk->n = n;
    rk->trial = trial;
    rk->work = arena_alloc(memory, (STAGES + 1) * sizeof *rk->work * (size_t)n);
    return rk->work != NULL ? MESO_OK : error_set(err, MESO_MEMORY, "out of memory");
}

/* One step of length h into `next`; returns its error, 1 being what is allowed. */
static double try_step(const runge_kutta *rk, const double *x, double h, double *next)
{
    const uint32_t n = rk->n;
    double *slopes = rk->work; /* [STAGES x n] */
    rk->derivative(rk->self, x, slopes);
    for (int s = 1; s < STAGES; s++) {
        for (uint32_t i = 0; i < n; i++) {
            double slope = 0;
            for (int k = 0; k < s; k++)
                slope += weights[s - 1][k] * slopes[(size_t)k * n + i];
            next[i] = x[i] + h * slope;
        }
        rk->derivative(rk->self, next, slopes + (size_t)s * n);
    }
    double worst = 0;
    for (uint32_t i = 0; i < n; i++) {
        double e = 0;
        for (int s = 0; s < STAGES; s++)
            e += difference[s] * slopes[(size_t)s * n + i];
        const double allowed = ABSOLUTE + RELATIVE * fmax(fabs(x[i]), fabs(next[i]));
        worst = fmax(worst, fabs(h * e) / allowed);
    }
    return worst;
}

/* Steps are halved and doubled only, so that no pow() of some library decides about them. */
void runge_kutta_step(runge_kutta *rk, double *x, double length)
{
    double *next = rk->work + (size_t)STAGES * rk->n;
    for (double left = length; left > 0;) {
        const double h = fmin(rk->trial, left);
        const double error = try_step(rk, x, h, next);
        if (error > 1 && h > SHORTEST * length) {
            rk->trial = h / 2;
            continue;
        }
        memcpy(x, next, rk->n * sizeof *x);
        left = h < left ? left - h : 0;
        if (error < 1.0 / 64 && h >= rk->trial)
            rk->trial = 2 * h; /* the error of order 5 grows 32-fold */
    }
}
