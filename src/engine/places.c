/*
 * Places of rows whose contacts come and go. New contacts come from sources that are drawn uniformly, so in time every
 * row tends to the mean of all: it gets room for the larger of that and of what it has, n, as much more as the
 * experiment says, and 5 sqrt(n) + 5 for chance.
 */
#include "engine/layout.h"

#include <math.h>
#include <stdlib.h>

#define CHANCE_SD 5
#define CHANCE_LEAST 5

static double places_of(const projection *p, double n, double mean)
{
    const double most = fmax(n, mean);
    if (p->structure == NULL || p->structure->form == NULL)
        return n;
    return ceil((1 + p->structure->spare) * most + CHANCE_SD * sqrt(most) + CHANCE_LEAST);
}

uint32_t contacts_most(const projection *p, double n)
{
    if (p->structure == NULL || p->structure->form == NULL)
        return 0;
    const double most = ceil((1 + p->structure->spare) * n + 10 * sqrt(n) + 20);
    return (uint32_t)fmin(most, INT32_MAX);
}

/* The larger of a Poisson number and its mean m is m + 0.4 sqrt(m) on average; rounding up adds a half. */
double row_places_expect(const experiment *e, const layout *l, const bundle_layout *b,
                         const projection *p, double n)
{
    const double n_rows = (double)e->populations[p->source].n_neurons * l->n_partitions *
                          b->n_groups;
    if (p->structure == NULL || p->structure->form == NULL)
        return n;
    const double mean = n / n_rows, most = mean + 0.4 * sqrt(mean);
    return n_rows *
           ((1 + p->structure->spare) * most + CHANCE_SD * sqrt(most) + CHANCE_LEAST + 0.5);
}

/* Mean number of contacts of a source in each of its rows. */
static void means_fill(const experiment *e, const layout *l, const bundle_layout *b,
                       const uint32_t *rows, uint64_t per_cell, double *means)
{
    const uint32_t n = e->populations[b->source].n_neurons;
    uint32_t covered = 0;
    for (uint32_t cell = 0; cell < n; cell++) {
        const uint64_t row = layout_row(l, b, cell);
        covered += row != UINT64_MAX;
        for (uint64_t k = 0; row != UINT64_MAX && k < per_cell; k++)
            means[k] += rows[row + k];
    }
    for (uint64_t k = 0; covered > 0 && k < per_cell; k++)
        means[k] /= covered;
}

meso_status row_places_fill(const experiment *e, const layout *l, const bundle_layout *b,
                            uint32_t *rows, meso_error *err)
{
    const projection *p = &e->projections[b->projections[0]];
    const uint64_t per_cell = (uint64_t)l->n_partitions * b->n_groups;
    if (p->structure == NULL || p->structure->form == NULL)
        return MESO_OK;
    double *means = calloc(per_cell + 1, sizeof *means);
    if (means == NULL)
        return error_set(err, MESO_MEMORY, "out of memory");
    means_fill(e, l, b, rows, per_cell, means);
    for (uint32_t cell = 0; cell < e->populations[b->source].n_neurons; cell++) {
        const uint64_t row = layout_row(l, b, cell);
        for (uint64_t k = 0; row != UINT64_MAX && k < per_cell; k++)
            rows[row + k] = (uint32_t)places_of(p, rows[row + k], means[k]);
    }
    free(means);
    return MESO_OK;
}
