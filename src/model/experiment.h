/** The whole experiment, as plain data. Built by config/load.c; read by everything above. */
#ifndef MODEL_EXPERIMENT_H
#define MODEL_EXPERIMENT_H

#include "base/arena.h"
#include "model/assay.h"
#include "model/contingency.h"
#include "model/drug.h"
#include "model/modulator.h"
#include "model/neuron_model.h"
#include "model/population.h"
#include "model/projection.h"
#include "model/protocol.h"
#include "model/recording.h"
#include "model/stimulus.h"
#include <mesocl/experiment.h>

struct meso_experiment {
    arena *memory; /* everything below lives here */
    const char *path, *title;
    const char *json; /* merged, with defaults */
    uint64_t seed;
    double dt_ms;         /* part of the model: 0.1 */
    double field_step_ms; /* of modulators, receptors and stimulus rates: 1 */

    const neuron_model *models; /* those that populations use */
    uint32_t n_models;
    const neuron_model *currents; /* those that stimuli use */
    uint32_t n_currents;
    const neuron_model *rules; /* those that projections learn by */
    uint32_t n_rules;
    const population *populations;
    uint32_t n_populations;
    const projection *projections;
    uint32_t n_projections;
    const stimulus *stimuli;
    uint32_t n_stimuli;
    const modulator *modulators;
    uint32_t n_modulators;
    const receptor *receptors;
    uint32_t n_receptors;
    const drug *drugs;
    uint32_t n_drugs;
    const phase *phases; /* contiguous in time */
    uint32_t n_phases;
    const dose *doses; /* sorted by time */
    uint32_t n_doses;
    double duration_s;
    const contingency *contingencies;
    uint32_t n_contingencies;
    uint32_t n_pulsed; /* compartments of modulators that they pulse */
    recording record;
    const assay *assays;
    uint32_t n_assays;
};
typedef struct meso_experiment experiment;

/** Tells experiments apart: of the merged text, the models' and rules' own texts, and the spikes that are played. */
uint64_t experiment_fingerprint(const experiment *e);

/** Numbers that a field step gets from the host: free levels of all drugs, then what each pulsed compartment gets. */
static inline uint32_t experiment_n_levels(const experiment *e)
{
    return e->n_drugs + e->n_pulsed;
}

/** Number i of all that the experiment uses: models, currents, rules; NULL behind the last. */
const neuron_model *experiment_model(const experiment *e, uint32_t i);
/** Index of the compartment of `modulator` in `region`, or MODEL_NONE. */
uint32_t modulator_compartment(const modulator *m, const char *region);
/** Does anything look at single synapses of this projection? */
bool experiment_reads_synapses(const experiment *e, uint32_t projection_index);
/** The grid in which a receptor's modulator is in `region`, or NULL; `compartment` (may be NULL) gets its index. */
const voxel_grid *receptor_grid(const experiment *e, uint32_t receptor_index, const char *region,
                                uint32_t *compartment);

#endif
