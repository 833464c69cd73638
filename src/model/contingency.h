/** What the circuit does has a consequence: spikes that meet a condition, and what comes some time later. */
#ifndef MODEL_CONTINGENCY_H
#define MODEL_CONTINGENCY_H

#include "model/distribution.h"
#include "model/drug.h"

typedef enum contingency_trigger {
    TRIGGER_COINCIDENCE, /* a spike of one neuron, at most within_ms after one of another */
    TRIGGER_SPIKES,      /* `spikes` of some neurons within_ms; they count once */
} contingency_trigger;

/* Either a pulse of a modulator or a dose of a drug. */
typedef struct contingency {
    const char *name;
    contingency_trigger trigger;
    uint32_t source, source_neuron, target,
        target_neuron; /* of a coincidence: source, then target */
    uint32_t population, n_neurons, spikes;
    const uint32_t *neurons; /* [n_neurons] ascending */
    double within_ms;
    double start_s, stop_s; /* spikes at other times do not count */
    double timeout_s;       /* neither do those so long after a trigger */
    uint32_t at_most;       /* triggers; 0: any number */
    distribution delay_s;   /* constant or uniform, in field steps; at least one */

    uint32_t pulse; /* of which compartment (compartment.pulse), or MODEL_NONE: a dose */
    double amount_nM;
    uint32_t drug;
    drug_route route;
    double dose_mg_per_kg, over_s; /* over_s 0: at once */
} contingency;

#endif
