/*
 * Paired pulses: axons that have rested fire twice; the second response over the first. What short-term plasticity does
 * (model/projection.h) is exact, with what receptors on the terminals make of U at that time.
 */
#include "protocol/assays/slice.h"

#include <math.h>

enum { RATIO, RATIO_SEM, FIRST, N_CELLS, N_QUANTITIES };
static const slice_quantity quantities[N_QUANTITIES] = {
    [RATIO] = {"ratio", "1"},
    [RATIO_SEM] = {"ratio_sem", "1"},
    [FIRST] = {"first_pA", "pA"},
    [N_CELLS] = {"cells", "1"},
};

/* What is left of a deviation; none without a time constant. */
static double left(double interval_ms, double tau_ms)
{
    return tau_ms > 0 ? exp(-interval_ms / tau_ms) : 0;
}

/* Shares of the weight that the two spikes release. */
static void release(const assay_run *r, uint32_t pathway, double share[2])
{
    const slice_pathway *q = &r->assay->slice.pathways[pathway];
    const short_term_plasticity *p = r->e->projections[q->projection].plasticity;
    const double interval_ms = r->assay->slice.interval_ms;
    const double U = fmin(1, q->release_probability * slice_terminals(r, pathway));
    share[0] = share[1] = U;
    if (p == NULL)
        return;
    const double x = 1 - U * left(interval_ms, p->tau_recovery_ms);
    const double u = U + U * (1 - U) * left(interval_ms, p->tau_facilitation_ms);
    share[1] = x * u;
}

static meso_status look(assay_run *r, simulation *sim, uint32_t moment, meso_error *err)
{
    const double v_mV = r->assay->holding_mV;
    double *ratio = slice_scratch(r, 0), *first = slice_scratch(r, 1);
    slice_cells cells;
    uint32_t n = 0;
    MESO_TRY(slice_look(r, sim, &cells, err));
    for (uint32_t i = 0; i < cells.n; i++) {
        double *g_nS[] = {clamp_closed(r, 0), clamp_closed(r, 1)};
        for (uint64_t k = cells.first[i]; k < cells.first[i + 1]; k++) {
            const contact *c = &cells.contacts[k];
            double share[2];
            release(r, c->pathway, share);
            for (int pulse = 0; pulse < 2 && slice_fires(r, c); pulse++)
                clamp_open(r, c, share[pulse], g_nS[pulse]);
        }
        first[n] = clamp_peak_pA(r, g_nS[0], CLAMP_AMPA, v_mV);
        ratio[n] = clamp_peak_pA(r, g_nS[1], CLAMP_AMPA, v_mV) / first[n];
        n += first[n] > 0;
    }
    slice_set_estimate(r, moment, RATIO, ratio, n);
    slice_set_mean(r, moment, FIRST, first, n);
    slice_set(r, moment, N_CELLS, n);
    return MESO_OK;
}

static meso_status begin(assay_run *r, meso_error *err)
{
    return slice_begin(r, quantities, N_QUANTITIES, err);
}

const assay_method paired_pulse_ratio_method = {
    .begin = begin, .row = slice_row, .look = look, .end = slice_end, .destroy = slice_destroy};
