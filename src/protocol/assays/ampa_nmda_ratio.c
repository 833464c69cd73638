/*
 * AMPA/NMDA ratio: cells are clamped, axons of the pathway fire once, all contacts at the same time. The peak of the current
 * through AMPA receptors over that through NMDA receptors, as they are told apart by an antagonist; both at +40 mV unless said
 * otherwise (Ungless et al. 2001).
 */
#include "protocol/assays/slice.h"

#include <math.h>

enum { RATIO, RATIO_SEM, AMPA, NMDA, N_CELLS, N_QUANTITIES };
static const slice_quantity quantities[N_QUANTITIES] = {
    [RATIO] = {"ratio", "1"},   [RATIO_SEM] = {"ratio_sem", "1"}, [AMPA] = {"ampa_pA", "pA"},
    [NMDA] = {"nmda_pA", "pA"}, [N_CELLS] = {"cells", "1"},
};

static void currents(assay_run *r, const slice_cells *cells, uint32_t cell, double *ampa_pA,
                     double *nmda_pA)
{
    const slice *s = &r->assay->slice;
    double *for_ampa = clamp_closed(r, 0), *for_nmda = clamp_closed(r, 1);
    for (uint64_t i = cells->first[cell]; i < cells->first[cell + 1]; i++) {
        const contact *c = &cells->contacts[i];
        const double released = fmin(1, s->pathways[c->pathway].release_probability *
                                            slice_terminals(r, c->pathway));
        if (!slice_fires(r, c))
            continue;
        clamp_open(r, c, released, for_ampa);
        clamp_open(r, c, released, for_nmda);
    }
    *ampa_pA = clamp_peak_pA(r, for_ampa, CLAMP_AMPA, s->ampa_mV);
    *nmda_pA = isnan(s->nmda_at_ms) ? clamp_peak_pA(r, for_nmda, CLAMP_NMDA, s->nmda_mV)
                                    : fabs(clamp_current_pA(r, for_nmda, CLAMP_AMPA | CLAMP_NMDA,
                                                            s->nmda_mV, s->nmda_at_ms));
}

static meso_status look(assay_run *r, simulation *sim, uint32_t moment, meso_error *err)
{
    slice_cells cells;
    double *ratio = slice_scratch(r, 0), *ampa_pA = slice_scratch(r, 1),
           *nmda_pA = slice_scratch(r, 2);
    uint32_t n = 0;
    MESO_TRY(slice_look(r, sim, &cells, err));
    for (uint32_t i = 0; i < cells.n; i++) {
        currents(r, &cells, i, &ampa_pA[n], &nmda_pA[n]);
        ratio[n] = ampa_pA[n] / nmda_pA[n];
        n += nmda_pA[n] > 0;
    }
    slice_set_estimate(r, moment, RATIO, ratio, n);
    slice_set_mean(r, moment, AMPA, ampa_pA, n);
    slice_set_mean(r, moment, NMDA, nmda_pA, n);
    slice_set(r, moment, N_CELLS, n);
    return MESO_OK;
}

static meso_status begin(assay_run *r, meso_error *err)
{
    return slice_begin(r, quantities, N_QUANTITIES, err);
}

const assay_method ampa_nmda_ratio_method = {
    .begin = begin, .row = slice_row, .look = look, .end = slice_end, .destroy = slice_destroy};
