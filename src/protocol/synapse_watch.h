/**
 * Synapses that a run reads at times of its own: sets that are followed, and snapshots of projections.
 *
 * Reading changes nothing. What has been enqueued must have been collected.
 */
#ifndef PROTOCOL_SYNAPSE_WATCH_H
#define PROTOCOL_SYNAPSE_WATCH_H

#include "base/arena.h"
#include "base/status.h"
#include "engine/simulation.h"
#include <mesocl/sink.h>

typedef struct synapse_watch synapse_watch;

/** Choose the synapses of all sets, as they are now, and describe them in `info`, which is borrowed. All of it lives in `memory`.
 *  Errors: MESO_UNSUPPORTED, where synapses are not stored. */
meso_status synapse_watch_create(const experiment *e, simulation *sim, arena *memory,
                                 meso_run_info *info, synapse_watch **out, meso_error *err);
/** First field step from `field` on before which something is read; UINT64_MAX: none. */
uint64_t synapse_watch_next(const synapse_watch *w, uint64_t field);
/** Read what is due before this field step, and tell the sinks. */
meso_status synapse_watch_read(synapse_watch *w, uint64_t field, meso_sink *const *sinks,
                               uint32_t n_sinks, meso_error *err);

#endif
