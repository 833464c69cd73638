#include "model/assay.h"

#include <stddef.h>

const char *const assay_kind_names[] = {
    [ASSAY_MICRODIALYSIS] = "microdialysis",
    [ASSAY_VOLTAMMETRY] = "voltammetry",
    [ASSAY_PET] = "pet",
    [ASSAY_EVOKED_CURRENT] = "evoked_current",
    [ASSAY_UNITS] = "units",
    [ASSAY_SIGNAL] = "signal",
    [ASSAY_TRANSIENTS] = "transients",
    [ASSAY_MEMBRANE_STATES] = "membrane_states",
    [ASSAY_AMPA_NMDA_RATIO] = "ampa_nmda_ratio",
    [ASSAY_SILENT_SYNAPSES] = "silent_synapses",
    [ASSAY_MEPSC] = "mepsc",
    [ASSAY_PAIRED_PULSE_RATIO] = "paired_pulse_ratio",
    [ASSAY_WEIGHT_DISTRIBUTION] = "weight_distribution",
    [ASSAY_CONTACTS] = "contacts",
    NULL,
};

const char *const assay_kind_titles[] = {
    [ASSAY_MICRODIALYSIS] = "concentration in samples of minutes, in % of those before the drug",
    [ASSAY_VOLTAMMETRY] = "evoked release and its uptake, in a virtual slice",
    [ASSAY_PET] = "occupancy of a transporter, or availability of a receptor",
    [ASSAY_EVOKED_CURRENT] = "current of a pathway in clamped cells of a virtual slice",
    [ASSAY_UNITS] = "rate, regularity and bursts of single cells",
    [ASSAY_SIGNAL] = "mean, peak and decay of a series of the time line",
    [ASSAY_TRANSIENTS] = "rapid rises of a concentration",
    [ASSAY_MEMBRANE_STATES] = "up and down states of potentials",
    [ASSAY_AMPA_NMDA_RATIO] = "AMPA over NMDA current of a pathway in clamped cells",
    [ASSAY_SILENT_SYNAPSES] = "share of silent synapses by minimal stimulation and failures",
    [ASSAY_MEPSC] = "frequency and amplitude of miniature currents in clamped cells",
    [ASSAY_PAIRED_PULSE_RATIO] = "second response of a pathway over the first",
    [ASSAY_WEIGHT_DISTRIBUTION] = "distribution of a variable of synapses",
    [ASSAY_CONTACTS] = "contacts on each target cell",
};
