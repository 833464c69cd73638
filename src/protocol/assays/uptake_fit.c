#include "protocol/assays/uptake_fit.h"

#include <math.h>
#include <stdlib.h>

#define N_PARAMETERS 3 /* logarithms of c at the first sample, V_max, K_m */
#define MOST_ROUNDS 200
#define STEPS_PER_SAMPLE 50

typedef struct decay {
    const double *y;
    uint32_t n;
    double interval_s, tau_s, base_nM, k_loss_per_s;
} decay;

typedef struct model {
    double V, K, loss, rest; /* rest: what balances uptake and loss at the base */
    double tau_s;
} model;

static double slope_c(const model *m, double c)
{
    return m->rest - m->V * c / (m->K + c) - m->loss * c;
}

/* One step of Runge & Kutta's fourth order. */
static void step(const model *m, double h, double *c, double *y)
{
    const double k1 = slope_c(m, *c), k2 = slope_c(m, *c + h / 2 * k1);
    const double k3 = slope_c(m, *c + h / 2 * k2), k4 = slope_c(m, *c + h * k3);
    const double middle = *c + h / 4 * (k1 + k2), end = *c + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4);
    if (m->tau_s > 0) {
        /* y relaxes to c, which is nearly a parabola within the step: Simpson's rule */
        const double whole = exp(-h / m->tau_s), half = exp(-h / 2 / m->tau_s);
        *y = *y * whole + h / m->tau_s / 6 * (*c * whole + 4 * middle * half + end);
    } else {
        *y = end;
    }
    *c = end;
}

/* Sum of squares; the residual of each sample too, when wanted. */
static double residuals(const decay *d, const double *p, double *out, double scale)
{
    const double V = exp(p[1]), K = exp(p[2]), base = d->base_nM;
    const model m = {V, K, d->k_loss_per_s, V * base / (K + base) + d->k_loss_per_s * base,
                     d->tau_s};
    double c = exp(p[0]) + base, y = d->tau_s > 0 ? d->y[0] + base : c, sum = 0;
    const double h = d->interval_s / STEPS_PER_SAMPLE;
    for (uint32_t i = 0; i < d->n; i++) {
        const double off = (y - base - d->y[i]) / scale;
        if (out)
            out[i] = off;
        sum += off * off;
        for (int k = 0; k < STEPS_PER_SAMPLE && i + 1 < d->n; k++)
            step(&m, h, &c, &y);
    }
    return isfinite(sum) ? sum : INFINITY;
}

/* J'J and J'r by differences, sample by sample of three shifted solutions. */
static void normal_equations(const decay *d, const double *p, double scale, double *r,
                             double *shifted, double JJ[N_PARAMETERS][N_PARAMETERS],
                             double Jr[N_PARAMETERS])
{
    const double eps = 1e-6;
    residuals(d, p, r, scale);
    for (int k = 0; k < N_PARAMETERS; k++) {
        double q[N_PARAMETERS] = {p[0], p[1], p[2]};
        q[k] += eps;
        residuals(d, q, shifted + (uint32_t)k * d->n, scale);
    }
    for (int a = 0; a < N_PARAMETERS; a++) {
        const double *one = shifted + (uint32_t)a * d->n;
        Jr[a] = 0;
        for (uint32_t i = 0; i < d->n; i++)
            Jr[a] += (one[i] - r[i]) / eps * r[i];
        for (int b = 0; b < N_PARAMETERS; b++) {
            const double *other = shifted + (uint32_t)b * d->n;
            JJ[a][b] = 0;
            for (uint32_t i = 0; i < d->n; i++)
                JJ[a][b] += (one[i] - r[i]) / eps * ((other[i] - r[i]) / eps);
        }
    }
}

/* Solve A x = b by elimination with the largest pivot; A and b are spoilt. */
static bool solve(double A[N_PARAMETERS][N_PARAMETERS], double b[N_PARAMETERS],
                  double x[N_PARAMETERS])
{
    for (int k = 0; k < N_PARAMETERS; k++) {
        int pivot = k;
        for (int i = k + 1; i < N_PARAMETERS; i++)
            pivot = fabs(A[i][k]) > fabs(A[pivot][k]) ? i : pivot;
        if (!(fabs(A[pivot][k]) > 0))
            return false;
        for (int j = 0; j < N_PARAMETERS; j++) {
            const double kept = A[k][j];
            A[k][j] = A[pivot][j];
            A[pivot][j] = kept;
        }
        const double kept = b[k];
        b[k] = b[pivot];
        b[pivot] = kept;
        for (int i = k + 1; i < N_PARAMETERS; i++) {
            const double factor = A[i][k] / A[k][k];
            for (int j = k; j < N_PARAMETERS; j++)
                A[i][j] -= factor * A[k][j];
            b[i] -= factor * b[k];
        }
    }
    for (int k = N_PARAMETERS - 1; k >= 0; k--) {
        x[k] = b[k];
        for (int j = k + 1; j < N_PARAMETERS; j++)
            x[k] -= A[k][j] * x[j];
        x[k] /= A[k][k];
    }
    return isfinite(x[0]) && isfinite(x[1]) && isfinite(x[2]);
}

/* Levenberg & Marquardt from `p`; gives the sum of squares. */
static double descend(const decay *d, double *p, double scale, double *work)
{
    double damping = 1e-3, best = residuals(d, p, NULL, scale);
    for (int round = 0; round < MOST_ROUNDS && damping < 1e12; round++) {
        double JJ[N_PARAMETERS][N_PARAMETERS], Jr[N_PARAMETERS], move[N_PARAMETERS];
        normal_equations(d, p, scale, work, work + d->n, JJ, Jr);
        for (int k = 0; k < N_PARAMETERS; k++)
            JJ[k][k] *= 1 + damping;
        const bool solved = solve(JJ, Jr, move);
        double q[N_PARAMETERS];
        for (int k = 0; k < N_PARAMETERS; k++)
            q[k] = p[k] - (solved ? fmax(-2, fmin(2, move[k])) : 0);
        const double sum = solved ? residuals(d, q, NULL, scale) : INFINITY;
        if (sum < best) {
            const bool settled = best - sum < 1e-12 * best;
            best = sum;
            for (int k = 0; k < N_PARAMETERS; k++)
                p[k] = q[k];
            damping = fmax(damping / 10, 1e-12);
            if (settled)
                break;
        } else {
            damping *= 10;
        }
    }
    return best;
}

bool uptake_fit_decay(const double *y, uint32_t n, double interval_s, double tau_s, double base_nM,
                      double k_loss_per_s, uptake_fit *fit)
{
    static const double starts_nM[] = {30, 200, 1500};
    const decay d = {y, n, interval_s, tau_s, base_nM, k_loss_per_s};
    double peak = 0, fall = 0, best = INFINITY;
    for (uint32_t i = 0; i < n; i++)
        peak = fmax(peak, y[i]);
    for (uint32_t i = 0; i + 1 < n; i++)
        fall = fmax(fall, (y[i] - y[i + 1]) / interval_s);
    double *work = calloc(4 * (size_t)n + 1, sizeof *work);
    if (work == NULL || n < 4 || !(peak > 0) || !(fall > 0)) {
        free(work);
        return false;
    }
    for (size_t s = 0; s < sizeof starts_nM / sizeof *starts_nM; s++) {
        double p[N_PARAMETERS] = {log(1.1 * peak), log(fall * (1 + starts_nM[s] / peak)),
                                  log(starts_nM[s])};
        const double sum = descend(&d, p, peak, work);
        if (sum < best) {
            best = sum;
            *fit = (uptake_fit){exp(p[0]), exp(p[1]), exp(p[2]), peak * sqrt(sum / n)};
        }
    }
    free(work);
    return isfinite(best);
}
