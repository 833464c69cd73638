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
    NULL,
};
