/** A small network made from an experiment: a virtual slice with one stimulated pathway. */
#ifndef CONFIG_PROBE_H
#define CONFIG_PROBE_H

#include "base/status.h"
#include "model/experiment.h"

/*
 * The probe has the experiment's modulators, receptors, drugs, seed and steps. Its only spikes are those of `source`, whose
 * cells become axons that fire when stimulated; nothing else is released, and no modulator is there at the
 * start. Drugs have the levels given from the start to the end.
 */
typedef struct probe_plan {
    const char *name;    /* for messages */
    uint32_t source;     /* population */
    uint32_t projection; /* kept, with its target's cells in voltage clamp; or MODEL_NONE */
    double holding_mV;   /* of the target's cells */
    uint32_t modulator, compartment; /* whose release is kept; or MODEL_NONE */
    double share;                    /* of the axons that fire */
    uint32_t pulses;
    double frequency_hz;
    double wash_in_s, after_s; /* before the first pulse, after the last */
    double before_s;           /* the report begins so long before the first pulse */
    const double *level_nM;    /* [n_drugs] */
} probe_plan;

/*
 * Outputs   probe    owned by the caller; its report 0 is the current of the clamped cells, or the concentration in
 *                    the compartment
 *           start_s  of the train, rounded to steps
 */
meso_status probe_load(const experiment *e, const probe_plan *plan, meso_experiment **probe,
                       double *start_s, meso_error *err);

#endif
