/** Showing blocks of state to a visitor (mesocl/state.h). Names are formats, so `err` comes before them. */
#ifndef BASE_STATE_H
#define BASE_STATE_H

#include "base/status.h"
#include <mesocl/state.h>
#include <stddef.h>

/** An array; nothing when it is empty. */
meso_status state_block(const meso_state_visitor *v, void *data, size_t bytes, meso_error *err,
                        const char *name, ...) MESO_PRINTF(5, 6);
/** A variable that holds no pointer. */
#define STATE_VALUE(v, variable, err, ...)                                                         \
    state_block((v), &(variable), sizeof(variable), (err), __VA_ARGS__)
/**
 * A number that a run which goes on must have in common with the one that was saved.
 * Errors    MESO_VERSION "<what> is not that of the checkpoint"
 */
meso_status state_same(const meso_state_visitor *v, uint64_t value, meso_error *err,
                       const char *name, const char *what);

#endif
