/*
 * Miniature currents: without spikes every contact releases now and then, each time with all that it has; what is below the
 * threshold is not seen. Two at once are two.
 */
#include "protocol/assays/slice.h"

#include <math.h>

enum { FREQUENCY, FREQUENCY_SEM, AMPLITUDE, AMPLITUDE_SEM, AMPLITUDE_CV, N_CELLS, N_QUANTITIES };
static const slice_quantity quantities[N_QUANTITIES] = {
    [FREQUENCY] = {"frequency_hz", "Hz"},   [FREQUENCY_SEM] = {"frequency_sem", "Hz"},
    [AMPLITUDE] = {"amplitude_pA", "pA"},   [AMPLITUDE_SEM] = {"amplitude_sem", "pA"},
    [AMPLITUDE_CV] = {"amplitude_cv", "1"}, [N_CELLS] = {"cells", "1"},
};

typedef struct events {
    double n, sum, squares;
} events;

static double amplitude_pA(assay_run *r, const contact *c)
{
    double *g_nS = clamp_closed(r, 0);
    clamp_open(r, c, 1, g_nS);
    return clamp_peak_pA(r, g_nS, CLAMP_AMPA | CLAMP_NMDA, r->assay->holding_mV);
}

static void contact_record(assay_run *r, const contact *c, slice_draws *draws, events *seen)
{
    const slice *s = &r->assay->slice;
    const double mean_pA = amplitude_pA(r, c);
    for (double t_s = -log(slice_uniform(draws)) / s->rate_hz; t_s < s->record_s;
         t_s -= log(slice_uniform(draws)) / s->rate_hz) {
        const double quantal = s->quantal_cv > 0 ? 1 + s->quantal_cv * slice_normal(draws) : 1;
        const double size = fmax(0, quantal) * mean_pA + s->noise_pA * slice_normal(draws);
        if (size < s->threshold_pA)
            continue;
        seen->n++;
        seen->sum += size;
        seen->squares += size * size;
    }
}

static meso_status look(assay_run *r, simulation *sim, uint32_t moment, meso_error *err)
{
    double *rate = slice_scratch(r, 0), *amplitude = slice_scratch(r, 1), *cv = slice_scratch(r, 2);
    slice_cells cells;
    uint32_t n = 0, n_seen = 0, n_spread = 0;
    MESO_TRY(slice_look(r, sim, &cells, err));
    for (uint32_t i = 0; i < cells.n; i++) {
        slice_draws draws = slice_draws_of(r, moment, cells.neurons[i]);
        events seen = {0};
        for (uint64_t k = cells.first[i]; k < cells.first[i + 1]; k++)
            contact_record(r, &cells.contacts[k], &draws, &seen);
        if (cells.first[i] == cells.first[i + 1])
            continue;
        rate[n++] = seen.n / r->assay->slice.record_s;
        const double mean = seen.n > 0 ? seen.sum / seen.n : 0;
        if (seen.n > 0)
            amplitude[n_seen++] = mean;
        if (seen.n > 1)
            cv[n_spread++] = sqrt(fmax(0, seen.squares - seen.n * mean * mean) / (seen.n - 1)) /
                             mean;
    }
    slice_set_estimate(r, moment, FREQUENCY, rate, n);
    slice_set_estimate(r, moment, AMPLITUDE, amplitude, n_seen);
    slice_set_mean(r, moment, AMPLITUDE_CV, cv, n_spread);
    slice_set(r, moment, N_CELLS, n);
    return MESO_OK;
}

static meso_status begin(assay_run *r, meso_error *err)
{
    return slice_begin(r, quantities, N_QUANTITIES, err);
}

const assay_method mepsc_method = {
    .begin = begin, .row = slice_row, .look = look, .end = slice_end, .destroy = slice_destroy};
