/*
 * Fast-scan voltammetry in a virtual slice: a train of pulses releases the modulator, the electrode (a low-pass, read
 * every 100 ms) shows its change from the second before, and V_max and K_m are fitted to the decay after the last
 * pulse.
 */
#include "protocol/assays/probe_run.h"
#include "protocol/assays/uptake_fit.h"

#include <math.h>
#include <stdlib.h>

#define BEFORE_S 1.0

typedef struct readings {
    double *time_s, *nM; /* [n] above the base, from the start of the train */
    uint32_t n;
    uint32_t first_after; /* reading after the last release is over */
    double base_nM, peak_nM;
    double
        first_pulse_nM; /* rise of the concentration itself before the second pulse, or in 20 ms */
} readings;

static meso_status readings_take(assay_run *r, const probe_answer *answer, double over_s,
                                 readings *out, meso_error *err)
{
    const assay *a = r->assay;
    const uint32_t from = answer->first_pulse;
    const uint32_t n = answer->n_frames > from ? answer->n_frames - from : 0;
    const uint32_t every = (uint32_t)fmax(1, round(a->sample_ms * 1e-3 / answer->interval_s));
    const double share = a->electrode_tau_s > 0 ? -expm1(-answer->interval_s / a->electrode_tau_s)
                                                : 1;
    *out = (readings){0};
    MESO_TRY(assay_alloc(r, n / every + 1, sizeof(double), &out->time_s, err));
    MESO_TRY(assay_alloc(r, n / every + 1, sizeof(double), &out->nM, err));
    for (uint32_t i = 0; i < from; i++)
        out->base_nM += answer->mean[i] / from;
    double seen = 0, before = 0;
    for (uint32_t i = 0; i < n; i++) {
        /* between two frames the concentration is taken to change evenly */
        const double level = answer->mean[from + i] - out->base_nM;
        const double k = share / (answer->interval_s / a->electrode_tau_s);
        if (a->electrode_tau_s > 0)
            seen = seen * (1 - share) + before * (k - (1 - share)) + level * (1 - k);
        else
            seen = level;
        before = level;
        if (i % every != 0)
            continue;
        out->time_s[out->n] = i * answer->interval_s;
        out->nM[out->n] = seen;
        out->peak_nM = fmax(out->peak_nM, seen);
        if (out->first_after == 0 && i * answer->interval_s >= over_s)
            out->first_after = out->n;
        out->n++;
    }
    return MESO_OK;
}

/* From the peak to half of it. */
static double half_decay_s(const readings *seen)
{
    uint32_t peak = 0;
    for (uint32_t i = 0; i < seen->n; i++)
        peak = seen->nM[i] > seen->nM[peak] ? i : peak;
    const double half = seen->peak_nM / 2;
    for (uint32_t i = peak + 1; i < seen->n; i++)
        if (seen->nM[i] <= half) {
            const double share = (seen->nM[i - 1] - half) / (seen->nM[i - 1] - seen->nM[i]);
            return seen->time_s[i - 1] + share * (seen->time_s[i] - seen->time_s[i - 1]) -
                   seen->time_s[peak];
        }
    return NAN;
}

static double first_pulse_nM(const probe_answer *answer, double base_nM, double within_s)
{
    double highest = base_nM;
    const uint32_t n = answer->first_pulse + (uint32_t)lround(within_s / answer->interval_s);
    for (uint32_t i = answer->first_pulse; i < answer->n_frames && i <= n; i++)
        highest = fmax(highest, answer->mean[i]);
    return highest - base_nM;
}

/* None where there is no uptake, or where K_m is so far from what is seen that only V_max / K_m, or V_max, could be told. */
static uptake_fit fit_uptake(const assay_run *r, const readings *seen)
{
    const uptake_fit none = {NAN, NAN, NAN, NAN};
    const assay *a = r->assay;
    const compartment *c = &r->e->modulators[a->modulator].compartments[a->compartment];
    const uint32_t from = seen->first_after;
    const double highest = seen->base_nM + seen->peak_nM;
    uptake_fit fit;
    if (!(seen->peak_nM > 0) || from == 0 || !(c->V_max_nM_per_s * c->transporter_density > 0) ||
        !uptake_fit_decay(seen->nM + from, seen->n - from, seen->time_s[1] - seen->time_s[0],
                          a->electrode_tau_s, seen->base_nM, a->k_loss_per_s, &fit))
        return none;
    return fit.K_m_nM < 100 * highest && fit.K_m_nM > highest / 1000 ? fit : none;
}

static meso_status report_all(assay_run *r, const readings *seen, double first_nM, double at_s,
                              meso_error *err)
{
    const uptake_fit fit = fit_uptake(r, seen);
    const double time_h = assay_time_h(r, at_s);
    MESO_TRY(assay_add(r, "V_max_uM_per_s", "uM/s", time_h, fit.V_max_nM_per_s * 1e-3, err));
    MESO_TRY(assay_add(r, "K_m_nM", "nM", time_h, fit.K_m_nM, err));
    MESO_TRY(assay_add(r, "peak_nM", "nM", time_h, seen->peak_nM, err));
    MESO_TRY(assay_add(r, "half_decay_s", "s", time_h, half_decay_s(seen), err));
    MESO_TRY(assay_add(r, "first_pulse_nM", "nM", time_h, first_nM, err));
    MESO_TRY(assay_add(r, "base_nM", "nM", time_h, seen->base_nM, err));
    return assay_add_series(r, arena_printf(r->memory, "signal_at_%.0f_s", at_s), "nM",
                            seen->time_s, seen->nM, seen->n, err);
}

static meso_status probe(assay_run *r, meso_device *device, const meso_run_options *options,
                         const double *level_nM, double at_s, meso_error *err)
{
    const assay *a = r->assay;
    const compartment *c = &r->e->modulators[a->modulator].compartments[a->compartment];
    const probe_plan plan = {.name = a->name,
                             .source = c->source,
                             .projection = MODEL_NONE,
                             .modulator = a->modulator,
                             .compartment = a->compartment,
                             .share = a->share,
                             .pulses = a->pulses,
                             .frequency_hz = a->frequency_hz,
                             .wash_in_s = a->wash_in_s,
                             .before_s = BEFORE_S,
                             .after_s = a->after_s,
                             .level_nM = level_nM};
    probe_answer answer;
    MESO_TRY(probe_run(r, &plan, device, options, &answer, err));
    /* the spike, its way along the axon, and a field step for each */
    const double delay_s = c->axonal_delay_ms * 1e-3 + 3 * answer.interval_s;
    const double train_s = (a->pulses - 1) / a->frequency_hz;
    const double gap_s = a->pulses > 1 ? 1 / a->frequency_hz : 0.02;
    readings seen;
    meso_status status = readings_take(r, &answer, train_s + delay_s, &seen, err);
    if (status == MESO_OK)
        status = report_all(
            r, &seen,
            first_pulse_nM(&answer, seen.base_nM,
                           fmax(gap_s + c->axonal_delay_ms * 1e-3 - answer.interval_s, delay_s)),
            at_s, err);
    free(answer.mean);
    return status;
}

const assay_method voltammetry_method = {.probe = probe};
