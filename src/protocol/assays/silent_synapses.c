/*
 * Silent synapses by minimal stimulation (Isaac et al. 1995; Graziane et al. 2016; Wright et al. 2020): one or a few contacts of
 * a cell are stimulated again and again, at a potential at which AMPA receptors are seen alone and at one at which NMDA
 * receptors are seen too. With failure rates F the share of silent synapses is
 *
 *     1 - ln(F low) / ln(F high)
 *
 * Cells in which no stimulus failed, or all did at the high potential, have none.
 */
#include "protocol/assays/slice.h"

#include <math.h>

enum { SILENT, SILENT_SEM, FAILURES_LOW, FAILURES_HIGH, N_CELLS, N_QUANTITIES };
static const slice_quantity quantities[N_QUANTITIES] = {
    [SILENT] = {"silent_percent", "%"},
    [SILENT_SEM] = {"silent_sem", "%"},
    [FAILURES_LOW] = {"failures_low_percent", "%"},
    [FAILURES_HIGH] = {"failures_high_percent", "%"},
    [N_CELLS] = {"cells", "1"},
};

#define MOST_CONTACTS 100 /* as the configuration allows */

/* Contacts that the electrode reaches. */
typedef struct reached {
    const contact *contacts[MOST_CONTACTS];
    double release_probability[MOST_CONTACTS];
    uint32_t n;
} reached;

static bool is_reached(const reached *x, const contact *c)
{
    for (uint32_t i = 0; i < x->n; i++)
        if (x->contacts[i] == c)
            return true;
    return false;
}

static void contacts_reach(const assay_run *r, const slice_cells *cells, uint32_t cell,
                           slice_draws *draws, reached *x)
{
    const slice *s = &r->assay->slice;
    const contact *all = &cells->contacts[cells->first[cell]];
    const uint64_t n = cells->first[cell + 1] - cells->first[cell];
    const uint64_t wanted = n < s->n_contacts ? n : s->n_contacts;
    x->n = 0;
    while (x->n < wanted) {
        const uint64_t drawn = (uint64_t)(slice_uniform(draws) * (double)n);
        const contact *c = &all[drawn < n ? drawn : n - 1];
        if (is_reached(x, c))
            continue;
        x->release_probability[x->n] = fmin(1, s->pathways[c->pathway].release_probability *
                                                   slice_terminals(r, c->pathway));
        x->contacts[x->n++] = c;
    }
}

/* Share of trials without a response. */
static double failures(assay_run *r, const reached *x, double v_mV, slice_draws *draws)
{
    const slice *s = &r->assay->slice;
    uint32_t n = 0;
    for (uint32_t trial = 0; trial < s->n_trials; trial++) {
        double *g_nS = clamp_closed(r, 0);
        for (uint32_t i = 0; i < x->n; i++)
            if (slice_uniform(draws) < x->release_probability[i])
                clamp_open(r, x->contacts[i], 1, g_nS);
        const double peak_pA = clamp_peak_pA(r, g_nS, CLAMP_AMPA | CLAMP_NMDA, v_mV);
        n += peak_pA + s->noise_pA * slice_normal(draws) < s->threshold_pA;
    }
    return (double)n / s->n_trials;
}

static meso_status look(assay_run *r, simulation *sim, uint32_t moment, meso_error *err)
{
    double *silent = slice_scratch(r, 0), *low = slice_scratch(r, 1), *high = slice_scratch(r, 2);
    const slice *s = &r->assay->slice;
    slice_cells cells;
    uint32_t n = 0;
    MESO_TRY(slice_look(r, sim, &cells, err));
    for (uint32_t i = 0; i < cells.n; i++) {
        slice_draws draws = slice_draws_of(r, moment, cells.neurons[i]);
        reached x;
        contacts_reach(r, &cells, i, &draws, &x);
        const double failed_low = failures(r, &x, s->low_mV, &draws);
        const double failed_high = failures(r, &x, s->high_mV, &draws);
        if (failed_low == 0 || failed_high == 0 || failed_high == 1)
            continue;
        low[n] = 100 * failed_low;
        high[n] = 100 * failed_high;
        silent[n++] = 100 * (1 - log(failed_low) / log(failed_high));
    }
    slice_set_estimate(r, moment, SILENT, silent, n);
    slice_set_mean(r, moment, FAILURES_LOW, low, n);
    slice_set_mean(r, moment, FAILURES_HIGH, high, n);
    slice_set(r, moment, N_CELLS, n);
    return MESO_OK;
}

static meso_status begin(assay_run *r, meso_error *err)
{
    return slice_begin(r, quantities, N_QUANTITIES, err);
}

const assay_method silent_synapses_method = {
    .begin = begin, .row = slice_row, .look = look, .end = slice_end, .destroy = slice_destroy};
