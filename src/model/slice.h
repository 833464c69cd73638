/** Assays of single synapses: what a virtual slice is made of, and what is done to it. */
#ifndef MODEL_SLICE_H
#define MODEL_SLICE_H

#include "model/projection.h"
#include <stdbool.h>
#include <stdint.h>

/* What a conductance of the target is in a slice; with neither of them it is blocked. */
typedef enum slice_receptor { SLICE_BLOCKED, SLICE_AMPA, SLICE_NMDA } slice_receptor;

typedef struct slice_pathway {
    uint32_t projection;
    double release_probability; /* of a contact at a spike; NAN: of no meaning */
    uint32_t cp_state; /* content of its rule: AMPA receptors without GluA2; MODEL_NONE: there is none */
    synapse_variable variable; /* whose distribution is asked for */
} slice_pathway;

/* Synapses are read at each of the moments; the run is not touched. */
typedef struct slice {
    const slice_pathway *pathways; /* [n_pathways] to the same cells */
    uint32_t n_pathways;
    uint32_t target;         /* population */
    const double *moments_s; /* [n_moments] ascending, simulated time */
    const double *moments_h; /* biological */
    uint32_t n_moments;
    double every_h;

    uint32_t n_cells;
    const slice_receptor *receptors; /* [conductances of the target] */
    uint32_t cp_conductance;         /* all of it is AMPA receptors without GluA2; or MODEL_NONE */
    bool cp_blocked;

    double ampa_mV, nmda_mV, nmda_at_ms; /* ratio; NAN: the peak */

    uint32_t n_contacts, n_trials; /* silent synapses */
    double low_mV, high_mV, release_probability;
    double noise_pA, threshold_pA; /* silent synapses, miniature currents */

    double rate_hz, record_s, quantal_cv; /* miniature currents */

    double interval_ms; /* paired pulses */

    double zero_below; /* weight distribution */
    uint32_t n_bins;
} slice;

#endif
