/** Tables of published findings. */
#ifndef CONFIG_TARGETS_H
#define CONFIG_TARGETS_H

#include "base/arena.h"
#include "base/status.h"
#include "model/target.h"

/**
 * Inputs    path    of a file, or builtin:validation/targets.json; its experiments are seen from its folder
 *           memory  where the table lives
 * Errors    as of an experiment, with file and line
 */
meso_status targets_load(const char *path, arena *memory, target_table *out, meso_error *err);

#endif
