/*
 * Evoked current of one pathway, in a virtual slice: the target's cells are clamped, one spike is set off in the axons, and
 * the largest deflection of the mean current is the amplitude. Once with the drugs of the moment, once without.
 */
#include "protocol/assays/probe_run.h"

#include <math.h>
#include <stdlib.h>

#define BEFORE_S 0.02
#define AFTER_S 0.4

static meso_status amplitude(assay_run *r, meso_device *device, const meso_run_options *options,
                             const double *level_nM, double *amplitude_pA, meso_error *err)
{
    const assay *a = r->assay;
    const probe_plan plan = {.name = a->name,
                             .source = r->e->projections[a->projection].source,
                             .projection = a->projection,
                             .holding_mV = a->holding_mV,
                             .modulator = MODEL_NONE,
                             .compartment = MODEL_NONE,
                             .share = a->share,
                             .pulses = 1,
                             .wash_in_s = a->wash_in_s,
                             .before_s = BEFORE_S,
                             .after_s = AFTER_S,
                             .level_nM = level_nM};
    probe_answer answer;
    MESO_TRY(probe_run(r, &plan, device, options, &answer, err));
    double before = 0, largest = 0;
    for (uint32_t i = 0; i < answer.first_pulse; i++)
        before += answer.mean[i] / answer.first_pulse;
    for (uint32_t i = answer.first_pulse; i < answer.n_frames; i++)
        if (fabs(answer.mean[i] - before) > fabs(largest))
            largest = answer.mean[i] - before;
    free(answer.mean);
    *amplitude_pA = largest;
    return MESO_OK;
}

static meso_status probe(assay_run *r, meso_device *device, const meso_run_options *options,
                         const double *level_nM, double at_s, meso_error *err)
{
    double with_pA, without_pA, *none_nM;
    bool drugs = false;
    for (uint32_t d = 0; d < r->e->n_drugs; d++)
        drugs = drugs || level_nM[d] > 0;
    MESO_TRY(assay_alloc(r, r->e->n_drugs, sizeof *none_nM, &none_nM, err));
    MESO_TRY(amplitude(r, device, options, level_nM, &with_pA, err));
    without_pA = with_pA;
    if (drugs)
        MESO_TRY(amplitude(r, device, options, none_nM, &without_pA, err));
    const double time_h = assay_time_h(r, at_s);
    MESO_TRY(assay_add(r, "amplitude_pA", "pA", time_h, with_pA, err));
    MESO_TRY(assay_add(r, "control_pA", "pA", time_h, without_pA, err));
    return assay_add(r, "change_percent", "%", time_h, 100 * (with_pA / without_pA - 1), err);
}

const assay_method evoked_current_method = {.probe = probe};
