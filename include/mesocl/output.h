/**
 * Result directories: SONATA spikes and reports, time line, summary.
 */
#ifndef MESOCL_OUTPUT_H
#define MESOCL_OUTPUT_H

#include <mesocl/experiment.h>
#include <mesocl/simulation.h>
#include <mesocl/sink.h>
#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * A sink that writes a result directory. Nothing is created before the run begins.
 *
 * Inputs    directory  made when missing; refused when not empty unless `force`, which removes the files
 *                      that an earlier run wrote there, and nothing else
 * Outputs   sink       owned by the caller, freed with meso_output_destroy
 * Errors    MESO_IO
 */
MESO_API meso_status meso_output_create(const char *directory, bool force, meso_sink **sink,
                                        meso_error *err);
MESO_API void meso_output_destroy(meso_sink **sink);

/**
 * A sink that goes on with the directory of a run that was stopped or killed. Its files become what they were at the last
 * checkpoint when the run begins, and in the end hold the same values as those of a run in one sitting.
 *
 * Inputs    experiment  the one that was run, unchanged
 * In, out   options     `resume` is set, and points into the sink; numbers of the layout that are 0 become those of the
 *                       run before. Without a checkpoint `resume` is NULL: the run starts again
 * Outputs   sink        as above; NULL when the directory holds all results of the experiment: nothing is left to do
 * Errors    MESO_VERSION when the checkpoint is another experiment's or another version's; MESO_FORMAT; MESO_IO
 */
MESO_API meso_status meso_output_resume(const char *directory, const meso_experiment *experiment,
                                        meso_run_options *options, meso_sink **sink,
                                        meso_error *err);

/**
 * What a result directory holds, as text for people (one line per file, population, series and key
 * of the summary); the caller frees it with free().
 */
MESO_API meso_status meso_output_info(const char *directory, char **text, meso_error *err);

#ifdef __cplusplus
}
#endif
#endif
