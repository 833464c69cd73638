/**
 * All that a run carries from one moment to the next, as named blocks of bytes.
 *
 * The run shows its blocks to a visitor, always the same ones in the same order. One that saves keeps what they
 * hold; one that fills puts back what an earlier run's blocks held. A file is one way to keep them (output.h).
 */
#ifndef MESOCL_STATE_H
#define MESOCL_STATE_H

#include <mesocl/status.h>
#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct meso_state_visitor {
    void *self;
    bool fills; /* blocks with what was kept; else keeps what they hold */
    /** Names are unique, and may have parts: "device/input ring". */
    meso_status (*block)(void *self, const char *name, void *data, uint64_t bytes, meso_error *err);
} meso_state_visitor;

/** The state of a run that stands still; see meso_sink.checkpoint. */
typedef struct meso_state {
    void *self;
    double time_s; /* simulated, leaps not counted */
    meso_status (*visit)(void *self, const meso_state_visitor *visitor, meso_error *err);
} meso_state;

#ifdef __cplusplus
}
#endif
#endif
