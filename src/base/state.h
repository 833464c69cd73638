/** Showing blocks of state to a visitor (mesocl/state.h). */
#ifndef BASE_STATE_H
#define BASE_STATE_H

#include "base/status.h"
#include <mesocl/state.h>
#include <stddef.h>

/** An array; nothing when it is empty. */
meso_status state_block(const meso_state_visitor *v, const char *name, void *data, size_t bytes,
                        meso_error *err);
/** A variable that holds no pointer. */
#define STATE_VALUE(v, name, variable, err)                                                        \
    state_block((v), (name), &(variable), sizeof(variable), (err))
/**
 * A number that a run which goes on must have in common with the one that was saved.
 * Errors    MESO_VERSION "<what> is not that of the checkpoint"
 */
meso_status state_same(const meso_state_visitor *v, const char *name, uint64_t value,
                       const char *what, meso_error *err);

#endif
