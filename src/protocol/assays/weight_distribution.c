/*
 * Distribution of the weight, or of another variable, over all synapses of the pathways.
 */
#include "protocol/assays/slice.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct gathered {
    const synapse_variable *variable;
    float *values;
    uint64_t n, capacity;
    bool failed;
} gathered;

/* One histogram a moment, appended to the others. */
typedef struct histograms {
    double *edges, *counts, *time_s;
    uint32_t n;
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

static meso_status histograms_begin(assay_run *r, const gathered *g, histograms **out,
                                    meso_error *err)
{
    const slice *s = &r->assay->slice;
    histograms *h;
    double low, high;
    MESO_TRY(assay_alloc(r, 1, sizeof *h, &h, err));
    MESO_TRY(assay_alloc(r, s->n_bins + 1, sizeof *h->edges, &h->edges, err));
    MESO_TRY(assay_alloc(r, (size_t)s->n_moments * s->n_bins, sizeof *h->counts, &h->counts, err));
    MESO_TRY(assay_alloc(r, s->n_moments, sizeof *h->time_s, &h->time_s, err));
    limits(r, g, &low, &high);
    for (uint32_t i = 0; i <= s->n_bins; i++)
        h->edges[i] = low + (high - low) * i / s->n_bins;
    *out = h;
    return MESO_OK;
}

/* Values beyond the edges are in the outermost bins. */
static meso_status histogram_add(assay_run *r, uint32_t moment, const gathered *g, meso_error *err)
{
    const slice *s = &r->assay->slice;
    histograms *h = slice_own(r);
    if (h == NULL) {
        MESO_TRY(histograms_begin(r, g, &h, err));
        slice_keep(r, h);
    }
    double *counts = &h->counts[(size_t)h->n * s->n_bins];
    const double low = h->edges[0], width = (h->edges[s->n_bins] - low) / s->n_bins;
    for (uint64_t i = 0; i < g->n; i++) {
        const double bin = fmin(fmax(floor((g->values[i] - low) / width), 0), s->n_bins - 1);
        counts[(uint32_t)bin]++;
    }
    h->time_s[h->n++] = s->moments_h[moment] * 3600;
    return MESO_OK;
}

/* --- numbers ----------------------------------------------------------------------------------- */

static meso_status numbers_add(assay_run *r, uint32_t moment, gathered *g, meso_error *err)
{
    const slice *s = &r->assay->slice;
    const char *unit = s->pathways[0].variable.unit;
    double mean = 0, squares = 0, n_zero = 0;
    const double n = (double)g->n;
    for (uint64_t i = 0; i < g->n; i++) {
        mean += g->values[i] / n;
        n_zero += fabsf(g->values[i]) <= s->zero_below;
    }
    for (uint64_t i = 0; i < g->n; i++)
        squares += (g->values[i] - mean) * (g->values[i] - mean);
    const struct {
        const char *quantity, *unit;
        double value;
    } results[] = {
        {"mean", unit, n > 0 ? mean : NAN},
        {"sd", unit, n > 1 ? sqrt(squares / (n - 1)) : NAN},
        {"least", unit, quantile(g, 0)},
        {"q05", unit, quantile(g, 0.05)},
        {"q25", unit, quantile(g, 0.25)},
        {"median", unit, quantile(g, 0.5)},
        {"q75", unit, quantile(g, 0.75)},
        {"q95", unit, quantile(g, 0.95)},
        {"largest", unit, quantile(g, 1)},
        {"zero_percent", "%", n > 0 ? 100 * n_zero / n : NAN},
        {"synapses", "1", n},
    };
    for (size_t i = 0; i < sizeof results / sizeof *results; i++)
        MESO_TRY(slice_add(r, moment, results[i].quantity, results[i].unit, results[i].value, err));
    return MESO_OK;
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
    MESO_GO(numbers_add(r, moment, &g, err));
    MESO_GO(histogram_add(r, moment, &g, err));
done:
    free(g.values);
    return status;
}

static meso_status end(assay_run *r, double ended_s, meso_error *err)
{
    const slice *s = &r->assay->slice;
    const histograms *h = slice_own(r);
    MESO_TRY(slice_end(r, ended_s, err));
    if (h == NULL)
        return MESO_OK;
    return assay_add_histogram(r, "histogram", h->time_s, h->counts, h->n, h->edges,
                               s->pathways[0].variable.unit, s->n_bins, err);
}

const assay_method weight_distribution_method = {
    .begin = slice_begin, .look = look, .end = end, .destroy = slice_destroy};
