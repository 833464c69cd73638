/**
 * An experiment: what is simulated, how long, with which drugs, and what is recorded.
 *
 * Loaded from JSON, merged with its parents and overrides, validated, and immutable from then on.
 */
#ifndef MESOCL_EXPERIMENT_H
#define MESOCL_EXPERIMENT_H

#include <mesocl/status.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct meso_experiment meso_experiment;

/**
 * Load the experiment at `path`: a file, or one that is compiled in, "builtin:configs/baseline.json".
 *
 * Inputs    overrides [n_overrides]  "path=value" texts, applied last, in order; value is JSON, or a
 *                                    bare word that is taken as a string
 * Outputs   experiment               owned by the caller, freed with meso_experiment_destroy
 * Errors    MESO_CONFIG, MESO_UNIT, MESO_RANGE, MESO_NOT_FOUND, MESO_IO; `err` names file, line, JSON
 *           path, value, what is allowed and the nearest valid name
 */
MESO_API meso_status meso_experiment_load(const char *path, const char *const *overrides,
                                          uint32_t n_overrides, meso_experiment **experiment,
                                          meso_error *err);
/**
 * Load an experiment from memory.
 *
 * Inputs    name     of the text in messages, in the place of a path
 *           content  JSON; `extends` and neuron models are looked for from the working directory
 * Outputs and errors as for meso_experiment_load
 */
MESO_API meso_status meso_experiment_load_text(const char *name, const char *content,
                                               const char *const *overrides, uint32_t n_overrides,
                                               meso_experiment **experiment, meso_error *err);
MESO_API void meso_experiment_destroy(meso_experiment **experiment);

/** The merged experiment with every default, as JSON text; owned by the experiment. */
MESO_API const char *meso_experiment_json(const meso_experiment *experiment);
/** The JSON Schema (draft 7) of an experiment; the caller frees it with free(). */
MESO_API meso_status meso_experiment_schema(char **json, meso_error *err);

#ifdef __cplusplus
}
#endif
#endif
