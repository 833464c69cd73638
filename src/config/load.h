/** From JSON text to the model. cJSON lives in this folder only. */
#ifndef CONFIG_LOAD_H
#define CONFIG_LOAD_H

#include "base/status.h"
#include "model/experiment.h"
#include "model/neuron_model.h"

/**
 * Load a neuron model by name: <name>.json and <name>.clh beside the experiment (`directory`, may
 * be NULL), else the built-in pair. Strings live in `memory`.
 */
meso_status config_load_neuron_model(const char *name, const char *directory, arena *memory,
                                     const neuron_model **model, meso_error *err);
/** The same for a current that stimuli inject. */
meso_status config_load_current(const char *name, const char *directory, arena *memory,
                                const neuron_model **model, meso_error *err);
/** The same for a rule of long-term plasticity. */
meso_status config_load_rule(const char *name, const char *directory, arena *memory,
                             const neuron_model **model, meso_error *err);

#endif
