#include "protocol/pharmacokinetics.h"

#include <math.h>
#include <string.h>

typedef double matrix[PK_STATES][PK_STATES];

static void multiply(matrix product, matrix a, matrix b)
{
    matrix sum = {{0}};
    for (int i = 0; i < PK_STATES; i++)
        for (int j = 0; j < PK_STATES; j++)
            for (int k = 0; k < PK_STATES; k++)
                sum[i][j] += a[i][k] * b[k][j];
    memcpy(product, sum, sizeof sum);
}

/* exp(a) by scaling to a norm below 1/2, a Taylor series, and squaring. */
static void exponential(matrix result, matrix a)
{
    double norm = 0;
    for (int i = 0; i < PK_STATES; i++)
        for (int j = 0; j < PK_STATES; j++)
            norm = fmax(norm, fabs(a[i][j]) * PK_STATES);
    const int squarings = norm > 0.5 ? (int)ceil(log2(norm / 0.5)) : 0;

    matrix scaled, term = {{0}}, sum = {{0}};
    for (int i = 0; i < PK_STATES; i++) {
        term[i][i] = sum[i][i] = 1;
        for (int j = 0; j < PK_STATES; j++)
            scaled[i][j] = ldexp(a[i][j], -squarings);
    }
    for (int n = 1; n <= 18; n++) {
        multiply(term, term, scaled);
        for (int i = 0; i < PK_STATES; i++)
            for (int j = 0; j < PK_STATES; j++) {
                term[i][j] /= n;
                sum[i][j] += term[i][j];
            }
    }
    for (int s = 0; s < squarings; s++)
        multiply(sum, sum, sum);
    memcpy(result, sum, sizeof sum);
}

void pk_begin(pharmacokinetics *pk, const drug *d, double step_s)
{
    const double step_min = step_s / 60;
    matrix rates = {{0}};
    *pk = (pharmacokinetics){.drug = d};
    for (int r = 0; r < N_ROUTES; r++) {
        const double absorbed = d->routes[r].k_absorption_per_min * step_min;
        rates[r][r] = -absorbed;
        rates[PK_PLASMA][r] = absorbed;
    }
    rates[PK_PLASMA][PK_PLASMA] = -(d->k_elimination_per_min + d->k_to_brain_per_min) * step_min;
    rates[PK_PLASMA][PK_BRAIN] = d->k_from_brain_per_min * step_min;
    rates[PK_BRAIN][PK_PLASMA] = d->k_to_brain_per_min * step_min;
    rates[PK_BRAIN][PK_BRAIN] = -d->k_from_brain_per_min * step_min;
    exponential(pk->transition, rates);
}

void pk_dose(pharmacokinetics *pk, drug_route route, double dose_mg_per_kg)
{
    const drug *d = pk->drug;
    const double amount_nM = dose_mg_per_kg * d->routes[route].bioavailability /
                             d->molar_mass_g_per_mol / d->V_d_L_per_kg * 1e6;
    pk->level_nM[route == ROUTE_IV ? PK_PLASMA : (int)route] += amount_nM;
}

void pk_step(pharmacokinetics *pk)
{
    double next[PK_STATES] = {0};
    for (int i = 0; i < PK_STATES; i++)
        for (int j = 0; j < PK_STATES; j++)
            next[i] += pk->transition[i][j] * pk->level_nM[j];
    memcpy(pk->level_nM, next, sizeof next);
}

double pk_plasma_nM(const pharmacokinetics *pk)
{
    return pk->level_nM[PK_PLASMA];
}

double pk_brain_nM(const pharmacokinetics *pk)
{
    return pk->level_nM[PK_BRAIN] * pk->drug->unbound_fraction;
}
