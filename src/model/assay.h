/** An assay: what a laboratory would measure of the experiment, and how. */
#ifndef MODEL_ASSAY_H
#define MODEL_ASSAY_H

#include "model/slice.h"
#include <stdint.h>

typedef enum assay_kind {
    ASSAY_MICRODIALYSIS, /* concentration in bins of minutes, in % of the bins before the drug */
    ASSAY_VOLTAMMETRY, /* release evoked by a train of pulses, uptake fitted to its decay; on a probe */
    ASSAY_PET,         /* occupancy of a transporter, or availability of a receptor */
    ASSAY_EVOKED_CURRENT,  /* current of clamped cells after a spike in one pathway; on a probe */
    ASSAY_UNITS,           /* rate, regularity and bursts of single cells */
    ASSAY_SIGNAL,          /* any series of the time line: mean, peak, decay */
    ASSAY_TRANSIENTS,      /* rapid rises of a concentration as an electrode sees them */
    ASSAY_MEMBRANE_STATES, /* up and down states in a report of potentials */
    ASSAY_AMPA_NMDA_RATIO, /* this and the following look at single synapses (model/slice.h) */
    ASSAY_SILENT_SYNAPSES,     /* failures of minimal stimulation at two potentials */
    ASSAY_MEPSC,               /* frequency and amplitude of miniature currents */
    ASSAY_PAIRED_PULSE_RATIO,  /* second response over the first */
    ASSAY_WEIGHT_DISTRIBUTION, /* of the weight or another variable, over all synapses */
    ASSAY_CONTACTS,            /* on each target cell */
} assay_kind;

/* Assays that observe see [start, stop) of simulated time, counted from the start of `phase` if one is
 * named. Those on a probe are done at `at_s`, and then every `every_s` to the end of the experiment; the probe is
 * a network of its own, made from the same experiment, and has the drug levels of that moment. */
typedef struct assay {
    const char *name;
    const char *place; /* file:line: path, for messages */
    assay_kind kind;
    double start_s, stop_s;
    double at_s, every_s;

    uint32_t modulator,
        compartment;     /* microdialysis, voltammetry, transients, PET of a transporter */
    uint32_t population; /* units, PET of a receptor (MODEL_NONE: of a transporter) */
    uint32_t receptor;
    uint32_t projection; /* evoked current */
    uint32_t report;     /* membrane states */
    const char *series;  /* signal */

    double
        baseline_stop_s; /* of simulated time; INFINITY: none. Before it lies the drug-free part */
    double settle_s;     /* after each leap, in which nothing is measured */

    double bin_min, lag_min; /* microdialysis */
    uint32_t baseline_bins;

    double electrode_tau_s, sample_ms; /* voltammetry, transients */
    double threshold_nM;               /* transients */
    double frequency_hz, wash_in_s;    /* of the train; drugs act this long before it */
    uint32_t pulses;
    double after_s;      /* that the answer is followed */
    double k_loss_per_s; /* clearance that the fit takes as known beside uptake */
    double share;        /* of the axons that a pulse fires */

    double holding_mV; /* evoked current */

    double burst_start_ms, burst_end_ms; /* units */

    double split_mV, ceiling_mV; /* membrane states */

    slice slice; /* assays of single synapses, which use `share` too */
} assay;

extern const char *const assay_kind_names[]; /* ends with NULL */
extern const char *const assay_kind_titles[];

#endif
