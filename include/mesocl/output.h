/**
 * Result directories: SONATA spikes and reports, time line, summary.
 */
#ifndef MESOCL_OUTPUT_H
#define MESOCL_OUTPUT_H

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
 * What a result directory holds, as text for people (one line per file, population, series and key
 * of the summary); the caller frees it with free().
 */
MESO_API meso_status meso_output_info(const char *directory, char **text, meso_error *err);

#ifdef __cplusplus
}
#endif
#endif
