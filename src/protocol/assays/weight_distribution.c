/*
 * Distribution of the weight, or of another variable, over all synapses of the pathways.
 */
#include "protocol/assays/slice.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MEAN, SD, LEAST, Q05, Q25, MEDIAN, Q75, Q95, LARGEST, ZERO, N_SYNAPSES, N_QUANTITIES };
static const slice_quantity quantities[N_QUANTITIES] = {
    [MEAN] = {"mean", NULL},
    [SD] = {"sd", NULL},
    [LEAST] = {"least", NULL},
    [Q05] = {"q05", NULL},
    [Q25] = {"q25", NULL},
    [MEDIAN] = {"median", NULL},
    [Q75] = {"q75", NULL},
    [Q95] = {"q95", NULL},
    [LARGEST] = {"largest", NULL},
    [ZERO] = {"zero_percent", "%"},
    [N_SYNAPSES] = {"synapses", "1"},
};

typedef struct gathered {
    const synapse_variable *variable;
    float *values;
    uint64_t n, capacity;
    bool failed;
} gathered;

/* One a moment, with bins of equal width between two limits that the first moment sets. */
typedef struct histograms {
    double *limits;   /* [2] */
    double *counts;   /* [n_moments x n_bins] */
    uint32_t *n_done; /* moments */
} histograms;

static void value_visit(void *self, const edge *e)
{
    gathered *g = self;
    if (g->n == g->capacity) {
        const uint64_t wanted = g->capacity > 0 ? 2 * g->capacity : 4096;
        float *longer = realloc(g->values, wanted * sizeof *longer);
        g->failed = g->failed || longer == NULL;
        if (longer == NULL)
            return;
        g->values = longer;
        g->capacity = wanted;
    }
    g->values[g->n++] = g->variable->state == MODEL_NONE ? (float)e->weight
                                                         : e->states[g->variable->state];
}

static int value_compare(const void *left, const void *right)
{
    const float a = *(const float *)left, b = *(const float *)right;
    return (a > b) - (a < b);
}

/* Between the values beside it, as NumPy does. */
static double quantile(const gathered *g, double share)
{
    if (g->n == 0)
        return NAN;
    const double at = share * (double)(g->n - 1);
    const uint64_t below = (uint64_t)at, above = below + 1 < g->n ? below + 1 : below;
    return g->values[below] + (at - (double)below) * ((double)g->values[above] - g->values[below]);
}

/* --- histograms -------------------------------------------------------------------------------- */

static void limits(const assay_run *r, const gathered *g, double *low, double *high)
{
    const slice_pathway *q = &r->assay->slice.pathways[0];
    const long_term_plasticity *learning = r->e->projections[q->projection].learning;
    *low = quantile(g, 0);
    *high = quantile(g, 1);
    if (learning != NULL && q->variable.state == MODEL_NONE) {
        *low = learning->weight_min;
        *high = learning->weight_max;
    } else if (learning != NULL && learning->rule->state[q->variable.state].content) {
        *low = 0;
        *high = learning->weight_max;
    }
    if (g->n == 0 || !(*high > *low)) {
        *low = g->n > 0 ? *low - 0.5 : 0;
        *high = *low + 1;
    }
}

/* Values beyond the limits are in the outermost bins. */
static void histogram_add(assay_run *r, uint32_t moment, const gathered *g)
{
    const slice *s = &r->assay->slice;
    histograms *h = slice_own(r);
    double *counts = &h->counts[(size_t)moment * s->n_bins];
    if (*h->n_done == 0)
        limits(r, g, &h->limits[0], &h->limits[1]);
    const double width = (h->limits[1] - h->limits[0]) / s->n_bins;
    for (uint64_t i = 0; i < g->n; i++) {
        const double bin = floor((g->values[i] - h->limits[0]) / width);
        counts[(uint32_t)fmin(fmax(bin, 0), s->n_bins - 1)]++;
    }
    *h->n_done = moment + 1;
}

static meso_status histograms_end(assay_run *r, const histograms *h, meso_error *err)
{
    const slice *s = &r->assay->slice;
    double *time_s, *edges;
    MESO_TRY(assay_alloc(r, *h->n_done, sizeof *time_s, &time_s, err));
    MESO_TRY(assay_alloc(r, s->n_bins + 1, sizeof *edges, &edges, err));
    for (uint32_t i = 0; i < *h->n_done; i++)
        time_s[i] = s->moments_h[i] * 3600;
    for (uint32_t i = 0; i <= s->n_bins; i++)
        edges[i] = h->limits[0] + (h->limits[1] - h->limits[0]) * i / s->n_bins;
    return assay_add_histogram(r, "histogram", time_s, h->counts, *h->n_done, edges,
                               s->pathways[0].variable.unit, s->n_bins, err);
}

/* --- numbers ----------------------------------------------------------------------------------- */

static void numbers_set(assay_run *r, uint32_t moment, const gathered *g)
{
    static const struct {
        uint32_t quantity;
        double share;
    } quantiles[] = {{LEAST, 0},  {Q05, 0.05}, {Q25, 0.25}, {MEDIAN, 0.5},
                     {Q75, 0.75}, {Q95, 0.95}, {LARGEST, 1}};
    const double n = (double)g->n;
    double sum = 0, squares = 0, n_zero = 0;
    for (uint64_t i = 0; i < g->n; i++) {
        sum += g->values[i];
        n_zero += fabsf(g->values[i]) <= r->assay->slice.zero_below;
    }
    const double mean = n > 0 ? sum / n : NAN;
    for (uint64_t i = 0; i < g->n; i++)
        squares += (g->values[i] - mean) * (g->values[i] - mean);
    slice_set(r, moment, MEAN, mean);
    slice_set(r, moment, SD, n > 1 ? sqrt(squares / (n - 1)) : NAN);
    for (size_t i = 0; i < sizeof quantiles / sizeof *quantiles; i++)
        slice_set(r, moment, quantiles[i].quantity, quantile(g, quantiles[i].share));
    slice_set(r, moment, ZERO, n > 0 ? 100 * n_zero / n : NAN);
    slice_set(r, moment, N_SYNAPSES, n);
}

static meso_status look(assay_run *r, simulation *sim, uint32_t moment, meso_error *err)
{
    gathered g = {0};
    meso_status status = MESO_OK;
    for (uint32_t i = 0; i < r->assay->slice.n_pathways; i++) {
        const slice_pathway *q = &r->assay->slice.pathways[i];
        g.variable = &q->variable;
        MESO_GO(simulation_visit_edges(sim, q->projection, value_visit, &g, err));
    }
    if (g.failed)
        MESO_GO(error_set(err, MESO_MEMORY, "out of memory"));
    if (g.n > 0)
        qsort(g.values, g.n, sizeof *g.values, value_compare);
    numbers_set(r, moment, &g);
    histogram_add(r, moment, &g);
done:
    free(g.values);
    return status;
}

static meso_status end(assay_run *r, double ended_s, meso_error *err)
{
    const histograms *h = slice_own(r);
    MESO_TRY(slice_end(r, ended_s, err));
    return *h->n_done > 0 ? histograms_end(r, h, err) : MESO_OK;
}

static meso_status begin(assay_run *r, meso_error *err)
{
    const slice *s = &r->assay->slice;
    histograms *h;
    MESO_TRY(slice_begin(r, quantities, N_QUANTITIES, err));
    MESO_TRY(assay_alloc(r, 1, sizeof *h, &h, err));
    MESO_TRY(assay_alloc(r, 2, sizeof *h->limits, &h->limits, err));
    MESO_TRY(assay_alloc(r, (size_t)s->n_moments * s->n_bins, sizeof *h->counts, &h->counts, err));
    MESO_TRY(assay_alloc(r, 1, sizeof *h->n_done, &h->n_done, err));
    slice_keep(r, h);
    MESO_TRY(assay_remember(r, h->limits, 2 * sizeof *h->limits, err));
    MESO_TRY(
        assay_remember(r, h->counts, (size_t)s->n_moments * s->n_bins * sizeof *h->counts, err));
    return ASSAY_REMEMBER(r, *h->n_done, err);
}

const assay_method weight_distribution_method = {
    .begin = begin, .look = look, .end = end, .destroy = slice_destroy};
